"""How much of time one question to an InfluxDB covers: found by what it refuses, and by what it does not get done.

Pure. A question that was too much is asked again in halves, never unchanged. InfluxDB 3 Core opens 432 files a query,
about three days; other servers answer all that they are asked, until they are loaded, or the line to them is slow.
"""

from dataclasses import dataclass

from siaga.model.clock import DAY, HOUR, MINUTE, SECOND

__all__ = ["CORE_FILES_SPAN", "SMALLEST", "TEN_YEARS", "Portion"]

CORE_FILES_SPAN = 3 * DAY - HOUR
"""Milliseconds that 432 files of ten minutes cover, with what a window that begins within one of them takes more."""
SMALLEST = 10 * MINUTE
"""Milliseconds below which no window is halved: who cannot answer for so little cannot answer."""
HOLD = 5 * MINUTE
"""Milliseconds (monotonic) for which a width that was too much for the time allowed is not tried again."""
QUICK = 5 * SECOND
"""Milliseconds within which an answer shows that a wider question would be answered in time, too."""
TEN_YEARS = 3_653 * DAY
"""Milliseconds that count as all of time."""
WIDEST = 2**62


@dataclass(slots=True)
class Portion:
    """The width of a question: of its window in milliseconds, or in villages.

    A refusal costs the server little, so a wider question is soon tried again: at once where a part held nothing, and
    after a quick answer unless `known` says that this kind of server refuses it. A timeout costs half a minute, so for
    `HOLD` no question is wider than half of the one that timed out. Not locked: of two threads that change it at once
    one wins.
    """

    width: int = WIDEST
    smallest: int = SMALLEST
    known: bool = False
    _ceiling: int = WIDEST
    _held_until: int = 0

    @property
    def whole(self) -> bool:
        """Whether all of time may be asked about at once."""
        return self.width >= TEN_YEARS

    def refused(self, width: int) -> bool:
        """Take note that a question of this width was refused; whether a smaller one may be tried."""
        self.width = max(self.smallest, min(width, self.width) // 2)
        return width > self.smallest

    def timed_out(self, width: int, monotonic: int) -> None:
        """Take note that a question of this width took too long. The next call asks in halves, not this one."""
        self.refused(width)
        self._ceiling, self._held_until = self.width, monotonic + HOLD

    def answered(self, width: int, monotonic: int, *, took: int, empty: bool) -> None:
        """Take note that a question of this width was answered after `took` ms; `empty`: it found nothing."""
        if width >= self.width and took <= QUICK and (empty or not self.known):
            ceiling = self._ceiling if monotonic < self._held_until else WIDEST
            self.width = max(self.width, min(2 * self.width, ceiling))
