"""What a message says of a report: three figures and the worst three. Shares as whole milliseconds, to be cut later."""

from typing import TypedDict

from api.issued.cards import Cards, cards_of
from api.reports.figures import Share
from api.reports.pdf.facts import facts
from api.reports.report import Report

__all__ = ["Summary", "Worst", "share_of", "summary_of"]

_WORST = 3


class Worst(TypedDict):
    """A facility that missed its target. `failed`: ms that are not excused."""

    facility: str
    village: str
    low: list[int]
    failed: int


class Summary(TypedDict):
    """`low`, `measured`, `unknown`: parts and wholes, ms. `facilities`: how many were judged; `below`: failed.

    `cards`: the scorecards, with which those of the next revision are compared.
    """

    low: list[int]
    measured: list[int]
    unknown: list[int]
    facilities: int
    below: int
    worst: list[Worst]
    cards: Cards


def summary_of(report: Report) -> Summary:
    """Returns the summary of a report."""
    found = facts(report)
    everything, time = found.everything, found.everything.availability
    return {
        "low": _pair(everything.low),
        "measured": _pair(everything.measured),
        "unknown": [time.unknown, time.required],
        "facilities": everything.facilities,
        "below": len(found.below),
        "worst": [
            {
                "facility": one.facility.name,
                "village": one.village.name,
                "low": _pair(one.figures.low),
                "failed": one.figures.availability.failed - one.figures.availability.excused_failed,
            }
            for one in found.below[:_WORST]
        ],
        "cards": cards_of(report.beside.scorecards),
    }


def share_of(stored: object) -> Share:
    """Returns the share of a stored pair; a share of nothing where there is none."""
    if isinstance(stored, list) and len(stored) == 2 and all(isinstance(part, int) for part in stored):
        return Share(*stored)
    return Share(0, 0)


def _pair(share: Share) -> list[int]:
    return [share.part, share.whole]
