"""Adapts the size and timeout of write requests to a server, from earlier requests."""

from threading import Lock

__all__ = ["Pace"]

FIRST, MOST = 1_000, 25_000
"""Lines of the first and of the largest request. 25,000 are about 4 MB; InfluxDB takes 25 MB."""
AIM = 1.5
"""Seconds that a request should take at most. Larger requests are not cheaper, and others wait for them."""
BASE, PATIENCE, LONGEST = 8.0, 4.0, 30.0
"""Timeout in seconds: `BASE` for a server that is busy with other work, plus `PATIENCE` times the recent time of
requests of this size; at most `LONGEST`."""
FEWEST_BEFORE, MOST_BEFORE = 4, 64
"""Successful requests before a size that timed out is tried again: at first, and after many failures."""
UNKNOWN = 0.001
"""Seconds per line before the first answer: the speed of an InfluxDB on an SD card."""


class Pace:
    """The pace of one server, shared by all writes to it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lines = FIRST
        self._most = MOST
        self._each: float | None = None
        self._failed: int | None = None
        self._before = self._to_go = 0

    @property
    def lines(self) -> int:
        """The number of lines of the next request."""
        return self._lines

    def allowed(self, lines: int) -> float:
        """Returns the timeout of a request of that many lines, in seconds."""
        each = UNKNOWN if self._each is None else self._each
        return min(LONGEST, BASE + PATIENCE * each * lines)

    def took(self, lines: int, seconds: float) -> None:
        """Adapt to an answered request: a quick one doubles the size, a slow one shrinks it.

        A size that timed out is tried again after some successful requests; after more of them, the more often it
        failed.
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
        """Adapt to a request that timed out: the next is half as large."""
        with self._lock:
            self._failed = lines if self._failed is None else min(lines, self._failed)
            self._before = self._to_go = min(MOST_BEFORE, max(FEWEST_BEFORE, 2 * self._before))
            self._each = max(self._each or 0.0, seconds / lines)
            self._lines = min(self._lines, max(1, lines // 2))

    def too_large(self, lines: int) -> None:
        """Adapt to a request that was too large for the server or a proxy: this is now the limit."""
        with self._lock:
            self._most = self._lines = max(1, min(self._most, lines // 2))
