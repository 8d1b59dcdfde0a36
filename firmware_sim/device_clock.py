"""A cheap device's clock: it starts in 1970, is set by NTP after joining the network (or never), and drifts."""

import random

from firmware_sim.wire import Stamp

__all__ = ["DeviceClock"]

SECOND, HOUR = 1_000, 3_600_000
NTP_ANSWERS = (0.2 * SECOND, 6 * SECOND)
"""Time from joining the network to the first NTP answer, ms: shortest and longest."""
NTP_EVERY = HOUR
"""The NTP interval of firmware, ms."""
CRYSTAL = 40e-6
"""The largest drift of a crystal without compensation: 40 ppm."""


class DeviceClock:
    """The clock of one device, from its first boot. Times in ms."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._off = chance.uniform(-CRYSTAL, CRYSTAL)
        self._booted = 0
        self._set_at: int | None = None
        self.boots = 0

    def boot(self, now: int) -> None:
        """Restart: the clock loses the time."""
        self.boots += 1
        self._booted = now
        self._set_at = None

    def joined(self, now: int) -> None:
        """Note that the device has joined the network, and asks for the time."""
        if self._set_at is None:
            self._set_at = now + int(self._chance.uniform(*NTP_ANSWERS))

    def stamp(self, now: int, *, never: bool) -> Stamp:
        """Returns what the clock reads at a moment. `never`: NTP never answered, so it counts from 1970."""
        uptime = max(0, now - self._booted)
        if never or self._set_at is None or now < self._set_at:
            return Stamp(uptime, set=False, uptime=uptime, boots=self.boots)
        since = (now - self._set_at) % NTP_EVERY
        return Stamp(now + round(since * self._off), set=True, uptime=uptime, boots=self.boots)
