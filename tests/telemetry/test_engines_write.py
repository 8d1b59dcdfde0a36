"""How the engines accept and refuse a write, in their own words: InfluxDB 1, 2 and 3, openGemini."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from siaga.model.clock import DAY
from siaga.model.observation import Arrival, Point
from siaga.model.signals import Value
from siaga.telemetry import StoreUnavailable, open_store
from tests.telemetry.stand_in import WRITTEN, Reply, Request, StandIn

T0 = 1_779_840_000_000
VILLAGE = "35.10.15.2012"
TOKEN = "influxdb://:token@HOST/org/db"


def point(time: int, **values: Value) -> Point:
    return Point(VILLAGE, "gerbang-1", T0 + time, T0, values)


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


@pytest.mark.parametrize("form", [TOKEN, "influxdb://:token@HOST/-/db", "influxdb://siaga:token@HOST/-/db"])
def test_influxdb_3_is_written_to_by_its_own_way(server: StandIn, form: str) -> None:
    server.version = "3.8.0"
    store = open_store(server.url(form))
    assert store.write([point(0, power=1.0)], [Arrival(VILLAGE, "gw", T0, T0, T0)]) == []
    telemetry, arrival = server.writes
    assert telemetry.path == arrival.path == "/api/v3/write_lp"
    once = {"db": "db", "accept_partial": "true", "no_sync": "false"}
    assert telemetry.query == once | {"precision": "millisecond"}
    assert arrival.query == once | {"precision": "nanosecond"}
    assert telemetry.headers["Authorization"] == "Bearer token"
    store.close()


def conflict(line: str, number: int) -> dict[str, object]:
    return {
        "original_line": line,
        "line_number": number,
        "error_message": "invalid column type for column 'power', expected iox::column_type::field::integer, "
        "got iox::column_type::field::float",
    }


def numbered(lines: Sequence[str], field: str) -> list[tuple[int, str]]:
    return [(number, line) for number, line in enumerate(lines, 1) if f"{field}=" in line]


def three_partial(request: Request) -> Reply:
    """`/api/v3/write_lp` with `accept_partial`: the other lines are stored."""
    bad = numbered(request.lines, "power")
    data = [conflict(line, number) for number, line in bad]
    return Reply(400, {"error": "partial write of line protocol occurred", "data": data}) if bad else WRITTEN


def three_whole(request: Request) -> Reply:
    """An older write path of InfluxDB 3: one bad line has the whole request refused."""
    bad = numbered(request.lines, "power")
    words = "line protocol parse failed: invalid column type for column 'power', expected "
    return Reply(400, {"error": f"{words}iox::column_type::field::integer"}) if bad else WRITTEN


def three_parsing(request: Request) -> Reply:
    bad = numbered(request.lines, "power")
    whole = {"error": "parsing failed for write_lp endpoint", "data": conflict(bad[0][1], bad[0][0])} if bad else {}
    return Reply(400, whole) if bad else WRITTEN


@pytest.mark.parametrize("answer", [three_partial, three_whole, three_parsing])
def test_a_field_of_another_type_in_influxdb_3_costs_that_reading(
    server: StandIn, answer: Callable[[Request], Reply]
) -> None:
    server.version, server.write = "3.8.0", answer
    store = open_store(server.url(TOKEN))
    refused = store.write([point(0, gate_open=True, power=1.0), point(1, power=2.0), point(2, gate_open=False)])
    assert sorted((each.point.time - T0, dict(each.point.values)) for each in refused) == [
        (0, {"power": 1.0}),
        (1, {"power": 2.0}),
    ]
    assert all("invalid column type" in each.reason for each in refused)
    stored = [line for request in server.writes if answer(request) == WRITTEN for line in request.lines]
    assert any("gate_open=true" in line and line.endswith(f" {T0}") for line in stored)
    assert any("gate_open=false" in line for line in stored)
    store.close()


def picky(status: int) -> Callable[[Request], Reply]:
    """Refuses a whole request because of a line with `power`, in words that no known server uses."""

    def write(request: Request) -> Reply:
        bad = numbered(request.lines, "power")
        return Reply(status, {"error": "das geht so nicht"}) if bad else WRITTEN

    return write


@pytest.mark.parametrize("status", [400, 422])
def test_a_batch_that_is_refused_twice_in_any_words_is_written_in_parts(server: StandIn, status: int) -> None:
    server.write = picky(status)
    store = open_store(server.url())
    points = [point(n, gate_open=True) for n in range(100)] + [point(200, gate_open=False, power=1.0)]
    write = store.prepare(points)
    with pytest.raises(StoreUnavailable, match=f"{status}.*das geht so nicht"):
        write()
    (refused,) = write()
    assert refused.point.values == {"power": 1.0}
    assert "das geht so nicht" in refused.reason
    stored = {line for request in server.writes if not numbered(request.lines, "power") for line in request.lines}
    assert sum("gate_open" in line for line in stored) == 101, "what stands beside the refused field is kept, too"
    assert any(line.startswith("siaga_check ") for line in stored), "the server takes other lines"
    store.close()


def test_a_note_of_late_data_that_is_refused_for_good_blocks_nothing(server: StandIn) -> None:
    late, other = Arrival(VILLAGE, "gw", T0, T0 - DAY, T0), Arrival(VILLAGE, "other", T0, T0 - DAY, T0)
    words = 'partial write: field type conflict: input field "first" on measurement "arrival" is type integer dropped=1'
    refusal = Reply(400, {"error": words})
    server.write = lambda request: refusal if "gateway=gw" in request.body else WRITTEN
    store = open_store(server.url())
    (refused,) = store.write([point(0, power=1.0)], [late, other])
    assert (refused.point.device, refused.point.values) == ("gw", {})
    assert "late" in refused.reason
    assert "type conflict" in refused.reason
    assert [request.body for request in server.writes if request.body.startswith("arrival")][-1].count("other") == 1
    store.close()


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_takes_nothing_refuses_no_reading(server: StandIn, status: int) -> None:
    server.write = lambda _: Reply(status, {"error": "database is required"})
    store = open_store(server.url())
    write = store.prepare([point(0, power=1.0)], [Arrival(VILLAGE, "gw", T0, T0, T0)])
    for _ in range(5):
        with pytest.raises(StoreUnavailable, match="database is required"):
            write()
    server.write = lambda _: WRITTEN
    assert write() == []
    store.close()


def test_influxdb_2_without_an_organisation_is_asked_by_database(server: StandIn) -> None:
    server.version = "v2.9.1"
    store = open_store(server.url("influxdb://:token@HOST/-/db"))
    assert store.write([point(0, power=1.0)]) == []
    (written,) = server.writes
    assert (written.path, written.query) == ("/write", {"db": "db", "precision": "ms"})
    assert written.headers["Authorization"] == "Token token"
    unmapped = {"code": "not found", "message": "no dbrp mapping found"}
    server.write = lambda _: Reply(404, unmapped)
    for call in (store.check, lambda: store.write([point(0, power=1.0)])):
        with pytest.raises(StoreUnavailable, match=r"InfluxDB 2 without a database 'db'.*ORG/BUCKET"):
            call()
    store.close()


def test_check_says_that_influxdb_2_knows_no_such_organisation(server: StandIn) -> None:
    server.version = "v2.9.1"
    server.write = lambda _: Reply(404, {"code": "not found", "message": 'organization name "org" not found'})
    store = open_store(server.url(TOKEN))
    with pytest.raises(StoreUnavailable, match=r'404.*organization name "org" not found'):
        store.check()
    store.close()


def one_eight(dropped: int) -> Reply:
    return Reply(400, {"error": f"partial write: points beyond retention policy dropped={dropped}"})


def two_seven(dropped: int) -> Reply:
    words = (
        f"failure writing points to database: partial write: dropped {dropped} points outside retention policy of "
        "duration 720h0m0s - oldest point telemetry,device=x at 2026-01-01T00:00:00Z dropped because it violates a "
        "Retention Policy Lower Bound at 2026-04-27T00:00:00Z, newest point telemetry,device=x at "
        "2026-01-02T00:00:00Z dropped because it violates a Retention Policy Lower Bound at 2026-04-27T00:00:00Z "
        f"dropped={dropped} for database: 9f282d63c7d3a5c0 for retention policy: autogen"
    )
    return Reply(422, {"code": "unprocessable entity", "message": words})


def gemini(_: int) -> Reply:
    return Reply(400, {"error": "partial write: point time is expired, compared with rp duration"})


def three_cloud(_: int) -> Reply:
    return Reply(422, {"message": "data in table telemetry is outside the retention period"})


@pytest.mark.parametrize("words", [one_eight, two_seven, gemini, three_cloud])
@pytest.mark.parametrize("ahead", [False, True], ids=["the oldest", "also what is far ahead"])
def test_what_lies_beyond_retention_is_refused_whole_in_the_words_of_all(
    server: StandIn, words: Callable[[int], Reply], ahead: bool
) -> None:
    def outlived(line: str) -> bool:
        age = T0 - int(line.rpartition(" ")[2])
        return age > 30 * DAY or (ahead and age < -30 * DAY)

    def write(request: Request) -> Reply:
        old = sum(map(outlived, request.lines))
        return words(old) if old else WRITTEN

    server.write = write
    store = open_store(server.url())
    days = [-400, -1, -200, 0, 20, 100, -29]
    refused = store.write([point(day * DAY, power=1.0, gate_open=True) for day in days])
    expected = [-400, -200] + ([100] if ahead else [])
    assert sorted((each.point.time - T0) // DAY for each in refused) == expected
    assert all(each.point.values == {"power": 1.0, "gate_open": True} for each in refused)
    assert all(each.reason.startswith("beyond the store's retention: ") for each in refused)
    taken = {line for request in server.writes if not any(map(outlived, request.lines)) for line in request.lines}
    assert len(taken) == len(days) - len(expected)
    store.close()
