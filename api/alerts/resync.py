"""What changes of a village by what the telemetry store has: its memory, its history, its first reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.alerts.certainty import Moment
from api.alerts.memory import OVERLAP
from api.alerts.outcome import Outcome
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind
from siaga.model.intervals import Interval
from siaga.model.observation import Recalled, TrackKey
from siaga.timeline.judge import Span, judged_from
from siaga.timeline.span_algebra import FOREVER

__all__ = ["Rebuilt", "go_on_without", "learn_first", "recall"]


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


def recall(
    village: VillageState, found: Recalled, start: int, first_spans: Mapping[str, int], moment: Moment, out: Outcome
) -> int:
    """Take over a memory that was read from `start` on. Returns from when on all facilities are to be judged again."""
    recent, memory, history = village.recent, village.memory, village.history
    for key, time in found.first.items():
        learn_first(village, key, time, moment, out)
    recent.absorb(found.tracks, start)
    for (device, signal), (time, _) in found.latest.items():
        if device in village.devices:
            recent.note_report(device, signal, time, moment.now)
        else:
            village.gateway(device).beat(time)
    was_read = memory.is_read
    begin = memory.answered(moment.now)
    _recall_who_spoke(village)
    if not was_read:
        begin = min(begin, _resumes_from(village, first_spans))
    history.first_reports_read()
    # What is marked and now covered by memory is judged from there
    begin = min([begin, *(max(start, recent.covers) for start, end in history.marked if end > recent.covers)])
    village.recalled(moment.now, begin)
    if begin < recent.covers:
        history.mark(begin, recent.covers, moment.monotonic, now=True)
    return min(max(begin, recent.covers), moment.now)


def go_on_without(village: VillageState, first_spans: Mapping[str, int], moment: Moment) -> None:
    """Judge a village of which nothing was read from what arrives alone.

    What nobody judged meanwhile is in the store alone: it is judged once that answers, maybe by another engine.
    """
    memory, now = village.memory, moment.now
    memory.miss(_resumes_from(village, first_spans))
    village.history.mark(memory.missed, now, moment.monotonic, now=True)
    memory.go_without(now)
    village.begin_unread(now)


def learn_first(village: VillageState, key: TrackKey, time: int, moment: Moment, out: Outcome) -> bool:
    """Take note of a first report; where it is earlier than the one known, the time between is judged again.

    A signal takes part, and a facility is judged, from its first report on. So this bears on the stretch up to the one
    known before, however long nothing was reported in it, and on what memory covers of it. A village that is to be
    judged as a whole needs no mark.
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


def _resumes_from(village: VillageState, first_spans: Mapping[str, int]) -> int:
    """From when on what the database says of a village has to be judged again.

    `first_spans`: where the spans of each facility begin. One of which a device was taken may be judged from later on.
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


def _recall_who_spoke(village: VillageState) -> None:
    """Find what devices said that were called silent, or without evidence, and that nobody heard: that ends alerts."""
    recent = village.recent
    for name, device in village.devices.items():
        for kind in (Kind.DEVICE_SILENT, Kind.NO_EVIDENCE):
            alert, evidence = device.alerts.get(kind), kind is Kind.NO_EVIDENCE
            for time in () if alert is None else recent.reports_after(name, alert.began_at, evidence=evidence):
                device.note(kind, time)
