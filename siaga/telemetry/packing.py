"""Decides whether the bodies of writes are compressed: only where the line is slow.

Compressing costs the collector a tenth of its work, and the server as much again. The address does not tell: a tunnel
to a distant server begins on this machine, and a container beside it has an address of its own. So it is measured.
"""

from threading import Lock

from siaga.model.clock import HOUR, MINUTE, Clock
from siaga.telemetry.pace import MOST

__all__ = ["Packing"]

TELLING = 500
"""Lines of the smallest request from which a speed is taken. Of a smaller one, most is waiting for the answer."""
QUICK = 40e-6
"""Seconds per line up to which a line and its server are quick. A line that carries 120 bytes in that time carries 3
MB/s; a server takes some 10 µs."""
TRIAL = 1_000
"""Lines of the first uncompressed request at most: on the slowest line that could be tried, it takes 0.3 s."""
FIRST_PAUSE, LONGEST_PAUSE = MINUTE, HOUR
"""How long bodies are compressed after an uncompressed one that was slow, ms (monotonic): at first, and at most."""


class Packing:
    """The way of one server's bodies. It starts compressed, and changes after a quick request. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._plain = self._proven = False
        self._pause, self._not_before = FIRST_PAUSE, 0

    @property
    def packs(self) -> bool:
        """Whether the next request is compressed."""
        return not self._plain

    @property
    def lines(self) -> int:
        """Lines of the next request at most."""
        return TRIAL if self._plain and not self._proven else MOST

    def took(self, lines: int, seconds: float, *, packed: bool) -> None:
        """Note how long a request took, also one that was not answered in time."""
        if lines < TELLING:
            return
        with self._lock:
            quick = seconds <= QUICK * lines
            now = self._clock.monotonic()
            if packed:
                self._plain = self._plain or (quick and now >= self._not_before)
            elif quick:
                self._proven, self._pause = True, FIRST_PAUSE
            else:
                self._plain = self._proven = False
                self._not_before, self._pause = now + self._pause, min(2 * self._pause, LONGEST_PAUSE)
