"""What a village learns late: history that was judged again, first reports, who spoke, and where judgement resumes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.alerts.certainty import Moment
from api.alerts.memory import OVERLAP
from api.alerts.outcome import Outcome
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind
from siaga.model.intervals import Interval
from siaga.model.observation import TrackKey
from siaga.timeline.judge import Span, judged_from
from siaga.timeline.span_algebra import FOREVER

__all__ = ["Rebuilt", "note_first_report", "note_who_spoke", "resumes_from"]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A stretch of history that was judged again and written.

    `spans`: of the facilities that changed by it, their spans in the database, as far back as memory keeps them
    (`None`: what is in memory did not change). `failed`: the same from where their open `facility_failed` began.
    `took`: ms.
    """

    window: Interval
    first: Mapping[TrackKey, int]
    spans: Mapping[str, list[Span] | None]
    failed: Mapping[str, Sequence[Span]]
    took: int


def note_first_report(village: VillageState, key: TrackKey, time: int, moment: Moment, out: Outcome) -> bool:
    """Note when a signal was reported. Returns True if that is its first report, or earlier than the one known.

    A signal takes part, and a facility is judged, from the first report on. So the stretch up to the one that was known
    is judged again. A village that is to be judged as a whole needs no mark.
    """
    recent = village.recent
    before = recent.first.get(key)
    if not recent.learn_first(key, time):
        return False
    out.first[village.code, key] = time
    if village.rejudge and not village.memory.is_read:
        return True
    village.history.mark(time, recent.covers if before is None else before, moment.monotonic)
    owner = recent.facility_of(key[0])
    known = None if owner is None else village.facilities.get(owner.id)
    if known is not None:
        known.touch(max(time, recent.covers))
        out.ask(known, moment.now)
    return True


def resumes_from(village: VillageState, first_spans: Mapping[str, int]) -> int:
    """Returns from when on a village has to be judged again.

    `first_spans`: where the spans of each facility begin in the database. A facility that lost a device may now be
    judged from later on: what was judged before that has to go.
    """
    resumed = FOREVER if village.judged_until is None else village.judged_until - OVERLAP
    if village.judged_until is not None and not village.rejudge:
        return resumed
    begins = [
        judged_from(village.village, facility.facility, village.recent.evidence)
        for facility in village.facilities.values()
    ]
    begins += [first_spans.get(facility) for facility in village.take_rejudged()]
    return min((moment for moment in (*begins, resumed) if moment is not None), default=FOREVER)


def note_who_spoke(village: VillageState) -> None:
    """Find reports, and evidence, of devices with an open alert about the want of it: they may end the alert."""
    recent = village.recent
    for name, device in village.devices.items():
        for kind in (Kind.DEVICE_SILENT, Kind.NO_EVIDENCE):
            alert, evidence = device.alerts.get(kind), kind is Kind.NO_EVIDENCE
            for time in () if alert is None else recent.reports_after(name, alert.began_at, evidence=evidence):
                device.note(kind, time)
