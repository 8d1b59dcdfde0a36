"""How queries are sent and which answers count, on stand-ins that answer as real servers were observed to."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from siaga.model.clock import DAY, HOUR, MINUTE, ManualClock
from siaga.model.observation import Point, Track
from siaga.telemetry import StoreUnavailable
from siaga.telemetry.influx import InfluxStore
from siaga.telemetry.influx_connection import TimedOut, TooMuch
from siaga.telemetry.influx_portions import HOLD, SMALLEST
from tests.servers import Influxd

T0 = 1_779_840_000_000
VILLAGE = "35.10.15.2012"
FIELDS = {"columns": ["fieldKey", "fieldType"], "values": [["gate_open", "boolean"], ["power", "float"]]}
WINDOW = re.compile(r"time >= (-?\d+) AND time < (-?\d+)")
INFLUX_1, INFLUX_2 = {"X-Influxdb-Version": "1.8.10"}, {"X-Influxdb-Version": "v2.9.1"}
INFLUX_3, GEMINI = {"X-Influxdb-Version": "3.8.0", "X-Influxdb-Build": "Core"}, {"X-Geminidb-Version": "v1.3.0"}


@dataclass
class Server:
    """Answers `/ping` and every write. `query` answers a form with a body, or with a status and a body."""

    headers: dict[str, str] = field(default_factory=lambda: INFLUX_2)
    query: Callable[[dict[str, str]], str | tuple[int, str]] = lambda _: results()
    asked: list[dict[str, str]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def store(self, clock: ManualClock | None = None) -> InfluxStore:
        return InfluxStore.open(f"influxdb://:token@127.0.0.1:{self.port}/-/siaga", clock or ManualClock(T0 + DAY))

    def widths(self) -> list[int]:
        """Returns the widths of the queries that had a window, ms."""
        found = [WINDOW.search(form["q"]) for form in self.asked]
        return [(int(window[2]) - int(window[1])) // 1_000_000 for window in found if window]


def results(*of: dict[str, object]) -> str:
    return json.dumps({"results": [{"statement_id": place, **one} for place, one in enumerate(of or ({},))]})


@pytest.fixture
def server() -> Iterator[Server]:
    fake = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, said = 204, ""
            if self.path.startswith("/query"):
                form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
                fake.asked.append(form)
                answer = fake.query(form)
                status, said = answer if isinstance(answer, tuple) else (200, answer)
            self.send_response(status)
            for name, value in fake.headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(said.encode())))
            self.end_headers()
            if status != 204:
                self.wfile.write(said.encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    fake.port = http.server_port
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    fake.closed.set()
    http.shutdown()
    thread.join()
    http.server_close()


def answering(form: dict[str, str]) -> str:
    """A village with one reading at midnight."""
    if form["q"].startswith("SHOW"):
        return results({"series": [FIELDS]})
    one: dict[str, object] = {"tags": {"device": "gerbang"}, "columns": ["time", "power"], "values": [[T0, 7]]}
    windows = [WINDOW.search(statement) for statement in form["q"].split(";")]
    here = [window is None or int(window[1]) <= T0 * 1_000_000 < int(window[2]) for window in windows]
    powers = ['"power"' in statement for statement in form["q"].split(";")]
    found: dict[str, object] = {"series": [one]}
    return results(*(found if both == (True, True) else {} for both in zip(here, powers, strict=True)))


MEASUREMENT = results({"error": "measurement not found"})
DATABASE = results({"error": "Cannot retrieve database: External error: database not found: siaga"})


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (INFLUX_1, results()),
        (INFLUX_2, results()),
        (GEMINI, MEASUREMENT),
        (GEMINI, results({"error": "database not found: siaga"})),
        (GEMINI, results({"error": "measurement not found"}, {"error": "not executed"})),
        (INFLUX_3, MEASUREMENT),
        (INFLUX_3, DATABASE),
        (INFLUX_3, results({"error": "Database siaga not found"})),
        (INFLUX_3, (404, '{"error":"database not found: siaga"}')),
    ],
)
def test_an_empty_database_is_an_empty_answer(server: Server, headers: dict[str, str], said: str) -> None:
    server.headers = headers
    server.query = lambda form: results() if form["q"].startswith("CREATE") else said
    store = server.store()
    store.check()
    assert store.tracks(VILLAGE, T0, T0 + DAY) == {}
    assert store.latest(VILLAGE, "gerbang") == {}
    assert store.first_times(VILLAGE) == {}
    assert store.arrivals(T0) == []
    assert store.series(VILLAGE, "gerbang", "power", T0, T0 + DAY, HOUR) == []
    memory = store.recall([VILLAGE], T0, T0 + DAY)[VILLAGE]
    assert (memory.tracks, memory.latest, memory.first) == ({}, {}, {})
    store.close()


@pytest.mark.parametrize("headers", [INFLUX_1, INFLUX_2])
def test_a_database_that_is_not_there_is_said_where_it_should_be(server: Server, headers: dict[str, str]) -> None:
    server.headers = headers
    server.query = lambda form: results(
        {} if form["q"].startswith("CREATE") else {"error": "database not found: siaga"}
    )
    store = server.store()
    with pytest.raises(StoreUnavailable, match="siaga"):
        store.check()
    store.close()


def test_influxdb_3_says_nothing_in_chunks_where_it_finds_nothing_and_is_asked_without(server: Server) -> None:
    server.headers = INFLUX_3
    server.query = lambda form: (
        results({"series": [FIELDS]}) if form["q"].startswith("SHOW") else "" if "chunked" in form else results({}, {})
    )
    store = server.store()
    assert store.tracks(VILLAGE, T0, T0 + DAY) == {}
    assert ["chunked" in form for form in server.asked if "SELECT" in form["q"]] == [True, False]
    store.close()


@pytest.mark.parametrize("headers", [INFLUX_1, INFLUX_2, INFLUX_3, GEMINI])
@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("", "answers a query with nothing"),
        ("<html>welcome to this hotel</html>", "welcome to this hotel"),
        ('{"status":"ok"}', "has no results"),
        ('{"error":"internal"}', "internal"),
        (results({"error": "internal"}), "internal"),
        (results({"partial": True}), "not the rest"),
    ],
)
def test_what_is_no_answer_never_counts_as_an_empty_one(
    server: Server, headers: dict[str, str], said: str, sentence: str
) -> None:
    server.headers = headers
    server.query = lambda form: results() if form["q"].startswith("CREATE") else said
    store = server.store()
    calls: list[Callable[[], object]] = [
        store.check,
        lambda: store.tracks(VILLAGE, T0, T0 + DAY),
        lambda: store.latest(VILLAGE, "gerbang"),
        lambda: store.latest_of_village(VILLAGE),
        lambda: store.first_times(VILLAGE),
        lambda: store.recall([VILLAGE], T0, T0 + DAY),
        lambda: store.series(VILLAGE, "gerbang", "power", T0, T0 + DAY, HOUR),
        lambda: store.arrivals(T0),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable, match=sentence):
            call()
    store.close()


def test_a_check_asks_for_a_window_and_with_a_bound_name_as_all_questions_do(server: Server) -> None:
    store = server.store()
    store.check()
    (asked,) = [form for form in server.asked if "SELECT" in form["q"]]
    assert WINDOW.search(asked["q"])
    assert json.loads(asked["params"]) == {"village": ""}
    server.query = lambda form: results({"error": "no"} if WINDOW.search(form["q"]) else {})
    with pytest.raises(StoreUnavailable):
        store.check()
    store.close()


def test_text_alone_is_bound_and_only_what_each_statement_names(server: Server) -> None:
    server.query = answering
    store = server.store()
    store.recall([VILLAGE, "35.10.15.2013"], T0, T0 + DAY)
    store.latest(VILLAGE, "gerbang")
    with pytest.raises(StoreUnavailable, match="columns"):  # it answers another question than this one
        store.series(VILLAGE, "gerbang", "power", T0, T0 + DAY, HOUR)
    store.arrivals(T0)
    for form in server.asked:
        params = json.loads(form.get("params", "{}"))
        assert all(isinstance(value, str) for value in params.values())
        for statement in form["q"].split(";"):
            assert set(re.findall(r"\$(\w+)", statement)) == set(params), statement
    store.close()


LIMITS = [
    "error while planning query: External error: Query would scan 432 Parquet files, exceeding the file limit.",
    "max-select-point limit exceeed: (1/1)",
    "query-timeout limit exceeded",
    "timeout",
    "datafusion error: Resources exhausted: Failed to allocate additional 1 bytes",
]


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("headers", [INFLUX_2, INFLUX_3])
def test_what_is_refused_as_too_much_is_asked_in_halves(server: Server, headers: dict[str, str], limit: str) -> None:
    def narrow(form: dict[str, str]) -> str:
        windows = [WINDOW.search(statement) for statement in form["q"].split(";") if statement.startswith("SELECT")]
        wide = [w is None or (int(w[2]) - int(w[1]) > 5 * HOUR * 1_000_000 and int(w[1]) > 0) for w in windows]
        return results({"error": limit}) if any(wide) else answering(form)

    server.headers, server.query = headers, narrow
    store = server.store()
    assert store.tracks(VILLAGE, T0 - DAY, T0 + DAY) == {("gerbang", "power"): Track([T0], [7.0])}
    refused = [width for width in server.widths() if width > 5 * HOUR]
    assert len(set(refused)) >= 3, "it became narrower"
    assert len(server.widths()) < 60
    store.close()


def test_an_empty_500_of_a_query_is_the_same(server: Server) -> None:
    def narrow(form: dict[str, str]) -> str | tuple[int, str]:
        found = WINDOW.search(form["q"])
        wide = found is not None and int(found[2]) - int(found[1]) > 5 * HOUR * 1_000_000
        return (500, "") if wide else answering(form)

    server.query = narrow
    store = server.store()
    assert store.tracks(VILLAGE, T0 - DAY, T0 + DAY) == {("gerbang", "power"): Track([T0], [7.0])}
    store.close()


def test_a_server_that_refuses_the_narrowest_window_is_not_asked_for_ever(server: Server) -> None:
    server.query = lambda form: answering(form) if form["q"].startswith("SHOW") else results({"error": LIMITS[0]})
    store = server.store()
    with pytest.raises(TooMuch, match="file limit"):
        store.tracks(VILLAGE, T0, T0 + DAY)
    assert min(server.widths()) == SMALLEST
    assert len(server.widths()) < 15
    store.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siaga.telemetry.influx_connection.QUERY_TIMEOUT", 200)


@pytest.mark.usefixtures("impatient")
def test_a_question_that_times_out_is_asked_in_halves_by_the_next_calls(server: Server) -> None:
    def slow(form: dict[str, str]) -> str:
        found = WINDOW.search(form["q"])
        if found is not None and int(found[2]) - int(found[1]) > 10 * HOUR * 1_000_000:
            server.closed.wait(2)
        return answering(form)

    server.query = slow
    clock = ManualClock(T0 + DAY)
    store = server.store(clock)
    for _ in range(3):
        with pytest.raises(TimedOut):
            store.tracks(VILLAGE, T0 - DAY, T0 + DAY)
    assert store.tracks(VILLAGE, T0 - DAY, T0 + DAY) == {("gerbang", "power"): Track([T0], [7.0])}
    wide = [width for width in server.widths() if width > 10 * HOUR]
    assert wide == [48 * HOUR, 24 * HOUR, 12 * HOUR], "none of them twice"
    server.asked.clear()
    store.tracks(VILLAGE, T0 - DAY, T0 + DAY)
    assert set(server.widths()) == {6 * HOUR}, "nor soon after"
    clock.advance(HOLD)
    store.tracks(VILLAGE, T0 - HOUR, T0 + 5 * HOUR)
    assert store._reading._time().width == 12 * HOUR, "later it is tried again"
    store.close()


@pytest.mark.usefixtures("impatient")
def test_a_recall_that_times_out_is_of_fewer_villages_next_time(server: Server) -> None:
    def slow(form: dict[str, str]) -> str:
        if len(json.loads(form.get("params", "{}"))) > 2:
            server.closed.wait(2)
        return results({"series": [FIELDS]}) if form["q"].startswith("SHOW") else results()

    server.query = slow
    store = server.store()
    villages = [f"35.10.15.{number}" for number in range(2001, 2009)]
    counts = []
    for _ in range(3):
        server.asked.clear()
        try:
            found = store.recall(villages, T0, T0 + HOUR)
        except TimedOut:
            counts.append([len(json.loads(form["params"])) for form in server.asked if "params" in form])
    assert set(found) == set(villages)
    assert counts == [[8], [4]]
    assert [len(json.loads(form["params"])) for form in server.asked if "params" in form] == [2, 2, 2, 2]
    store.close()


def test_an_answer_that_trickles_has_an_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siaga.telemetry.influx_connection.monotonic", iter(range(0, 10_000, 70)).__next__)
    server.query = answering
    store = server.store()
    with pytest.raises(TimedOut, match="not done within 60 s"):
        store.tracks(VILLAGE, T0, T0 + DAY)
    store.close()


@pytest.mark.usefixtures("impatient")
def test_a_server_that_hangs_makes_no_question_narrower(influxd: Influxd) -> None:
    store = InfluxStore.open(influxd.store_url(), ManualClock(T0 + DAY))
    store.write([Point(VILLAGE, "gerbang", T0 + n * MINUTE, T0, {"power": float(n)}) for n in range(10)])
    monkeypatched = pytest.MonkeyPatch()
    monkeypatched.setattr("siaga.telemetry.influx_connection.PING_TIMEOUT", 200)
    influxd.freeze()
    try:
        for _ in range(3):
            with pytest.raises(TimedOut):
                store.tracks(VILLAGE, T0, T0 + DAY)
    finally:
        influxd.thaw()
        monkeypatched.undo()
    assert store._reading._time().whole
    assert len(store.tracks(VILLAGE, T0, T0 + DAY)["gerbang", "power"].times) == 10
    store.close()
