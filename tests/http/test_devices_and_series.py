"""What a device last said, and its signals over time, from a real store."""

from siaga.model.clock import HOUR, MINUTE
from siaga.model.observation import Point
from tests.http.district import GLAGAH, NOW, District

PATH = f"/api/v1/devices/{GLAGAH}/gerbang-1"


def point(time: int, **values: bool | float) -> Point:
    return Point(GLAGAH, "gerbang-1", time, time, values)


def test_a_device_shows_the_last_value_of_each_signal(district: District) -> None:
    district.store.write(
        [
            point(NOW - HOUR, gate_open=True, rssi=-61.0),
            point(NOW - MINUTE - 500, gate_open=False),
            point(NOW, online=True),
        ]
    )
    with district.served() as client:
        assert client.get(PATH).json() == {
            "id": "gerbang-1",
            "facility": f"{GLAGAH}/gerbang",
            "adapter": "tasmota",
            "last_seen": "2026-03-04T04:58:59.500Z",
            "signals": {
                "online": {"value": True, "time": "2026-03-04T05:00:00Z"},
                "gate_open": {"value": False, "time": "2026-03-04T04:58:59.500Z"},
                "rssi": {"value": -61.0, "time": "2026-03-04T04:00:00Z"},
            },
        }


def test_a_device_that_was_never_heard_has_no_signals(district: District) -> None:
    with district.served() as client:
        found = client.get(PATH).json()
    assert (found["last_seen"], found["signals"]) == (None, {})


def test_a_device_that_only_ever_says_that_it_is_online_was_seen_then(district: District) -> None:
    district.store.write([point(NOW - HOUR, online=True)])
    with district.served() as client:
        assert client.get(PATH).json()["last_seen"] == "2026-03-04T04:00:00Z"


def test_a_series_is_reduced_to_steps(district: District) -> None:
    """Ten minutes of readings, one a minute; in steps of five minutes."""
    district.store.write([point(NOW - HOUR + n * MINUTE, power=float(n)) for n in range(10)])
    path = f"/api/v1/series/{GLAGAH}/gerbang-1/power"
    with district.served() as client:
        found = client.get(path, params={"from": "2026-03-04T04:00:00Z", "step": "5m"}).json()
        seconds = client.get(path, params={"from": "2026-03-04T04:00:00Z", "step": "300"}).json()
        default = client.get(path).json()
        future = client.get(path, params={"from": "2026-03-05T00:00:00Z"}).json()
    assert found == seconds
    assert (found["signal"], found["unit"], found["step"], found["next"]) == ("power", "W", "5m", None)
    assert found["items"] == [
        {"time": "2026-03-04T04:00:00Z", "value": 2.0, "min": 0.0, "max": 4.0, "last": 4.0, "count": 5},
        {"time": "2026-03-04T04:05:00Z", "value": 7.0, "min": 5.0, "max": 9.0, "last": 9.0, "count": 5},
    ]
    assert (default["step"], len(default["items"])) == ("5m", 2)
    assert future["items"] == []
