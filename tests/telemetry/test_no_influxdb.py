"""A server that is no InfluxDB has stored nothing: only the answer that means "written" counts as written."""

from collections.abc import Callable, Iterator

import pytest

from siaga.model.clock import DAY, ManualClock
from siaga.model.observation import Arrival, Point
from siaga.telemetry import StoreUnavailable, TelemetryStore, open_store
from siaga.telemetry.influx import InfluxStore
from tests.telemetry.stand_in import DONE, WRITTEN, Reply, Request, StandIn

T0 = 1_779_840_000_000
PAGE = Reply(200, "<html>Welcome to this hotel's Wi-Fi</html>", {"Content-Type": "text/html; charset=utf-8"})
SIGN_IN = Reply(302, "", {"Location": "https://user:pw@portal.example/sign-in?token=geheim"})
NOT_WRITTEN = {
    "a sign-in page": (PAGE, r"200 \(text/html, .*hotel"),
    "an empty 200": (Reply(200), r"200 \(an empty answer\)"),
    "200 with an error": (Reply(200, {"error": "timeout"}), r"200 \(.*timeout"),
    "201": (Reply(201), "201"),
    "202, accepted": (Reply(202), r"202 .*where InfluxDB answers 204"),
    "203": (Reply(203), "203"),
    "206": (Reply(206), "206"),
    "a redirect": (SIGN_IN, r"302, a redirect to https://portal\.example/sign-in, which is not followed"),
    "a redirect to itself": (Reply(307, "", {"Location": "/write"}), "307, a redirect to /write"),
    "not modified": (Reply(304), "304"),
}


def points(count: int = 1) -> list[Point]:
    return [Point("35.10.15.2012", "gerbang-1", T0 + n, T0, {"power": float(n)}) for n in range(count)]


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def store(server: StandIn) -> Iterator[TelemetryStore]:
    store = open_store(server.url())
    yield store
    store.close()


@pytest.mark.parametrize(("reply", "sentence"), NOT_WRITTEN.values(), ids=NOT_WRITTEN)
def test_an_answer_other_than_204_is_not_written(
    server: StandIn, store: TelemetryStore, reply: Reply, sentence: str
) -> None:
    server.write = lambda _: reply
    write = store.prepare(points(), [Arrival("35.10.15.2012", "gw", T0, T0, T0)])
    with pytest.raises(StoreUnavailable, match=sentence) as caught:
        write()
    assert "geheim" not in str(caught.value)
    assert "pw" not in str(caught.value)
    with pytest.raises(StoreUnavailable, match=sentence):
        store.check()
    server.write = lambda _: WRITTEN
    assert write() == []
    telemetry, arrival = server.writes[-2:]
    assert telemetry.body.startswith("telemetry,")
    assert arrival.body.startswith("arrival,")


@pytest.mark.parametrize(("reply", "sentence"), NOT_WRITTEN.values(), ids=NOT_WRITTEN)
def test_a_note_of_late_data_is_written_by_204_alone(
    server: StandIn, store: TelemetryStore, reply: Reply, sentence: str
) -> None:
    server.write = lambda request: reply if request.body.startswith("arrival") else WRITTEN
    write = store.prepare(points(), [Arrival("35.10.15.2012", "gw", T0, T0, T0)])
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=sentence):
            write()
    server.write = lambda _: WRITTEN
    assert write() == []
    bodies = [request.body.partition(",")[0] for request in server.writes]
    assert bodies == ["telemetry", "arrival", "arrival", "arrival"], "what was written is not written again"


@pytest.mark.parametrize(("reply", "sentence"), NOT_WRITTEN.values(), ids=NOT_WRITTEN)
def test_of_a_split_write_the_part_that_got_no_204_is_sent_again_alone(
    server: StandIn, store: TelemetryStore, reply: Reply, sentence: str
) -> None:
    server.write = lambda _: WRITTEN if len(server.writes) == 1 else reply
    write = store.prepare(points(1_500))
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=sentence):
            write()
    server.write = lambda _: WRITTEN
    assert write() == []
    first, *others = [request.lines for request in server.writes]
    assert len(first) == 1_000
    assert all(len(lines) == 500 and not set(lines) & set(first) for lines in others)


PINGS = {
    "a page": PAGE,
    "204 to everything": Reply(204),
    "another product": Reply(200, "pong", {"Server": "nginx"}),
    "accepted": Reply(202, headers={"X-Influxdb-Version": "1.8.10"}),
    "a redirect": SIGN_IN,
}


@pytest.mark.parametrize("ping", PINGS.values(), ids=PINGS)
def test_a_server_without_influxdbs_signs_is_written_nothing(
    server: StandIn, store: TelemetryStore, ping: Reply
) -> None:
    server.ping = ping
    for call in (lambda: store.write(points()), store.check, lambda: store.drop_before(0)):
        with pytest.raises(StoreUnavailable, match=r"answers a ping with \d{3}.*SIAGA_STORE_URL"):
            call()
    assert not server.writes
    server.ping = None
    assert store.write(points()) == []


SIGNS = {
    "InfluxDB 1": (Reply(204, headers={"X-Influxdb-Version": "1.6.7~rc0", "X-Influxdb-Build": "OSS"}), "/write"),
    "InfluxDB 2": (Reply(204, headers={"X-Influxdb-Version": "v2.9.1", "X-Influxdb-Build": "OSS"}), "/write"),
    "InfluxDB 3 Core": (
        Reply(200, {"version": "3.8.0"}, {"X-Influxdb-Version": "3.8.0", "X-Influxdb-Build": "Core"}),
        "/api/v3/write_lp",
    ),
    "openGemini": (Reply(204, headers={"X-Geminidb-Version": "1.4.0", "X-Geminidb-Build": "OSS"}), "/write"),
    "a build without a number": (Reply(204, headers={"X-Influxdb-Version": "unknown"}), "/write"),
}


@pytest.mark.parametrize(("ping", "path"), SIGNS.values(), ids=SIGNS)
def test_the_servers_that_siaga_speaks_to_say_who_they_are(
    server: StandIn, store: TelemetryStore, ping: Reply, path: str
) -> None:
    server.ping = ping
    assert store.write(points()) == []
    assert [request.path for request in server.writes] == [path]


STATEMENTS = {
    "a page": PAGE,
    "nothing": Reply(200),
    "no results": Reply(200, {}),
    "empty results": Reply(200, {"results": []}),
    "another API": Reply(200, {"status": "ok"}),
    "204": Reply(204),
    "accepted": Reply(202, DONE.body),
    "an error": Reply(200, {"error": "timeout"}),
    "an error of the statement": Reply(200, {"results": [{"statement_id": 0, "error": "timeout"}]}),
    "a redirect": SIGN_IN,
}


@pytest.mark.parametrize("reply", STATEMENTS.values(), ids=STATEMENTS)
def test_a_database_is_made_when_the_statement_has_its_result(
    server: StandIn, store: TelemetryStore, reply: Reply
) -> None:
    server.query = lambda _: reply
    with pytest.raises(StoreUnavailable):
        store.write(points())
    assert not server.writes
    server.query = lambda _: DONE
    assert store.write(points()) == []


@pytest.mark.parametrize("reply", STATEMENTS.values(), ids=STATEMENTS)
def test_a_retention_policy_is_set_when_the_statement_has_its_result(server: StandIn, reply: Reply) -> None:
    columns = ["name", "duration", "shardGroupDuration", "replicaN", "default"]
    policies = {"columns": columns, "values": [["autogen", "0s", "168h0m0s", 1, True]]}

    def answer(altered: Reply) -> Callable[[Request], Reply]:
        def query(request: Request) -> Reply:
            if "ALTER" in request.body:
                return altered
            if "SHOW+RETENTION" in request.body:
                return Reply(200, {"results": [{"statement_id": 0, "series": [policies]}]})
            return DONE

        return query

    store = InfluxStore.open(server.url(), ManualClock(T0))
    server.query = answer(reply)
    with pytest.raises(StoreUnavailable):
        store.drop_before(0)
    server.query = answer(DONE)
    store.drop_before(0)
    store.close()


def test_a_bucket_says_how_long_it_keeps_and_is_left_alone(server: StandIn) -> None:
    """As an InfluxDB 2 answers; by InfluxQL it says `0s` of every bucket."""
    server.version = "2.9.1"
    rules: list[dict[str, object]] = [{"type": "expire", "everySeconds": 400 * DAY // 1000}]
    server.write = lambda _: Reply(200, {"links": {}, "buckets": [{"name": "db", "retentionRules": rules}]})
    store = InfluxStore.open(server.url("influxdb://:token@HOST/org/db"), ManualClock(T0))
    assert store.kept_for() == 400 * DAY
    asked = server.requests[-1]
    assert (asked.path, asked.query) == ("/api/v2/buckets", {"name": "db", "org": "org"})
    rules.clear()
    assert store.kept_for() is None
    server.write = lambda _: Reply(404, {"code": "not found", "message": "bucket not found"})
    assert store.kept_for() is None
    server.write = lambda _: Reply(401, {"code": "unauthorized", "message": "unauthorized access"})
    with pytest.raises(StoreUnavailable, match="check the token"):
        store.kept_for()
    store.thin(T0 - 400 * DAY)
    assert not server.writes
    store.close()
    by_user = InfluxStore.open(server.url("influxdb://siaga:rahasia@HOST/-/db"), ManualClock(T0))
    assert by_user.kept_for() is None, "its API knows no passwords"
    by_user.close()


def test_check_proves_that_a_point_is_taken(server: StandIn) -> None:
    store = InfluxStore.open(server.url(), ManualClock(T0 + 1_234))
    store.check()
    assert [request.body for request in server.writes] == [f"siaga_check ok=true {T0}"]
    server.write = lambda _: Reply(403, {"error": "not authorized to write"})
    with pytest.raises(StoreUnavailable, match=r"does not allow writing \(403\)"):
        store.check()
    server.write = lambda _: Reply(400, {"error": "partial write: points beyond retention policy dropped=1"})
    with pytest.raises(StoreUnavailable, match=r"takes no point.*retention"):
        store.check()
    server.write = lambda _: Reply(400, {"error": "partial write: max-series-per-database limit exceeded dropped=1"})
    store.check()  # it still takes the series that it has
    store.close()
