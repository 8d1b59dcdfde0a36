"""Whether the complaints of a village are answered: evidence for indicator 14, the complaints box. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from siaga.model.intervals import Interval
from siaga.timeline.verdict import Verdict

__all__ = ["LOOKED_BACK", "Asked", "Box", "box_of"]

LOOKED_BACK = 30
"""Days up to the date of a scorecard, that one included: what was open in them is counted."""

Asked = tuple[int, int | None]
"""When a complaint was made, and when it was closed, ms; `None`: it has not been."""


@dataclass(frozen=True, slots=True)
class Box:
    """The complaints of a village that were open in some days, without those that were rejected.

    `answered`: how many of them had been closed by the end of these days. `longest`: how long one waited by then, ms.
    `within`: how long one may wait by the district's rule, ms; `None`: there is no such rule.
    """

    complaints: int
    answered: int
    longest: int
    within: int | None

    @property
    def verdict(self) -> Verdict:
        """By the rule: met where one was answered and none waited too long; unjudged without a rule or an answer."""
        if self.within is None:
            return Verdict.UNJUDGED
        if self.longest > self.within:
            return Verdict.MISSED
        return Verdict.MET if self.answered else Verdict.UNJUDGED


def box_of(complaints: Iterable[Asked], days: Interval, within: int | None) -> Box | None:
    """Returns what is to be said of a village's complaints; `None`: none was open in these days, ms."""
    start, end = days
    open_ = [
        (made, None if closed is None or closed >= end else closed)
        for made, closed in complaints
        if made < end and (closed is None or closed >= start)
    ]
    if not open_:
        return None
    longest = max((end if closed is None else closed) - made for made, closed in open_)
    return Box(len(open_), sum(closed is not None for _, closed in open_), longest, within)
