"""The protocol of servers that Debian does not have: a small HTTP server answers as they do."""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from siaga.model.observation import Arrival, Point, Track
from siaga.model.signals import Value
from siaga.telemetry import StoreUnavailable, open_store

T0 = 1_779_840_000_000
VILLAGE = "35.10.15.2012"
Answer = tuple[int, object]
"""A status, and what is sent as JSON (text as it is)."""


@dataclass
class Request:
    path: str
    query: dict[str, str]
    authorization: str
    body: str

    @property
    def form(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(self.body).items()}


@dataclass
class Server:
    """Answers pings with `version`, the rest with `write` and `query`; records its requests."""

    version: str | None = "v2.9.1"
    write: Callable[[Request], Answer] = lambda _: (204, "")
    query: Callable[[Request], Answer] = lambda _: (200, {"results": [{"statement_id": 0}]})
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        match request.path:
            case "/ping":
                return 204, ""
            case "/query":
                return self.query(request)
            case _:
                return self.write(request)

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]


@pytest.fixture
def server() -> Iterator[Server]:
    fake = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            packed = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = (gzip.decompress(packed) if self.headers.get("Content-Encoding") == "gzip" else packed).decode()
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            status, said = fake.answer(Request(parts.path, query, self.headers.get("Authorization", ""), body))
            data = (said if isinstance(said, str) else json.dumps(said)).encode()
            self.send_response(status)
            if fake.version is not None:
                self.send_header("X-Influxdb-Version", fake.version)
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if status != 204:
                self.wfile.write(data)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    fake.port = http.server_port
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    http.shutdown()
    thread.join()
    http.server_close()


def point(time: int, **values: Value) -> Point:
    return Point(VILLAGE, "gerbang-1", T0 + time, T0, values)


def test_influxdb_2_is_written_to_by_token_organisation_and_bucket(server: Server) -> None:
    store = open_store(f"influxdb://:my%3Dtoken%3D%3D@127.0.0.1:{server.port}/Dinas%20Kominfo/tele%20metri")
    assert store.write([point(0, gate_open=True)], [Arrival(VILLAGE, "gw", T0, T0, T0)]) == []
    telemetry, arrival = server.asked("/api/v2/write")
    assert telemetry.query == {"org": "Dinas Kominfo", "bucket": "tele metri", "precision": "ms"}
    assert arrival.query["precision"] == "ns"
    assert {request.authorization for request in server.requests} == {"Token my=token=="}
    line = f"telemetry,village={VILLAGE},device=gerbang-1 gate_open=true,received={T0 / 1000} {T0}"
    assert telemetry.body == line
    assert not server.asked("/query")  # no CREATE DATABASE
    store.close()


def test_influxdb_2_is_read_by_influxql_with_the_bucket_as_database(server: Server) -> None:
    def answer(request: Request) -> Answer:
        statements = request.form["q"].split(";")
        if statements == ['SHOW FIELD KEYS FROM "telemetry"']:
            fields = {"columns": ["fieldKey", "fieldType"], "values": [["power", "float"], ["received", "float"]]}
            return 200, json.dumps({"results": [{"statement_id": 0, "series": [fields]}]})
        index = next(index for index, text in enumerate(statements) if 'SELECT "power"' in text)
        part = {"name": "telemetry", "tags": {"device": "gerbang-1"}, "columns": ["time", "power"]}
        lines = [
            {
                "results": [
                    {"statement_id": index, "series": [part | {"values": [[T0, 1], [T0 + 1, 2.5]], "partial": True}]}
                ]
            },
            {"results": [{"statement_id": index, "series": [part | {"values": [[T0 + 2, 3]]}]}]},
        ]
        return 200, "".join(json.dumps(line) + "\n" for line in lines)

    server.query = answer
    store = open_store(f"influxdb://:token@127.0.0.1:{server.port}/org/bucket")
    tracks = store.tracks(VILLAGE, T0, T0 + 10)
    assert tracks == {("gerbang-1", "power"): Track([T0, T0 + 1, T0 + 2], [1.0, 2.5, 3.0])}
    assert {type(value) for value in tracks["gerbang-1", "power"].values} == {float}
    keys, request = server.asked("/query")
    assert keys.form["db"] == "bucket"
    assert request.form["q"].count("SELECT") == 1, "what is stored of no village is not asked for"
    assert (request.form["db"], request.form["epoch"]) == ("bucket", "ms")
    assert json.loads(request.form["params"]) == {"village": VILLAGE}
    assert VILLAGE not in request.form["q"]
    assert f"time >= {T0}000000 AND time < {T0 + 10}000000" in request.form["q"]
    assert "params" not in keys.form
    store.close()


@pytest.mark.parametrize(
    ("version", "url", "path", "query"),
    [
        ("1.8.10", "siaga:secret@{host}/-/db", "/api/v2/write", {"bucket": "db", "org": "-"}),
        ("1.7.11", "siaga:secret@{host}/-/db", "/write", {"db": "db"}),
        ("v2.9.1", ":token@{host}/org/db", "/api/v2/write", {"bucket": "db", "org": "org"}),
        ("v2.9.1", ":token@{host}/-/db", "/write", {"db": "db"}),
        ("v2.9.1", "siaga:secret@{host}/-/db", "/write", {"db": "db"}),
        ("unknown", "{host}/-/db", "/write", {"db": "db"}),
        ("unknown", ":token@{host}/org/db", "/api/v2/write", {"bucket": "db", "org": "org"}),
    ],
)
def test_the_way_of_writing_follows_the_version(
    server: Server, version: str | None, url: str, path: str, query: dict[str, str]
) -> None:
    server.version = version
    store = open_store("influxdb://" + url.format(host=f"127.0.0.1:{server.port}"))
    store.write([point(0, power=1.0)])
    (written,) = server.asked(path)
    assert written.query == query | {"precision": "ms"}
    store.close()


def refusing(field: str, answer: Callable[[int, list[int]], Answer]) -> Callable[[Request], Answer]:
    """Drops each line that has `field`; `answer` makes the server's response from their count and line numbers."""

    def write(request: Request) -> Answer:
        lines = request.body.split("\n")
        bad = [number for number, line in enumerate(lines, 1) if f"{field}=" in line]
        return answer(len(bad), bad) if bad else (204, "")

    return write


@pytest.mark.parametrize(
    "answer",
    [
        lambda dropped, _: (
            422,
            {
                "code": "unprocessable entity",
                "message": "failure writing points to database: partial write: field type conflict: input field "
                f'"power" on measurement "telemetry" is type float, already exists as type integer dropped={dropped}',
            },
        ),
        lambda _, lines: (
            400,
            {
                "error": "partial write of line protocol occurred",
                "data": [
                    {
                        "original_line": "telemetry,village=…",
                        "line_number": line,
                        "error_message": "invalid column type for column 'power', expected "
                        "iox::column_type::field::integer, got iox::column_type::field::float",
                    }
                    for line in lines
                ],
            },
        ),
        lambda *_: (400, {"error": "partial write: something that nobody has seen yet"}),
    ],
    ids=["2.x: 422 with a count", "3.x: 400 line by line", "an unknown sentence"],
)
def test_a_partial_write_refuses_the_conflicting_values_alone(
    server: Server, answer: Callable[[int, list[int]], Answer]
) -> None:
    server.write = refusing("power", answer)
    store = open_store(f"influxdb://:token@127.0.0.1:{server.port}/org/bucket")
    refused = store.write([point(0, gate_open=True, power=1.0), point(1, power=2.0), point(2, gate_open=False)])
    assert sorted((refusal.point.time - T0, dict(refusal.point.values)) for refusal in refused) == [
        (0, {"power": 1.0}),
        (1, {"power": 2.0}),
    ]
    taken = [line for request in server.asked("/api/v2/write") for line in request.body.split("\n")]
    assert any(line.endswith(f" {T0}") and "gate_open=true" in line and "power" not in line for line in taken)
    store.close()


@pytest.mark.parametrize(
    ("status", "said", "sentence"),
    [
        (
            401,
            {"code": "unauthorized", "message": "unauthorized access"},
            r"\(401\): check the token in SIAGA_STORE_URL",
        ),
        (403, {"code": "forbidden", "message": "insufficient permissions"}, r"\(403\): check the token"),
        (404, {"code": "not found", "message": 'bucket "bucket" not found'}, r'\(404\).*bucket "bucket" not found'),
        (429, {"code": "too many requests", "message": "limit"}, r"\(429\)"),
        (500, {"error": "engine: cache-max-memory-size exceeded: (1/1)"}, "cache-max-memory-size exceeded"),
        (503, "<html>no server is available</html>", r"\(503\).*no server is available"),
        (500, {"error": "write /wal/_00001.wal: no space left on device"}, "no space left on device"),
        (400, {"error": "database is required"}, "database is required"),
    ],
)
def test_what_may_pass_is_unavailable_and_never_a_refusal(
    server: Server, status: int, said: object, sentence: str
) -> None:
    server.write = lambda _: (status, said)
    server.query = lambda _: (status, said)
    store = open_store(f"influxdb://:verborgen@127.0.0.1:{server.port}/org/bucket")
    with pytest.raises(StoreUnavailable, match=sentence) as caught:
        store.write([point(0, power=1.0)])
    assert "verborgen" not in str(caught.value)
    assert len(server.asked("/api/v2/write")) == 1, "one attempt"
    with pytest.raises(StoreUnavailable, match=sentence):
        store.latest(VILLAGE, "gerbang-1")
    server.write = lambda _: (204, "")
    assert store.write([point(0, power=1.0)]) == []
    store.close()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((200, "<html>welcome to this hotel's Wi-Fi</html>"), "not InfluxDB's JSON"),
        ((200, {"results": [{"series": 5}]}), "not InfluxDB's JSON"),
        ((200, {"results": [{"statement_id": 0, "error": "timeout"}]}), "timeout"),
        ((200, {"error": "max-select-point limit exceeded"}), "max-select-point limit exceeded"),
    ],
)
def test_an_answer_that_is_none_is_unavailable(server: Server, answer: Answer, sentence: str) -> None:
    server.query = lambda _: answer
    store = open_store(f"influxdb://:token@127.0.0.1:{server.port}/org/bucket")
    with pytest.raises(StoreUnavailable, match=sentence):
        store.tracks(VILLAGE, T0, T0 + 1)
    store.close()


def test_a_request_of_a_size_that_a_proxy_refuses_is_split_and_the_size_remembered(server: Server) -> None:
    server.write = lambda request: (413, "<html>too large</html>") if request.body.count("\n") >= 100 else (204, "")
    store = open_store(f"influxdb://:token@127.0.0.1:{server.port}/org/bucket")
    assert store.write([point(time, power=1.0) for time in range(1_000)]) == []
    first = len(server.asked("/api/v2/write"))
    store.write([point(time, power=1.0) for time in range(1_000)])
    assert len(server.asked("/api/v2/write")) - first == 17  # requests of 62 lines each, none of them refused
    server.write = lambda _: (413, "")
    with pytest.raises(StoreUnavailable, match="too large"):
        store.write([point(0, power=1.0)])
    store.close()
