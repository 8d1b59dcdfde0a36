"""What a message changes in its village, and who is to be looked at for it.

The same for a message that comes now and for one that is replayed from the inbox.
"""

from dataclasses import dataclass, field

from api.alerts.certainty import Moment
from api.alerts.device import WatchedDevice
from api.alerts.outcome import Outcome
from api.alerts.recall import OVERLAP
from api.alerts.state import VillageState
from siaga.model.alert_kinds import Kind
from siaga.model.clock import HOUR
from siaga.model.intervals import gaps
from siaga.model.observation import Point, Reading, TrackKey
from siaga.model.signals import SIGNALS
from siaga.timeline.judge import GATEWAY_HEARD
from siaga.wire.batch import Batch, BatchId

__all__ = ["note_first_report", "note_stored", "take_readings"]


@dataclass(slots=True)
class _Touched:
    """What one batch bears on: facilities, each from a time on; devices that spoke again; readings that are history.

    `beats`: when gateways were alive. `new_beats`: those of these that memory did not have, and that changed something.
    """

    facilities: dict[str, int] = field(default_factory=dict)
    spoke: set[str] = field(default_factory=set)
    late: list[Reading] = field(default_factory=list)
    beats: list[int] = field(default_factory=list)
    new_beats: list[int] = field(default_factory=list)

    def facility(self, facility: str, time: int) -> None:
        """A facility may be in another state from `time` on."""
        self.facilities[facility] = min(time, self.facilities.get(facility, time))


def take_readings(village: VillageState, gateway: str, batch: Batch, moment: Moment, out: Outcome) -> None:
    """Take the readings of a batch that has not come before."""
    first, last = batch.first, batch.last
    if first is None or last is None:
        return
    now, recent, link = moment.now, village.recent, village.link
    link.note_oldest(first, now, moment.monotonic)
    village.trim(now)
    beats = [point.time for point in batch.points if point.device not in village.devices]
    touched, unheard_from = _Touched(), village.unheard_from if beats else None
    buffer, offline_after = (gateway, batch.id.epoch), village.site.offline_after
    if beats and link.note_buffer(buffer, max(beats), now, moment.monotonic, offline_after):
        out.ask_all(village.subjects, now)
    for point in batch.points:
        device = village.devices.get(point.device)
        if device is None:
            _take_heartbeat(village, point, touched, moment, out)
            continue
        _, _, time, _, values = point
        name = device.device.id  # one object in memory, however often it is said
        nothing_waits = not device.alerts and time >= recent.covers
        for signal, value in values.items():
            if not (nothing_waits and recent.short_way.take((name, signal), time, value, now)):
                _take_reading(village, device, Reading(name, SIGNALS[signal].name, time, value), touched, moment, out)
    number, stretch, late = (gateway, batch.id.epoch, batch.id.seq), (first, last + 1), touched.late
    out.late = len(late)
    out.overflown = village.history.take(number, now, moment.monotonic, stretch, late, recent.reach)
    _note_dark(village, touched, unheard_from, out)
    # Looked at by the next tick, after the messages that wait: one of them may say that it is over already
    for facility, since in touched.facilities.items():
        touched_one = village.facilities[facility]
        touched_one.touch(since)
        out.ask(touched_one, moment.now)
    for name in touched.spoke:
        out.ask(village.devices[name], moment.now)


def _take_reading(
    village: VillageState, device: WatchedDevice, reading: Reading, touched: _Touched, moment: Moment, out: Outcome
) -> None:
    """Take a reading of a device that may be more than a repetition."""
    name, signal, time, _ = reading
    recent, now = village.recent, moment.now
    reported = recent.note_report(name, signal, time, now)
    if reported and device.note(Kind.DEVICE_SILENT, min(time, now)):
        touched.spoke.add(name)
    if recent.gives_evidence(name, signal):
        if device.note(Kind.NO_EVIDENCE, min(time, now)):
            touched.spoke.add(name)
    elif reported and Kind.NO_EVIDENCE not in device.alerts and recent.lacks_evidence(name, now - device.allowed):
        touched.spoke.add(name)
    if _remember(village, reading, touched, moment, out):
        for facility in recent.affected(name, signal):
            touched.facility(facility.id, time)


def _take_heartbeat(village: VillageState, point: Point, touched: _Touched, moment: Moment, out: Outcome) -> None:
    """Take a gateway's heartbeat. It may change since when its devices are silent."""
    village.gateway(point.device).beat(point.time)
    touched.beats.append(point.time)
    village.link.note_beat(point.time)
    for signal, value in point.values.items():
        if _remember(village, Reading(point.device, signal, point.time, value), touched, moment, out):
            touched.new_beats.append(point.time)
            for facility in village.facilities:
                touched.facility(facility, point.time)
            for device in village.devices.values():
                out.ask(device, moment.now)
            out.ask(village.link, moment.now)  # the next silence may be another one


def _note_dark(village: VillageState, touched: _Touched, unheard_from: int | None, out: Outcome) -> None:
    """Note what is dark by a batch's heartbeats, unless they only go on from those before. It leaves history alone."""
    beats = sorted(touched.beats)
    if not beats:
        return
    goes_on = unheard_from is not None and beats[0] <= unheard_from and next(gaps(beats, GATEWAY_HEARD), None) is None
    fills_in = any(unheard_from is None or time + GATEWAY_HEARD < unheard_from for time in touched.new_beats)
    if fills_in or not goes_on:
        village.note_dark_in_memory(unheard_from, out, beats)


def _remember(village: VillageState, reading: Reading, touched: _Touched, moment: Moment, out: Outcome) -> bool:
    """Store a reading in memory, or queue it as history. Returns True if it can change the current judgement."""
    device, signal, time, value = reading
    key = (device, signal)
    changed = village.recent.insert(key, time, value, moment.now)
    if time < village.recent.covers:
        touched.late.append(reading)
        return changed
    return note_first_report(village, key, time, moment, out) or changed


def note_stored(village: VillageState, gateway: str, batch: BatchId, moment: Moment, out: Outcome) -> None:
    """A batch is stored: its late readings are history to be judged again."""
    number = (gateway, batch.epoch, batch.seq)
    late = village.history.acknowledged(number, moment.monotonic)
    if late is None:
        if not village.gateway(gateway).seen.knows(batch.epoch, batch.seq):
            village.recall.stored_unseen(moment.now, moment.monotonic)
            village.want_snapshot()
            out.arrivals_since = moment.now - HOUR
        return
    village.recall.stored(moment.monotonic)
    for device, signal, time, _ in late:
        note_first_report(village, (device, signal), time, moment, out)
    times = [reading.time for reading in late]
    if times and max(times) >= village.recent.covers:  # memory was read since they came, and is to be judged by now
        village.recall.want(moment.monotonic, min(times) - OVERLAP)
        village.want_snapshot()


def note_first_report(village: VillageState, key: TrackKey, time: int, moment: Moment, out: Outcome) -> bool:
    """Note when a signal was reported. Returns True if that is its first report, or earlier than the one known.

    A signal takes part, and a facility is judged, from the first report on. So the stretch up to the one that was known
    is judged again. A village that is to be judged as a whole needs no mark.
    """
    recent = village.recent
    before = recent.first.get(key)
    if not recent.learn_first(key, time):
        return False
    out.changes.reported_first(village.code, key, time)
    if village.rejudge and not village.recall.is_read:
        return True
    village.history.mark(time, recent.covers if before is None else before, moment.monotonic)
    owner = recent.facility_of(key[0])
    if owner is None:
        village.note_dark_in_memory(village.unheard_from, out)
    known = None if owner is None else village.facilities.get(owner.id)
    if known is not None:
        known.touch(max(time, recent.covers))
        out.ask(known, moment.now)
    return True
