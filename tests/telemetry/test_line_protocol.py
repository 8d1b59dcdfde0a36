"""Points as lines: exact, escaped, typed by their signal."""

import pytest

from siaga.model.observation import Arrival, Point
from siaga.model.signals import RefusedValue, Value
from siaga.telemetry.line_protocol import Lines, render_arrival
from siaga.telemetry.refusal import united


def render(*, device: str = "gerbang-1", **values: Value) -> str:
    return render_all(device, values)


def render_all(device: str, values: dict[str, Value], time: int = 1_780_000_000_123) -> str:
    lines, _, refused = Lines().render([Point("35.10.15.2012", device, time, 1_780_000_001_500, values)])
    assert refused == []
    return lines[0]


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"gate_open": True}, "gate_open=true"),
        ({"gate_open": False, "alive": True}, "gate_open=false,alive=true"),
        ({"heard": 1}, "heard=1i"),
        ({"clients": 3}, "clients=3i"),
        ({"rx_bytes": -(2**63)}, "rx_bytes=-9223372036854775808i"),
        ({"power": 60.0}, "power=60.0"),
        ({"power": 60}, "power=60.0"),
        ({"power": 1e-7}, "power=1e-7"),
        ({"energy": 1e22}, "energy=1e+22"),
        ({"checkin": 1}, "checkin=1i"),
        ({"checkin": True}, "checkin=1i"),
        ({"gate_open": 1}, "gate_open=true"),
        ({"gate_open": 0}, "gate_open=false"),
        ({"uptime": 12.0}, "uptime=12i"),
    ],
)
def test_a_field_is_typed_by_its_signal(values: dict[str, Value], fields: str) -> None:
    prefix = "telemetry,village=35.10.15.2012,device=gerbang-1 "
    assert render_all("gerbang-1", values) == f"{prefix}{fields},received=1780000001.5 1780000000123"


def test_what_separates_is_escaped_in_a_tag() -> None:
    assert render(device="a b,c=d", gate_open=True).startswith(
        r"telemetry,village=35.10.15.2012,device=a\ b\,c\=d gate_open"
    )


def test_points_of_one_device_and_time_become_one_line_of_which_the_last_values_stay() -> None:
    points = [
        Point("v", "d", 1, 10, {"power": 1.0, "gate_open": True}),
        Point("v", "d", 2, 10, {"power": 3.0}),
        Point("v", "d", 1, 11, {"power": 2.0}),
    ]
    lines, _, _ = Lines().render(united(points))
    assert lines == [
        "telemetry,village=v,device=d power=2.0,gate_open=true,received=0.011 1",
        "telemetry,village=v,device=d power=3.0,received=0.01 2",
    ]


def test_the_points_that_are_answered_belong_to_the_lines() -> None:
    points = [
        Point("v", "d", 1, 0, {}),
        Point("v", "d", 2, 0, {"power": 1.0}),
        Point("v", "d", 3, 0, {"power": float("nan")}),
        Point("v", "d", 4, 0, {"power": float("inf"), "clients": 2}),
    ]
    lines, sound, refused = Lines().render(points)
    assert [line.rpartition(" ")[2] for line in lines] == ["2", "4"]
    assert [point.time for point in sound] == [2, 4]
    assert [(refusal.point.time, list(refusal.point.values)) for refusal in refused] == [(3, ["power"]), (4, ["power"])]


def test_an_arrival_is_the_same_line_whenever_it_is_written_and_another_line_when_it_touches_other_times() -> None:
    arrival = Arrival("35.10.15.2012", "gw", 1_780_000_000_123, 5, 9)
    line = render_arrival(arrival)
    assert line.startswith("arrival,village=35.10.15.2012,gateway=gw first=5i,last=9i 1780000000123")
    assert line == render_arrival(arrival)
    assert line != render_arrival(arrival._replace(first=4))
    with pytest.raises(RefusedValue):
        render_arrival(arrival._replace(gateway="g\nw"))
