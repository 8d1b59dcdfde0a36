"""A cheap device's clock: it starts in 1970, is set by NTP some time after joining (or never), and drifts between."""

import random

from firmware_sim.wire import Stamp

__all__ = ["DeviceClock"]

SECOND, HOUR = 1_000, 3_600_000
NTP_ANSWERS = (0.2 * SECOND, 6 * SECOND)
"""After joining the network; where the link is bad it takes longer."""
NTP_EVERY = HOUR
"""How often firmware asks again."""
CRYSTAL = 40e-6
"""Parts per million that a crystal without compensation is off, at most."""


class DeviceClock:
    """The clock of one device, from its first boot on."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._off = chance.uniform(-CRYSTAL, CRYSTAL)
        self._booted = 0
        self._set_at: int | None = None
        self.boots = 0

    def boot(self, now: int) -> None:
        """Start again: what it knew of time is gone."""
        self.boots += 1
        self._booted = now
        self._set_at = None

    def joined(self, now: int) -> None:
        """It has a network, and asks for the time."""
        if self._set_at is None:
            self._set_at = now + int(self._chance.uniform(*NTP_ANSWERS))

    def stamp(self, now: int, *, never: bool) -> Stamp:
        """What it knows at a moment; `never`: nobody answers it, and it counts from 1970."""
        uptime = max(0, now - self._booted)
        if never or self._set_at is None or now < self._set_at:
            return Stamp(uptime, set=False, uptime=uptime, boots=self.boots)
        since = (now - self._set_at) % NTP_EVERY
        return Stamp(now + round(since * self._off), set=True, uptime=uptime, boots=self.boots)
