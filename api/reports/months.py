"""Months side by side: what each came to for the facilities, indicators or places of a scope. Pure.

A row of several facilities is the sum of their seconds, as in a report; whether a target was reached is said where the
facilities of a row share one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from api.reports.figures import Figures
from api.reports.pdf.facts import Goal, goal
from siaga.model.indicators import INDICATORS, terms
from siaga.model.scope import EVERYTHING
from siaga.model.sites import Facility, Village
from siaga.timeline.availability import Availability

__all__ = ["Cell", "Counted", "Row", "facility_rows", "indicator_rows", "place_rows", "total_row"]


@dataclass(frozen=True, slots=True)
class Counted:
    """A facility and what each month came to."""

    village: Village
    facility: Facility
    months: Sequence[Availability]


@dataclass(frozen=True, slots=True)
class Cell:
    """A month of a row: its figures, and whether the target was reached."""

    figures: Figures
    goal: Goal


@dataclass(frozen=True, slots=True)
class Row:
    """A row. `id`: of the facility (`VILLAGE/ID`) or place, or a kind. `target`: the one that its facilities share."""

    id: str
    name: str
    target: Fraction | None
    cells: Sequence[Cell]


def facility_rows(found: Sequence[Counted]) -> list[Row]:
    """Returns a row for each facility."""
    return [_row(f"{one.village.code}/{one.facility.id}", one.facility.name, [one]) for one in found]


def indicator_rows(found: Sequence[Counted], name: Callable[[str], str]) -> list[Row]:
    """Returns a row for each indicator, by its number. `name`: of a kind."""
    order = sorted({one.facility.kind for one in found}, key=lambda kind: INDICATORS[kind].number)
    return [_row(kind, name(kind), [one for one in found if one.facility.kind == kind]) for kind in order]


def place_rows(found: Sequence[Counted], scope: str, names: Mapping[str, str]) -> list[Row]:
    """Returns a row for each place below a scope: district, sub-district, village. `names`: of regions by code."""
    parts = 2 if scope == EVERYTHING else min(4, scope.count(".") + 2)

    def place(one: Counted) -> str:
        return ".".join(one.village.code.split(".")[:parts])

    rows = []
    for code, group in groupby(sorted(found, key=place), key=place):
        mine = list(group)
        rows.append(_row(code, mine[0].village.name if parts == 4 else names.get(code, code), mine))
    return rows


def total_row(found: Sequence[Counted], name: str) -> Row:
    """Returns the row of all."""
    return _row("*", name, found)


def _row(id_: str, name: str, members: Sequence[Counted]) -> Row:
    targets = {*_targets(members)}
    same_kind = len({one.facility.kind for one in members}) == 1
    target = targets.pop() if same_kind and len(targets) == 1 else None
    sums = [sum(month, Availability()) for month in zip(*(one.months for one in members), strict=True)]
    figures = [Figures(availability=one) for one in sums]
    return Row(id_, name, target, [Cell(one, goal(one, target)) for one in figures])


def _targets(members: Sequence[Counted]) -> Iterator[Fraction]:
    for one in members:
        held_to = terms(one.facility)
        if held_to is not None:
            yield Fraction(str(held_to.target))
