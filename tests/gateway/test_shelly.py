"""Shelly of the first generation: a truth table, and presses of a button."""

import orjson
import pytest

from gateway.router import Router
from siaga.model.capabilities import can_give
from siaga.model.sites import Device
from siaga.mqtt.transport import Message
from tests.gateway.places import CODE, NOW, device, labels, read, translate, values, village

OLD = device("lampu-1", "shelly", "lampu-teras")
DOUBLED = device("meter-1", "shelly", "shellies/panel-utama")
DOOR = device("gerbang-1", "shelly", "pintu-besi")
PLUG = device("colokan-1", "shelly", "colokan-teras")
BUTTON = device("jaga-1", "shelly", "pos-jaga", {"input_event/0": "checkin"})
LIGHTING, GATE, GUARD, POWER = "office_lighting", "gate", "night_guard", "power"

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
        "a probe that is not plugged in",
        "toilet",
        device("s", "shelly", "s", {"ext_humidity/0": "nh3"}),
        "shellies/s/ext_humidity/0",
        "999",
        {},
    ),
    (
        "a door sensor that knows nothing yet",
        "gate",
        device("g", "shelly", "g"),
        "shellies/g/info",
        '{"sensor":{"state":"close","is_valid":false},"lux":{"value":0,"is_valid":false},"bat":{"value":88}}',
        {"battery": 88.0},
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
]


@pytest.mark.parametrize(
    ("kind", "one", "topic", "payload", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_means(kind: str, one: Device, topic: str, payload: str, expected: dict[str, object]) -> None:
    translation = read(kind, one, topic, payload)
    assert values(translation) == expected
    assert labels(translation) == []


REFUSED = [
    ("a word for the relay", "relay/0", b"maybe", {}, ["wrong_value"]),
    ("a number that is none", "relay/0/power", b"nan", {}, ["not_finite"]),
    ("energy that is none", "relay/0/energy", b"inf", {}, ["not_finite"]),
    (
        "info in which a meter is broken",
        "info",
        b'{"meters":[{"power":nan}],"relays":[{"ison":true}]}',
        {"lamp_on": True},
        ["not_finite"],
    ),
    (
        "info with a time that is none",
        "info",
        b'{"unixtime":"kemarin","relays":[{"ison":true}]}',
        {"lamp_on": True},
        ["wrong_time"],
    ),
    ("info cut off", "info", b'{"relays":[{"ison":tr', {}, ["not_json"]),
    ("info that is none", "info", b"[]", {}, ["not_an_object"]),
    ("a birth of another word", "online", b"maybe", {}, ["wrong_value"]),
    ("not UTF-8", "relay/0", b"o\xff", {}, ["not_utf8"]),
]


@pytest.mark.parametrize(
    ("below", "payload", "kept", "refused"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_is_refused(below: str, payload: bytes, kept: dict[str, object], refused: list[str]) -> None:
    translation = read(LIGHTING, OLD, f"shellies/lampu-teras/{below}", payload)
    assert labels(translation) == refused
    assert values(translation) == kept


@pytest.mark.parametrize(
    "topic", ["shellies/command", "shellies/announce", "shellies/lampu/relay/0", "lampu-teras/relay/0"]
)
def test_is_not_this_device(topic: str) -> None:
    assert read(LIGHTING, OLD, topic, "on") is None


def test_one_name_is_not_the_other() -> None:
    """A doubled prefix looks like the whole prefix of a Gen2 device."""
    router = Router([village((POWER, [DOUBLED, device("meter-2", "shelly", "panel-utama")]))])
    for topic, whose in (
        ("shellies/panel-utama/online", "meter-2"),
        ("shellies/shellies/panel-utama/online", "meter-1"),
    ):
        assert [installed.device.id for _, installed in router.route(Message(topic, b"true"))] == [whose]


def test_an_id_below_an_id_is_another_device() -> None:
    router = Router([village((POWER, [OLD, device("lampu-9", "shelly", "lampu-teras/atas")]))])
    routed = router.route(Message("shellies/lampu-teras/atas/relay/0", b"on"))
    assert [installed.device.id for _, installed in routed] == ["lampu-9"]


def test_info_has_the_time_of_a_clock_that_is_set() -> None:
    translation = read(
        LIGHTING, OLD, "shellies/lampu-teras/info", f'{{"unixtime":{NOW // 1000},"relays":[{{"ison":true}}]}}'
    )
    assert translation is not None
    assert [each.time for each in translation.observed] == [NOW]


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
        for topic, payload in (
            ("temperature", "31"),
            ("relay/0/command", "on"),
            ("rpc", "{}"),
            ("online", "true"),
            ("relay/0", ""),
        )
    }
    assert [topic for topic, each in said.items() if each is not None and each.heard] == ["temperature"]


def test_gives_what_the_contract_says() -> None:
    everywhere = {"power", "energy", "battery", "illuminance", "rssi", "online"}
    assert can_give(OLD, POWER) == everywhere
    assert can_give(OLD, LIGHTING) == everywhere | {"lamp_on"}
    assert can_give(OLD, GATE) == everywhere | {"gate_open"}
