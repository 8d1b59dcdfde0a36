"""The whole comparison: facilities, alerts, complaints and readings, as a document and as yes or no."""

from dataclasses import asdict, dataclass

from siaga.verify.answers import Answers
from siaga.verify.complaints import ComplaintFigures, compare_complaints
from siaga.verify.known_truth import KnownTruth
from siaga.verify.raised import AlertFigures, compare_alerts
from siaga.verify.readings import ReadingFigures, compare_readings
from siaga.verify.timelines import FacilityFigures, compare_timeline

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One run compared with siaga. `refused`: quarantined payloads of each village with a hostile device."""

    truth: KnownTruth
    facilities: tuple[FacilityFigures, ...]
    alerts: AlertFigures
    complaints: ComplaintFigures
    readings: ReadingFigures
    refused: dict[str, int]

    @property
    def agrees(self) -> bool:
        """Whether siaga agrees with the truth."""
        timelines = all(facility.agrees for facility in self.facilities)
        figures = self.alerts, self.complaints, self.readings
        return timelines and all(each.agrees for each in figures) and all(self.refused.values())

    def document(self) -> dict[str, object]:
        """Returns it as JSON. Times are Unix seconds, durations are seconds."""
        alerts, readings, truth = self.alerts, self.readings, self.truth
        return {
            "scenario": truth.scenario,
            "seed": truth.seed,
            "start": truth.start / 1000,
            "end": truth.end / 1000,
            "live": truth.live,
            "speed": truth.speed,
            "agrees": self.agrees,
            "availability": {
                "facilities": len(self.facilities),
                "judged_s": sum(each.judged for each in self.facilities),
                "failed_s": sum(each.failed for each in self.facilities),
                "wrong_s": sum(each.wrong for each in self.facilities),
                "misplaced_s": sum(each.misplaced for each in self.facilities),
                "held_s": sum(each.held for each in self.facilities),
                "unexplained_s": sum(each.unexplained for each in self.facilities),
                "allowed_s": sum(each.allowed for each in self.facilities),
                "transitions": sum(each.transitions for each in self.facilities),
            },
            "facilities": [{**asdict(each), "agrees": each.agrees} for each in self.facilities],
            "alerts": {
                "due": alerts.due,
                "raised": alerts.raised,
                "missed": [asdict(each) for each in alerts.missed],
                "false": [asdict(each) for each in alerts.false],
                "delay_p50_s": alerts.delay(0.5),
                "delay_p99_s": alerts.delay(0.99),
            },
            "complaints": asdict(self.complaints),
            "readings": {
                "said": readings.said,
                "stored": readings.stored,
                "lost": readings.lost,
                "doubled": readings.doubled,
                "wrong": [asdict(each) for each in readings.wrong],
            },
            "refused": self.refused,
        }


def compare(truth: KnownTruth, answers: Answers) -> Comparison:
    """Returns the comparison of siaga with everything in the truth.

    Raises:
        CannotAsk: siaga does not answer.
    """
    facilities = []
    for code in truth.villages:
        available = answers.availability(code, truth.start, truth.end)
        for facility in truth.facilities:
            if facility.village == code:
                told = answers.timeline(facility.name, truth.start, truth.end)
                facilities.append(compare_timeline(truth, facility, told, available.get(facility.name)))
    hostile = {fault.village for fault in truth.faults if fault.kind == "hostile_device"}
    return Comparison(
        truth=truth,
        facilities=tuple(facilities),
        alerts=compare_alerts(truth, {code: answers.alerts(code) for code in truth.villages}),
        complaints=compare_complaints(truth, [one for code in truth.villages for one in answers.complaints(code)])
        if truth.complaints
        else compare_complaints(truth, ()),
        readings=compare_readings(truth, answers),
        refused={code: answers.refused(code) for code in sorted(hostile)},
    )
