"""The scorecard of a village on a local date: each of the 14 indicators from day verdicts or attestations. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from api.attestations.counting import Attestation, counting, facilities_of, is_sensed
from api.complaints.box import Box
from siaga.model.indicators import INDICATORS, Indicator
from siaga.model.sites import Facility, Village
from siaga.timeline.verdict import Verdict

__all__ = ["DAYS", "Cell", "Evidence", "Scorecard", "days_up_to", "make_scorecard"]

DAYS = 7
"""How many days, up to the date, a facility's latest judged day is looked for in (contract, section 5)."""

COMPLAINTS_BOX = "complaints_box"
DayVerdicts = Mapping[str, Sequence[tuple[date, Verdict]]]
"""By facility, within one village: verdicts on days as `/days` gives them."""


class Evidence(StrEnum):
    """What a verdict rests on."""

    SENSED = "sensed"
    ATTESTED = "attested"
    COMPLAINTS = "complaints"
    """That a complaints box answers, where the district has a rule for that."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Cell:
    """One indicator of a scorecard: met, missed or unjudged.

    `day` is the day that says so, the latest where several do; of an attested one the attestation's. `expires` and
    `attestation` (its id) are of the attestation. `facilities` are those of the kind, with devices or without.
    `box`: of the complaints box what is to be said of the village's complaints; `None`: there are none.
    """

    indicator: Indicator
    verdict: Verdict
    evidence: Evidence
    day: date | None = None
    expires: date | None = None
    facilities: tuple[Facility, ...] = ()
    attestation: str | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Scorecard:
    """All indicators of a village on a date, by their numbers."""

    village: str
    day: date
    cells: tuple[Cell, ...]

    def count(self, verdict: Verdict) -> int:
        """Returns how many of the indicators have a verdict."""
        return sum(cell.verdict is verdict for cell in self.cells)


def days_up_to(day: date) -> list[date]:
    """Returns the days that bear on the scorecard of a date, the earliest first."""
    return [day - timedelta(days=back) for back in reversed(range(DAYS))]


def make_scorecard(
    village: Village,
    day: date,
    verdicts: DayVerdicts,
    attestations: Iterable[Attestation],
    box: Box | None = None,
) -> Scorecard:
    """Returns the scorecard of a village on a date.

    `verdicts` hold the days of `days_up_to` of each facility that has devices; what they hold beside is left out.
    `box`: what is to be said of the village's complaints.
    """
    by_indicator: dict[str, list[Attestation]] = {}
    for one in attestations:
        by_indicator.setdefault(one.indicator, []).append(one)
    return Scorecard(
        village.code,
        day,
        tuple(
            _sensed(village, indicator, day, verdicts)
            if is_sensed(village, indicator.kind)
            else _boxed(_attested(village, indicator, day, by_indicator.get(indicator.kind, ())), day, box)
            for indicator in sorted(INDICATORS.values(), key=lambda one: one.number)
        ),
    )


def _sensed(village: Village, indicator: Indicator, day: date, verdicts: DayVerdicts) -> Cell:
    facilities = tuple(facilities_of(village, indicator.kind))
    first = days_up_to(day)[0]
    latest = [
        max(days)
        for facility in facilities
        if (days := [one for one in verdicts.get(facility.id, ()) if _tells(one, first, day)])
    ]
    found = {verdict for _, verdict in latest}
    verdict = Verdict.MET if found == {Verdict.MET} else Verdict.UNJUDGED
    if Verdict.MISSED in found:
        verdict = Verdict.MISSED
    said_on = max((on for on, said in latest if said is verdict), default=None)
    return Cell(indicator, verdict, Evidence.SENSED, said_on, None, facilities)


def _tells(judged: tuple[date, Verdict], first: date, last: date) -> bool:
    """Whether a day lies in the days asked about and asked anything of its facility."""
    return first <= judged[0] <= last and judged[1] is not Verdict.NOT_REQUIRED


def _attested(village: Village, indicator: Indicator, day: date, attestations: Iterable[Attestation]) -> Cell:
    facilities = tuple(facilities_of(village, indicator.kind))
    counts = counting(attestations, day)
    if counts is None:
        return Cell(indicator, Verdict.UNJUDGED, Evidence.NONE, None, None, facilities)
    verdict = Verdict.MET if counts.met else Verdict.MISSED
    return Cell(indicator, verdict, Evidence.ATTESTED, counts.date, counts.expires, facilities, counts.id)


def _boxed(cell: Cell, day: date, box: Box | None) -> Cell:
    """Returns the cell of the complaints box with its complaints; any other cell as it is.

    An attestation decides. Where there is none, the district's rule does, if it has one.
    """
    if cell.indicator.kind != COMPLAINTS_BOX or box is None:
        return cell
    if cell.evidence is not Evidence.NONE or box.verdict is Verdict.UNJUDGED:
        return replace(cell, box=box)
    return replace(cell, verdict=box.verdict, evidence=Evidence.COMPLAINTS, day=day, box=box)
