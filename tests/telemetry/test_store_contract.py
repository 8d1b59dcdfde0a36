"""What every telemetry store does, embedded or InfluxDB."""

import itertools
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siaga.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from siaga.model.observation import Arrival, Point, Track, TrackKey
from siaga.model.signals import INT_MAX, INT_MIN, Value
from siaga.telemetry import SeriesPoint, TelemetryStore, open_store
from siaga.telemetry.influx import InfluxStore
from tests.servers import Influxd

T0 = 1_779_840_000_000
"""Midnight of a day in May 2026, UTC."""
VILLAGE = "35.10.15.2012"


def point(time: int, device: str = "gerbang-1", village: str = VILLAGE, received: int = T0, **values: Value) -> Point:
    return Point(village, device, T0 + time, received, values)


def point_of(time: int, values: dict[str, Value], device: str = "gerbang-1", village: str = VILLAGE) -> Point:
    return Point(village, device, T0 + time, T0, values)


def everything(store: TelemetryStore, village: str = VILLAGE) -> dict[TrackKey, dict[int, Value]]:
    """Returns all that is stored of a village: by device and signal, the values by time since T0."""
    tracks = store.tracks(village, T0 - 400 * DAY, T0 + 400 * DAY)
    return {key: {time - T0: value for time, value in zip(t.times, t.values, strict=True)} for key, t in tracks.items()}


def test_an_empty_store_answers_everything_with_nothing(store: TelemetryStore) -> None:
    store.check()
    assert store.latest(VILLAGE, "gerbang-1") == {}
    assert store.latest_of_village(VILLAGE) == {}
    assert store.first_times(VILLAGE) == {}
    assert store.tracks(VILLAGE, T0, T0 + DAY) == {}
    assert store.series(VILLAGE, "gerbang-1", "power", T0, T0 + DAY, HOUR) == []
    assert store.arrivals(0) == []
    assert store.write([]) == []
    assert store.is_empty()


def test_a_store_with_one_reading_is_not_empty(store: TelemetryStore) -> None:
    store.write([point(0, gate_open=True)])
    assert not store.is_empty()


@pytest.mark.parametrize(
    ("signal", "value"),
    [
        ("gate_open", True),
        ("gate_open", False),
        ("checkin", 1),
        ("checkin", 0),
        ("clients", 0),
        ("rx_bytes", INT_MAX),
        ("rx_bytes", INT_MIN),
        ("rx_bytes", 2**53 + 1),
        ("uptime", 12),
        ("power", 60.0),
        ("power", 0.1),
        ("power", -0.0),
        ("power", 5e-324),
        ("power", 1.7e308),
        ("energy", 1e22),
        ("rssi", -61.0),
    ],
)
def test_a_value_comes_back_as_it_was_and_of_its_signals_type(store: TelemetryStore, signal: str, value: Value) -> None:
    assert store.write([point_of(0, {signal: value})]) == []
    (track,) = store.tracks(VILLAGE, T0, T0 + 1).values()
    assert list(track.times) == [T0]
    assert (track.values[0], type(track.values[0])) == (value, type(value))
    last = store.latest(VILLAGE, "gerbang-1")[signal]
    assert (last, type(last[1])) == ((T0, value), type(value))


def test_writing_again_changes_nothing(store: TelemetryStore) -> None:
    points = [point(minute * MINUTE, gate_open=minute % 2 == 0, power=minute / 4) for minute in range(100)]
    store.write(points)
    once = everything(store)
    store.write(points[50:])
    store.write(points)
    assert everything(store) == once
    assert sum(step.count for step in store.series(VILLAGE, "gerbang-1", "power", T0, T0 + DAY, HOUR)) == 100


def test_of_two_values_at_one_time_the_one_written_later_stays(store: TelemetryStore) -> None:
    store.write([point(0, gate_open=True)])
    store.write([point(0, gate_open=False)])
    store.write([point(1, gate_open=False), point(1, gate_open=True)])
    assert everything(store) == {("gerbang-1", "gate_open"): {0: False, 1: True}}
    assert store.latest(VILLAGE, "gerbang-1") == {"gate_open": (T0 + 1, True)}


def test_signals_of_one_time_coexist_in_whatever_writes_they_come(store: TelemetryStore) -> None:
    store.write([point(0, gate_open=True), point(0, power=2.0)])
    store.write([point(0, battery=88.0)])
    assert everything(store) == {
        ("gerbang-1", "gate_open"): {0: True},
        ("gerbang-1", "power"): {0: 2.0},
        ("gerbang-1", "battery"): {0: 88.0},
    }


def test_villages_and_devices_are_kept_apart(store: TelemetryStore) -> None:
    other = "35.10.15.2013"
    store.write([point(0, gate_open=True), point(1, "lampu_2", lamp_on=True), point(2, village=other, gate_open=False)])
    assert everything(store) == {("gerbang-1", "gate_open"): {0: True}, ("lampu_2", "lamp_on"): {1: True}}
    assert everything(store, other) == {("gerbang-1", "gate_open"): {2: False}}
    assert store.latest(VILLAGE, "lampu_2") == {"lamp_on": (T0 + 1, True)}
    assert store.latest_of_village(other) == {("gerbang-1", "gate_open"): (T0 + 2, False)}


def test_the_window_is_half_open(store: TelemetryStore) -> None:
    store.write([point(time, gate_open=True) for time in (-1, 0, 999, 1000)])
    tracks = store.tracks(VILLAGE, T0, T0 + 1000)
    assert tracks == {("gerbang-1", "gate_open"): Track([T0, T0 + 999], [True, True])}


def test_tracks_can_be_of_some_signals_only(store: TelemetryStore) -> None:
    store.write([point(0, gate_open=True, power=1.0), point(0, "gw", alive=True), point(-1, "gw", alive=True)])
    tracks = store.tracks(VILLAGE, T0 - 1, T0 + 1, signals={"gate_open", "alive"})
    assert tracks == {
        ("gerbang-1", "gate_open"): Track([T0], [True]),
        ("gw", "alive"): Track([T0 - 1, T0], [True, True]),
    }
    assert store.tracks(VILLAGE, T0, T0 + 1, signals=()) == {}


def test_several_villages_are_recalled_as_each_alone(store: TelemetryStore) -> None:
    other, empty = "35.10.15.2013", "35.10.15.2014"
    store.write(
        [
            Point(VILLAGE, "gerbang-1", T0, T0, {"gate_open": True, "power": 2.5}),
            Point(VILLAGE, "gerbang-1", T0 + 5, T0, {"gate_open": False}),
            Point(VILLAGE, "gw", T0 + 6, T0, {"alive": True}),
            Point(other, "gerbang-1", T0 + 1, T0, {"gate_open": True}),
            Point(other, "lampu", T0 + 9, T0, {"power": 1.0}),
        ]
    )
    recalled = store.recall([VILLAGE, other, empty], T0 + 1, T0 + 9, signals={"gate_open", "alive"})
    assert set(recalled) == {VILLAGE, other, empty}
    for village, memory in recalled.items():
        assert memory.tracks == store.tracks(village, T0 + 1, T0 + 9, signals={"gate_open", "alive"})
        assert memory.latest == store.latest_of_village(village)
        assert memory.first == store.first_times(village)
    assert recalled[VILLAGE].tracks["gerbang-1", "gate_open"] == Track([T0 + 5], [False])
    assert recalled[VILLAGE].first["gerbang-1", "power"] == T0
    assert store.recall([], T0, T0 + 9) == {}


def test_latest_and_first_times_go_by_event_time_not_by_the_order_of_writing(store: TelemetryStore) -> None:
    store.write([point(5 * DAY, gate_open=True)])
    store.write([point(-20 * DAY, gate_open=False), point(DAY, gate_open=False, power=1.5)])
    assert store.latest(VILLAGE, "gerbang-1") == {"gate_open": (T0 + 5 * DAY, True), "power": (T0 + DAY, 1.5)}
    assert store.first_times(VILLAGE) == {
        ("gerbang-1", "gate_open"): T0 - 20 * DAY,
        ("gerbang-1", "power"): T0 + DAY,
    }


def test_latest_knows_a_time_ahead_of_now(store: TelemetryStore) -> None:
    far = 3 * 365 * DAY
    store.write([point(0, power=1.0), point(far, power=2.0)])
    assert store.latest_of_village(VILLAGE) == {("gerbang-1", "power"): (T0 + far, 2.0)}


def test_a_series_is_reduced_to_steps_of_the_epoch(store: TelemetryStore) -> None:
    store.write([point(minute * MINUTE, power=float(minute)) for minute in (0, 10, 50, 59, 60, 190)])
    start = T0 + 10 * MINUTE  # in the middle of a step, which still begins at the hour
    assert store.series(VILLAGE, "gerbang-1", "power", start, T0 + 190 * MINUTE, HOUR) == [
        SeriesPoint(T0, 3, 10.0, (10 + 50 + 59) / 3, 59.0, 59.0),
        SeriesPoint(T0 + HOUR, 1, 60.0, 60.0, 60.0, 60.0),
    ]


def test_a_series_of_a_boolean_counts_0_and_1(store: TelemetryStore) -> None:
    values = [True, True, False, True, False, False, True, True]
    store.write([point(index * 15 * MINUTE, gate_open=value) for index, value in enumerate(values)])
    assert store.series(VILLAGE, "gerbang-1", "gate_open", T0, T0 + DAY, HOUR) == [
        SeriesPoint(T0, 4, 0.0, 0.75, 1.0, 1.0),
        SeriesPoint(T0 + HOUR, 4, 0.0, 0.5, 1.0, 1.0),
    ]
    assert store.series(VILLAGE, "gerbang-1", "gate_open", T0 + HOUR, T0 + DAY, HOUR // 2) == [
        SeriesPoint(T0 + HOUR, 2, 0.0, 0.0, 0.0, 0.0),
        SeriesPoint(T0 + HOUR + HOUR // 2, 2, 1.0, 1.0, 1.0, 1.0),
    ]


def test_a_series_of_an_integer(store: TelemetryStore) -> None:
    store.write([point(time * SECOND, clients=time) for time in (1, 2, 4)])
    assert store.series(VILLAGE, "gerbang-1", "clients", T0, T0 + DAY, DAY) == [
        SeriesPoint(T0, 3, 1.0, 7 / 3, 4.0, 4.0)
    ]


def test_arrivals_are_noted_once_and_in_order(store: TelemetryStore) -> None:
    late = Arrival(VILLAGE, "gw", T0 + 5, T0 - DAY, T0 - HOUR)
    later = Arrival(VILLAGE, "gw", T0 + 7, T0 - HOUR, T0 - MINUTE)
    same_instant = Arrival(VILLAGE, "gw", T0 + 5, T0 - 3 * DAY, T0 - 2 * DAY)
    of_another = Arrival("35.10.15.2013", "gw-2", T0 + 6, T0, T0)
    store.write([point(0, gate_open=True)], [later, late])
    store.write([], [late, same_instant, of_another, late])
    assert set(store.arrivals(T0)) == {late, same_instant, of_another, later}
    assert [arrival.received for arrival in store.arrivals(T0)] == [T0 + 5, T0 + 5, T0 + 6, T0 + 7]
    assert store.arrivals(T0 + 6) == [of_another, later]
    assert everything(store) == {("gerbang-1", "gate_open"): {0: True}}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (point(1, power=float("nan"), gate_open=True), "power: 'nan'"),
        (point(1, power=float("-inf"), gate_open=True), "power: '-inf'"),
        (point(1, clients=2**63, gate_open=True), "clients: '9223372036854775808'"),
        (point(1, clients=1.5, gate_open=True), "clients: '1.5'"),
        (point(1, temperature=21.0, gate_open=True), "'temperature' is not a signal"),
    ],
    ids=["not a number", "infinite", "over 64 bits", "a fraction of an integer", "not a signal"],
)
def test_a_value_that_cannot_be_stored_is_refused_alone(store: TelemetryStore, bad: Point, reason: str) -> None:
    (refused,) = store.write([point(0, gate_open=False), bad, point(2, gate_open=False)])
    assert reason in refused.reason
    assert refused.point.time == T0 + 1
    assert list(refused.point.values) == [next(iter(bad.values))]
    assert everything(store) == {("gerbang-1", "gate_open"): {0: False, 1: True, 2: False}}


@pytest.mark.parametrize(
    "bad",
    [
        point(0, device="", gate_open=True),
        point(0, device="a\nb", gate_open=True),
        point(0, device="a\\", gate_open=True),
        point(0, village="\x00", gate_open=True),
        point(10**16, gate_open=True),
        point(-(10**16), gate_open=True),
    ],
    ids=["no device", "a line break", "a backslash", "a zero byte", "far future", "far past"],
)
def test_a_point_that_cannot_be_stored_is_refused_whole(store: TelemetryStore, bad: Point) -> None:
    (refused,) = store.write([bad, point(2, gate_open=False)])
    assert refused.point == bad
    assert everything(store) == {("gerbang-1", "gate_open"): {2: False}}


def test_a_value_is_made_what_its_signal_is(store: TelemetryStore) -> None:
    assert store.write([point(0, power=3, gate_open=1, checkin=True, clients=4.0)]) == []
    found = {name: (value, type(value)) for name, (_, value) in store.latest(VILLAGE, "gerbang-1").items()}
    assert found == {"power": (3.0, float), "gate_open": (True, bool), "checkin": (1, int), "clients": (4, int)}


def test_names_are_data_and_never_become_part_of_a_statement(store: TelemetryStore) -> None:
    strange = "o'brien\" OR 1=1; DROP, x=y --"
    store.write([point(0, strange, village=strange, gate_open=True), point(0, gate_open=True)])
    assert everything(store, strange) == {(strange, "gate_open"): {0: True}}
    assert store.latest(strange, strange) == {"gate_open": (T0, True)}
    assert len(store.series(strange, strange, "gate_open", T0, T0 + 1, HOUR)) == 1
    assert store.tracks("x' OR '1'='1", T0, T0 + 1) == {}
    assert store.series(VILLAGE, "gerbang-1", 'power") FROM x; DROP MEASUREMENT telemetry', T0, T0 + 1, 1) == []
    assert everything(store) == {("gerbang-1", "gate_open"): {0: True}}


def test_what_was_written_is_there_after_closing_and_opening(opened: Callable[[], TelemetryStore]) -> None:
    for day in range(3):
        store = opened()
        store.write([point(day * DAY, gate_open=True, power=float(day))], [Arrival(VILLAGE, "gw", T0 + day, T0, T0)])
        store.close()
    store = opened()
    assert everything(store)["gerbang-1", "power"] == {0: 0.0, DAY: 1.0, 2 * DAY: 2.0}
    assert store.latest(VILLAGE, "gerbang-1")["power"] == (T0 + 2 * DAY, 2.0)
    assert store.first_times(VILLAGE)["gerbang-1", "power"] == T0
    assert len(store.arrivals(0)) == 3
    store.close()


def test_a_hundred_thousand_points_in_one_write(store: TelemetryStore) -> None:
    points = [
        point(minute * MINUTE, f"d-{device}", gate_open=minute % 7 != 0, power=minute / 8, clients=minute)
        for minute in range(5_000)
        for device in range(20)
    ]
    assert store.write(points) == []
    tracks = store.tracks(VILLAGE, T0, T0 + 5_000 * MINUTE)
    assert len(tracks) == 60
    times = [T0 + minute * MINUTE for minute in range(5_000)]
    assert tracks["d-7", "power"] == Track(times, [minute / 8 for minute in range(5_000)])
    assert tracks["d-19", "gate_open"] == Track(times, [minute % 7 != 0 for minute in range(5_000)])
    assert store.tracks(VILLAGE, T0 + 100 * MINUTE, T0 + 200 * MINUTE)["d-0", "clients"].values == list(range(100, 200))


def test_two_writers_and_a_reader_at_once(store: TelemetryStore) -> None:
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for minute in range(0, 400, 10):
                store.write([point(later * MINUTE, name, power=float(later)) for later in range(minute, minute + 10)])
                store.write([point(minute * MINUTE, "shared", clients=minute)])
                assert store.latest(VILLAGE, name)["power"] == (T0 + (minute + 9) * MINUTE, minute + 9.0)
        except BaseException as error:  # noqa: BLE001 - shown by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        store.tracks(VILLAGE, T0, T0 + DAY)
    for thread in threads:
        thread.join()
    assert failures == []
    stored = everything(store)
    assert [len(stored[key]) for key in sorted(stored)] == [400, 40, 400]


def test_old_telemetry_may_be_dropped_and_the_new_stays(store: TelemetryStore) -> None:
    store.write([point(0, gate_open=True)])
    store.drop_before(T0 - DAY)
    assert everything(store) == {("gerbang-1", "gate_open"): {0: True}}


@pytest.mark.parametrize("kind", ["duckdb", "influxdb"])
def test_of_old_telemetry_a_summary_of_each_hour_stays(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    store, expire = lasting(kind, request, tmp_path)
    minutes = range(0, 48 * 60, 10)
    store.write(
        [point(m * MINUTE, power=float(m), gate_open=m % 60 < 20, clients=m, checkin=int(m % 60 == 0)) for m in minutes]
    )
    store.write([point(0, village="35.10.15.2013", power=7.0)])
    steps = {step: of_all(store, step) for step in (HOUR, 6 * HOUR, 7 * DAY)}
    for hours in (30, 30, 41):  # again changes nothing
        border = T0 + hours * HOUR + 5 * MINUTE
        store.thin(border)
        expire(border - 5 * MINUTE)
        assert {step: of_all(store, step) for step in steps} == steps
        assert store.first_times(VILLAGE)["gerbang-1", "power"] == T0 + hours * HOUR
    store.close()


def lasting(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[TelemetryStore, Callable[[int], object]]:
    """Returns a store with retention, and what deletes before a time as its server does by itself, some day."""
    if kind == "duckdb":
        return open_store(f"duckdb:///{tmp_path}/telemetry.duckdb"), lambda _: None
    influxd: Influxd = request.getfixturevalue("influxd")
    database = f"t{uuid.uuid4().hex[:12]}"
    store = InfluxStore.open(
        influxd.store_url(database), ManualClock(T0 + 3_000 * DAY)
    )  # what the server itself deletes is far away
    return store, lambda time: influxd.query(database, f"DELETE FROM telemetry WHERE time < {time * 1_000_000}")


def of_all(store: TelemetryStore, step: int) -> dict[str, list[SeriesPoint]]:
    signals = ("power", "gate_open", "clients", "checkin")
    found = {name: list(store.series(VILLAGE, "gerbang-1", name, T0, T0 + 3 * DAY, step)) for name in signals}
    other = list(store.series("35.10.15.2013", "gerbang-1", "power", T0, T0 + 3 * DAY, step))
    assert sum(each.count for each in found["power"]) == 288
    return {name: [rounded(each) for each in points] for name, points in (found | {"other": other}).items()}


def rounded(point: SeriesPoint) -> SeriesPoint:
    return replace(point, mean=round(point.mean, 6))


# A model that is a dict: whatever is written in whatever order and portions, the store answers what the dict does.

_DEVICES, _SPAN = ("a", "b"), 12
_values = st.fixed_dictionaries(
    {},
    optional={
        "gate_open": st.booleans(),
        "clients": st.integers(INT_MIN, INT_MAX),
        "power": st.floats(allow_nan=False, allow_infinity=False),
        "checkin": st.sampled_from([0, 1]),
    },
)
_points = st.tuples(st.sampled_from(_DEVICES), st.integers(0, _SPAN - 1), _values)
_writes = st.lists(st.lists(_points, max_size=6), max_size=6)
_Writes = list[list[tuple[str, int, dict[str, Value]]]]
_villages = (f"11.01.{number:02d}.2001" for number in itertools.count())


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=_writes, start=st.integers(0, _SPAN), length=st.integers(1, _SPAN))
@pytest.mark.parametrize("store_url", ["duckdb", "influxdb"], indirect=True)
def test_it_answers_what_a_dict_would(store: TelemetryStore, writes: _Writes, start: int, length: int) -> None:
    _as_a_dict(store, writes, start, length)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=_writes, start=st.integers(0, _SPAN), length=st.integers(1, _SPAN))
@pytest.mark.parametrize("store_url", ["influxdb 3"], indirect=True)
def test_it_answers_so_in_windows_of_some_days(store: TelemetryStore, writes: _Writes, start: int, length: int) -> None:
    _as_a_dict(store, writes, start, length)


def _as_a_dict(store: TelemetryStore, writes: _Writes, start: int, length: int) -> None:
    village, step = next(_villages), 7 * HOUR  # some days in two of InfluxDB's shards
    model: dict[TrackKey, dict[int, Value]] = defaultdict(dict)
    for write in writes:
        store.write([point_of(time * step, values, device, village) for device, time, values in write])
        for device, time, values in write:
            for signal, value in values.items():
                model[device, signal][T0 + time * step] = value
    assert {key: dict(zip(t.times, t.values, strict=True)) for key, t in _whole(store, village)} == model
    assert store.first_times(village) == {key: min(track) for key, track in model.items()}
    assert store.latest_of_village(village) == {key: (max(track), track[max(track)]) for key, track in model.items()}
    begin, end = T0 + start * step, T0 + (start + length) * step
    expected = {key: _window(track, begin, end) for key, track in model.items()}
    assert store.tracks(village, begin, end) == {key: track for key, track in expected.items() if track}


def _whole(store: TelemetryStore, village: str) -> Iterable[tuple[TrackKey, Track]]:
    return store.tracks(village, T0 - DAY, T0 + 30 * DAY).items()


def _window(track: dict[int, Value], begin: int, end: int) -> Track | None:
    times = [time for time in track if begin <= time < end]
    return Track.of({time: track[time] for time in times}) if times else None
