"""Compares complaints: each is there once, and says whether it contradicts what the sensors reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from siaga.verify.answers import ToldComplaint
from siaga.verify.known_truth import KnownComplaint, KnownTruth

__all__ = ["DOUBTED_WITHIN", "ENOUGH", "ComplaintFigures", "Doubted", "compare_complaints", "doubted", "may_be_doubted"]

ENOUGH, DAY = 3, 86_400_000
"""So many complaints within a day that contradict the sensors raise `sensor_doubted` (contract, section 5)."""
DOUBTED_WITHIN = 10_000
"""How long after the last of them the alert may be raised, ms of real time."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """A facility whose sensors people contradict. `began`, `due`: the first and the last of `ENOUGH` complaints, ms."""

    facility: str
    began: int
    due: int


@dataclass(frozen=True, slots=True)
class ComplaintFigures:
    """The comparison of complaints.

    `made`: how many citizens made. `contradicting`: how many of these contradict what the sensors reported.
    `refused`: facilities of which one was not taken. `missing`: ids that siaga does not show.
    `wrong`: ids that it shows as another complaint, or as contradicting where they do not, or the other way round.
    `unsaid`: ids that it shows, and that nobody made in the run.
    """

    made: int
    contradicting: int
    refused: tuple[str, ...]
    missing: tuple[str, ...]
    wrong: tuple[str, ...]
    unsaid: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether siaga shows what citizens said, and no more."""
        return not (self.refused or self.missing or self.wrong or self.unsaid)


def compare_complaints(truth: KnownTruth, told: Sequence[ToldComplaint]) -> ComplaintFigures:
    """Returns the comparison of the complaints made since the run began. `told`: all of its villages."""
    shown = {one.id: one for one in told if one.created_at >= truth.sent_from}
    made = [one for one in truth.complaints if one.id is not None]
    return ComplaintFigures(
        made=len(truth.complaints),
        contradicting=sum(one.sensors == "met" for one in made),
        refused=tuple(one.facility for one in truth.complaints if one.id is None),
        missing=tuple(one.id for one in made if one.id is not None and one.id not in shown),
        wrong=tuple(one.id for one in made if one.id in shown and _differs(one, shown)),
        unsaid=tuple(sorted(shown.keys() - {one.id for one in made})),
    )


def _differs(made: KnownComplaint, shown: Mapping[str, ToldComplaint]) -> bool:
    one = shown[made.id or ""]
    if (one.facility, one.problem) != (made.facility, made.problem):
        return True
    return made.sensors is not None and one.contradicts is not (made.sensors == "met")


def doubted(truth: KnownTruth) -> list[Doubted]:
    """Returns the facilities whose sensors people contradict often enough for an alert."""
    found = []
    for facility in {one.facility: None for one in truth.complaints}:
        times = sorted(_contradicting(truth, facility, ("met",)))
        runs = [(a, b) for a, b in zip(times, times[ENOUGH - 1 :], strict=False) if b - a < DAY]
        found += [Doubted(facility, *run) for run in runs[:1]]
    return found


def may_be_doubted(truth: KnownTruth, facility: str) -> bool:
    """Returns whether so many complaints of a facility may contradict its sensors."""
    return len(_contradicting(truth, facility, ("met", None))) >= ENOUGH


def _contradicting(truth: KnownTruth, facility: str, sensors: Sequence[str | None]) -> list[int]:
    taken = (one for one in truth.complaints if one.facility == facility and one.id is not None)
    return [one.time for one in taken if one.sensors in sensors]
