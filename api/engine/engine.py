"""The alert engine: batches in; spans, alerts and their events out, into the database.

`receive` takes one message, `tick` does what is due. Both return soon; neither starts a thread or waits. An engine may
end at any moment: a new one on the same database and telemetry store goes on where it was.
"""

from collections.abc import Iterable
from itertools import islice

import structlog
from sqlalchemy.exc import DBAPIError

from api.alert_records.actions import end_snoozes
from api.alert_records.alert import Opened
from api.alert_records.stream import EventSignal
from api.alerts.certainty import Moment
from api.alerts.outcome import Changes, Fold, Outcome
from api.alerts.snapshot import save
from api.alerts.village import WatchedVillage
from api.engine.inbox import Inbox, Row
from api.engine.metrics import EngineMetrics
from api.engine.questions import RebuildAnswer
from api.engine.reader import StoreReader
from api.engine.registry_watch import Moves, RegistryWatch, Watched
from api.engine.self_monitor import SelfMonitor
from api.engine.state_rows import StateRows
from api.engine.store_sync import RETRY, StoreSync
from api.engine.tables import Tables
from api.engine.villages import Villages
from siaga.database import REFUSALS
from siaga.database.dealing import Heard
from siaga.database.registry import Registry
from siaga.model.clock import MINUTE, SECOND, Clock
from siaga.model.probe_village import PROBE
from siaga.model.readiness import UnreadPast
from siaga.mqtt import Message, Transport
from siaga.mqtt.way import tell_way
from siaga.wire.batch import Batch, UnreadableBatch, decode_ack, decode_batch
from siaga.wire.health import UnreadableHealth, read_health
from siaga.wire.json_text import UnreadableJson, read_json
from siaga.wire.topics import BATCHES, GATEWAY_HEALTH, GATEWAY_STATUS, ForeignTopic, GatewayTopic, parse_topic

__all__ = ["ACKS", "AlertEngine"]

log = structlog.get_logger(__name__)

ACKS = "siaga/v1/+/gateway/+/ack"
"""Filter: the centre's acknowledgements, by which the engine knows that late data is stored."""
REGISTRY_POLL = 2 * SECOND
"""How often the registry and the maintenance windows are looked at."""
SNOOZE_POLL = 10 * SECOND
"""How often the engine looks for snoozes that have ended; people set them in minutes."""
REGISTRY_GAP = 100
"""ms between two looks at the registry, however many unknown names come in."""
DATABASE_AGAIN = SECOND
"""After a failed commit: when the database is tried again."""
FOLDS = 20
"""The most inbox rows that are replaced by snapshots in one commit, by villages: some milliseconds of work."""


class AlertEngine:
    """Watches all villages of a registry.

    Args:
        registry: the villages.
        database: the engine's tables.
        clock: wall and monotonic time.
        transport: a session with the centre's broker; the engine subscribes on it.
        reader: the telemetry store.
        signal: rung after alert events were committed.
    """

    def __init__(
        self,
        registry: Registry,
        database: Tables,
        clock: Clock,
        transport: Transport,
        reader: StoreReader,
        signal: EventSignal | None = None,
        metrics: EngineMetrics | None = None,
    ) -> None:
        self.signal = signal or EventSignal()
        self.metrics = metrics or EngineMetrics()
        self._tables, self._clock, self._transport = database, clock, transport
        self._inbox = Inbox()
        self._refused = False
        self._came: set[str] = set()
        """Villages that came from other engines, whose topics are subscribed to for themselves."""
        self._watched = Villages(self.metrics)
        self.villages = self._watched.by_code
        self._rows = StateRows(database, self.villages)
        self._registry = RegistryWatch(registry, database, self._watched, self._rows)
        self.store_sync = StoreSync(reader, self._watched, database, self.metrics)
        self._self = SelfMonitor(clock, transport)
        self._next_snoozes = self._tell_past_at = 0
        self._told_past: UnreadPast | None = None
        self._next_poll = self._commit_at = 0
        self._database_problem: str | None = "the villages were not read yet"
        self._opened = False

    @property
    def problem(self) -> str | None:
        """Why the engine is not ready, in one sentence; `None`: it is. An absent telemetry store is no reason."""
        if self._database_problem is not None:
            return self._database_problem
        if not self._transport.connected:
            return "the alert engine has no connection to the broker"
        waiting = sum(not village.recall.is_read for village in self.villages.values())
        return f"the evidence of {waiting} villages is being read" if waiting else None

    @property
    def past(self) -> UnreadPast:
        """What of the past is not known: the store did not answer, or it is being judged as a whole."""
        return self.store_sync.past

    def open(self) -> None:
        """Read villages, open alerts and snapshots from the database, and subscribe.

        Raises:
            DBAPIError: the database is away; the call may be made again.
            LeaseLost: another engine leads the partition.
        """
        moment = self.moment()
        self._inbox = Inbox()
        heard, watched = self._registry.open(moment)
        self._take_over(watched, moment)
        self._self.begin(heard, moment)
        self._rows.save_heard(self._heard)
        for topic in (BATCHES, GATEWAY_STATUS, GATEWAY_HEALTH, ACKS):
            self._transport.subscribe(topic)
        self._transport.connect()
        for village in self.villages.values():
            self._watched.notice(village)
        self._next_poll = moment.monotonic + REGISTRY_POLL
        self._database_problem = None
        self._opened = True
        self._count_villages()

    def _take_over(self, watched: Watched, moment: Moment) -> None:
        """Go on with villages where the engine before this one ended."""
        links = self._registry.begin(watched.villages, moment)
        codes = dict.fromkeys(village.code for village in watched.villages)
        for row in self._tables.inbox(codes):
            self._replay(row, moment)
        for code in codes:
            self._watched.pending.links.pop(code, None)  # as it is in the database
            self._watched.pending.dark.pop(code, None)  # it was committed with the rows, and may have been corrected
        self._registry.resume(links, codes, moment)
        if watched.heard_until:
            self._registry.read_again(watched.heard_until, moment)
            self.store_sync.follow_arrivals(min(watched.heard_until.values()) - MINUTE)

    def _count_villages(self) -> None:
        self.metrics.villages.labels(self._tables.share.number).set(sum(code != PROBE for code in self.villages))

    def close(self) -> None:
        """Commit what is not committed, and snapshots. The engine is not used afterwards. The transport stays open."""
        self._commit_at = 0
        if self._opened and self._commit(at_once=True):
            try:
                moment = self.moment()
                folds = self._folds(list(self.villages), moment)
                self._rows.save(moment, self._heard, folds, everything=True)
            except DBAPIError as error:
                log.warning("the engine's rows and snapshots cannot be written", error=type(error).__name__)

    @property
    def takes(self) -> bool:
        """Whether another message may be taken. While the database is away the broker keeps them."""
        return not self._refused and not self._inbox.is_full

    @property
    def pending(self) -> Changes:
        """What was decided and is not committed yet."""
        return self._watched.pending

    @property
    def uncommitted(self) -> int:
        """How many messages were taken that the database does not have yet."""
        return len(self._inbox.rows)

    def receive(self, message: Message) -> None:
        """Take one message, if `takes` says so. A later `tick` commits what it changed, and then acknowledges it."""
        moment = self.moment()
        try:
            topic = parse_topic(message.topic)
        except ForeignTopic:
            topic = None
            self.metrics.unreadable.inc()
        if not isinstance(topic, GatewayTopic):
            self._inbox.take(message, moment.monotonic)
            return
        if self._registry.is_elsewhere(topic.village):
            self._transport.acknowledge(message)  # another engine takes it from its own session
            return
        village = self._village(topic.village, moment)
        keeps = village is not None and self._take(village, topic, message.payload, message.retain, moment).keeps
        # Only now: a look at the registry may commit, which acknowledges every message that the inbox has
        self._inbox.take(message, moment.monotonic)
        if keeps:
            self._inbox.add(topic.village, topic.gateway, topic.channel, moment.now, message.payload)

    def tick(self) -> int | None:
        """Do what is due. Returns when (wall ms) something is due next by itself; `None`: nothing is."""
        self._notice()
        moment = self.moment()
        if moment.monotonic >= self._next_poll:
            self._poll(moment)
        if moment.monotonic >= self._self.decides_at:
            self._watched.look(moment)
        self._commit()
        self._follow_store(moment)
        self._commit()
        self._keep(moment)
        self._tell_past(moment)
        return self._next(moment)

    def _notice(self) -> None:
        """Tell each village what happened to the engine: a new connection, a clock that was set, a stall."""
        reconnected, was_set, stood_still = (
            self._self.notice_connection(),
            self._self.notice_jump(),
            self._self.notice_stall(),
        )
        moment = self.moment()
        if reconnected is not None:
            since = reconnected.lost_since
            self._watched.merge_all(lambda village: village.reconnect(since, moment), moment)
            if since is not None:
                log.info("the broker kept nothing for the alert engine, its memory is read from the store")
                self.store_sync.follow_arrivals(since - MINUTE)
        if was_set:
            self._watched.merge_all(lambda village: village.set_clock(moment), moment)
        if stood_still:
            self._watched.merge_all(lambda village: village.stand_still(moment), moment)
        if self._self.take_changed():
            self._rows.save_soon(self._clock.monotonic())

    def _next(self, moment: Moment) -> int | None:
        # While changes wait for the database, nothing else is saved
        monotonic = [self._next_poll, self._commit_at if self._watched.pending else self._rows.save_at]
        commit_at = self._inbox.commit_at()
        if commit_at is not None:
            monotonic.append(max(self._commit_at, commit_at))
        loading = self.store_sync.next_at(moment.monotonic)
        if loading is not None:
            monotonic.append(loading)
        due = moment.now + max(0, min(monotonic) - moment.monotonic)
        first = self._watched.deadlines.next()
        if first is not None:
            due = min(due, max(first, moment.now + max(0, self._self.decides_at - moment.monotonic)))
        self._self.await_waking(moment.monotonic + due - moment.now)
        return due

    def moment(self) -> Moment:
        """Now, as the engine sees it."""
        return self._self.moment()

    @property
    def _heard(self) -> Heard:
        return self._self.heard(self.store_sync.unread_since)

    # Messages

    def _take(
        self, village: WatchedVillage, topic: GatewayTopic, payload: bytes, is_retained: bool, moment: Moment
    ) -> Outcome:
        """Have a village take a message."""
        gateway = topic.gateway
        try:
            match topic.channel:
                case "batch":
                    batch = decode_batch(payload, village.code, moment.now, village.devices)
                    if batch.refused_count and self._look_again(moment):  # the registry may know its devices by now
                        found = self.villages.get(village.code)
                        if found is None:
                            return Outcome()
                        village = found
                        batch = decode_batch(payload, village.code, moment.now, village.devices)
                    if village.code != PROBE:
                        self.metrics.batches.inc()
                    out = village.take_batch(gateway, batch, moment)
                    _log_judged(batch, village.code, gateway, out)
                case "ack":
                    out = village.take_ack(gateway, decode_ack(payload), moment)
                case "health":
                    out = village.take_health(gateway, read_health(payload), moment)
                case _:
                    out = village.take_status(gateway, _read_status(payload), moment, is_retained=is_retained)
        except (UnreadableBatch, UnreadableHealth, UnreadableJson):
            self.metrics.unreadable.inc()  # the collector shows a batch in the quarantine
            return Outcome()
        if out.arrivals_since is not None:
            self.store_sync.follow_arrivals(out.arrivals_since)
        self._watched.merge(village, out, moment)
        return out

    def _replay(self, row: Row, moment: Moment) -> None:
        """Take a message again that the engine before this one took after the snapshot of its village."""
        self._inbox.replayed(row)
        village = self.villages.get(row.village)
        if village is not None:
            topic = GatewayTopic(row.village, row.gateway, "batch" if row.channel == "batch" else "ack")
            self._take(village, topic, row.payload, False, Moment(row.received, moment.monotonic, None))

    # The registry

    def _poll(self, moment: Moment) -> None:
        self._next_poll = moment.monotonic + REGISTRY_POLL
        try:
            self._move(self._registry.refresh(moment), moment)
            if moment.monotonic >= self._next_snoozes:
                self._next_snoozes = moment.monotonic + SNOOZE_POLL
                if end_snoozes(self._tables.engine, moment.now, self._tables.writing):
                    self.signal.ring()
        except DBAPIError as error:
            self._away(error)
            return
        finally:
            self._forget_gone()
        self._count_villages()

    def _move(self, moves: Moves, moment: Moment) -> None:
        """Hand villages over to other engines, and take over theirs.

        Raises:
            DBAPIError: the database is away; the next look at the registry comes back to them.
        """
        if moves.leaving and self._commit(at_once=True):
            self._registry.leave(moves.leaving, moment, self._heard, self._folds(moves.leaving, moment))
        coming = [village.code for village in moves.coming.villages]
        if coming:
            try:
                self._take_over(moves.coming, moment)
            except DBAPIError:
                self._registry.drop(coming)
                raise
        for code in coming:  # what the broker keeps of their gateways was said to this engine, and passed over
            for topic in _kept_of(code):
                self._transport.subscribe(topic, awaited=False)
        self._came.update(coming)

    def _forget_gone(self) -> None:
        """Forget what waits for villages that are watched no more."""
        self._inbox.keep_only(self.villages)
        for code in self._came - self.villages.keys():
            for topic in _kept_of(code):
                self._transport.unsubscribe(topic)
        self._came &= self.villages.keys()

    def _village(self, code: str, moment: Moment) -> WatchedVillage | None:
        village = self.villages.get(code)
        if village is None and self._look_again(moment):
            village = self.villages.get(code)
        return village

    def _look_again(self, moment: Moment) -> bool:
        """A name is unknown: look at the registry, unless that was just done. Returns True if it was looked at."""
        if not self._opened or moment.monotonic < self._next_poll - REGISTRY_POLL + REGISTRY_GAP:
            return False
        self._poll(moment)
        return True

    # The store

    def _follow_store(self, moment: Moment) -> None:
        """Take what the store answered, and ask for what is due."""
        answer = self.store_sync.poll()
        # What is not committed goes before judged history: both may be about the same spans
        if isinstance(answer, RebuildAnswer) and not self._commit():
            self.store_sync.put_back(answer.request, moment.monotonic + RETRY)
        elif answer is not None:
            self.store_sync.take(answer, moment)
        self.store_sync.ask(moment)

    # The database

    def _commit(self, *, at_once: bool = False) -> bool:
        """Commit changes, and the messages they were decided from. Returns False if the database did not take them."""
        changes, now, due = self._watched.pending, self._clock.monotonic(), self._inbox.commit_at()
        if not (changes or at_once or (due is not None and now >= due)):
            return True
        if now < self._commit_at:
            return False
        moment = self.moment()
        folds = self._folds({**changes.snapshots, **dict.fromkeys(islice(self._inbox.due(moment.now), FOLDS))}, moment)
        try:
            self._watched.date_back(self._tables, moment)
            events = self._tables.commit(changes, self._inbox.rows, folds)
        except REFUSALS:
            raise  # a mistake of the engine's: the next one begins without it
        except DBAPIError as error:
            self._commit_at = self._clock.monotonic() + DATABASE_AGAIN
            self._refused = True
            self._self.held_up(moment)
            self._away(error)
            return False
        self._watched.committed()
        self._database_problem = None
        self._refused = False
        for village, fold in folds.items():
            self._inbox.folded(village, fold.upto)
        if events:  # before the PUBACKs: readers of the stream wait, the broker can wait longer
            self.metrics.events.inc(events)
            self.signal.ring()
        for message in self._inbox.committed():
            self._transport.acknowledge(message)
        return True

    def _folds(self, villages: Iterable[str], moment: Moment) -> dict[str, Fold]:
        """Returns snapshots of villages, which replace their inbox rows."""
        found = {}
        for code in villages:
            village = self.villages.get(code)
            if village is not None and village.recall.is_read:
                found[code] = Fold(self._inbox.last_of(code), moment.now, save(village))
        return found

    def _keep(self, moment: Moment) -> None:
        if moment.monotonic < self._rows.save_at or not self._commit(at_once=bool(self._inbox.rows)):
            return
        folds, heard = self._folds(self._registry.needing_snapshots(), moment), self._heard
        try:
            self._rows.save(moment, heard, folds)
        except DBAPIError as error:
            self._rows.save_soon(moment.monotonic + 5 * SECOND)
            self._away(error)
        else:
            self._database_problem = None
            if not heard.settled:  # a session that the broker begins now is known to be incomplete
                self._transport.connect()
            for village, fold in folds.items():
                self._inbox.folded(village, fold.upto)

    def _tell_past(self, moment: Moment) -> None:
        """Write what of the past is not known, for all who answer questions about it: at most once a second."""
        past = self.past
        if past == self._told_past or moment.monotonic < self._tell_past_at:
            return
        self._tell_past_at = moment.monotonic + SECOND
        try:
            self._tables.save_past(past)
        except DBAPIError as error:
            self._away(error)
        else:
            self._told_past = past

    def _away(self, error: DBAPIError) -> None:
        if self._database_problem is None:
            log.warning("the database does not answer, alerts wait in memory", error=type(error).__name__)
        self.metrics.database_failures.inc()
        self._database_problem = f"the database does not answer ({type(error).__name__}): check SIAGA_DATABASE_URL"


def _kept_of(village: str) -> list[str]:
    """Returns the filters of what the broker keeps of a village's gateways."""
    return [kept.replace("+", village, 1) for kept in (GATEWAY_STATUS, GATEWAY_HEALTH)]


def _read_status(payload: bytes) -> str:
    """Returns what a gateway's session says: `online` or `offline`."""
    document, _ = read_json(payload)
    state = document.get("state") if isinstance(document, dict) else None
    if state not in ("online", "offline"):
        raise UnreadableJson("says neither online nor offline")
    return str(state)


def _log_judged(batch: Batch, village: str, gateway: str, out: Outcome) -> None:
    alerts = out.changes.alerts if out.has_changes else ()
    opened = [each.alert.id for each in alerts if isinstance(each, Opened)]
    tell_way("batch_judged", batch.id, village, gateway=gateway, opened=opened)
