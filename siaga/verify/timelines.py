"""Compares siaga's timeline and availability of one facility with the truth."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from siaga.verify.answers import Availability, ToldSpan
from siaga.verify.coverage import Coverage, FacilityCoverage, Stretch, merged
from siaga.verify.known_truth import KnownFacility, KnownSpan, KnownTruth
from siaga.verify.transitions import Transition, transitions

__all__ = ["FacilityFigures", "Piece", "compare_timeline", "pieces"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A period in which nothing changes: the truth (`so`), siaga's answer (`told`), and what siaga could know."""

    start: int
    end: int
    so: KnownSpan
    told: ToldSpan | None
    coverage: Coverage
    heard: bool
    perhaps_heard: bool
    last_said: list[int]
    event_lost: bool


@dataclass(frozen=True, slots=True)
class FacilityFigures:
    """The comparison of one facility, in seconds.

    `wrong`: siaga had a wrong state, although it could know better.
    `misplaced`: the part of `wrong` that is not the delay of a change.
    `allowed`: all such delays, from each change until it was reported; at most one interval each.
    `held`: siaga had a wrong state because of an earlier value that was still valid, or of a silence that is a failure.
    `unexplained`: siaga did not know what had been reported.
    `interval`: the reporting interval.
    `disagreement`: the difference between the API's availability and its own timeline.
    `wrong_at`: when `misplaced` first occurred.
    """

    facility: str
    kind: str
    judged: float
    failed: float
    told_failed: float
    told_unknown: float
    wrong: float
    misplaced: float
    held: float
    unexplained: float
    allowed: float
    transitions: int
    interval: float
    disagreement: float
    wrong_at: float | None

    @property
    def agrees(self) -> bool:
        """Returns whether every state in siaga was right, or could not be known."""
        return self.misplaced == 0 and self.unexplained == 0 and self.disagreement < 0.002


def pieces(truth: KnownTruth, facility: KnownFacility, told: Sequence[ToldSpan]) -> Iterator[Piece]:
    """Yields the run in pieces, from when the facility was first heard."""
    coverage = FacilityCoverage(truth, facility)
    if coverage.first is None:
        return
    start, end = max(coverage.first, truth.start), truth.end
    moments = {start, end, *coverage.moments()}
    moments |= {moment for span in facility.spans for moment in (span.start, span.end)}
    moments |= {m for change in transitions(truth, facility) for m in (change.early, change.at, change.known_by)}
    moments |= {moment for span in told for moment in (span.start, span.end)}
    ordered = sorted(moment for moment in moments if start <= moment <= end)
    truth_starts = [span.start for span in facility.spans]
    told_starts = [span.start for span in told]
    for begin, until in pairwise(ordered):
        so = facility.spans[max(0, bisect_right(truth_starts, begin) - 1)]
        place = bisect_right(told_starts, begin) - 1
        said = told[place] if place >= 0 and begin < told[place].end else None
        yield Piece(
            begin,
            until,
            so,
            said,
            coverage.at(begin),
            coverage.heard(begin),
            coverage.perhaps_heard(begin),
            coverage.last_said(begin),
            coverage.event_lost(begin),
        )


def compare_timeline(
    truth: KnownTruth, facility: KnownFacility, told: Sequence[ToldSpan], availability: Availability | None
) -> FacilityFigures:
    """Returns the comparison of one facility."""
    changes = transitions(truth, facility)
    sums = dict.fromkeys(("judged", "failed", "told_failed", "told_unknown", *_FINDINGS), 0)
    first_wrong: int | None = None
    for piece in pieces(truth, facility, told):
        lasts, state = piece.end - piece.start, _state(piece)
        sums["judged"] += lasts
        sums["failed"] += lasts * (piece.so.state == "failed")
        sums["told_failed"] += lasts * (state == "failed")
        sums["told_unknown"] += lasts * (state == "unknown")
        for finding in _findings(facility, piece, changes):
            sums[finding] += lasts
            if finding == "misplaced" and first_wrong is None:
                first_wrong = piece.start
    return FacilityFigures(
        facility=facility.name,
        kind=facility.kind,
        **{name: ms / 1000 for name, ms in sums.items()},
        allowed=sum(change.known_by - change.at for change in changes) / 1000,
        transitions=len(changes),
        interval=max(facility.devices.values(), default=0) / 1000,
        disagreement=_disagreement(told, availability),
        wrong_at=None if first_wrong is None else first_wrong / 1000,
    )


_FINDINGS = ("wrong", "misplaced", "held", "unexplained")


def _state(piece: Piece) -> str:
    return piece.told.state if piece.told else "not_required"


def _findings(facility: KnownFacility, piece: Piece, changes: Sequence[Transition]) -> Sequence[str]:
    """Returns what is wrong in a piece: nothing, if siaga was right or could not know."""
    state = _state(piece)
    if piece.so.unknowable or state == piece.so.state:
        return ()
    if state == "unknown":
        return ("unexplained",) if piece.coverage is Coverage.COVERED else ()
    if any(change.explains(piece.start, state) for change in changes):
        return ("wrong",)
    if _could_not_know(facility, piece, state):
        return ("held",)
    return ("wrong", "misplaced")


def _could_not_know(facility: KnownFacility, piece: Piece, state: str) -> bool:
    """Returns whether siaga's state follows from a value that was still valid, or from a silence that is a failure."""
    if piece.coverage is Coverage.SPEAKING or piece.event_lost:
        return True
    if piece.coverage is Coverage.HELD:
        return any(_so_at(facility, moment) in (state, "not_required") for moment in piece.last_said)
    silent = piece.coverage is Coverage.SILENT and piece.perhaps_heard
    return silent and facility.fails_in_silence and state == "failed"


def _so_at(facility: KnownFacility, moment: int) -> str:
    """Returns the true state at an instant. A state that nobody could know counts as `not_required`."""
    place = bisect_right(facility.spans, moment, key=lambda span: span.start) - 1
    span = facility.spans[max(0, place)]
    return "not_required" if span.unknowable else span.state


def _disagreement(told: Sequence[ToldSpan], availability: Availability | None) -> float:
    """Returns the difference between the API's availability and its timeline, in seconds over all states."""
    if availability is None:
        return 0.0
    sums = {"met": 0, "failed": 0, "unknown": 0}
    for span in told:
        if span.state in sums:
            sums[span.state] += span.end - span.start
    figures = {"met": availability.met, "failed": availability.failed, "unknown": availability.unknown}
    return sum(abs(sums[state] / 1000 - figures[state]) for state in sums)


def failures(truth: KnownTruth, facility: KnownFacility, *, surely: bool) -> list[Stretch]:
    """Returns unexcused failures without a break: those that siaga must see (`surely`), or all that it may see."""
    found = []
    for piece in pieces(truth, facility, ()):
        fails = piece.so.state == "failed" and not piece.so.excused
        if surely:
            silent = facility.fails_in_silence and piece.coverage is Coverage.SILENT
            seen = piece.coverage is Coverage.COVERED or silent
            counts = fails and piece.so.unknowable is None and seen and piece.heard
        else:
            silent = facility.fails_in_silence and piece.coverage is not Coverage.COVERED
            unknowable = piece.so.unknowable is not None or piece.event_lost
            counts = fails or unknowable or (silent and not piece.so.excused)
        if counts:
            found.append((piece.start, piece.end))
    return merged(found)
