"""What an unknown device is proposed as, by what it says: a line a case."""

from collections.abc import Sequence

import pytest

from api.web.setup.native_proposal import propose_native
from api.web.setup.proposal import device_of, propose
from siaga.model.clock import MINUTE, SECOND
from siaga.model.sites import Adapter
from siaga.wire.unknown_device import UnknownDevice

VILLAGE = "35.10.15.2012"


@pytest.mark.parametrize(
    ("payload", "kind", "mapped", "unread"),
    [
        pytest.param('[{"n":"gate_open","vb":true},{"n":"battery","v":88}]', "gate", [], [], id="names of signals"),
        pytest.param('[{"bn":"gerbang/","n":"gate_open","vb":true}]', "gate", [], [], id="a base name with the device"),
        pytest.param('[{"n":"pintu","vb":false}]', "gate", [("pintu", "gate_open")], [], id="a word for it"),
        pytest.param('[{"n":"door-1","vb":false}]', "gate", [("door-1", "gate_open")], [], id="a word of a name"),
        pytest.param('[{"n":"gate-open","vb":true}]', "gate", [("gate-open", "gate_open")], [], id="nearly its name"),
        pytest.param('[{"n":"lamp","vb":true},{"n":"lux","v":12}]', "office_lighting",
                     [("lamp", "lamp_on"), ("lux", "illuminance")], [], id="two"),
        pytest.param('[{"n":"wifi_up","vb":true},{"n":"clients","v":3},{"n":"in', "free_wifi", [], [], id="cut off"),
        pytest.param('[{"n":"mains","vb":true}]', "power", [], [], id="mains has no indicator"),
        pytest.param('[{"n":"door","v":3.5}]', None, [], ["door"], id="a number is no gate that is open"),
        pytest.param('[{"n":"online","vb":true}]', None, [], [], id="online says nothing of what it is"),
        pytest.param('[{"n":"alive","vb":true},{"n":"frobnicate","v":1}]', None, [], ["frobnicate"], id="nobody knows"),
        pytest.param("not json at all", None, [], [], id="unreadable"),
    ],
)  # fmt: skip
def test_what_it_says_is_what_it_is(
    payload: str, kind: str | None, mapped: Sequence[tuple[str, str]], unread: Sequence[str]
) -> None:
    found = propose("gerbang", payload, 1, 0, 0)
    assert (found.kind, list(found.map), list(found.unread)) == (kind, mapped, unread)


@pytest.mark.parametrize(
    ("count", "last", "every"),
    [
        (1, 0, "1m"),
        (2, 10 * SECOND, "1m"),
        (10, 9 * 29 * SECOND, "30s"),
        (10, 9 * 70 * SECOND, "2m"),
        (10, 9 * 3 * MINUTE, "5m"),
        (3, 9_000 * MINUTE, "1d"),
    ],
)  # fmt: skip
def test_how_often_it_spoke_is_how_often_it_reports(count: int, last: int, every: str) -> None:
    assert propose("a", "", count, 0, last).every == every


@pytest.mark.parametrize(
    ("topic", "reason", "device"),
    [
        (f"siaga/v1/{VILLAGE}/gerbang-9/senml", "", "gerbang-9"),
        (f"siaga/v1/{VILLAGE}/gateway/gw/batch", "'gerbang-9' is no device of the village", "gerbang-9"),
        (f"siaga/v1/{VILLAGE}/gateway/gw/batch", "'Gerbang 9' is no device of the village", None),
        (f"siaga/v1/{VILLAGE}/gateway/gw/batch", "'gw-2' is no gateway, and alive is a gateway's own", None),
        ("tele/gerbang/STATE", "", None),
    ],
)
def test_who_it_is(topic: str, reason: str, device: str | None) -> None:
    assert device_of(topic, reason) == device


def native(
    address: str, values: dict[str, str], gives: dict[str, list[str]], every: int = MINUTE, adapter: str = "tasmota"
) -> UnknownDevice:
    return UnknownDevice(VILLAGE, "gw", Adapter(adapter), address, 0, 0, 1, every, "topic", "", values, gives)


@pytest.mark.parametrize(
    ("address", "values", "gives", "kind", "mapped"),
    [
        pytest.param("lampu-aula", {"POWER": "ON"}, {"": ["rssi"], "office_lighting": ["rssi", "lamp_on"]},
                     "office_lighting", [], id="it gives all by itself"),
        pytest.param("x7", {"POWER": "ON"}, {"": [], "office_lighting": ["lamp_on"]},
                     "office_lighting", [], id="by what it gives, not by its name"),
        pytest.param("x7", {"contact": "false"}, {"": ["battery"], "office_lighting": ["battery"],
                     "gate": ["battery", "gate_open"]}, "gate", [], id="of two kinds the one that has more of it"),
        pytest.param("gerbang-2", {"Switch1": "OFF", "POWER": "ON"}, {"": [], "office_lighting": ["lamp_on"]},
                     "gate", [("Switch1", "gate_open")], id="its name is of a gate, so its input is the gate"),
        pytest.param("shelly-pagar", {"input:0": '{"id":0,"state":false}'}, {"": []},
                     "gate", [("input:0", "gate_open")], id="an input that is an object"),
        pytest.param("pos", {"binary_sensor/pintu_depan/state": "ON", "sensor/battery/state": "71"}, {"": []},
                     "gate", [("binary_sensor/pintu_depan/state", "gate_open"), ("sensor/battery/state", "battery")],
                     id="by the words of its keys"),
        pytest.param("70b3", {"object.nh3": "2.5", "battery_voltage": "3.6", "bat": "91"}, {"": []},
                     "toilet", [("object.nh3", "nh3"), ("bat", "battery")], id="a voltage is no charge"),
        pytest.param("gapura", {"ENERGY.Power": "12", "ENERGY.Total": "3", "ENERGY.Current": "0.1", "Switch1": "ON"},
                     {"": ["power"]}, "gate", [("ENERGY.Total", "energy"), ("Switch1", "gate_open")],
                     id="what its family gives is not mapped, and a current is no energy"),
        pytest.param("ap-balai", {"iwinfo-wlan0/stations": "1:4"}, {"": ["clients"]},
                     "free_wifi", [], id="clients tell of an access point"),
        pytest.param("meteran-pln", {"Switch1": "ON"}, {"": []}, "power", [("Switch1", "mains")], id="mains"),
        pytest.param("x7", {"Heap": "28", "Sleep": "50", "Uptime": "0T01:45:51"}, {"": []}, None, [],
                     id="none of its keys"),
        pytest.param("lampu", {"online": "true"}, {"": ["online"]}, "office_lighting", [], id="a session is no lamp"),
        pytest.param("gerbang", {"door": "3.5"}, {"": []}, "gate", [], id="a number is no gate that is open"),
    ],
)  # fmt: skip
def test_a_native_device_is_what_its_name_and_its_keys_say(
    address: str, values: dict[str, str], gives: dict[str, list[str]], kind: str | None, mapped: list[tuple[str, str]]
) -> None:
    found = propose_native(native(address, values, gives))
    assert (found.kind, list(found.map), found.address) == (kind, mapped, address)


def test_a_native_device_s_interval_is_the_usual_one_that_is_not_shorter() -> None:
    every = [propose_native(native("x", {}, {}, each)).every for each in (61 * SECOND, 290 * SECOND, 65 * MINUTE)]
    assert every == ["1m", "5m", "1h"]
