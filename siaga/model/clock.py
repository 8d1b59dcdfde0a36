"""The clock that everything which needs the time is given.

Wall time decides who is told and when; event time, which readings carry, decides what was true. Neither is read
from the operating system by a decision: a decision gets `now` as an argument, a service gets a `Clock`.
"""

import time
from typing import Protocol

__all__ = ["DAY", "HOUR", "MINUTE", "SECOND", "Clock", "FastClock", "ManualClock", "SystemClock"]

SECOND = 1_000
"""One second in the unit of all times inside siaga, the millisecond."""
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock(Protocol):
    """Tells wall time and a time that never goes back, both in whole milliseconds."""

    def now(self) -> int:
        """Milliseconds since the Unix epoch, by the wall clock: it may jump when NTP sets it."""
        ...

    def monotonic(self) -> int:
        """Milliseconds since an arbitrary start; never goes back, never jumps."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> int:
        """Wall time in milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> int:
        """Milliseconds since an arbitrary start."""
        return time.monotonic_ns() // 1_000_000


class FastClock:
    """A clock that shows the machine's time when it is made, and runs `speed` times faster from then on."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._wall = time.time_ns() // 1_000_000
        self._began = time.monotonic_ns()

    def now(self) -> int:
        """Wall time in milliseconds, as it would be had time run so fast."""
        return self._wall + self.monotonic()

    def monotonic(self) -> int:
        """Milliseconds of its own since the clock was made."""
        return int((time.monotonic_ns() - self._began) * self._speed) // 1_000_000


class ManualClock:
    """A clock that stands until it is moved: for simulation and tests."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._monotonic = 0

    def now(self) -> int:
        """Wall time in milliseconds, as last set."""
        return self._now

    def monotonic(self) -> int:
        """Milliseconds advanced since the clock was made; a jump of the wall clock is not in it."""
        return self._monotonic

    def advance(self, milliseconds: int) -> None:
        """Let time pass on both clocks."""
        self._now += milliseconds
        self._monotonic += milliseconds

    def jump(self, milliseconds: int) -> None:
        """Set the wall clock forward or back, as NTP does, without time passing."""
        self._now += milliseconds
