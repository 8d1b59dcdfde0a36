"""Shelly, Gen1 and Gen2 and later: a truth table, and what is told only in parts."""

from collections.abc import Mapping

import orjson
import pytest

from gateway.router import Router
from siaga.capabilities import can_give
from siaga.sites import Device
from siaga.transport import Message
from tests.gateway.places import CODE, NOW, device, labels, read, translate, values, village

OLD = device("lampu-1", "shelly", "lampu-teras")
DOUBLED = device("meter-1", "shelly", "shellies/panel-utama")
DOOR = device("gerbang-1", "shelly", "pintu-besi")
PLUG = device("colokan-1", "shelly", "colokan-teras")
NEW = device("lampu-2", "shelly", "lampu-aula")
BELOW = device("lampu-3", "shelly", "shellies/lampu-kamar")
INPUT = device("gerbang-2", "shelly", "gerbang-timur", {"input:0": "gate_open"})
BUTTON = device("jaga-1", "shelly", "pos-jaga", {"input_event/0": "checkin"})
PRESS = device("jaga-2", "shelly", "pos-barat", {"input:0": "checkin"})
LIGHTING, GATE, GUARD, POWER = "office_lighting", "gate", "night_guard", "power"


def changed(parts: Mapping[str, object], ts: object = NOW / 1000, method: str = "NotifyStatus") -> str:
    return orjson.dumps({"src": "shellyx-000000000001", "method": method, "params": {"ts": ts, **parts}}).decode()


INFO = orjson.dumps(
    {
        "wifi_sta": {"connected": True, "ssid": "Kantor", "ip": "10.0.0.9", "rssi": -71},
        "mac": "001122AABBCC",
        "time": "",
        "unixtime": 0,
        "relays": [{"ison": False, "source": "input"}],
        "meters": [{"power": 0.0, "is_valid": True}],
        "inputs": [{"input": 0, "event": "", "event_cnt": 0}],
        "ext_sensors": {},
        "uptime": 2,
    }
).decode()
DOOR_INFO = '{"sensor":{"state":"open","is_valid":true},"lux":{"value":31},"bat":{"value":64,"voltage":5.4}}'
METER_INFO = '{"emeters":[{"power":412.5,"is_valid":true,"total":98765.4},{"power":1,"is_valid":true,"total":2}]}'

CASES = [
    # Gen1
    ("birth", LIGHTING, OLD, "shellies/lampu-teras/online", "true", {"online": True}),
    ("last will", LIGHTING, OLD, "shellies/lampu-teras/online", "false", {"online": False}),
    ("a cleared birth", LIGHTING, OLD, "shellies/lampu-teras/online", "", {}),
    ("a doubled prefix", POWER, DOUBLED, "shellies/shellies/panel-utama/online", "false", {"online": False}),
    (
        "info after a reboot",
        LIGHTING,
        OLD,
        "shellies/lampu-teras/info",
        INFO,
        {"lamp_on": False, "power": 0, "rssi": -71},
    ),
    ("a part of info", LIGHTING, OLD, "shellies/lampu-teras/info", '{"calibrated": false}', {}),
    (
        "info of a door sensor",
        GATE,
        DOOR,
        "shellies/pintu-besi/info",
        DOOR_INFO,
        {"gate_open": True, "illuminance": 31.0, "battery": 64.0},
    ),
    (
        "info of a meter: watt-hours, the first phase",
        POWER,
        DOUBLED,
        "shellies/shellies/panel-utama/info",
        METER_INFO,
        {"power": 412.5, "energy": pytest.approx(98.7654)},
    ),
    (
        "a meter that is not valid",
        POWER,
        OLD,
        "shellies/lampu-teras/info",
        '{"meters":[{"power":9,"is_valid":false}]}',
        {},
    ),
    ("relay on", LIGHTING, OLD, "shellies/lampu-teras/relay/0", "on", {"lamp_on": True}),
    ("relay off", LIGHTING, OLD, "shellies/lampu-teras/relay/0", "off", {"lamp_on": False}),
    ("tripped by an overload is off", LIGHTING, OLD, "shellies/lampu-teras/relay/0", "overpower", {"lamp_on": False}),
    ("a second relay is not the lamp", LIGHTING, OLD, "shellies/lampu-teras/relay/1", "on", {}),
    ("a relay is a lamp only in lighting", GATE, OLD, "shellies/lampu-teras/relay/0", "on", {}),
    ("no press since boot", GUARD, BUTTON, "shellies/pos-jaga/input_event/0", '{"event":"","event_cnt":0}', {}),
    ("a press", GUARD, BUTTON, "shellies/pos-jaga/input_event/0", '{"event":"S","event_cnt":3}', {"checkin": 1}),
    ("power of the relay", LIGHTING, PLUG, "shellies/colokan-teras/relay/0/power", "18.44", {"power": 18.44}),
    ("power of another relay", LIGHTING, PLUG, "shellies/colokan-teras/relay/1/power", "18.44", {}),
    ("energy in watt-minutes", POWER, PLUG, "shellies/colokan-teras/relay/0/energy", "90000", {"energy": 1.5}),
    ("energy in watt-hours", POWER, DOUBLED, "shellies/shellies/panel-utama/emeter/0/total", "1500.0", {"energy": 1.5}),
    ("no energy yet", POWER, DOUBLED, "shellies/shellies/panel-utama/emeter/0/total", "0.0", {"energy": 0.0}),
    ("its own temperature", LIGHTING, PLUG, "shellies/colokan-teras/temperature", "24.81", {}),
    ("no overheating", LIGHTING, PLUG, "shellies/colokan-teras/overtemperature", "0", {}),
    ("volts", POWER, DOUBLED, "shellies/shellies/panel-utama/emeter/0/voltage", "228.61", {}),
    ("a probe that is not there", GATE, DOOR, "shellies/pintu-besi/ext_temperature/0", "999", {}),
    ("nonsense after a change of battery", GATE, DOOR, "shellies/pintu-besi/sensor/temperature", "-99.5", {}),
    ("a door closed", GATE, DOOR, "shellies/pintu-besi/sensor/state", "close", {"gate_open": False}),
    ("a door open", GATE, DOOR, "shellies/pintu-besi/sensor/state", "open", {"gate_open": True}),
    ("lux", GATE, DOOR, "shellies/pintu-besi/sensor/lux", "41", {"illuminance": 41.0}),
    ("a class of light is no lux", GATE, DOOR, "shellies/pintu-besi/sensor/illumination", "twilight", {}),
    ("no vibration", GATE, DOOR, "shellies/pintu-besi/sensor/vibration", "0", {}),
    ("battery", GATE, DOOR, "shellies/pintu-besi/sensor/battery", "58", {"battery": 58.0}),
    ("a sleeper woke up", GATE, DOOR, "shellies/pintu-besi/online", "true", {"online": True}),
    ("why it woke up", GATE, DOOR, "shellies/pintu-besi/sensor/act_reasons", '["periodic"]', {}),
    ("a command to it", GATE, DOOR, "shellies/pintu-besi/command", "update", {}),
    ("a command to its relay", LIGHTING, OLD, "shellies/lampu-teras/relay/0/command", "on", {}),
    (
        "a motion sensor's document",
        GUARD,
        device("gerak", "shelly", "gerak-pos", {"status.motion": "presence"}),
        "shellies/gerak-pos/status",
        '{"motion":true,"timestamp":1767225000,"vibration":false,"lux":12,"bat":88}',
        {"presence": True, "illuminance": 12.0, "battery": 88.0},
    ),
    (
        "an input",
        GATE,
        device("g", "shelly", "g", {"input/0": "gate_open"}),
        "shellies/g/input/0",
        "1",
        {"gate_open": True},
    ),
    (
        "the site turns it round",
        GATE,
        device("g", "shelly", "g", invert={"gate_open"}),
        "shellies/g/sensor/state",
        "open",
        {"gate_open": False},
    ),
    (
        "the site's relay takes the default's place",
        LIGHTING,
        device("l", "shelly", "l", {"relay/1": "lamp_on"}),
        "shellies/l/relay/0",
        "on",
        {},
    ),
    (
        "a second channel's energy, mapped",
        POWER,
        device("p", "shelly", "p", {"relay/1/energy": "energy"}),
        "shellies/p/relay/1/energy",
        "6000",
        {"energy": pytest.approx(0.1)},
    ),
    # Gen2 and later
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


def test_one_name_is_not_the_other() -> None:
    """A doubled prefix looks like the whole prefix of a Gen2 device."""
    router = Router([village((POWER, [DOUBLED, device("meter-2", "shelly", "panel-utama")]))])
    for topic, whose in (
        ("shellies/panel-utama/online", "meter-2"),
        ("shellies/shellies/panel-utama/online", "meter-1"),
    ):
        assert [installed.device.id for _, installed in router.route(Message(topic, b"true"))] == [whose]


@pytest.mark.parametrize(
    ("ts", "time"), [(NOW / 1000 - 60.5, NOW - 60_500), (1.61, 1610), (None, None), (0, None), ("", None)]
)
def test_a_change_has_its_time(ts: object, time: int | None) -> None:
    """Seconds since boot are before 2020, which whoever judges clocks will not believe."""
    translation = read(LIGHTING, NEW, "lampu-aula/events/rpc", changed({"switch:0": {"output": True}}, ts))
    assert translation is not None
    assert [each.time for each in translation.observed] == [time]


def test_info_has_the_time_of_a_clock_that_is_set() -> None:
    translation = read(
        LIGHTING, OLD, "shellies/lampu-teras/info", f'{{"unixtime":{NOW // 1000},"relays":[{{"ison":true}}]}}'
    )
    assert translation is not None
    assert [each.time for each in translation.observed] == [NOW]


def test_a_bluetooth_sensor_is_as_old_as_its_last_packet() -> None:
    one = device("l", "shelly", "jembatan", {"bthomesensor:200": "illuminance", "bthomedevice:200": "battery"})
    parts = {
        "bthomesensor:200": {"id": 200, "value": 31, "last_updated_ts": NOW // 1000 - 3600},
        "bthomedevice:200": {"id": 200, "battery": 81, "rssi": -90, "last_updated_ts": NOW // 1000 - 60},
    }
    translation = read(GATE, one, "jembatan/events/rpc", changed(parts))
    assert translation is not None
    assert {each.signal: (each.value, each.time) for each in translation.observed} == {
        "illuminance": (31.0, NOW - 3_600_000),
        "battery": (81.0, NOW - 60_000),
    }


def test_a_repeated_button_is_one_press() -> None:
    """The device repeats the last event with each of its reports."""
    installed = Router([village((GUARD, [BUTTON]))]).installed[CODE, "jaga-1"]
    said = []
    for count in (4, 4, 5, 5, 5, 0, 1):
        payload = b'{"event":"S","event_cnt":%d}' % count
        said.append(values(translate(installed, Message("shellies/pos-jaga/input_event/0", payload))))
    assert said == [{"checkin": 1}, {}, {"checkin": 1}, {}, {}, {"checkin": 1}, {"checkin": 1}]


def test_who_speaks_is_heard_and_who_is_spoken_to_is_not() -> None:
    said = {
        topic: read(LIGHTING, OLD, f"shellies/lampu-teras/{topic}", payload)
        for topic, payload in (("temperature", "31"), ("relay/0/command", "on"), ("online", "true"), ("relay/0", ""))
    }
    assert [topic for topic, each in said.items() if each is not None and each.heard] == ["temperature"]


def test_gives_what_the_contract_says() -> None:
    everywhere = {"power", "energy", "battery", "illuminance", "rssi", "online"}
    assert can_give(OLD, POWER) == everywhere
    assert can_give(OLD, LIGHTING) == everywhere | {"lamp_on"}
    assert can_give(OLD, GATE) == everywhere | {"gate_open"}
