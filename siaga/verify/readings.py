"""Compares the number of readings that devices sent with the number that is stored."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from siaga.verify.answers import Answers
from siaga.verify.known_truth import KnownTruth, Report

__all__ = ["ReadingFigures", "SignalFigures", "compare_readings", "expected"]

SECOND = 1_000
NOT_COUNTED = frozenset({"online", "alive"})
"""Signals that gateways repeat by themselves."""
TOGETHER = 50
"""Untimed reports within so many ms may be received in the same ms, and are then one reading. This, and a margin of a
second at both ends, are by the real clock: with a faster clock, they are longer."""


@dataclass(frozen=True, slots=True)
class SignalFigures:
    """One signal of one device. `must`, `may`: the least and the most readings expected. `stored`: those stored."""

    village: str
    device: str
    signal: str
    must: int
    may: int
    stored: int

    @property
    def lost(self) -> int:
        """How many readings are missing."""
        return max(0, self.must - self.stored)

    @property
    def doubled(self) -> int:
        """How many readings are too many."""
        return max(0, self.stored - self.may)


@dataclass(frozen=True, slots=True)
class ReadingFigures:
    """The sums over all signals. `wrong`: the signals that do not agree."""

    said: int
    stored: int
    lost: int
    doubled: int
    wrong: tuple[SignalFigures, ...]

    @property
    def agrees(self) -> bool:
        """Whether no reading is lost or doubled."""
        return not self.wrong


def compare_readings(truth: KnownTruth, answers: Answers) -> ReadingFigures:
    """Returns the comparison for every signal of every device, within whole seconds of the run."""
    start, end = -(-truth.start // SECOND) * SECOND, truth.end // SECOND * SECOND
    figures = []
    for (village, device), reports in truth.reports.items():
        for signal, must, may in expected(reports, start, end, truth.speed):
            stored = answers.stored(village, device, signal, start, end)
            figures.append(SignalFigures(village, device, signal, must, may, stored))
    return ReadingFigures(
        said=sum(each.must for each in figures),
        stored=sum(each.stored for each in figures),
        lost=sum(each.lost for each in figures),
        doubled=sum(each.doubled for each in figures),
        wrong=tuple(each for each in figures if each.lost or each.doubled),
    )


def expected(reports: Sequence[Report], start: int, end: int, speed: float = 1) -> Iterator[tuple[str, int, int]]:
    """Yields each signal, with the least and the largest number of readings that may be stored."""
    around, together = round(SECOND * speed), round(TOGETHER * speed)
    for signal in sorted({name for report in reports for name in report.values} - NOT_COUNTED):
        mine = [report for report in reports if signal in report.values]
        timed = [report for report in mine if report.timed and start <= report.time < end]
        sure = {report.time for report in timed if report.acknowledged}
        possible = {report.time for report in timed}
        untimed = [report for report in mine if not report.timed]
        inside = [r.time for r in untimed if r.acknowledged and start + around <= r.time < end - around]
        apart = _apart(inside, sorted(possible), together)
        near = sum(1 for r in untimed if start - around <= r.time < end + around)
        yield signal, len(sure) + apart, len(possible) + near


def _apart(untimed: Sequence[int], timed: Sequence[int], together: int) -> int:
    """Returns how many of the untimed reports are separate readings in any case. Both sequences are in order."""
    count, before = 0, 0
    for moment in untimed:
        place = bisect_left(timed, moment)
        near = (abs(moment - other) <= together for other in timed[max(0, place - 1) : place + 1])
        count += moment - before > together and not any(near)
        before = moment
    return count
