"""When the true state of a facility changes, and by when siaga has to know it.

siaga has to know a change with the first report of a new value: within a second for devices that report on change,
within one interval for all. Nothing else excuses an outdated state.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from siaga.verify.coverage import EVENT_LASTS, LATE
from siaga.verify.known_truth import KnownFacility, KnownTruth, Report

__all__ = ["Transition", "transitions"]

SUN = 10_000
"""The largest difference of two computations of sunset, ms: simulator and siaga have one each."""
BY_THE_SUN = frozenset({"office_lighting"})


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of the true state from `before` to `after`. Times in ms.

    siaga may have `before` until `known_by`, and `after` from `early`. `None`: the state could not be known (a sensor
    with wrong values, a lost press), so siaga may have any state.
    """

    before: str | None
    after: str | None
    early: int
    at: int
    known_by: int

    def explains(self, moment: int, state: str) -> bool:
        """Returns whether siaga may have this state at an instant because of this change."""
        late = self.at <= moment < self.known_by and self.before in (state, None)
        return late or (self.early <= moment < self.at and self.after in (state, None))


def transitions(truth: KnownTruth, facility: KnownFacility) -> list[Transition]:
    """Returns all transitions of a facility, in order of time."""
    news = [_news(truth.reports.get((facility.village, device), ())) for device in facility.devices]
    intervals = list(facility.devices.values())
    found = []
    for before, after in pairwise(facility.spans):
        was, became = (None if span.unknowable else span.state for span in (before, after))
        if was == became or after.start < truth.start:
            continue
        at, slack = after.start, truth.slack
        if facility.kind in BY_THE_SUN and "not_required" in (was, became):
            slack = max(slack, SUN)
        known = max((_known(at, some, every) for some, every in zip(news, intervals, strict=True)), default=at)
        found.append(Transition(was, became, at - slack, at, known + slack))
    return found


def _known(at: int, news: Sequence[int], every: int) -> int:
    """Returns when a device has reported a change at `at`."""
    place = bisect_left(news, at)
    latest = at + round(every * LATE)
    return min(news[place], latest) if place < len(news) else latest


def _news(reports: Sequence[Report]) -> list[int]:
    """Returns the times of acknowledged reports with a new value. A measurement always counts as new."""
    said: dict[str, object] = {}
    times = []
    for report in reports:
        values = {name: value for name, value in report.values.items() if name not in EVENT_LASTS}
        fresh = any(not isinstance(value, bool) or said.get(name) != value for name, value in values.items())
        said.update(values)
        if fresh and report.acknowledged:
            times.append(report.time)
    return times
