"""What the document says of a report beside its rows: totals of kinds, verdicts against targets, the worst."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from api.reports.facility import JudgedFacility, Outage
from api.reports.figures import Figures, total
from api.reports.report import Report
from siaga.model.indicators import INDICATORS
from siaga.model.sites import Village
from siaga.timeline.availability import Availability

__all__ = ["Facts", "Goal", "KindTotal", "facts", "goal"]


class Goal(StrEnum):
    """Whether a target was reached, in three values: what is not known may decide it."""

    ACHIEVED = "achieved"
    MISSED = "missed"
    OPEN = "open"
    NONE = "none"
    """There is no one target, or nothing that counts."""


def goal(figures: Figures, target: Fraction | None) -> Goal:
    """Returns whether the target was reached, from whole milliseconds and never from a cut percentage."""
    low = figures.low
    if target is None or not low.whole:
        return Goal.NONE
    if low.part >= target * low.whole:
        return Goal.ACHIEVED
    return Goal.MISSED if figures.budget(target).left < 0 else Goal.OPEN


@dataclass(frozen=True, slots=True)
class KindTotal:
    """All facilities of one kind: the sum of their seconds, their target where they share one, earlier periods."""

    kind: str
    figures: Figures
    target: Fraction | None
    before: Availability | None
    a_year_ago: Availability | None


@dataclass(frozen=True, slots=True)
class Facts:
    """`below`: facilities that missed their target, the furthest from it first; `longest`: outages, longest first."""

    everything: Figures
    kinds: Sequence[KindTotal]
    goals: Mapping[Goal, int]
    below: Sequence[JudgedFacility]
    longest: Sequence[Outage]
    by_village: Mapping[str, Sequence[JudgedFacility]]
    not_judged: Sequence[Village]


def facts(report: Report) -> Facts:
    """Returns the facts of a report."""
    kinds: dict[str, list[JudgedFacility]] = defaultdict(list)
    by_village: dict[str, list[JudgedFacility]] = defaultdict(list)
    goals = dict.fromkeys(Goal, 0)
    below = []
    for one in report.facilities:
        kinds[one.facility.kind].append(one)
        by_village[one.village.code].append(one)
        found = goal(one.figures, target_of(one))
        goals[found] += 1
        if found is Goal.MISSED:
            below.append(one)
    below.sort(key=lambda one: (Fraction(one.figures.high.part, one.figures.high.whole) - target_of(one), one.name))
    return Facts(
        total(one.figures for one in report.facilities),
        [_kind(kind, kinds[kind]) for kind in sorted(kinds, key=lambda kind: INDICATORS[kind].number)],
        goals,
        below,
        sorted(report.outages, key=lambda one: (-one.lasts, one.start, one.facility)),
        by_village,
        [village for village in report.villages if village.code not in by_village],
    )


def target_of(one: JudgedFacility) -> Fraction:
    """A facility's target, as it was written."""
    return Fraction(str(one.held_to.target))


def _kind(kind: str, members: Sequence[JudgedFacility]) -> KindTotal:
    targets = {target_of(one) for one in members}
    return KindTotal(
        kind,
        total(one.figures for one in members),
        targets.pop() if len(targets) == 1 else None,
        _sum([one.history.before for one in members]),
        _sum([one.history.a_year_ago for one in members]),
    )


def _sum(parts: Sequence[Availability | None]) -> Availability | None:
    found = [part for part in parts if part is not None]
    return sum(found, Availability()) if found else None
