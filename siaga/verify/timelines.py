"""One facility: siaga's timeline beside what was so, and what its availability adds up to."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from siaga.verify.answers import Availability, ToldSpan
from siaga.verify.coverage import Coverage, FacilityCoverage, Stretch, merged
from siaga.verify.known_truth import KnownFacility, KnownSpan, KnownTruth

__all__ = ["FacilityFigures", "Piece", "compare_timeline", "pieces"]

FAILS_IN_SILENCE = frozenset({"free_wifi"})
"""Kinds whose silence is a failure (contract, section 5)."""
SILENCE_TAKES = 35_000
"""A broker's keep-alive, once and a half, for who is known by silence alone (ms)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch in which neither the truth, nor siaga's answer, nor what could be known changes."""

    start: int
    end: int
    so: KnownSpan
    told: ToldSpan | None
    coverage: Coverage
    heard: bool


@dataclass(frozen=True, slots=True)
class FacilityFigures:
    """In seconds. `wrong`: siaga said what was not so; `unexplained`: it did not know what had been reported to it.

    `allowed`: one reporting interval for each time that the truth changed (three, where only silence tells).
    `disagreement`: how far the API's availability is from its own timeline.
    """

    facility: str
    kind: str
    judged: float
    failed: float
    told_failed: float
    told_unknown: float
    wrong: float
    unexplained: float
    allowed: float
    transitions: int
    disagreement: float
    wrong_at: float | None

    @property
    def agrees(self) -> bool:
        """Whether the error is within what is allowed."""
        return self.wrong <= self.allowed and self.unexplained <= self.allowed and self.disagreement < 0.002


def pieces(truth: KnownTruth, facility: KnownFacility, told: Sequence[ToldSpan]) -> Iterator[Piece]:
    """The run cut into pieces, from when the facility was first heard."""
    coverage = FacilityCoverage(truth, facility)
    if coverage.first is None:
        return
    start, end = max(coverage.first, truth.start), truth.end
    moments = {start, end, *coverage.moments()}
    moments |= {moment for span in facility.spans for moment in (span.start, span.end)}
    moments |= {moment for span in told for moment in (span.start, span.end)}
    ordered = sorted(moment for moment in moments if start <= moment <= end)
    truth_starts = [span.start for span in facility.spans]
    told_starts = [span.start for span in told]
    for begin, until in pairwise(ordered):
        so = facility.spans[max(0, bisect_right(truth_starts, begin) - 1)]
        place = bisect_right(told_starts, begin) - 1
        said = told[place] if place >= 0 and begin < told[place].end else None
        yield Piece(begin, until, so, said, coverage.at(begin), coverage.heard(begin))


def compare_timeline(
    truth: KnownTruth, facility: KnownFacility, told: Sequence[ToldSpan], availability: Availability | None
) -> FacilityFigures:
    """The figures of one facility."""
    judged = failed = said_failed = said_unknown = wrong = unexplained = 0
    first_wrong: int | None = None
    for piece in pieces(truth, facility, told):
        lasts = piece.end - piece.start
        judged += lasts
        failed += lasts * (piece.so.state == "failed")
        state = piece.told.state if piece.told else "not_required"
        said_failed += lasts * (state == "failed")
        said_unknown += lasts * (state == "unknown")
        if piece.so.unknowable or state == piece.so.state:
            continue
        if state == "unknown":
            unexplained += lasts * (piece.coverage is Coverage.COVERED)
        elif not _excusable(facility, piece, state):
            wrong += lasts
            if first_wrong is None:
                first_wrong = piece.start
    changes = _transitions(truth, facility)
    return FacilityFigures(
        facility=facility.name,
        kind=facility.kind,
        judged=judged / 1000,
        failed=failed / 1000,
        told_failed=said_failed / 1000,
        told_unknown=said_unknown / 1000,
        wrong=wrong / 1000,
        unexplained=unexplained / 1000,
        allowed=(sum(changes) + 1000) / 1000,
        transitions=len(changes),
        disagreement=_disagreement(told, availability),
        wrong_at=None if first_wrong is None else first_wrong / 1000,
    )


def _excusable(facility: KnownFacility, piece: Piece, state: str) -> bool:
    """Whether siaga could not know better: a value that still held, or a silence that the contract calls a failure."""
    if piece.coverage is Coverage.GREY:
        return True
    silent = piece.coverage is Coverage.SILENT
    return silent and facility.kind in FAILS_IN_SILENCE and state == "failed"


def _transitions(truth: KnownTruth, facility: KnownFacility) -> list[int]:
    """For each change of the truth, how late siaga may know it, ms."""
    every = max(facility.devices.values(), default=0)
    return [
        3 * every + SILENCE_TAKES if before.silent or after.silent else every
        for before, after in pairwise(facility.spans)
        if before.state != after.state and after.start >= truth.start
    ]


def _disagreement(told: Sequence[ToldSpan], availability: Availability | None) -> float:
    """How far the API's availability is from the API's timeline, in seconds over all states."""
    if availability is None:
        return 0.0
    sums = {"met": 0, "failed": 0, "unknown": 0}
    for span in told:
        if span.state in sums:
            sums[span.state] += span.end - span.start
    figures = {"met": availability.met, "failed": availability.failed, "unknown": availability.unknown}
    return sum(abs(sums[state] / 1000 - figures[state]) for state in sums)


def failures(truth: KnownTruth, facility: KnownFacility, *, surely: bool) -> list[Stretch]:
    """Unexcused failures without a break. `surely`: those that siaga must see; else all that it may take for one."""
    found = []
    for piece in pieces(truth, facility, ()):
        fails = piece.so.state == "failed" and not piece.so.excused
        if surely:
            seen = piece.coverage is Coverage.COVERED or facility.kind in FAILS_IN_SILENCE
            counts = fails and piece.so.unknowable is None and seen and piece.heard
        else:
            silent = facility.kind in FAILS_IN_SILENCE and piece.coverage is not Coverage.COVERED
            counts = fails or piece.so.unknowable is not None or (silent and not piece.so.excused)
        if counts:
            found.append((piece.start, piece.end))
    return merged(found)
