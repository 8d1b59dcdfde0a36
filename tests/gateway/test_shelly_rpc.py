"""Shelly of the second generation and later: a truth table."""

from collections.abc import Mapping

import orjson
import pytest

from siaga.model.sites import Device
from tests.gateway.places import NOW, device, labels, read, values

NEW = device("lampu-2", "shelly", "lampu-aula")
BELOW = device("lampu-3", "shelly", "shellies/lampu-kamar")
INPUT = device("gerbang-2", "shelly", "gerbang-timur", {"input:0": "gate_open"})
PRESS = device("jaga-2", "shelly", "pos-barat", {"input:0": "checkin"})
LIGHTING, GATE, GUARD, POWER = "office_lighting", "gate", "night_guard", "power"


def changed(parts: Mapping[str, object], ts: object = NOW / 1000, method: str = "NotifyStatus") -> str:
    return orjson.dumps({"src": "shellyx-000000000001", "method": method, "params": {"ts": ts, **parts}}).decode()


CASES = [
    ("last will, below shellies", LIGHTING, BELOW, "shellies/lampu-kamar/online", "false", {"online": False}),
    ("birth below its own prefix", LIGHTING, NEW, "lampu-aula/online", "true", {"online": True}),
    (
        "connected, says nothing",
        LIGHTING,
        BELOW,
        "shellies/lampu-kamar/events/rpc",
        changed({"mqtt": {"connected": True}}, 2.1),
        {},
    ),
    (
        "only the voltage changed",
        LIGHTING,
        NEW,
        "lampu-aula/events/rpc",
        changed({"switch:0": {"id": 0, "voltage": 229.4}}),
        {},
    ),
    (
        "switched on",
        LIGHTING,
        NEW,
        "lampu-aula/events/rpc",
        changed({"switch:0": {"id": 0, "output": True, "source": "WS_in"}}),
        {"lamp_on": True},
    ),
    (
        "on, and no current: the lamp is broken",
        LIGHTING,
        NEW,
        "lampu-aula/status/switch:0",
        '{"id":0,"output":true,"apower":0.0,"voltage":231.0,"aenergy":{"total":2500.0,"minute_ts":1767225540}}',
        {"lamp_on": True, "power": 0.0, "energy": 2.5},
    ),
    (
        "rebooted",
        LIGHTING,
        NEW,
        "lampu-aula/status/sys",
        '{"mac":"001122AABBCC","unixtime":1767225600,"uptime":21}',
        {},
    ),
    (
        "uptime where the site asks for it",
        LIGHTING,
        device("l", "shelly", "l", {"sys": "uptime"}),
        "l/status/sys",
        '{"unixtime":1767225600,"uptime":21}',
        {"uptime": 21},
    ),
    (
        "off: no voltage behind an open relay is no power cut",
        LIGHTING,
        NEW,
        "lampu-aula/events/rpc",
        changed({"switch:0": {"id": 0, "apower": 0, "output": False, "source": "MQTT", "voltage": 0}}),
        {"lamp_on": False, "power": 0.0},
    ),
    (
        "another channel's energy is not the first's",
        LIGHTING,
        NEW,
        "lampu-aula/events/rpc",
        changed({"switch:3": {"id": 3, "aenergy": {"total": 12.5}}}),
        {},
    ),
    (
        "another channel's energy, mapped",
        POWER,
        device("p", "shelly", "p", {"switch:3": "energy"}),
        "p/events/rpc",
        changed({"switch:3": {"id": 3, "aenergy": {"total": 12.5}}}),
        {"energy": 0.0125},
    ),
    (
        "the minute's report",
        LIGHTING,
        NEW,
        "lampu-aula/events/rpc",
        changed({"switch:0": {"aenergy": {"total": 1200.5}, "apower": 0.0, "ret_aenergy": {"total": 7.0}, "freq": 50}}),
        {"power": 0.0, "energy": 1.2005},
    ),
    (
        "an input without id or sender",
        GATE,
        INPUT,
        "gerbang-timur/events/rpc",
        f'{{"method":"NotifyStatus","params":{{"ts":{NOW / 1000},"input:0":{{"state":true}}}}}}',
        {"gate_open": True},
    ),
    ("an input as button has no state", GATE, INPUT, "gerbang-timur/status/input:0", '{"id":0,"state":null}', {}),
    (
        "signal of the access point",
        LIGHTING,
        NEW,
        "lampu-aula/status/wifi",
        '{"rssi":-52,"status":"got ip"}',
        {"rssi": -52.0},
    ),
    (
        "a relay without meter",
        LIGHTING,
        NEW,
        "lampu-aula/status/switch:0",
        '{"id":0,"output":false,"temperature":{"tC":61.2}}',
        {"lamp_on": False},
    ),
    (
        "a Bluetooth child's battery is not the device's",
        LIGHTING,
        NEW,
        "lampu-aula/status/bthomedevice:200",
        '{"battery":81,"rssi":-90,"last_updated_ts":1767225540}',
        {},
    ),
    (
        "firmware 2: neither id nor output",
        LIGHTING,
        NEW,
        "lampu-aula/events/rpc",
        changed({"switch:0": {"apower": 11.4, "current": 0.07}}),
        {"power": 11.4},
    ),
    (
        "firmware 2, whole",
        LIGHTING,
        NEW,
        "lampu-aula/status/switch:0",
        '{"id":0,"tag":null,"output":true,"apower":11.4,"aenergy":{"total":300000.25},"counts":{"on_time":9}}',
        {"lamp_on": True, "power": 11.4, "energy": 300.00025},
    ),
    (
        "all there is",
        GATE,
        NEW,
        "lampu-aula/events/rpc",
        changed(
            {
                "devicepower:0": {"battery": {"V": 5.1, "percent": 77}},
                "illuminance:0": {"lux": 9},
                "wifi": {"rssi": -60},
            },
            method="NotifyFullStatus",
        ),
        {"battery": 77.0, "illuminance": 9.0, "rssi": -60.0},
    ),
    (
        "three phases",
        POWER,
        NEW,
        "lampu-aula/status/em:0",
        '{"id":0,"a_act_power":10.0,"b_act_power":20.0,"total_act_power":30.0}',
        {"power": 30.0},
    ),
    (
        "three phases' energy",
        POWER,
        NEW,
        "lampu-aula/status/emdata:0",
        '{"id":0,"total_act":1234.5}',
        {"energy": 1.2345},
    ),
    (
        "a path within a component",
        POWER,
        device("p", "shelly", "p", {"devicepower:0.external.present": "mains"}),
        "p/status/devicepower:0",
        '{"battery":{"percent":100},"external":{"present":true}}',
        {"mains": True, "battery": 100.0},
    ),
    (
        "a cover on its way is neither",
        GATE,
        device("g", "shelly", "g", {"cover:0": "gate_open"}),
        "g/status/cover:0",
        '{"state":"opening"}',
        {},
    ),
    (
        "a press",
        GUARD,
        PRESS,
        "pos-barat/events/rpc",
        changed(
            {"events": [{"component": "input:0", "id": 0, "event": "single_push", "ts": NOW / 1000}]},
            method="NotifyEvent",
        ),
        {"checkin": 1},
    ),
    (
        "the edges of a press are not another",
        GUARD,
        PRESS,
        "pos-barat/events/rpc",
        changed({"events": [{"component": "input:0", "event": "btn_down"}]}, method="NotifyEvent"),
        {},
    ),
    (
        "numbers as texts",
        LIGHTING,
        NEW,
        "lampu-aula/status/switch:0",
        '{"apower":"11.4","aenergy":{"total":"500"}}',
        {"power": 11.4, "energy": 0.5},
    ),
]


@pytest.mark.parametrize(
    ("kind", "one", "topic", "payload", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_means(kind: str, one: Device, topic: str, payload: str, expected: dict[str, object]) -> None:
    translation = read(kind, one, topic, payload)
    assert values(translation) == expected
    assert labels(translation) == []


REFUSED = [
    (
        "a word for the relay",
        "lampu-aula/status/switch:0",
        b'{"output":"maybe","apower":3}',
        {"power": 3.0},
        ["wrong_value"],
    ),
    (
        "a number that is none",
        "lampu-aula/status/switch:0",
        b'{"output":true,"apower":nan}',
        {"lamp_on": True},
        ["not_finite"],
    ),
    (
        "energy that is none",
        "lampu-aula/status/switch:0",
        b'{"output":true,"aenergy":{"total":"nan"}}',
        {"lamp_on": True},
        ["not_finite"],
    ),
    ("cut off", "lampu-aula/events/rpc", b'{"method":"NotifyStatus","params":{"ts":17672', {}, ["not_json"]),
    ("two packets in one", "lampu-aula/status/switch:0", b'{"output":\xf5\x02\x00lampu/onlinetrue', {}, ["not_utf8"]),
    ("no object", "lampu-aula/events/rpc", b"[1]", {}, ["not_an_object"]),
    ("no params", "lampu-aula/events/rpc", b'{"method":"NotifyStatus"}', {}, ["not_an_object"]),
    ("a component that is none", "lampu-aula/status/wifi", b"-52", {}, ["not_an_object"]),
    ("a birth of another word", "lampu-aula/online", b"maybe", {}, ["wrong_value"]),
    ("too large", "lampu-aula/status/switch:0", b" " * 64_001, {}, ["too_large"]),
]


@pytest.mark.parametrize(
    ("topic", "payload", "kept", "refused"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_is_refused(topic: str, payload: bytes, kept: dict[str, object], refused: list[str]) -> None:
    translation = read(LIGHTING, NEW, topic, payload)
    assert labels(translation) == refused
    assert values(translation) == kept


@pytest.mark.parametrize(
    "topic",
    [
        "shellies/command",
        "shellies/announce",
        "lampu-aula/debug/log",
        "aula/lampu-aula/online",
        "lampu-aula",
        "tele/lampu-aula/LWT",
        "lampu-aula/command/switch:0",
        "lampu-aula/rpc",
    ],
)
def test_is_not_this_device(topic: str) -> None:
    assert read(LIGHTING, NEW, topic, "true") is None


@pytest.mark.parametrize(
    ("ts", "time"), [(NOW / 1000 - 60.5, NOW - 60_500), (1.61, 1610), (None, None), (0, None), ("", None)]
)
def test_a_change_has_its_time(ts: object, time: int | None) -> None:
    """Seconds since boot are before 2020, which whoever judges clocks will not believe."""
    translation = read(LIGHTING, NEW, "lampu-aula/events/rpc", changed({"switch:0": {"output": True}}, ts))
    assert translation is not None
    assert [each.time for each in translation.observed] == [time]


def test_a_bluetooth_sensor_is_as_old_as_its_last_packet() -> None:
    """And what is repeated of it after minutes is no news."""
    one = device(
        "l",
        "shelly",
        "jembatan",
        {"bthomesensor:200": "illuminance", "bthomesensor:201": "nh3", "bthomedevice:200": "battery"},
    )
    seconds = NOW // 1000
    parts = {
        "bthomesensor:200": {"id": 200, "value": 31, "last_updated_ts": seconds - 3600},
        "bthomesensor:201": {"id": 201, "value": 7, "last_updated_ts": 12},
        "bthomedevice:200": {"id": 200, "battery": 81, "rssi": -90, "last_updated_ts": seconds - 60},
    }
    expected = {"nh3": (7.0, NOW), "battery": (81.0, NOW - 60_000)}
    translation = read(GATE, one, "jembatan/events/rpc", changed(parts))
    assert translation is not None
    assert {each.signal: (each.value, each.time) for each in translation.observed} == expected
