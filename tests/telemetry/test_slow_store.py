"""A link or a server that is too slow for the requests: they shrink, and nothing is sent twice."""

import random
import threading
from collections.abc import Callable, Iterator

import pytest

from siaga.model.observation import Arrival, Point
from siaga.telemetry import StoreUnavailable, Write, open_store
from siaga.telemetry.pace import FIRST
from tests.mqtt.link import Link
from tests.servers import Influxd
from tests.telemetry.stand_in import WRITTEN, Reply, Request, StandIn

T0 = 1_779_840_000_000
LINE = 250_000
"""Bytes a second."""


def points(count: int) -> list[Point]:
    """Returns points of three signals whose values compress as badly as real ones."""
    chance = random.Random(42)
    return [
        Point(
            f"35.10.15.{2000 + n % 30}",
            f"device-{n % 20}",
            T0 + n * 1_000,
            T0 + chance.randrange(10**9),
            {
                "power": round(chance.uniform(0, 3000), 2),
                "battery": round(chance.uniform(0, 100), 1),
                "rssi": -chance.random(),
            },
        )
        for n in range(count)
    ]


def insist(write: Write, attempts: int = 40) -> list[str]:
    """Retry until all is written. Returns the messages of the failed attempts."""
    problems = []
    for _ in range(attempts):
        try:
            assert write() == []
        except StoreUnavailable as problem:
            problems.append(str(problem))
        else:
            return problems
    raise AssertionError(f"not written after {attempts} attempts: {problems[-1]}")


@pytest.fixture
def server() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


def test_a_backlog_of_60_000_readings_gets_through_a_line_of_250_kilobytes_a_second(influxd: Influxd) -> None:
    with Link(influxd.port, bits_per_second=8 * LINE) as line:
        url = influxd.store_url()
        database = url.rpartition("/")[2]
        store = open_store(url.replace(f":{influxd.port}/", f":{line.port}/"))
        everything = points(20_000)
        problems = insist(store.prepare(everything))
        store.close()
    (counted,) = influxd.query(database, "SELECT count(power) AS n, count(rssi) AS m FROM telemetry")
    assert (counted["n"], counted["m"]) == (20_000, 20_000)
    plain = sum(len(repr(point)) for point in everything)
    assert line.passed < plain / 3, "packed, and sent once"
    assert not problems, "the time allowed follows the size"


def test_a_server_that_answers_only_small_requests_in_time_gets_small_ones(
    server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siaga.telemetry.pace.LONGEST", 0.2)
    over = threading.Event()
    stored: list[str] = []

    def write(request: Request) -> Reply:
        if len(request.lines) > 100:
            over.wait(5)  # the client is gone by then
            return Reply(500)
        stored.extend(request.lines)
        return WRITTEN

    server.write = write
    store = open_store(server.url())
    problems = insist(store.prepare(points(1_500), [Arrival("35.10.15.2012", "gw", T0, T0, T0)]))
    over.set()
    assert problems[0].endswith(f"({FIRST:,} lines within 0 s; the next request is smaller)")
    sizes = [len(request.lines) for request in server.writes]
    assert sizes[:5] == [1_000, 500, 250, 125, 62]
    assert len(stored) == len(set(stored)) == 1_501, "what was written is not sent again"
    store.close()


TOO_SLOW: dict[str, Reply] = {
    "408": Reply(408, "<html>Request Time-out</html>"),
    "504 of a proxy": Reply(504, "<html>504 Gateway Time-out</html>"),
    "InfluxDB 1 with a full disk queue": Reply(500, {"error": "timeout"}),
    "InfluxDB 2": Reply(503, {"code": "unavailable", "message": "write timed out"}),
}


@pytest.mark.parametrize("reply", TOO_SLOW.values(), ids=TOO_SLOW)
def test_a_server_that_says_that_it_took_too_long_gets_smaller_requests_and_later_larger_ones(
    server: StandIn, reply: Reply
) -> None:
    limit = 200

    def write(request: Request) -> Reply:
        return WRITTEN if len(request.lines) <= limit else reply

    server.write = write
    store = open_store(server.url())
    assert len(insist(store.prepare(points(1_000)))) >= 3
    taken = [line for request in server.writes if len(request.lines) <= limit for line in request.lines]
    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 1_000
    limit = 10**6
    server.requests.clear()
    assert store.write(points(60_000)) == []
    sizes = [len(request.lines) for request in server.writes]
    assert max(sizes) > 2_000, "it grows again"
    store.close()


def test_bodies_are_packed(server: StandIn) -> None:
    store = open_store(server.url())
    assert store.write(points(1_000)) == []
    (request,) = server.writes
    assert request.headers["Content-Encoding"] == "gzip"
    assert request.sent < len(request.body) / 3
    assert int(request.headers["Content-Length"]) == request.sent
    store.close()


STEPS: dict[str, Callable[[], Reply]] = {"the line": lambda: Reply(504), "size": lambda: Reply(413)}


@pytest.mark.parametrize("reply", STEPS.values(), ids=STEPS)
def test_a_single_line_that_does_not_get_through_is_kept(server: StandIn, reply: Callable[[], Reply]) -> None:
    server.write = lambda _: reply()
    store = open_store(server.url())
    write = store.prepare(points(3))
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            write()
    server.write = lambda _: WRITTEN
    assert write() == []
    assert {line for request in server.writes[-3:] for line in request.lines} >= set(server.writes[0].lines)
    store.close()
