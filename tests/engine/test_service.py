"""The engine as a service, on a real broker: threads, reconnects, a slow store, a clean end."""

import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, select

from api.engine import AlertEngine, AlertService
from api.engine.metrics import EngineMetrics
from siaga.database import connect, tables
from siaga.database.registry import Registry
from siaga.model.clock import MINUTE, SystemClock
from siaga.model.observation import Arrival, Reading
from siaga.mqtt import Message, MqttTransport
from siaga.telemetry import open_store
from siaga.wire.batch import BatchId, encode_batch
from siaga.wire.topics import batch_topic
from tests.alerts.world import CODE, TestStore, gate, village
from tests.schema import with_tables
from tests.servers import Mosquitto
from tests.wait import PATIENCE, until


class Running:
    """A service with a gateway beside it, in real time."""

    def __init__(self, path: Path, mosquitto: Mosquitto) -> None:
        self.store = TestStore(open_store(f"duckdb:///{path / 'telemetry.duckdb'}"))
        self.database: Engine = connect(f"sqlite:///{path / 'siaga.db'}")
        with_tables(self.database)
        Registry(self.database).replace([village(gate(grace=0))], now() - MINUTE)
        self.gateway = MqttTransport(mosquitto.url, "gateway")
        self.transport = MqttTransport(mosquitto.url, "engine")
        self.service = AlertService(
            self.database,
            self.store,  # type: ignore[arg-type] # it hands everything on
            self.transport,
            metrics=EngineMetrics(CollectorRegistry()),
        )
        self.seq = 0

    def say(self, is_open: bool) -> None:
        at = now()
        self.seq += 1
        readings = [Reading("gw", "alive", at, True), Reading("gerbang-1", "gate_open", at, is_open)]
        payload = encode_batch(BatchId(str(uuid.UUID(int=7)), self.seq), at, readings)
        until(lambda: self.gateway.publish(batch_topic(CODE, "gw"), payload), what="the broker takes a batch")

    def state(self) -> str | None:
        table = tables.span
        with self.database.connect() as connection:
            query = select(table.c.state).where(table.c.end.is_(None), table.c.facility == "gerbang")
            state: str | None = connection.execute(query).scalar()
        return state

    def raised(self) -> int:
        with self.database.connect() as connection:
            return len(connection.execute(select(tables.alert)).all())

    def readers(self) -> int:
        """Threads of this service's process that read the store for an engine."""
        return sum(thread.name == "alert engine store" for thread in threading.enumerate())

    def close(self) -> None:
        self.service.stop()
        self.gateway.close()
        self.store.inner.close()
        self.database.dispose()


def now() -> int:
    return SystemClock().now()


@pytest.fixture
def running(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Running]:
    running = Running(tmp_path, mosquitto)
    yield running
    running.close()


def test_an_alert_is_there_within_a_moment_and_rings(running: Running) -> None:
    rung = threading.Event()
    running.service.signal.subscribe(rung.set)
    running.service.start()
    until(lambda: running.service.problem() is None, what="the engine is ready")
    running.say(True)
    until(lambda: running.state() == "met", what="the gate is open")
    running.say(False)
    assert rung.wait(PATIENCE)
    assert running.raised() == 1


def test_it_says_why_it_is_not_ready_and_comes_back_with_the_broker(running: Running, mosquitto: Mosquitto) -> None:
    assert running.service.problem() == "the alert engine is not running"
    mosquitto.stop()
    running.service.start()
    until(lambda: "broker" in (running.service.problem() or ""), what="it misses the broker")
    mosquitto.start()
    until(lambda: running.service.problem() is None, what="it watches")
    running.say(True)
    until(lambda: running.state() == "met", what="the gate is open")


def test_a_store_that_hangs_holds_up_no_alert(running: Running) -> None:
    running.service.start()
    until(lambda: running.service.problem() is None, what="the engine is ready")
    running.say(True)
    until(lambda: running.state() == "met", what="the gate is open")
    hangs, ends = threading.Event(), threading.Event()

    def hang(since: int) -> list[object]:
        hangs.set()
        ends.wait(30)
        return []

    running.store.inner.arrivals = hang  # type: ignore[method-assign,assignment] # as a server that takes and never answers
    running.gateway.publish(
        f"siaga/v1/{CODE}/gateway/gw/ack", b'{"epoch":"%s","seq":99}' % str(uuid.UUID(int=7)).encode()
    )
    assert hangs.wait(PATIENCE)
    running.say(False)
    until(lambda: running.raised() == 1, what="the alert is raised")
    ends.set()


def test_a_store_that_fails_in_a_way_that_nobody_foresaw_is_asked_again(running: Running) -> None:
    read, asked, again = running.store.inner.arrivals, threading.Event(), threading.Event()

    def fail_once(since: int) -> Sequence[Arrival]:
        if asked.is_set():
            again.set()
            return read(since)
        asked.set()
        raise KeyError("a column that an older store does not have")

    running.store.inner.arrivals = fail_once  # type: ignore[method-assign] # as one with a mistake in it
    running.service.start()
    assert again.wait(PATIENCE)
    running.say(True)
    until(lambda: running.state() == "met", what="the gate is open")


def test_a_database_that_is_away_at_the_start_is_waited_for(running: Running) -> None:
    with running.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE alert RENAME TO hidden")
    running.service.start()
    until(lambda: "database" in (running.service.problem() or ""), what="it misses the database")
    with running.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE hidden RENAME TO alert")
    until(lambda: running.service.problem() is None, what="the engine is ready")


def test_it_ends_soon(running: Running) -> None:
    running.service.start()
    until(lambda: running.service.problem() is None, what="the engine is ready")
    began = time.monotonic()
    running.service.stop()
    assert time.monotonic() - began < 10, "so long has the whole system"
    assert running.service.problem() == "the alert engine is stopping"


def test_a_verb_that_fails_leaves_no_end_and_a_new_engine_goes_on(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of what it did must not become a snapshot: what it took comes from the inbox, or again from the broker."""
    receive, close = AlertEngine.receive, AlertEngine.close
    failed, closed = threading.Event(), threading.Event()

    def fail_once(engine: AlertEngine, message: Message) -> None:
        if not failed.is_set() and message.topic.endswith("/batch"):
            failed.set()
            raise KeyError("a mistake")
        receive(engine, message)

    def note(engine: AlertEngine) -> None:
        closed.set()
        close(engine)

    monkeypatch.setattr(AlertEngine, "receive", fail_once)
    monkeypatch.setattr(AlertEngine, "close", note)
    running.service.start()
    until(lambda: running.service.problem() is None, what="the engine is ready")
    running.say(True)
    assert failed.wait(PATIENCE)
    until(lambda: running.service.problem() is None and running.readers() == 1, what="a new engine, with a new reader")
    assert not closed.is_set(), "the one that failed wrote nothing of its end"
    running.say(True)
    until(lambda: running.state() == "met", what="the gate is open")
    running.service.stop()
    assert closed.is_set()
    assert running.readers() == 0


def test_an_engine_that_cannot_be_opened_leaves_no_reader(running: Running) -> None:
    with running.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE alert RENAME TO hidden")
    running.service.start()
    until(lambda: "database" in (running.service.problem() or ""), what="it misses the database")
    until(lambda: running.readers() == 0, what="its reader has ended")
