"""The self-probe goes the whole way, and nothing is to be seen of it; the heartbeat follows it."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select

from api.engine import AlertService
from api.engine.metrics import EngineMetrics
from collector import CollectorService, assemble, broker_session
from siaga.broker import EmbeddedBroker
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.database import connect, tables
from siaga.database.self_probe import ProbeResult, read_result
from siaga.model.clock import SECOND, ManualClock, SystemClock
from siaga.model.probe_village import DEVICE, GATEWAY, PROBE
from siaga.mqtt import Tls
from siaga.mqtt.sessions import SessionName
from siaga.mqtt.worker import turn
from siaga.run import self_probe
from siaga.run.self_probe import FIRST, STEP_WITHIN, SelfProbe, heartbeat, probe_session
from siaga.run.services import alert_session
from siaga.telemetry import open_store
from siaga.wire.batch import decode_batch, encode_ack
from siaga.wire.topics import ack_topic, batch_topic
from tests.schema import with_tables
from tests.servers import free_port
from tests.wait import until

NOW = 1_796_000_000_000


class Centre:
    """A real centre: broker, collector, store, engine and database, without a village."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._path, self.clock, port = path, SystemClock(), free_port()
        self._url = f"mqtt://127.0.0.1:{port}"
        self.engine = with_tables(connect(f"sqlite:///{path / 'siaga.db'}"))
        stack.callback(self.engine.dispose)
        self._store = open_store(f"duckdb:///{path}/telemetry.duckdb")
        stack.callback(self._store.close)
        broker = EmbeddedBroker(path / "broker.db", port)
        broker.start()
        stack.callback(broker.close)
        self.beats: list[int] = []
        self.probe = SelfProbe(self.engine, probe_session(self._url, Tls()), self.clock, self._beat)
        stack.callback(self.probe.close)
        self._bell = threading.Event()
        self.probe.inlets[0].transport.ring(self._bell.set)

    def _beat(self) -> str | None:
        self.beats.append(1)
        return None if len(self.beats) < 3 else "it answered 500"

    @contextmanager
    def collecting(self) -> Iterator[CollectorService]:
        name = SessionName.of(self._path, "collector")
        session = broker_session(self._url, name)
        collector = assemble(self._store, self.engine, session, clock=self.clock, metrics=CollectorRegistry())
        collector.start()
        until(lambda: collector.problem() is None, timeout=60, what="the collector is ready")
        yield collector
        collector.stop()
        name.release()

    @contextmanager
    def watching(self) -> Iterator[AlertService]:
        session = alert_session(self._url, "siaga-alerts-test")
        self.counted = CollectorRegistry()
        metrics = EngineMetrics(self.counted)
        alerts = AlertService(self.engine, self._store, session, self.clock, metrics=metrics)
        alerts.start()
        until(lambda: alerts.problem() is None, timeout=60, what="the engine is ready")
        yield alerts
        alerts.stop()

    def result(self) -> ProbeResult:
        """The probe works until it has written another result. Returns that."""
        found, before = None, self._read()
        deadline = self.clock.monotonic() + 90 * SECOND
        while found is None or found == before:
            assert self.clock.monotonic() < deadline, "no result"
            wait = turn(self.probe) - self.clock.monotonic()
            self._bell.wait(max(0.0, wait / SECOND))
            self._bell.clear()
            found = self._read()
        return found

    def _read(self) -> ProbeResult | None:
        with self.engine.connect() as connection:
            return read_result(connection)

    def rows(self) -> dict[str, int]:
        """Returns how many rows there are of what people could see."""
        seen = (tables.alert, tables.alert_event, tables.notice, tables.span, tables.day, tables.village)
        with self.engine.connect() as connection:
            return {t.name: connection.execute(select(func.count()).select_from(t)).scalar_one() for t in seen}


@pytest.fixture
def centre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    """A centre whose probe is due at once, always."""
    monkeypatch.setattr(self_probe, "FIRST", 0)
    monkeypatch.setattr(self_probe, "EVERY", 0)
    monkeypatch.setattr(self_probe, "AGAIN", 0)
    with ExitStack() as stack:
        yield Centre(tmp_path, stack)


def test_an_alert_arrives_again_and_again_and_nobody_sees_it(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    with centre.collecting() as collector:
        with centre.watching():
            for count in (1, 2):
                found = centre.result()
                assert (found.problem, found.heartbeat, len(centre.beats)) == (None, None, count)
                assert found.stored is not None
                assert found.raised is not None
        with centre.watching():
            assert centre.result().heartbeat == "it answered 500"
            assert centre.counted.get_sample_value("siaga_engine_batches_total") == 0, "it says that villages are heard"
            assert centre.counted.get_sample_value("siaga_engine_villages", {"partition": "0"}) == 0
        assert set(centre.rows().values()) == {0}
        monkeypatch.setattr(self_probe, "STEP_WITHIN", SECOND)
        assert "no alert is raised" in (centre.result().problem or "")
        collector.stop()
        assert "no batch is acknowledged" in (centre.result().problem or "")
    assert len(centre.beats) == 3, "there is no heartbeat after a probe that failed"


class Quiet:
    """A probe on a clock that is moved by hand, and a collector and an engine that do as the test says."""

    def __init__(self, path: Path) -> None:
        self.clock, self._broker = ManualClock(NOW), MemoryBroker()
        self.engine = with_tables(connect(f"sqlite:///{path / 'siaga.db'}"))
        self.collector = MemoryTransport(self._broker, "collector")
        self.collector.subscribe(batch_topic(PROBE, GATEWAY))
        self.probe, self.line = self.another("probe")

    def another(self, name: str) -> tuple[SelfProbe, MemoryTransport]:
        line = MemoryTransport(self._broker, name)
        line.subscribe(ack_topic(PROBE, GATEWAY))
        return SelfProbe(self.engine, line, self.clock), line

    def after(self, ms: int, *, acknowledges: bool = False) -> list[bytes]:
        """Time passes. Returns the batches that were sent meanwhile."""
        sent = []
        ends = self.clock.monotonic() + ms
        while self.clock.monotonic() < ends:
            self.clock.advance(min(SECOND, ends - self.clock.monotonic()))
            turn(self.probe)
            while (message := self.collector.receive(0)) is not None:
                self.collector.acknowledge(message)
                sent.append(message.payload)
                if acknowledges:
                    self.acknowledge(message.payload)
        return sent

    def acknowledge(self, payload: bytes) -> None:
        """The collector says that a batch is stored."""
        batch = decode_batch(payload, PROBE, self.clock.now(), {DEVICE})
        self.collector.publish(ack_topic(PROBE, GATEWAY), encode_ack(batch.id))

    def read(self) -> ProbeResult | None:
        with self.engine.connect() as connection:
            return read_result(connection)


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Quiet]:
    made = Quiet(tmp_path)
    yield made
    made.engine.dispose()


def test_a_batch_is_sent_again_until_it_is_acknowledged(quiet: Quiet) -> None:
    quiet.after(FIRST)
    quiet.line.cut()
    assert quiet.after(10 * SECOND) == [], "there is no connection"
    quiet.line.restore()
    sent = quiet.after(11 * SECOND)
    assert (len(sent), len(set(sent))) == (3, 1)
    quiet.after(5 * SECOND, acknowledges=True)
    first, *again = quiet.after(12 * SECOND)
    assert first not in sent, "it goes on with the next"
    assert set(again) == {first}


def test_acknowledgements_that_no_step_waits_for_do_not_begin_the_next_probe(quiet: Quiet) -> None:
    quiet.after(FIRST)
    sent = quiet.after(STEP_WITHIN + 3 * SECOND, acknowledges=True)
    assert len(set(sent)) == 3, "open, closed until an alert is raised or time is up, open again"
    assert quiet.after(self_probe.AGAIN - 5 * SECOND, acknowledges=True) == []
    late = quiet.after(STEP_WITHIN + 10 * SECOND)
    assert len(set(late)) == 1, "it is not acknowledged in time, and the probe has failed"
    quiet.acknowledge(late[0])
    assert quiet.after(self_probe.AGAIN - 20 * SECOND) == []


def test_a_probe_that_fails_by_chance_is_told_to_nobody(quiet: Quiet) -> None:
    quiet.after(FIRST + STEP_WITHIN + 2 * SECOND)
    assert quiet.read() is None
    quiet.after(self_probe.AGAIN + STEP_WITHIN)
    result = quiet.read()
    assert result is not None
    assert "no batch is acknowledged" in (result.problem or "")


def test_a_member_without_the_turn_takes_what_the_broker_brings_and_follows_at_once(quiet: Quiet) -> None:
    other, line = quiet.another("other")
    turn(other)
    quiet.after(FIRST)
    assert quiet.after(SECOND, acknowledges=True), "it is the first member's turn"
    turn(other)
    assert line.receive(0) is None
    quiet.probe.close()
    turn(other)
    quiet.clock.advance(self_probe.AGAIN)
    turn(other)
    assert quiet.collector.receive(0) is not None


class Outside(http.server.BaseHTTPRequestHandler):
    """An address outside: by its path it takes a heartbeat, leads elsewhere, refuses, or drips."""

    asked: ClassVar[list[str]] = []
    end: ClassVar[threading.Event]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/drips":
            while not self.end.wait(0.05):
                try:
                    self.wfile.write(b"H")
                except OSError:
                    return
            return
        self.send_response({"/takes": 200, "/leads": 302}.get(self.path, 500))
        self.send_header("Location", "/takes")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def outside() -> Iterator[Callable[[str], str]]:
    """Returns addresses of a server that answers by the path."""
    Outside.asked, Outside.end = [], threading.Event()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield lambda path: f"http://127.0.0.1:{server.server_port}{path}"
    Outside.end.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_heartbeat_is_taken_or_says_why_not(outside: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert heartbeat(outside("/takes")) is None
    assert heartbeat(outside("/leads")) == "it answered 302"
    assert heartbeat(outside("/refuses")) == "it answered 500"
    assert Outside.asked == ["/takes", "/leads", "/refuses"], "a redirect is not followed"
    monkeypatch.setattr(self_probe, "HEARTBEAT_WITHIN", 0.5)
    assert heartbeat(outside("/drips")) == "it did not answer within 0.5 s"


def test_where_nobody_listens_is_said_without_the_secret_address() -> None:
    said = heartbeat(f"http://127.0.0.1:{free_port()}/rahasia")
    assert said is not None
    assert "rahasia" not in said
    assert said.startswith("it was not reached")
