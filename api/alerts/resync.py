"""A village and the telemetry store: what it asks for, and what changes by the answer.

Its memory is read where it has a hole; history is judged again where late data came; first reports are learned.
"""

from collections.abc import Mapping, Sequence

from api.alerts.awaited import Range
from api.alerts.certainty import Moment
from api.alerts.evidence import LIVE
from api.alerts.happenings import Recalled
from api.alerts.memory import OVERLAP
from api.alerts.outcome import Outcome
from api.alerts.questions import RebuildRequest, RecentRequest
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY, HOUR
from siaga.model.intervals import Interval, merge
from siaga.model.observation import Arrival, Reading, TrackKey
from siaga.timeline.judge import judged_from
from siaga.timeline.span_algebra import FOREVER

__all__ = [
    "give_up",
    "go_on_without",
    "has_questions",
    "learn_first",
    "rebuild_request",
    "recall",
    "recent_request",
    "store_lacks",
    "stored",
    "take_arrival",
    "unread",
    "wants_recall",
]

LONGEST_MEMORY = 6 * HOUR
"""An absence up to this long is made up for from memory; a longer one is history."""


# What it asks for


def has_questions(village: VillageState) -> bool:
    """Whether there is anything to ask the store for, or to give up."""
    return village.memory.wanted or village.history.pending or village.awaited.gives_up_at() is not None


def recent_request(village: VillageState, moment: Moment) -> RecentRequest:
    """Ask for the village's memory."""
    village.memory.ask(moment.monotonic)
    reach = village.recent.reach
    start = moment.now - LIVE - reach
    if not village.memory.is_read and village.judged_until is not None:
        start = min(start, max(village.judged_until - OVERLAP, moment.now - LONGEST_MEMORY) - reach)
    first = dict(village.recent.first) if village.first_known else None
    return RecentRequest(village.village, start, moment.now + DAY, first)


def rebuild_request(village: VillageState, moment: Moment) -> RebuildRequest | None:
    """Ask for the newest stretch that is to be judged again; `None`: there is none."""
    history, recent = village.history, village.recent
    chunk = history.next_chunk(moment.monotonic, recent.covers)
    if chunk is None:
        return None
    start = chunk[0] - recent.reach
    return RebuildRequest(
        village.village,
        chunk,
        list(village.facilities),
        dict(recent.first),
        history.first_reports_read(),
        history.in_hand(start, chunk[1]),
        recent.between(start, chunk[1]),
        {facility: village.planned_for(facility) for facility in village.facilities},
        village.first_known,
    )


def store_lacks(village: VillageState) -> bool:
    """Whether the store is known to lack some of what is to be judged again, and memory has it no more."""
    recent, awaited = village.recent, village.awaited
    return bool(awaited) and any(
        awaited.hides(start - recent.reach, end, recent.start) for start, end in village.history.marked
    )


def unread(village: VillageState, moment: Moment) -> list[Interval]:
    """What of a village's past is yet to be read from the store, and judged."""
    stretches, memory = village.history.marked, village.memory
    if not village.first_known:
        heard_from = village.sure_from if memory.is_read and village.sure_from else moment.now
        stretches.append((-FOREVER, min(moment.now, heard_from)))
    elif not memory.is_read and village.judged_until is not None:
        stretches.append((village.judged_until, moment.now))
    elif memory.missing_since < FOREVER:
        stretches.append((memory.missing_since, moment.now))
    return merge(stretches)


# What changes by the answer. Each returns from when on all facilities have to be judged again, if any


def recall(village: VillageState, recalled: Recalled, moment: Moment, out: Outcome) -> int:
    """Take over a village's memory as it was read."""
    recent, memory, history, answer = village.recent, village.memory, village.history, recalled.answer
    for key, time in answer.first.items():
        learn_first(village, key, time, moment, out)
    recent.absorb(answer.tracks, answer.request.start)
    for (device, signal), (time, _) in answer.latest.items():
        if device in village.devices:
            recent.note_report(device, signal, time, moment.now)
        else:
            village.gateway(device).know_alive(time)
    was_read = memory.is_read
    begin = memory.answered(moment.now)
    _recall_who_spoke(village)
    if not was_read:
        begin = min(begin, _resumes_from(village, recalled.first_spans))
        if village.judged_until is None:
            village.know_until(moment.now)  # what is older and not judged yet is in the snapshot
    village.mark()
    history.first_reports_read()
    village.know_first(known=True)
    # What is marked and now covered by memory is judged from there
    begin = min([begin, *(max(start, recent.covers) for start, end in history.marked if end > recent.covers)])
    if begin < recent.covers:
        village.sure_again(recent.covers)
        history.mark(begin, recent.covers, moment.monotonic, now=True)
        out.asks = True
    return min(max(begin, recent.covers), moment.now)


def go_on_without(village: VillageState, first_spans: Mapping[str, int], moment: Moment, out: Outcome) -> None:
    """Judge a village of which nothing was read from what arrives alone.

    What nobody judged meanwhile is in the store alone: it is judged once that answers, maybe by another engine.
    """
    memory, now = village.memory, moment.now
    memory.miss(_resumes_from(village, first_spans))
    village.history.mark(memory.state.missing.missed, now, moment.monotonic, now=True)
    memory.go_without(now)
    village.mark()
    village.know_until(now)
    village.recent.begin(now)
    village.sure_again(village.recent.covers)
    out.asks = True


def take_arrival(village: VillageState, arrival: Arrival, moment: Moment, out: Outcome) -> None:
    """Take the collector's note that late data was stored."""
    village.mark()
    village.history.expect_first_reports()
    village.history.mark(arrival.first, arrival.last + 1 + village.recent.reach, moment.monotonic)
    if arrival.last >= village.recent.covers:
        village.memory.want(missed_from=arrival.first)
    out.asks = True


def stored(village: VillageState, batch: Range, late: Sequence[Reading], moment: Moment, out: Outcome) -> None:
    """The store has a batch: what its late readings bear on is judged again."""
    if batch.late is None:
        return
    out.asks = True
    if not late:
        if batch.end - batch.first == 1:  # else others of the range are still awaited
            village.history.mark_unseen(*batch.late, moment.monotonic)
        return
    village.history.mark(*batch.late, moment.monotonic)
    for reading in late:
        learn_first(village, (reading.device, reading.signal), reading.time, moment, out)
    times = [reading.time for reading in late]
    if max(times) >= village.recent.covers:  # memory was read again since they came, and is to be judged by now
        wants_recall(village, min(times), moment, out)


def wants_recall(village: VillageState, missed_since: int | None, moment: Moment, out: Outcome) -> None:
    """Read the memory again; `missed_since`: evidence of event times from shortly before may be missing."""
    village.memory.want(moment.monotonic, FOREVER if missed_since is None else missed_since - OVERLAP)
    village.mark()
    out.asks = True


def give_up(village: VillageState, monotonic: int) -> None:
    """Wait no more for acknowledgements that were passed over: the store has the batches by now, or never will."""
    for batch in village.awaited.give_up(monotonic):
        village.mark()
        if batch.late is not None:
            village.history.mark_unseen(*batch.late, monotonic)


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
    out.asks = True
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
