"""A village's bad link: 64 kbit/s shared by all, with packet loss.

TCP turns a loss into a delay: the segment is sent again after a timeout that doubles, and the following data waits.
"""

import random

from firmware_sim.actions import Key

__all__ = ["SlowLink"]

BYTES_PER_MS = 8.0
"""64 kbit/s."""
OVERHEAD = 44
"""Bytes of TCP, IP and MQTT around a payload and its topic."""
ROUND_TRIP = (180, 700)
LOSS = 0.08
"""The share of lost segments: a busy radio link in the rain."""
TIMEOUT = 1_000
"""The first retransmission timeout, ms (RFC 6298: at least one second). It doubles."""


class SlowLink:
    """Computes when each message arrives."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._free_at = 0.0
        self._last: dict[Key, int] = {}

    def arrives(self, session: Key, size: int, now: int) -> int:
        """Returns when a message of `size` bytes, sent at `now`, arrives (ms). Messages of a session stay in order."""
        self._free_at = max(float(now), self._free_at) + (size + OVERHEAD) / BYTES_PER_MS
        moment = self._free_at + self._chance.uniform(*ROUND_TRIP) / 2
        pause = TIMEOUT
        while self._chance.random() < LOSS and pause < 32_000:
            moment += pause
            pause *= 2
        self._last[session] = max(int(moment), self._last.get(session, 0))
        return self._last[session]
