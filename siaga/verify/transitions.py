"""When the truth of a facility changes, and by when that had reached siaga.

A change is known with the first report that says something new: within a second from a device that reports on change,
within one reporting interval from any. Nothing else excuses that siaga says what was so before.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from siaga.verify.coverage import EVENT_LASTS, LATE
from siaga.verify.known_truth import KnownFacility, KnownTruth, Report

__all__ = ["Transition", "transitions"]

SUN = 10_000
"""Milliseconds by which two computations of a sunset may differ: simulator and siaga compute each for itself."""
BY_THE_SUN = frozenset({"office_lighting"})


@dataclass(frozen=True, slots=True)
class Transition:
    """The truth became `after` at `at`. siaga may say `before` until `known_by`, and `after` from `early` on, ms.

    None: nobody could know what was so, as a sensor lied or a press got lost; siaga may have said anything.
    """

    before: str | None
    after: str | None
    early: int
    at: int
    known_by: int

    def explains(self, moment: int, state: str) -> bool:
        """Whether siaga may say this state at an instant because of it."""
        late = self.at <= moment < self.known_by and self.before in (state, None)
        return late or (self.early <= moment < self.at and self.after in (state, None))


def transitions(truth: KnownTruth, facility: KnownFacility) -> list[Transition]:
    """All of a facility, in order of time."""
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
    """When a device has said what changed at `at`."""
    place = bisect_left(news, at)
    latest = at + round(every * LATE)
    return min(news[place], latest) if place < len(news) else latest


def _news(reports: Sequence[Report]) -> list[int]:
    """When a device said something that it had not said before. What it measures is new each time."""
    said: dict[str, object] = {}
    times = []
    for report in reports:
        values = {name: value for name, value in report.values.items() if name not in EVENT_LASTS}
        fresh = any(not isinstance(value, bool) or said.get(name) != value for name, value in values.items())
        said.update(values)
        if fresh and report.acknowledged:
            times.append(report.time)
    return times
