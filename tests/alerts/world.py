"""A small world for the engine: a clock that is moved by hand, a broker in memory, a real store and a real database.

What a gateway publishes reaches the engine and a centre that stores and acknowledges, as the collector does.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import orjson
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, event, select
from sqlalchemy.exc import DBAPIError, OperationalError

from api.engine import engine as engine_module
from api.engine.engine import AlertEngine
from api.engine.metrics import EngineMetrics
from api.engine.reader import InlineReader
from api.engine.tables import Tables
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.database import connect, tables
from siaga.database.dark import dark_stretches
from siaga.database.registry import Registry
from siaga.model.clock import MINUTE, SECOND, ManualClock
from siaga.model.intervals import Interval
from siaga.model.observation import Arrival, Point, Reading
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.mqtt import Message
from siaga.telemetry import StoreUnavailable, TelemetryStore
from siaga.timeline.judge import Span
from siaga.timeline.span_algebra import FOREVER
from siaga.wire.batch import LIVE_EDGE, BatchId, UnreadableBatch, decode_batch, encode_ack, encode_batch
from siaga.wire.topics import BATCHES, ack_topic, batch_topic, gateway_status_topic, health_topic, parse_topic
from tests.schema import with_tables
from tests.stores import empty_store

CODE = "35.10.16.2003"
MIDNIGHT = int(datetime(2026, 3, 4, 17, tzinfo=UTC).timestamp()) * 1000  # in Jakarta
NOON = MIDNIGHT + 12 * 60 * MINUTE


def gate(grace: int | None = None, **changes: object) -> Facility:
    device = Device("gerbang-1", Adapter.SENML, MINUTE)
    return Facility("gerbang", "gate", "Gerbang", (device,), grace=grace, **changes)  # type: ignore[arg-type] # terse


def village(
    *facilities: Facility, code: str = CODE, offline_after: int = 5 * MINUTE, uplink: str | None = None
) -> Village:
    place = (-8.2, 114.31, "Asia/Jakarta")
    return Village(code, "Tamansuruh", *place, facilities or (gate(),), True, offline_after, uplink)


@contextmanager
def looking_seldom() -> Iterator[None]:
    """Let engines look at the registry every 10 m, and leave their marks every 20 s: they do little else in hours of a
    story in which nobody changes villages or plans work. A `World` refuses such a change meanwhile."""
    with (
        patch("api.engine.engine.REGISTRY_POLL", 10 * MINUTE),
        patch("api.engine.state_rows.SAVE_EVERY", 20 * SECOND),
    ):
        yield


OFTEN = engine_module.REGISTRY_POLL
LOOKED_FOR = (
    "UPDATE registry_version",
    "INSERT INTO maintenance ",
    "UPDATE maintenance ",
    "UPDATE alert SET snoozed_until",
    "INSERT INTO complaint ",
    "UPDATE complaint ",
)
"""How the statements begin whose effect an engine sees when it looks at the registry next."""


class TestStore:
    """The real store behind a door that can be shut."""

    __test__ = False

    def __init__(self, inner: TelemetryStore) -> None:
        self.inner = inner
        self.away = False

    def __getattr__(self, name: str) -> object:
        if self.away:
            raise StoreUnavailable("the store is away")
        return getattr(self.inner, name)


class Centre:
    """Stores batches and acknowledges them; with the store away it keeps them, as the collector and broker would."""

    def __init__(self, broker: MemoryBroker, store: TestStore, clock: ManualClock, villages: Sequence[Village]) -> None:
        self._transport = MemoryTransport(broker, "centre", clean=False, max_queue=1_000_000)
        self._transport.subscribe(BATCHES)
        self._store, self._clock = store, clock
        self.devices = {
            each.code: {device.id for facility in each.facilities for device in facility.devices} for each in villages
        }
        self.held = False
        self.took_at: int | None = None
        """When it took what it stores now, where it has had that in hand since."""

    def work(self) -> None:
        while not self.held and not self._store.away and (message := self._transport.receive(0)) is not None:
            self._store_one(message)
            self._transport.acknowledge(message)

    def _store_one(self, message: Message) -> None:
        topic = parse_topic(message.topic)
        code = topic.village
        received = self._clock.now() if self.took_at is None else self.took_at
        try:
            batch = decode_batch(message.payload, code, received, self.devices[code])
        except (UnreadableBatch, KeyError):
            return
        arrivals = []
        if batch.first is not None and batch.last is not None and batch.first < received - LIVE_EDGE:
            arrivals.append(Arrival(code, topic.gateway, received, batch.first, batch.last))  # type: ignore[union-attr] # a batch's topic is a gateway's
        store: TelemetryStore = self._store  # type: ignore[assignment] # it hands everything on
        store.write([Point(*point) for point in batch.points], arrivals)
        self._transport.publish(ack_topic(code, topic.gateway), encode_ack(batch.id))  # type: ignore[union-attr] # as above


@dataclass
class Alert:
    """An alert as a test compares it."""

    kind: str
    subject: str
    began_at: int
    raised_at: int
    ended_at: int | None
    cleared_at: int | None
    cause: str | None = None


class World:
    """One centre with villages. `say` publishes at once; `let` lets time pass, second by second where it matters."""

    def __init__(
        self,
        path: Path,
        *villages: Village,
        now: int = NOON,
        database: str | None = None,
        engine: bool = True,
        store: TelemetryStore | None = None,
        kept: bool = False,
    ) -> None:
        """`kept`: the broker keeps the engine's session while it is away, as the real one does for ten minutes."""
        self.kept = kept
        self.clock = ManualClock(now)
        self.told = now
        self.broker = MemoryBroker()
        self.store = TestStore(store or empty_store())
        self.database: Engine = with_tables(connect(database or f"sqlite:///{path / 'siaga.db'}"))
        self.registry = Registry(self.database)
        self.villages = list(villages) or [village()]
        self.registry.replace(self.villages, now)
        self.centre = Centre(self.broker, self.store, self.clock, self.villages)
        self._gateway = MemoryTransport(self.broker, "gateway")
        self._epoch = str(uuid.UUID(int=1))
        self._seq = 0
        self.running = False
        event.listen(self.database, "before_cursor_execute", self._refuse_what_is_not_seen)
        self._metrics = CollectorRegistry()
        self.engine: AlertEngine
        self.transport: MemoryTransport
        if engine:
            self.start()

    def start(self, *, connected: bool = True) -> None:
        """A new engine, which knows nothing but the database and the store."""
        self.transport = MemoryTransport(
            self.broker, "engine", clean=not self.kept, max_queue=1_000_000, held=self.kept
        )
        self._metrics = CollectorRegistry()
        if not connected:
            self.transport.cut()
        self.engine = AlertEngine(
            self.registry,
            Tables(self.database),
            self.clock,
            self.transport,
            InlineReader(self.store),  # type: ignore[arg-type] # it hands everything on
            metrics=EngineMetrics(self._metrics),
        )
        self.engine.open()
        self.running = True
        self.settle()

    def stop(self, *, clean: bool = False) -> None:
        """The engine is gone without a word (or with one)."""
        if clean:
            self.engine.close()
        self.transport.cut()
        self.transport.close()
        self.running = False

    def restart(self, *, clean: bool = False) -> None:
        """The engine is gone without a word (or with one), and a new one comes."""
        self.stop(clean=clean)
        self.start()

    def _refuse_what_is_not_seen(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        if self.running and engine_module.REGISTRY_POLL != OFTEN and statement.startswith(LOOKED_FOR):
            raise AssertionError("the engine would see this in ten minutes: mark the test with `looks_often`")

    @contextmanager
    def without_database(self, error: type[DBAPIError] = OperationalError) -> Iterator[None]:
        """No statement reaches the database; or it refuses all of them."""

        def refuse(*_: object) -> None:
            raise error("the database is away", None, Exception())

        event.listen(self.database, "before_cursor_execute", refuse)
        try:
            yield
        finally:
            event.remove(self.database, "before_cursor_execute", refuse)

    def settle(self) -> None:
        """Everything that can happen now happens."""
        for _ in range(1000):
            self.centre.work()
            worked = False
            while self.engine.takes and (message := self.transport.receive(0)) is not None:
                self.engine.receive(message)
                worked = True
            due = self.engine.tick()
            if not worked and (due is None or due > self.clock.now()) and not self.engine.store_sync.busy:
                return
        raise AssertionError("the engine does not come to rest")

    def let(self, milliseconds: int) -> None:
        """Let time pass; the engine wakes when something is due."""
        end = self.clock.now() + milliseconds
        while self.clock.now() < end:
            due = self.engine.tick()
            step = min(end, end if due is None else due) - self.clock.now()
            self.clock.advance(max(1, step))
            self.settle()

    def until(self, time: int) -> None:
        """Let time pass until a moment."""
        self.let(time - self.clock.now())

    def send(
        self,
        readings: Iterable[Reading],
        *,
        code: str = CODE,
        gateway: str = "gw",
        epoch: str | None = None,
        settle: bool = True,
    ) -> bytes:
        """A batch of a gateway; answers the payload, so that it can be sent again. `epoch`: of another buffer."""
        self._seq += 1
        batch = BatchId(self._epoch if epoch is None else epoch, self._seq)
        payload = encode_batch(batch, self.clock.now(), list(readings), pack=False)
        self.resend(payload, code=code, gateway=gateway, settle=settle)
        return payload

    def resend(self, payload: bytes, *, code: str = CODE, gateway: str = "gw", settle: bool = True) -> None:
        self._gateway.publish(batch_topic(code, gateway), payload)
        if settle:
            self.settle()

    def status(self, state: str, *, code: str = CODE, gateway: str = "gw", settle: bool = True) -> None:
        self._gateway.publish(gateway_status_topic(code, gateway), f'{{"state":"{state}"}}'.encode(), retain=True)
        if settle:
            self.settle()

    def health(
        self,
        buffer: float = 0.0,
        *,
        code: str = CODE,
        gateway: str = "gw",
        settle: bool = True,
        trusted: Sequence[str] | None = None,
        skewed: Mapping[str, tuple[float, float]] | None = None,
        heard: Mapping[str, Mapping[str, object]] | None = None,
        version: str | None = None,
        **clocks: tuple[float, float],
    ) -> None:
        """What a gateway says of itself; `skewed`: offset and since, in seconds, by device; `clocks`: `_` for `-`."""
        clocks = {name.replace("_", "-"): clock for name, clock in clocks.items()} | dict(skewed or {})
        said = {name: {"offset": offset, "since": since} for name, (offset, since) in clocks.items()}
        whole = {"clocks": said, "buffer": buffer, "thinned": 0, "trusted": trusted, "heard": heard or {}}
        text = orjson.dumps(whole | {"version": version})
        self._gateway.publish(health_topic(code, gateway), text, retain=True)
        if settle:
            self.settle()

    def publish(self, topic: str, payload: bytes) -> None:
        """Anything, from somewhere."""
        self._gateway.publish(topic, payload)
        self.settle()

    def beat(self, *says: tuple[str, str, object], at: int | None = None, code: str = CODE) -> None:
        """The gateway's heartbeat with what devices say, now."""
        now = self.clock.now() if at is None else at
        readings = [Reading("gw", "alive", now, True)]
        readings += [Reading(device, signal, now, value) for device, signal, value in says]  # type: ignore[arg-type] # terse
        self.send(readings, code=code)

    def live(self, minutes: float, *says: tuple[str, str, object]) -> None:
        """For some minutes the gateway beats every 30 s and devices say the same every minute."""
        end = self.clock.now() + round(minutes * MINUTE)
        turn = 0
        while self.clock.now() < end:
            self.beat(*(says if turn % 2 == 0 else ()))
            self.let(min(30 * SECOND, end - self.clock.now()))
            turn += 1

    # What came of it

    def alerts(self, kind: str | None = None) -> list[Alert]:
        table = tables.alert
        with self.database.connect() as connection:
            rows = connection.execute(select(table).order_by(table.c.raised_at, table.c.kind, table.c.subject)).all()
        return [
            Alert(row.kind, row.subject, row.began_at, row.raised_at, row.ended_at, row.cleared_at, row.cause)
            for row in rows
            if kind in (None, row.kind)
        ]

    def evidence(self, kind: str) -> list[dict[str, object]]:
        table = tables.alert
        with self.database.connect() as connection:
            query = select(table.c.evidence).where(table.c.kind == kind)
            return list(connection.execute(query.order_by(table.c.raised_at, table.c.subject)).scalars())

    def events(self) -> list[tuple[str, str]]:
        with self.database.connect() as connection:
            rows = connection.execute(select(tables.alert_event).order_by(tables.alert_event.c.id)).all()
        return [(row.type, row.document["kind"]) for row in rows]

    def metric(self, name: str) -> float | None:
        """What the engine tells Prometheus."""
        return self._metrics.get_sample_value(name)

    def spans(self, facility: str = "gerbang", code: str = CODE) -> list[Span]:
        return Tables(self.database).spans(code, facility, -FOREVER)

    def states(self, facility: str = "gerbang", code: str = CODE) -> list[tuple[int, str, str | None]]:
        return [(span.start, span.state.value, span.cause) for span in self.spans(facility, code)]

    def dark(self, code: str = CODE) -> list[Interval]:
        with self.database.connect() as connection:
            return list(dark_stretches(connection, (-FOREVER, FOREVER), (code, code)).get(code, ()))

    def close(self) -> None:
        self.engine.close()
        self.transport.close()
        self.store.inner.close()
        self.database.dispose()
