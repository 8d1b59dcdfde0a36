"""The clock interface.

Wall time decides who is notified and when. Event time, which readings have, decides what was true. No decision reads
the time from the operating system: a decision gets `now` as an argument, a service gets a `Clock`.
"""

import time
from typing import Protocol

__all__ = ["DAY", "HOUR", "MINUTE", "SECOND", "Clock", "FastClock", "ManualClock", "SystemClock"]

SECOND = 1_000
"""One second in ms, the unit of all times in siaga."""
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock(Protocol):
    """Gives wall time and monotonic time, both in whole ms."""

    def now(self) -> int:
        """Returns wall time, ms since the Unix epoch. It may jump when NTP sets the clock."""
        ...

    def monotonic(self) -> int:
        """Returns ms since an arbitrary start. It never goes back and never jumps."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> int:
        """Returns wall time, ms since the Unix epoch."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> int:
        """Returns ms since an arbitrary start."""
        return time.monotonic_ns() // 1_000_000


class FastClock:
    """A clock that starts at the machine's time and runs `speed` times faster."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._wall = time.time_ns() // 1_000_000
        self._began = time.monotonic_ns()

    def now(self) -> int:
        """Returns the accelerated wall time, ms."""
        return self._wall + self.monotonic()

    def monotonic(self) -> int:
        """Returns the accelerated ms since the clock was made."""
        return int((time.monotonic_ns() - self._began) * self._speed) // 1_000_000


class ManualClock:
    """A clock that moves only when it is told to, for simulation and tests."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._monotonic = 0

    def now(self) -> int:
        """Returns the current wall time, ms."""
        return self._now

    def monotonic(self) -> int:
        """Returns the ms advanced since the clock was made, without jumps of the wall clock."""
        return self._monotonic

    def advance(self, milliseconds: int) -> None:
        """Advance both times."""
        self._now += milliseconds
        self._monotonic += milliseconds

    def jump(self, milliseconds: int) -> None:
        """Move the wall clock forward or back, as NTP does. Monotonic time stays."""
        self._now += milliseconds
