"""What a report for people shows beside its rows: links, blank spots, attestations, scorecards. Pure; milliseconds.

The figures are those of `GET /links`, `/attestations` and `/scorecard`: made by the same functions, for the same time.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from api.attestations.scorecard import Scorecard
from api.complaints.figures import ComplaintFigures
from api.queries.attestations import Kept
from api.queries.links import LinkFigures
from siaga.model.intervals import Interval
from siaga.timeline.maintenance import MaintenanceWindow

__all__ = ["Beside", "Line", "LinkSum", "Maintenance", "line_of", "sums"]


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A maintenance that somebody declared, and why."""

    window: MaintenanceWindow
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Of the villages of a report. `links_before`: of the period before, where there is one.

    `heard_from`: by village, event time of the first reading of one of its devices, ms. `attestations`: all that are
    in force on a date of the period, withdrawn ones too. `scorecards`: at the last date of the period that is over.
    `complaints`: of the facilities that citizens complained of in the period. `maintenance`: declared, not taken back.
    """

    links: Sequence[LinkFigures] = ()
    links_before: Mapping[str, LinkFigures] = field(default_factory=dict)
    heard_from: Mapping[str, int] = field(default_factory=dict)
    attestations: Sequence[Kept] = ()
    scorecards: Sequence[Scorecard] = ()
    complaints: Sequence[ComplaintFigures] = ()
    maintenance: Sequence[Maintenance] = ()


class Line(StrEnum):
    """Whether a village could be heard in a period. The last two are blank spots."""

    HEARD = "heard"
    NO_LINE = "no_line"
    """Nothing arrived in all of it."""
    NEVER = "never"
    """Nothing had arrived until its end."""


def line_of(figures: LinkFigures | None, heard_from: int | None, window: Interval) -> Line | None:
    """Returns whether a village could be heard in a window, up to now at the latest; `None`: not known."""
    if figures is None:
        return None
    if figures.blank or (heard_from is not None and heard_from >= window[1]):
        return Line.NEVER
    return Line.NO_LINE if figures.cut >= window[1] - window[0] else Line.HEARD


@dataclass(frozen=True, slots=True)
class LinkSum:
    """The links of several villages: sums, and the longest cut of all. `never`: how many had never been heard."""

    key: str
    villages: int
    cut: int
    cuts: int
    longest_cut: int
    dark: int
    never: int


def sums(links: Sequence[LinkFigures], never: Container[str], key: Callable[[str], str | None]) -> list[LinkSum]:
    """Returns the sums of villages that have a key in common, by key.

    Args:
        links: the villages.
        never: the codes of those that had not been heard by the end of the period (`Line.NEVER`).
        key: of a village's code; `None`: of none.
    """
    members: dict[str, list[LinkFigures]] = {}
    for one in links:
        found = key(one.village)
        if found is not None:
            members.setdefault(found, []).append(one)
    return [
        LinkSum(
            found,
            len(each),
            sum(one.cut for one in each),
            sum(one.cuts for one in each),
            max(one.longest_cut for one in each),
            sum(one.dark for one in each),
            sum(one.village in never for one in each),
        )
        for found, each in sorted(members.items())
    ]
