"""How many lines a server takes in one request, and how long such a request may take: learned from those before."""

from threading import Lock

__all__ = ["Pace"]

FIRST, MOST = 1_000, 25_000
"""Lines of the first request and of the largest: 25,000 are about 4 MB, where InfluxDB takes 25 MB."""
AIM = 1.5
"""Seconds that a request should take at most. Larger requests are no cheaper, and others wait for them."""
BASE, PATIENCE, LONGEST = 8.0, 4.0, 30.0
"""Seconds that a request may take: `BASE` for a server that is busy with something else, and `PATIENCE` times what
requests of its size took of late, together at most `LONGEST`."""
FEWEST_BEFORE, MOST_BEFORE = 4, 64
"""Requests that have to succeed before a size is tried again that timed out: at first, and after many failures."""
UNKNOWN = 0.001
"""Seconds that a line is expected to take before the first answer: the speed of an InfluxDB on an SD card."""


class Pace:
    """The pace of one server. All writes to it share one; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lines = FIRST
        self._most = MOST
        self._each: float | None = None
        self._failed: int | None = None
        self._before = self._to_go = 0

    @property
    def lines(self) -> int:
        """How many lines to put into the next request."""
        return self._lines

    def allowed(self, lines: int) -> float:
        """Return how many seconds a request of that many lines may take."""
        each = UNKNOWN if self._each is None else self._each
        return min(LONGEST, BASE + PATIENCE * each * lines)

    def took(self, lines: int, seconds: float) -> None:
        """Learn from a request that was answered: a quick one doubles the size, a slow one shrinks it.

        A size that timed out is tried again after some requests, the more the oftener that went wrong.
        """
        with self._lock:
            each = seconds / lines
            self._each = each if self._each is None else (self._each + each) / 2
            if self._failed is not None and lines >= self._failed:
                self._failed, self._before = None, 0
            if seconds > 2 * AIM:
                self._lines = max(1, min(self._lines, int(lines * AIM / seconds)))
            elif seconds <= AIM and lines >= self._lines:
                self._grow(lines)

    def _grow(self, lines: int) -> None:
        larger = min(self._most, 2 * lines)
        self._to_go -= 1
        if self._failed is None or larger < self._failed or self._to_go <= 0:
            self._lines = larger

    def timed_out(self, lines: int, seconds: float) -> None:
        """Learn from a request that was not answered in time: the next is half as large."""
        with self._lock:
            self._failed = lines if self._failed is None else min(lines, self._failed)
            self._before = self._to_go = min(MOST_BEFORE, max(FEWEST_BEFORE, 2 * self._before))
            self._each = max(self._each or 0.0, seconds / lines)
            self._lines = min(self._lines, max(1, lines // 2))

    def too_large(self, lines: int) -> None:
        """Learn that something on the way takes no request of that many lines, now or later."""
        with self._lock:
            self._most = self._lines = max(1, min(self._most, lines // 2))
