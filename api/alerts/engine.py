"""The alert engine: batches in; spans, alerts and their events out, into the database.

`receive` takes one message, `tick` does what time has made due: both return soon, and neither has a thread or a wait in
it. What the engine knows beside its configuration can be taken from it at any moment: a new engine on the same
database and telemetry store goes on where the old one was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import DBAPIError

from api.alerts.health import UnreadableHealth, take_health
from api.alerts.history import BatchId
from api.alerts.ledger import Changes, Ledger, OpenAlert
from api.alerts.life import Moment
from api.alerts.live import Live
from api.alerts.loading import Loading
from api.alerts.metrics import EngineMetrics
from api.alerts.own_state import OwnState
from api.alerts.reader import StoreReader, UnreadPast
from api.alerts.state_store import StateKeeper
from api.alerts.stream import EventSignal
from api.alerts.watch import BOOT, WatchedFacility, WatchedVillage
from siaga.database.registry import Registry
from siaga.model.clock import SECOND, Clock
from siaga.model.observation import Point, Reading
from siaga.mqtt import Message, Transport
from siaga.timeline.spans import Span
from siaga.wire.batch import Batch, UnreadableBatch, decode_ack, decode_batch
from siaga.wire.json_text import UnreadableJson, read_json
from siaga.wire.topics import BATCHES, GATEWAY_HEALTH, GATEWAY_STATUS, ForeignTopic, GatewayTopic, parse_topic

__all__ = ["ACKS", "AlertEngine"]

log = structlog.get_logger(__name__)

ACKS = "siaga/v1/+/gateway/+/ack"
"""Filter: the centre's acknowledgements, by which the engine knows that late data is stored."""
REGISTRY_POLL = 2 * SECOND
"""How often the registry and the maintenance windows are looked at."""
SNOOZE_POLL = 10 * SECOND
"""How often it is looked for snoozes that have ended; people set them in minutes."""
REGISTRY_GAP = 100
"""ms between two looks, however many unknown names come in."""
DATABASE_AGAIN = SECOND
"""Until a database that did not take what changed is tried again."""


@dataclass(slots=True)
class _Touched:
    """What one batch bears on: facilities by the earliest time, devices that spoke again, readings that are history."""

    facilities: dict[str, int] = field(default_factory=dict)
    spoke: set[str] = field(default_factory=set)
    late: list[Reading] = field(default_factory=list)

    def facility(self, facility: str, time: int) -> None:
        """A facility may be in another state from `time` on."""
        self.facilities[facility] = min(time, self.facilities.get(facility, time))


class AlertEngine:
    """Watches all villages of a registry.

    Args:
        registry: the villages.
        ledger: the database's tables.
        clock: wall and monotonic time.
        transport: a session with the centre's broker; the engine subscribes on it.
        reader: the telemetry store.
        signal: rung after alert events were committed.
    """

    def __init__(
        self,
        registry: Registry,
        ledger: Ledger,
        clock: Clock,
        transport: Transport,
        reader: StoreReader,
        signal: EventSignal | None = None,
        metrics: EngineMetrics | None = None,
    ) -> None:
        self.signal = signal or EventSignal()
        self.metrics = metrics or EngineMetrics()
        self.villages: dict[str, WatchedVillage] = {}
        self.live = Live(earlier=self._earlier)
        self._ledger, self._clock, self._transport = ledger, clock, transport
        self._keeper = StateKeeper(registry, ledger, self.villages, self.live)
        self.loading = Loading(reader, ledger, self.live, self.villages, self._commit, self.metrics)
        self._own = OwnState(clock, transport, self.villages, self.live, self.loading)
        self._next_snoozes = 0
        self._next_poll = self._commit_at = 0
        self._database_problem: str | None = "the villages were not read yet"
        self._opened = False

    @property
    def problem(self) -> str | None:
        """Why the engine is not ready, in one sentence; `None`: it watches. A store that is away is no reason."""
        if self._database_problem is not None:
            return self._database_problem
        if not self._transport.connected:
            return "the alert engine has no connection to the broker"
        waiting = sum(not village.loaded for village in self.villages.values())
        return f"the evidence of {waiting} villages is being read" if waiting else None

    @property
    def past(self) -> UnreadPast:
        """What of the past the store was asked for in vain."""
        return UnreadPast(self.loading.unread, self.loading.problem)

    def open(self) -> None:
        """Read villages, open alerts and marks from the database, and subscribe.

        Raises:
            DBAPIError: the database is away; the call may be made again.
        """
        moment = self.moment()
        since = self._keeper.open(moment)
        for topic in (BATCHES, GATEWAY_STATUS, GATEWAY_HEALTH, ACKS):
            self._transport.subscribe(topic)
        self.loading.follow_arrivals(since)
        for village in self.villages.values():
            self.loading.notice(village)
        self._next_poll = moment.monotonic + REGISTRY_POLL
        self._database_problem = None
        self._opened = True
        self.metrics.villages.set(len(self.villages))

    def close(self) -> None:
        """Write what is not yet written. The engine is not used afterwards; the transport is its owner's."""
        self._commit_at = 0
        if self._opened and self._commit():
            try:
                moment = self.moment()
                self._keeper.save(moment, self._followed(moment), everything=True)
            except DBAPIError as error:
                log.warning("the engine's marks cannot be written", error=type(error).__name__)

    def receive(self, message: Message) -> None:
        """Take one message; what it changes is written by the next `tick`, together with what others change."""
        moment = self.moment()
        try:
            topic = parse_topic(message.topic)
        except ForeignTopic:
            self.metrics.unreadable.inc()
            return
        if not isinstance(topic, GatewayTopic):
            return
        village = self._village(topic.village, moment)
        if village is None:
            return
        match topic.channel:
            case "batch":
                self._take_batch(village, topic.gateway, message.payload, moment)
            case "ack":
                self._take_ack(village, topic.gateway, message.payload, moment)
            case "status":
                self._take_status(village, topic.gateway, message, moment)
            case "health":
                self._take_health(village, topic.gateway, message.payload, moment)

    def tick(self) -> int | None:
        """Do what is due; answer when (wall ms) something is due next by itself, `None` if nothing is."""
        moment = self._own.notice()
        if moment.monotonic >= self._next_poll:
            self._poll(moment)
        if moment.monotonic >= self._own.decides_at:
            for subject in self.live.deadlines.due(moment.now):
                self.live.look(subject, moment)
        self._commit()
        self.loading.step(moment)
        self._commit()
        self._keep(moment)
        return self._next(moment)

    def _next(self, moment: Moment) -> int | None:
        # With changes that the database did not take nothing else is saved
        monotonic = [self._next_poll, self._commit_at if self.live.changes else self._keeper.save_at]
        loading = self.loading.next_at(moment.monotonic)
        if loading is not None:
            monotonic.append(loading)
        due = moment.now + max(0, min(monotonic) - moment.monotonic)
        first = self.live.deadlines.next()
        if first is not None:
            due = min(due, max(first, moment.now + max(0, self._own.decides_at - moment.monotonic)))
        self._own.await_waking(moment.monotonic + due - moment.now)
        return due

    def moment(self) -> Moment:
        """Now, as the engine sees it."""
        return self._own.moment()

    # The world around

    def _poll(self, moment: Moment) -> None:
        self._next_poll = moment.monotonic + REGISTRY_POLL
        try:
            for village in self._keeper.refresh(moment):
                self.loading.reload(village, None, moment)
            for village in self._keeper.take_replanned():
                self.loading.notice(village)
            if moment.monotonic >= self._next_snoozes:
                self._next_snoozes = moment.monotonic + SNOOZE_POLL
                if self._ledger.end_snoozes(moment.now):
                    self.signal.ring()
        except DBAPIError as error:
            self._away(error)
            return
        self.metrics.villages.set(len(self.villages))

    def _village(self, code: str, moment: Moment) -> WatchedVillage | None:
        village = self.villages.get(code)
        if village is None and self._look_again(moment):
            village = self.villages.get(code)
        return village

    def _look_again(self, moment: Moment) -> bool:
        """A name is unknown: look at the registry now, but not at once after the last time."""
        if moment.monotonic < self._next_poll - REGISTRY_POLL + REGISTRY_GAP:
            return False
        self._poll(moment)
        return True

    # Messages

    def _take_batch(self, village: WatchedVillage, gateway: str, payload: bytes, moment: Moment) -> None:
        code = village.village.code
        try:
            batch = decode_batch(payload, code, moment.now, village.devices)
            if batch.refused_count and self._look_again(moment):
                if code not in self.villages:
                    return
                village = self.villages[code]
                batch = decode_batch(payload, code, moment.now, village.devices)
        except UnreadableBatch:
            self.metrics.unreadable.inc()  # the collector shows it in the quarantine
            return
        self.metrics.batches.inc()
        self._arrived(village, gateway, moment)
        content = hash((batch.digest, batch.readings))  # a registry that knows more devices makes more of it
        if village.gateway(gateway).seen.again(batch.id.epoch, batch.id.seq, content):
            return
        self._note_under_way(village, (gateway, batch.id.epoch, batch.id.seq), batch.first, moment)
        self._take_readings(village, gateway, batch, moment)

    def _note_under_way(self, village: WatchedVillage, batch: BatchId, first: int | None, moment: Moment) -> None:
        """A batch is taken, whose readings begin at `first`: from now on nobody but us may have it."""
        village.under_way.add(batch)
        if village.inherited is not None and first is not None and first >= village.recent.covers:
            village.inherited.accounted(batch, moment.monotonic)

    def _arrived(self, village: WatchedVillage, gateway: str, moment: Moment) -> None:
        village.arrive(gateway, moment.now, moment.monotonic)
        self.live.tell_link(village, "online", moment.now)
        if village.offline is not None:
            self.live.look_at_link(village, moment)

    def _take_readings(self, village: WatchedVillage, gateway: str, batch: Batch, moment: Moment) -> None:
        village.note_times((point.time for point in batch.points), moment.now, moment.monotonic)
        self.loading.trim(village, moment)
        touched = _Touched()
        for point in batch.points:
            if point.device in village.devices:
                self._take_point(village, point, touched, moment)
            else:
                self._take_heartbeat(village, point, touched, moment)
        if touched.late:
            self.metrics.late.inc(len(touched.late))
            named = (gateway, batch.id.epoch, batch.id.seq)
            if village.history.wait_for_ack(named, touched.late, village.recent.reach, moment.now):
                self.metrics.overflown.inc()
        # Looked at by the next tick, when all that waits was taken: the next batch may say that it is over already
        for facility, since in touched.facilities.items():
            touched_one = village.facilities[facility]
            touched_one.dirty_from = min(since, touched_one.dirty_from)
            self.live.deadlines.ask(touched_one, moment.now)
        for device in touched.spoke:
            self.live.deadlines.ask(village.devices[device], moment.now)

    def _take_point(self, village: WatchedVillage, point: Point, touched: "_Touched", moment: Moment) -> None:
        """Take what a device said at one time."""
        _, device, time, _, values = point
        recent, watched = village.recent, village.devices[device]
        for signal, value in values.items():
            reported = recent.note_report(device, signal, time, moment.now)
            if reported and watched.reports(min(time, moment.now)):
                touched.spoke.add(device)
            if recent.gives_evidence(device, signal):
                if watched.gives(min(time, moment.now)):
                    touched.spoke.add(device)
            elif reported and watched.mute is None and recent.lacks_evidence(device, moment.now - watched.allowed):
                touched.spoke.add(device)
            if self._remember(village, Reading(device, signal, time, value), touched, moment):
                for facility in recent.affected(device, signal):
                    touched.facility(facility.id, time)

    def _take_heartbeat(self, village: WatchedVillage, point: Point, touched: "_Touched", moment: Moment) -> None:
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
                    self.live.deadlines.ask(device, moment.now)

    def _remember(self, village: WatchedVillage, reading: Reading, touched: "_Touched", moment: Moment) -> bool:
        """Keep a reading, in memory or for history; whether it can change what was judged of now."""
        device, signal, time, value = reading
        changed = village.recent.insert((device, signal), time, value, moment.now)
        if time < village.recent.covers:
            touched.late.append(reading)
            return changed
        return self.loading.learn_first(village, (device, signal), time, moment) or changed

    def _take_ack(self, village: WatchedVillage, gateway: str, payload: bytes, moment: Moment) -> None:
        try:
            batch = decode_ack(payload)
        except UnreadableBatch:
            self.metrics.unreadable.inc()
            return
        self.loading.acknowledged(village, (gateway, batch.epoch, batch.seq), moment)

    def _take_status(self, village: WatchedVillage, gateway: str, message: Message, moment: Moment) -> None:
        try:
            document, _ = read_json(message.payload)
        except UnreadableJson:
            document = None
        state = document.get("state") if isinstance(document, dict) else None
        if state not in ("online", "offline"):
            self.metrics.unreadable.inc()
            return
        known = village.gateway(gateway)
        known.status, known.status_at, village.changed = str(state), moment.now, True
        if state == "online" and not message.retain:
            self._arrived(village, gateway, moment)
        elif state == "offline" and all(other.status != "online" for other in village.gateways.values()):
            self.live.tell_link(village, "offline", moment.now)

    def _take_health(self, village: WatchedVillage, gateway: str, payload: bytes, moment: Moment) -> None:
        try:
            changed = take_health(village, gateway, payload, moment.now)
        except UnreadableHealth:
            self.metrics.unreadable.inc()
            return
        self.live.look_at_buffer(village.gateway(gateway), moment)
        for device in changed:
            self.live.look_at_clock(device, moment)
            self.live.look_at_evidence(device, moment)

    # The database

    def _earlier(self, facility: WatchedFacility, start: int) -> Sequence[Span]:
        try:
            return self._ledger.spans(facility.village.village.code, facility.facility.id, start)
        except DBAPIError as error:
            self._away(error)
            return ()

    def _commit(self) -> bool:
        """Write what has changed; whether nothing is left to write. What is not written waits."""
        changes = self.live.changes
        if not changes:
            return True
        if self._clock.monotonic() < self._commit_at:
            return False
        self._keeper.leave_marks(changes, self.moment())
        try:
            committed = self._ledger.commit(changes)
        except DBAPIError as error:
            self._commit_at = self._clock.monotonic() + DATABASE_AGAIN
            self._away(error)
            return False
        self.live.changes = Changes()
        self._database_problem = None
        self._adopt(committed.adopted)
        if committed.events:
            self.metrics.events.inc(committed.events)
            self.signal.ring()
        return True

    def _adopt(self, alerts: Iterable[OpenAlert]) -> None:
        """Another engine had opened these: they are the ones that are open."""
        for alert in alerts:
            self._keeper.attach(alert)

    def _keep(self, moment: Moment) -> None:
        if moment.monotonic < self._keeper.save_at or self.live.changes:
            return
        try:
            self._keeper.save(moment, self._followed(moment))
        except DBAPIError as error:
            self._keeper.save_at = moment.monotonic + 5 * SECOND
            self._away(error)
        else:
            self._database_problem = None

    def _followed(self, moment: Moment) -> int:
        """Up to when (wall time) late data was followed, by ear or by what the collector noted of it."""
        missed = (self._own.deaf_since, self.loading.unread_since)
        return min([moment.now, *(since for since in missed if since is not None)])

    def _away(self, error: DBAPIError) -> None:
        if self._database_problem is None:
            log.warning("the database does not answer, alerts wait in memory", error=type(error).__name__)
        self.metrics.database_failures.inc()
        self._database_problem = f"the database does not answer ({type(error).__name__}): check SIAGA_DATABASE_URL"
