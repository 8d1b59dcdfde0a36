"""InfluxDB 3 Core: no query covers all time, and a long history is read nevertheless."""

import re
import uuid
from collections.abc import Iterator

import pytest

from siaga.model.clock import DAY, HOUR, MINUTE, ManualClock
from siaga.model.observation import Arrival, Point, Track
from siaga.telemetry import StoreUnavailable, open_store
from siaga.telemetry.influx import InfluxStore
from tests.servers import Influxd
from tests.telemetry.influx3 import FILE, Influx3

T0 = 1_779_840_000_000
VILLAGE, OTHER = "35.10.15.2012", "35.10.15.2013"
DAYS = 10
NOW = T0 + DAYS * DAY
WINDOW = re.compile(r"time >= (-?\d+) AND time < (-?\d+)")


@pytest.fixture
def store(influx3: Influx3) -> Iterator[InfluxStore]:
    """Ten days with a reading of the gate every ten minutes, and a lamp that is silent after its first ten minutes."""
    store = InfluxStore.open(influx3.store_url(f"t{uuid.uuid4().hex[:12]}"), ManualClock(NOW))
    gate = [
        Point(VILLAGE, "gerbang", T0 + n * FILE, T0, {"gate_open": n % 3 != 0, "power": n / 4})
        for n in range(DAYS * DAY // FILE)
    ]
    lamp = [Point(VILLAGE, "lampu", T0 + n * MINUTE, T0, {"lamp_on": True}) for n in range(10)]
    late = Arrival(VILLAGE, "gw", T0 + 2 * DAY, T0, T0 + DAY)
    store.write([*gate, *lamp, Point(OTHER, "gerbang", NOW - DAY, NOW, {"gate_open": False})], [late])
    influx3.statements.clear()
    yield store
    store.close()


def asked_of(server: Influx3) -> list[str]:
    return [statement for statement in server.statements if statement.startswith("SELECT")]


def test_a_past_of_many_files_is_read_window_by_window(influx3: Influx3, store: InfluxStore) -> None:
    times = [T0 + n * FILE for n in range(DAYS * DAY // FILE)]
    tracks = store.tracks(VILLAGE, T0, NOW)
    assert tracks["gerbang", "gate_open"] == Track(times, [n % 3 != 0 for n in range(len(times))])
    assert tracks["gerbang", "power"].values == [n / 4 for n in range(len(times))]
    assert store.latest_of_village(VILLAGE) == {
        ("gerbang", "gate_open"): (times[-1], True),
        ("gerbang", "power"): (times[-1], 1439 / 4),
        ("lampu", "lamp_on"): (T0 + 9 * MINUTE, True),
    }
    assert store.first_times(VILLAGE) == dict.fromkeys(tracks, T0)
    recalled = store.recall([VILLAGE, OTHER], NOW - HOUR, NOW)
    assert recalled[VILLAGE].latest == store.latest_of_village(VILLAGE)
    assert recalled[VILLAGE].first == store.first_times(VILLAGE)
    assert recalled[VILLAGE].tracks == store.tracks(VILLAGE, NOW - HOUR, NOW)
    assert recalled[OTHER].first == {("gerbang", "gate_open"): NOW - DAY}
    points = store.series(VILLAGE, "gerbang", "power", T0, NOW, 7 * DAY)
    assert sum(point.count for point in points) == len(times), "a step of a week is put together from several windows"
    assert points[0].minimum == 0.0
    assert points[-1].last == 1439 / 4
    flags = store.series(VILLAGE, "gerbang", "gate_open", T0, NOW, 30 * DAY)
    assert sum(point.mean * point.count for point in flags) == pytest.approx(len(times) * 2 / 3)
    assert [arrival.first for arrival in store.arrivals(0)] == [T0]
    store.check()
    windows = [WINDOW.search(statement) for statement in asked_of(influx3)]
    assert windows, "it was asked"
    assert all(windows), "no question goes over all time"


def test_a_look_at_a_device_goes_no_further_back_than_its_first_reports(influx3: Influx3, store: InfluxStore) -> None:
    gate = {("gerbang", "gate_open"): T0, ("gerbang", "power"): T0}
    assert store.latest(VILLAGE, "gerbang", known=gate)["power"] == (NOW - FILE, 1439 / 4)
    assert len({WINDOW.search(each)[0] for each in asked_of(influx3)}) == 1, "one window"  # type: ignore[index] # each has one
    assert store.latest(VILLAGE, "lampu", known={("lampu", "lamp_on"): T0}) == {"lamp_on": (T0 + 9 * MINUTE, True)}
    assert influx3.refused <= 2 * 3, "the past of a lamp that is silent is looked through in wider and wider windows"
    influx3.statements.clear()
    assert store.latest(VILLAGE, "never-heard", known={}) == {}
    assert all(int(WINDOW.search(each)[1]) >= (NOW - 7 * DAY) * 1_000_000 for each in asked_of(influx3))  # type: ignore[index] # as above
    influx3.statements.clear()
    known = {VILLAGE: {**gate, ("lampu", "lamp_on"): T0}, OTHER: {("gerbang", "gate_open"): NOW - DAY}}
    assert store.recall([VILLAGE, OTHER], NOW - HOUR, NOW, known=known)[VILLAGE].latest["lampu", "lamp_on"][0] == (
        T0 + 9 * MINUTE
    )
    assert store.first_times(VILLAGE, known=gate) == gate
    oldest = min(int(WINDOW.search(each)[1]) for each in asked_of(influx3))  # type: ignore[index] # as above
    assert oldest >= (T0 - 7 * DAY) * 1_000_000


@pytest.mark.parametrize("version", ["3.0.3", "3.6.0"])
def test_one_that_ignores_bound_parameters_is_refused_in_a_sentence(influxd: Influxd, version: str) -> None:
    with Influx3(influxd.url, version) as server:
        store = open_store(server.store_url("siaga"))
        calls = (
            store.check,
            lambda: store.latest(VILLAGE, "gerbang"),
            lambda: store.write([Point(VILLAGE, "a", 0, 0, {"power": 1.0})]),
        )
        for call in calls:
            with pytest.raises(StoreUnavailable, match=rf"is version {version[:3]}, .*upgrade it to 3\.7 or newer"):
                call()
        server.version = "3.7.0"
        store.check()
        store.close()
