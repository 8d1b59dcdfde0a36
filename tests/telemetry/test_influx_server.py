"""The store on a real InfluxDB 1.6: its schema, what the server refuses, and outages of the server."""

from collections.abc import Iterator

import pytest

from siaga.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from siaga.model.observation import Arrival, Point, Track
from siaga.model.signals import Value
from siaga.telemetry import StoreUnavailable, open_store
from siaga.telemetry.influx import InfluxStore
from tests.servers import Influxd

T0 = 1_779_840_000_000
VILLAGE = "35.10.15.2012"
SHARD = 7 * DAY
"""InfluxDB keeps each week in a shard of its own, and field types are the shard's."""


def point(time: int, device: str = "gerbang-1", **values: Value) -> Point:
    return Point(VILLAGE, device, T0 + time, T0 + 1_234, values)


@pytest.fixture
def database(influxd: Influxd) -> str:
    """The name of a database that does not exist yet."""
    return influxd.store_url().rpartition("/")[2]


@pytest.fixture
def store(influxd: Influxd, database: str) -> Iterator[InfluxStore]:
    store = InfluxStore.open(influxd.store_url(database))
    yield store
    store.close()


def test_a_signal_that_another_process_stores_for_the_first_time_is_heard_within_a_second(
    influxd: Influxd, database: str, store: InfluxStore
) -> None:
    clock = ManualClock(T0)
    other = InfluxStore.open(influxd.store_url(database), clock)
    store.write([point(0, power=2.5)])
    assert other.latest(VILLAGE, "gerbang-1") == {"power": (T0, 2.5)}
    store.write([point(0, gate_open=True)])
    clock.advance(SECOND)
    assert other.latest(VILLAGE, "gerbang-1") == {"power": (T0, 2.5), "gate_open": (T0, True)}
    other.write([point(1, battery=88.0)])
    assert other.latest(VILLAGE, "gerbang-1")["battery"] == (T0 + 1, 88.0), "what it stored itself it hears at once"
    other.close()


def test_the_schema_is_the_contracts(influxd: Influxd, database: str, store: InfluxStore) -> None:
    store.write([point(0, gate_open=True, clients=3, power=60.0, checkin=1), point(0, battery=88.0)])
    assert influxd.query(database, "SELECT * FROM telemetry") == [
        {
            "time": T0,
            "village": VILLAGE,
            "device": "gerbang-1",
            "gate_open": True,
            "clients": 3,
            "power": 60,
            "checkin": 1,
            "battery": 88,
            "received": (T0 + 1_234) / 1000,
        }
    ]
    types = {row["fieldKey"]: row["fieldType"] for row in influxd.query(database, "SHOW FIELD KEYS FROM telemetry")}
    assert types == {
        "gate_open": "boolean",
        "clients": "integer",
        "power": "float",
        "checkin": "integer",
        "battery": "float",
        "received": "float",
    }
    tags = {row["tagKey"] for row in influxd.query(database, "SHOW TAG KEYS FROM telemetry")}
    assert tags == {"village", "device"}
    assert influxd.query(database, "SHOW MEASUREMENTS") == [{"name": "telemetry"}]


def test_a_conflicting_field_is_refused_and_the_point_keeps_its_others(
    influxd: Influxd, database: str, store: InfluxStore
) -> None:
    influxd.write(database, f"telemetry,village=x,device=y power=1i {T0}")  # another program wrote it as an integer
    refused = store.write([point(0, gate_open=True, power=2.5), point(1, power=3.5), point(2, battery=9.0)])
    assert sorted(refusal.point.time - T0 for refusal in refused) == [0, 1]
    assert {tuple(refusal.point.values) for refusal in refused} == {("power",)}
    assert all("power" in refusal.reason and "type" in refusal.reason for refusal in refused)
    assert store.tracks(VILLAGE, T0, T0 + DAY) == {
        ("gerbang-1", "gate_open"): Track([T0], [True]),
        ("gerbang-1", "battery"): Track([T0 + 2], [9.0]),
    }
    received = influxd.query(database, "SELECT received FROM telemetry WHERE village <> 'x'")
    assert [row["time"] for row in received] == [T0, T0 + 2]


def test_several_conflicting_fields_in_several_shards(influxd: Influxd, database: str, store: InfluxStore) -> None:
    influxd.write(
        database,
        f"telemetry,village=x,device=y power=1i {T0}",
        f'telemetry,village=x,device=y gate_open="open",battery=1i {T0 + 2 * SHARD}',
        f"telemetry,village=x,device=y received=1i {T0 + 3 * SHARD}",
    )
    points = [
        point(shard * SHARD + minute * MINUTE, gate_open=minute % 2 == 0, power=minute / 4, battery=50.0)
        for minute in range(200)
        for shard in range(4)
    ]
    refused = store.write(points)
    lost = {(refusal.point.time, name) for refusal in refused for name in refusal.point.values}
    minutes = [T0 + minute * MINUTE for minute in range(200)]
    assert lost == {(time, "power") for time in minutes} | {
        (time + 2 * SHARD, name) for time in minutes for name in ("gate_open", "battery")
    }
    without_received = [refusal for refusal in refused if not refusal.point.values]
    assert {refusal.point.time for refusal in without_received} == {time + 3 * SHARD for time in minutes}
    tracks = store.tracks(VILLAGE, T0, T0 + 4 * SHARD)
    everywhere = sorted(point.time for point in points)
    assert tracks["gerbang-1", "power"].times == [time for time in everywhere if (time, "power") not in lost]
    assert tracks["gerbang-1", "gate_open"].times == [time for time in everywhere if (time, "gate_open") not in lost]
    assert tracks["gerbang-1", "battery"].times == tracks["gerbang-1", "gate_open"].times


def test_a_conflict_costs_few_requests(
    influxd: Influxd, database: str, store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    influxd.write(database, f"telemetry,village=x,device=y power=1i {T0}")
    store.check()
    requests = 0
    write = store._connection.write

    def counted(*arguments: object, **options: object) -> object:
        nonlocal requests
        requests += 1
        return write(*arguments, **options)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(store._connection, "write", counted)
    refused = store.write([point(minute * MINUTE, gate_open=True, power=1.0) for minute in range(1_000)])
    assert len(refused) == 1_000
    assert requests <= 4


def test_what_is_older_than_the_retention_policy_is_refused(influxd: Influxd, database: str) -> None:
    now = influxd_now(influxd, database)
    store = InfluxStore.open(influxd.store_url(database), ManualClock(now))
    store.drop_before(now - 30 * DAY)
    assert influxd.query(database, "SHOW RETENTION POLICIES")[0]["duration"] == "720h0m0s"
    ages = [400 * DAY, HOUR, 200 * DAY, 0]
    refused = store.write([Point(VILLAGE, "gerbang-1", now - age, now, {"power": age / DAY}) for age in ages])
    assert sorted(now - refusal.point.time for refusal in refused) == [200 * DAY, 400 * DAY]
    assert all("retention" in refusal.reason for refusal in refused)
    (track,) = store.tracks(VILLAGE, 0, now + 1).values()
    assert track.times == [now - HOUR, now]
    store.drop_before(now - 10 * DAY)
    assert influxd.query(database, "SHOW RETENTION POLICIES")[0]["duration"] == "240h0m0s"
    store.close()


def influxd_now(influxd: Influxd, database: str) -> int:
    """Returns the server's own time, which its retention uses."""
    influxd.query("", f'CREATE DATABASE "{database}"')
    influxd._ask("/write", {"db": database}, b"probe v=1")
    now = influxd.query(database, "SELECT v FROM probe")[0]["time"]
    assert isinstance(now, int)
    return now


def test_a_policy_that_an_administrator_made_is_left_alone(influxd: Influxd, database: str) -> None:
    influxd.query("", f'CREATE DATABASE "{database}" WITH DURATION 52w NAME "a_year"')
    store = InfluxStore.open(influxd.store_url(database), ManualClock(T0))
    store.drop_before(T0 - 30 * DAY)
    policies = influxd.query(database, "SHOW RETENTION POLICIES")
    assert [(policy["name"], policy["duration"]) for policy in policies] == [("a_year", "8736h0m0s")]
    store.close()


def test_text_that_somebody_wrote_into_a_field_is_not_taken_for_a_value(
    influxd: Influxd, database: str, store: InfluxStore
) -> None:
    influxd.write(database, f'telemetry,village={VILLAGE},device=gerbang-1 gate_open="open" {T0}')
    influxd.write(database, f"telemetry,village={VILLAGE},device=gerbang-1 power=7i {T0}")
    assert store.tracks(VILLAGE, T0, T0 + 1) == {("gerbang-1", "power"): Track([T0], [7.0])}


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_the_server_goes_away_and_comes_back_with_everything(influxd: Influxd, store: InfluxStore, how: str) -> None:
    store.write(
        [point(minute * MINUTE, power=float(minute)) for minute in range(1_000)],
        [Arrival(VILLAGE, "gw", T0, T0, T0 + 1)],
    )
    getattr(influxd, how)()
    for call in (
        lambda: store.write([point(-1, power=5.0)]),
        lambda: store.latest(VILLAGE, "gerbang-1"),
        lambda: store.tracks(VILLAGE, T0, T0 + DAY),
        store.check,
    ):
        with pytest.raises(StoreUnavailable, match=r"InfluxDB at http://127\.0\.0\.1:\d+ does not answer"):
            call()
    influxd.start()
    store.check()
    assert store.write([point(-1, power=5.0)]) == []
    assert len(store.tracks(VILLAGE, T0 - 1, T0 + DAY)["gerbang-1", "power"].times) == 1_001
    assert len(store.arrivals(0)) == 1


def test_a_store_that_is_opened_while_the_server_is_down_works_once_it_is_up(influxd: Influxd, database: str) -> None:
    influxd.stop()
    store = open_store(influxd.store_url(database))
    with pytest.raises(StoreUnavailable):
        store.write([point(0, power=1.0)])
    influxd.start()
    assert store.write([point(0, power=1.0)]) == []
    store.close()


def test_a_server_that_hangs_is_unavailable_and_the_write_can_be_repeated(
    influxd: Influxd, store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siaga.telemetry.pace.LONGEST", 0.2)
    store.write([point(0, power=1.0)])
    influxd.freeze()
    try:
        with pytest.raises(StoreUnavailable, match="does not answer writing"):
            store.write([point(1, power=2.0)])
    finally:
        influxd.thaw()
    store.write([point(1, power=2.0)])
    assert store.tracks(VILLAGE, T0, T0 + 2) == {("gerbang-1", "power"): Track([T0, T0 + 1], [1.0, 2.0])}


def test_a_database_that_was_dropped_is_made_again(influxd: Influxd, database: str, store: InfluxStore) -> None:
    store.write([point(0, power=1.0)])
    influxd.query("", f'DROP DATABASE "{database}"')
    with pytest.raises(StoreUnavailable, match=f"{database!r}.*not found"):
        store.write([point(1, power=1.0)])
    assert store.write([point(1, power=1.0)]) == []
    influxd.query("", f'DROP DATABASE "{database}"')
    with pytest.raises(StoreUnavailable, match="not found"):
        store.check()
    store.check()


def test_a_full_cache_is_unavailable_not_a_refusal() -> None:
    with Influxd(config={"data": ['cache-max-memory-size = "64k"', 'cache-snapshot-memory-size = "1g"']}) as influxd:
        store = open_store(influxd.store_url())
        with pytest.raises(StoreUnavailable, match="cache-max-memory-size"):
            any(store.write([point(n * HOUR + k, power=k / 4) for k in range(3_600)]) for n in range(100))
        store.close()


def test_series_over_the_servers_limit_are_refused_and_the_others_stored() -> None:
    with Influxd(config={"data": ["max-series-per-database = 3"]}) as influxd:
        store = open_store(influxd.store_url())
        assert store.write([point(0, f"d-{n}", power=1.0, gate_open=True) for n in (1, 3, 5)]) == []
        refused = store.write([point(time, f"d-{n}", power=2.0) for time in range(1, 500) for n in range(7)])
        assert {refusal.point.device for refusal in refused} == {"d-0", "d-2", "d-4", "d-6"}
        assert len(refused) == 4 * 499
        assert all("max-series-per-database limit exceeded" in refusal.reason for refusal in refused)
        assert not any(refusal.for_good for refusal in refused)  # somebody can raise it
        assert {len(track.times) for track in store.tracks(VILLAGE, T0 + 1, T0 + DAY).values()} == {499}
        store.close()


def test_a_request_that_is_too_large_is_split() -> None:
    with Influxd(config={"http": ["max-body-size = 20000"]}) as influxd:
        store = open_store(influxd.store_url())
        assert store.write([point(second, power=float(second)) for second in range(3_000)]) == []
        assert len(store.tracks(VILLAGE, T0, T0 + DAY)["gerbang-1", "power"].times) == 3_000
        store.close()


@pytest.fixture(scope="module")
def guarded() -> Iterator[Influxd]:
    with Influxd(auth=True) as server:
        yield server


def test_the_urls_user_and_password_are_used(guarded: Influxd) -> None:
    store = open_store(guarded.store_url())
    store.check()
    store.write([point(0, power=1.0)])
    assert store.latest(VILLAGE, "gerbang-1") == {"power": (T0, 1.0)}
    store.close()


@pytest.mark.parametrize("credentials", ["siaga:wrong%20word@", "nobody:wrong%20word@", ""])
def test_a_wrong_password_is_said_without_repeating_it(guarded: Influxd, credentials: str) -> None:
    store = open_store(f"influxdb://{credentials}127.0.0.1:{guarded.port}/-/siaga")
    for call in (store.check, lambda: store.write([point(0, power=1.0)])):
        with pytest.raises(StoreUnavailable, match=r"\(401\): check the user and the password") as caught:
            call()
        assert "wrong word" not in str(caught.value)
    store.close()


def test_a_user_with_rights_on_one_database_needs_no_more(guarded: Influxd) -> None:
    guarded.query("", "CREATE DATABASE allowed")
    guarded.query("", "CREATE DATABASE forbidden")
    guarded.query("", "CREATE USER writer WITH PASSWORD 'w'")
    guarded.query("", "GRANT ALL ON allowed TO writer")
    store = open_store(f"influxdb://writer:w@127.0.0.1:{guarded.port}/-/allowed")
    store.check()
    store.drop_before(0)
    assert store.write([point(0, power=1.0)]) == []
    store.close()
    store = open_store(f"influxdb://writer:w@127.0.0.1:{guarded.port}/-/forbidden")
    for call in (store.check, lambda: store.write([point(0, power=1.0)])):
        with pytest.raises(StoreUnavailable, match=r"403.*'forbidden'"):
            call()
    store.close()
