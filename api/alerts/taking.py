"""Taking messages: what each changes of what is known of its village, and who has to be looked at for it.

The same for a message that comes and for one that is replayed from the inbox.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from api.alerts.awaited import BatchId
from api.alerts.certainty import Moment
from api.alerts.health import UnreadableHealth, take_health
from api.alerts.links import Links
from api.alerts.looks import Looks
from api.alerts.metrics import EngineMetrics
from api.alerts.store_sync import StoreSync
from api.alerts.village import BOOT, WatchedVillage
from siaga.model.intervals import Interval
from siaga.model.observation import Point, Reading
from siaga.mqtt import Message
from siaga.wire.batch import Batch, UnreadableBatch, decode_ack, decode_batch
from siaga.wire.json_text import UnreadableJson, read_json

__all__ = ["Taking"]


@dataclass(slots=True)
class _Touched:
    """What one batch bears on: facilities by the earliest time, devices that spoke again, readings that are history."""

    facilities: dict[str, int] = field(default_factory=dict)
    spoke: set[str] = field(default_factory=set)
    late: list[Reading] = field(default_factory=list)

    def facility(self, facility: str, time: int) -> None:
        """A facility may be in another state from `time` on."""
        self.facilities[facility] = min(time, self.facilities.get(facility, time))


class Taking:
    """Takes one message after another. `look_again` looks at the registry for names that are unknown."""

    def __init__(
        self,
        looks: Looks,
        links: Links,
        store_sync: StoreSync,
        metrics: EngineMetrics,
        look_again: Callable[[Moment], bool],
    ) -> None:
        self._looks, self._links, self._store_sync = looks, links, store_sync
        self._metrics, self._look_again = metrics, look_again

    def batch(self, village: WatchedVillage, gateway: str, payload: bytes, moment: Moment) -> bool:
        """Take a batch. Returns False if it changes nothing: it had come before, or is refused."""
        code = village.village.code
        try:
            batch = decode_batch(payload, code, moment.now, village.devices)
            if batch.refused_count and self._look_again(moment):
                known = self._looks.villages.get(code)
                if known is None:
                    return False
                village = known
                batch = decode_batch(payload, code, moment.now, village.devices)
        except UnreadableBatch:
            self._metrics.unreadable.inc()  # the collector shows it in the quarantine
            return False
        self._metrics.batches.inc()
        self._arrived(village, gateway, moment)
        content = hash((batch.digest, batch.readings))  # a registry that knows more devices makes more of it
        if village.gateway(gateway).seen.again(batch.id.epoch, batch.id.seq, content):
            return False
        self._take_readings(village, gateway, batch, moment)
        return True

    def _arrived(self, village: WatchedVillage, gateway: str, moment: Moment) -> None:
        village.arrive(gateway, moment.now, moment.monotonic)
        self._links.tell(village, "online", moment.now)
        if village.offline is not None:
            self._links.look(village, moment)

    def _take_readings(self, village: WatchedVillage, gateway: str, batch: Batch, moment: Moment) -> None:
        village.note_times((point.time for point in batch.points), moment.now, moment.monotonic)
        self._store_sync.trim(village, moment)
        touched = _Touched()
        for point in batch.points:
            if point.device in village.devices:
                self._take_point(village, point, touched, moment)
            else:
                self._take_heartbeat(village, point, touched, moment)
        if batch.first is not None and batch.last is not None:
            self._await_ack(
                village, (gateway, batch.id.epoch, batch.id.seq), (batch.first, batch.last + 1), touched.late, moment
            )
        # Looked at by the next tick, when all that waits was taken: the next batch may say that it is over already
        for facility, since in touched.facilities.items():
            touched_one = village.facilities[facility]
            touched_one.dirty_from = min(since, touched_one.dirty_from)
            self._looks.deadlines.ask(touched_one, moment.now)
        for device in touched.spoke:
            self._looks.deadlines.ask(village.devices[device], moment.now)

    def _await_ack(
        self, village: WatchedVillage, batch: BatchId, stretch: Interval, late: Sequence[Reading], moment: Moment
    ) -> None:
        """A batch was taken, whose readings are of a stretch; what its late readings bear on is judged again later."""
        bears_on: Interval | None = None
        if late:
            self._metrics.late.inc(len(late))
            times = [reading.time for reading in late]
            bears_on = (min(times), max(times) + 1 + village.recent.reach)
            if village.history.keep_late(batch, late):
                self._metrics.overflown.inc()
        if not village.awaited.take(batch, moment.now, stretch, bears_on) and bears_on is not None:
            village.history.stored(batch, moment.monotonic)
            village.history.mark(*bears_on, moment.monotonic)
            self._store_sync.notice(village)

    def _take_point(self, village: WatchedVillage, point: Point, touched: _Touched, moment: Moment) -> None:
        """Take what a device said at one time."""
        _, device, time, _, values = point
        recent, watched = village.recent, village.devices[device]
        for signal, value in values.items():
            reported = recent.note_report(device, signal, time, moment.now)
            if reported and watched.note_report(min(time, moment.now)):
                touched.spoke.add(device)
            if recent.gives_evidence(device, signal):
                if watched.note_evidence(min(time, moment.now)):
                    touched.spoke.add(device)
            elif reported and watched.may_lack_evidence and recent.lacks_evidence(device, moment.now - watched.allowed):
                touched.spoke.add(device)
            if self._remember(village, Reading(device, signal, time, value), touched, moment):
                for facility in recent.affected(device, signal):
                    touched.facility(facility.id, time)

    def _take_heartbeat(self, village: WatchedVillage, point: Point, touched: _Touched, moment: Moment) -> None:
        """Take a gateway's heartbeat. Where it makes a difference, its devices' silence counts from another moment."""
        gateway = village.gateway(point.device)
        gateway.last_alive = max(point.time, gateway.last_alive or point.time)
        absence = village.absence
        if absence is not None and absence.began < point.time < absence.ended - BOOT:
            absence.beats += 1
        for signal, value in point.values.items():
            if self._remember(village, Reading(point.device, signal, point.time, value), touched, moment):
                for facility in village.facilities:
                    touched.facility(facility, point.time)
                for device in village.devices.values():
                    self._looks.deadlines.ask(device, moment.now)

    def _remember(self, village: WatchedVillage, reading: Reading, touched: _Touched, moment: Moment) -> bool:
        """Keep a reading, in memory or for history; whether it can change what was judged of now."""
        device, signal, time, value = reading
        changed = village.recent.insert((device, signal), time, value, moment.now)
        if time < village.recent.covers:
            touched.late.append(reading)
            return changed
        return self._store_sync.resync.learn_first(village, (device, signal), time, moment) or changed

    def ack(self, village: WatchedVillage, gateway: str, payload: bytes, moment: Moment) -> bool:
        """Take the centre's word that it has a batch. Returns False if it cannot be read."""
        try:
            batch = decode_ack(payload)
        except UnreadableBatch:
            self._metrics.unreadable.inc()
            return False
        self._store_sync.acknowledged(village, (gateway, batch.epoch, batch.seq), moment)
        return True

    def status(self, village: WatchedVillage, gateway: str, message: Message, moment: Moment) -> None:
        """Take what a gateway's session says: it is there, or its last will."""
        try:
            document, _ = read_json(message.payload)
        except UnreadableJson:
            document = None
        state = document.get("state") if isinstance(document, dict) else None
        if state not in ("online", "offline"):
            self._metrics.unreadable.inc()
            return
        known = village.gateway(gateway)
        known.status, known.status_at, village.changed = str(state), moment.now, True
        if state == "online" and not message.retain:
            self._arrived(village, gateway, moment)
        elif state == "offline" and all(other.status != "online" for other in village.gateways.values()):
            self._links.tell(village, "offline", moment.now)

    def health(self, village: WatchedVillage, gateway: str, payload: bytes, moment: Moment) -> None:
        """Take what a gateway says of itself and its devices."""
        try:
            changed = take_health(village, gateway, payload, moment.now)
        except UnreadableHealth:
            self._metrics.unreadable.inc()
            return
        self._looks.look(village.gateway(gateway), moment)
        for device in changed:
            self._looks.look(device, moment)
