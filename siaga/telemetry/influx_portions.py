"""The width of one InfluxDB query, in time or in villages, adapted to the server's refusals and timeouts. Pure.

A query that was too much is repeated in halves, never unchanged. InfluxDB 3 Core opens at most 432 files per query,
about three days. Other servers answer any query, unless they are busy or the line is slow.
"""

from dataclasses import dataclass

from siaga.model.clock import DAY, HOUR, MINUTE, SECOND

__all__ = ["CORE_FILES_SPAN", "SMALLEST", "TEN_YEARS", "Portion"]

CORE_FILES_SPAN = 3 * DAY - HOUR
"""A window within 432 files of ten minutes, ms, with a margin for one that begins within a file."""
SMALLEST = 10 * MINUTE
"""The smallest window, ms: a server that cannot answer for this cannot answer at all."""
HOLD = 5 * MINUTE
"""How long a width that timed out is not tried again, ms (monotonic)."""
QUICK = 5 * SECOND
"""An answer within this time shows that a wider query would be in time, too, ms."""
TEN_YEARS = 3_653 * DAY
"""A window of this length counts as all of time, ms."""
WIDEST = 2**62


@dataclass(slots=True)
class Portion:
    """The width of a query: its window in ms, or its number of villages.

    A refusal is cheap, so a wider query is soon tried again: after a quick answer, if it was empty or unless `known`
    says that this kind of server refuses more. A timeout costs half a minute, so for `HOLD` no query is wider than half
    of the one that timed out. Not locked: if two threads change it at once, one wins.
    """

    width: int = WIDEST
    smallest: int = SMALLEST
    known: bool = False
    _ceiling: int = WIDEST
    _held_until: int = 0

    @property
    def whole(self) -> bool:
        """Whether one query may cover all of time."""
        return self.width >= TEN_YEARS

    def refused(self, width: int) -> bool:
        """Note that a query of this width was refused. Returns whether a smaller one may be tried."""
        self.width = max(self.smallest, min(width, self.width) // 2)
        return width > self.smallest

    def timed_out(self, width: int, monotonic: int) -> None:
        """Note that a query of this width timed out. The next call uses half of it; this call fails."""
        self.refused(width)
        self._ceiling, self._held_until = self.width, monotonic + HOLD

    def answered(self, width: int, monotonic: int, *, took: int, empty: bool) -> None:
        """Note that a query of this width was answered in `took` ms. `empty`: it found nothing."""
        if width >= self.width and took <= QUICK and (empty or not self.known):
            ceiling = self._ceiling if monotonic < self._held_until else WIDEST
            self.width = max(self.width, min(2 * self.width, ceiling))
