"""Tasmota: a truth table. What its owners see on their brokers, with names and values of our own."""

from datetime import UTC, datetime

import pytest

from siaga.model.sites import Device
from siaga.mqtt.filters import matches
from tests.gateway.places import device, labels, read, values

LAMP = device("lampu-1", "tasmota", "lampu_depan")
GATE = device("gerbang-1", "tasmota", "gerbang", {"Switch1": "gate_open"})
METER = device("meter-1", "tasmota", "kwh")
CASES = [
    # birth and last will
    ("birth", "gate", GATE, "tele/gerbang/LWT", "Online", {"online": True}),
    ("last will", "gate", GATE, "tele/gerbang/LWT", "Offline", {"online": False}),
    ("birth in another case", "gate", GATE, "tele/gerbang/LWT", "ONLINE", {"online": True}),
    ("cleared retained birth", "gate", GATE, "tele/gerbang/LWT", "", {}),
    ("sleep is neither", "gate", GATE, "tele/gerbang/LWT", "DeepSleep", {}),
    ("a last will of another prefix is none", "gate", GATE, "stat/gerbang/LWT", "Offline", {}),
    ("nor is it a birth", "gate", GATE, "stat/gerbang/LWT", "Online", {}),
    ("nor is it refused", "gate", GATE, "stat/gerbang/LWT", "apa saja", {}),
    ("a prefix behind the topic", "gate", GATE, "desa/gerbang/tele/LWT", "Offline", {"online": False}),
    ("another prefix behind the topic", "gate", GATE, "desa/gerbang/stat/LWT", "Offline", {}),
    (
        "a device that is called as a prefix",
        "gate",
        device("g", "tasmota", "stat", {"Switch1": "gate_open"}),
        "tele/stat/LWT",
        "Offline",
        {"online": False},
    ),
    (
        "and its last will of another prefix",
        "gate",
        device("g", "tasmota", "tele", {"Switch1": "gate_open"}),
        "stat/tele/LWT",
        "Offline",
        {},
    ),
    # relays
    ("bare POWER", "office_lighting", LAMP, "stat/lampu_depan/POWER", "ON", {"lamp_on": True}),
    ("POWER1 of a device with several", "office_lighting", LAMP, "stat/lampu_depan/POWER1", "OFF", {"lamp_on": False}),
    ("another relay is not the lamp", "office_lighting", LAMP, "stat/lampu_depan/POWER2", "ON", {}),
    (
        "the same fact as RESULT",
        "office_lighting",
        LAMP,
        "stat/lampu_depan/RESULT",
        '{"POWER":"OFF"}',
        {"lamp_on": False},
    ),
    ("JSON on the POWER topic", "office_lighting", LAMP, "stat/lampu_depan/POWER", '{"POWER":"ON"}', {"lamp_on": True}),
    (
        "StateText set to digits",
        "office_lighting",
        LAMP,
        "stat/lampu_depan/RESULT",
        '{"POWER1":"1"}',
        {"lamp_on": True},
    ),
    (
        "STATE on stat, five relays",
        "office_lighting",
        LAMP,
        "stat/lampu_depan/STATE",
        '{"POWER1":"ON","POWER2":"OFF","Dimmer":70}',
        {"lamp_on": True},
    ),
    (
        "POWER decides, not the dimmer",
        "office_lighting",
        LAMP,
        "tele/lampu_depan/STATE",
        '{"Time":"2026-01-01T06:59:00","POWER":"OFF","Dimmer":100}',
        {"lamp_on": False},
    ),
    (
        "POWER and Power differ in case",
        "office_lighting",
        LAMP,
        "tele/lampu_depan/STATE",
        '{"POWER":"ON","Power":41,"Wifi":{"RSSI":61,"Signal":-70}}',
        {"lamp_on": True, "rssi": -70.0},
    ),
    ("a relay of a gate is not a lamp", "gate", GATE, "stat/gerbang/POWER", "ON", {}),
    # Wi-Fi
    (
        "Signal is dBm, RSSI is percent",
        "gate",
        GATE,
        "tele/gerbang/STATE",
        '{"Wifi":{"RSSI":88,"Signal":-56}}',
        {"rssi": -56.0},
    ),
    ("old firmware has percent only", "gate", GATE, "tele/gerbang/STATE", '{"Uptime":3,"Wifi":{"RSSI":15}}', {}),
    # switches and buttons
    (
        "a mapped switch",
        "gate",
        GATE,
        "tele/gerbang/SENSOR",
        '{"Time":"2026-01-01T06:59:00","Switch1":"ON"}',
        {"gate_open": True},
    ),
    (
        "polarity is the site's",
        "gate",
        device("g", "tasmota", "gerbang", {"Switch1": "gate_open"}, {"gate_open"}),
        "tele/gerbang/SENSOR",
        '{"Switch1":"ON"}',
        {"gate_open": False},
    ),
    (
        "a switch that is missing is not OFF",
        "gate",
        device("g", "tasmota", "papan", {"Switch6": "gate_open"}),
        "tele/papan/SENSOR",
        '{"Switch5":"OFF","Switch7":"ON"}',
        {},
    ),
    (
        "STATUS10 has it one level deeper",
        "gate",
        GATE,
        "stat/gerbang/STATUS10",
        '{"StatusSNS":{"Time":"2026.01.01 06:59:30","Switch1":"OFF"}}',
        {"gate_open": False},
    ),
    (
        "STATUS11 nests the state",
        "office_lighting",
        LAMP,
        "stat/lampu_depan/STATUS11",
        '{"StatusSTS":{"POWER":"ON"}}',
        {"lamp_on": True},
    ),
    (
        "a detached switch reports an action",
        "gate",
        GATE,
        "stat/gerbang/RESULT",
        '{"Switch1":{"Action":"ON"}}',
        {"gate_open": True},
    ),
    (
        "a button is an event",
        "night_guard",
        device("pos", "tasmota", "pos", {"Button1": "checkin"}),
        "stat/pos/RESULT",
        '{"Button1":{"Action":"SINGLE"}}',
        {"checkin": 1},
    ),
    (
        "a button of an old firmware",
        "night_guard",
        device("pos", "tasmota", "pos", {"Button1": "checkin"}),
        "stat/pos/BUTTON1",
        '{"ACTION":"SINGLE"}',
        {"checkin": 1},
    ),
    ("a switch of an old firmware", "gate", GATE, "stat/gerbang/SWITCH1", '{"STATE":"OFF"}', {"gate_open": False}),
    ("its other switch", "gate", GATE, "stat/gerbang/SWITCH2", '{"STATE":"OFF"}', {}),
    (
        "another button is not",
        "night_guard",
        device("pos", "tasmota", "pos", {"Button1": "checkin"}),
        "stat/pos/RESULT",
        '{"Button2":{"Action":"SINGLE"}}',
        {},
    ),
    # meters and light
    (
        "a meter",
        "power",
        METER,
        "tele/kwh/SENSOR",
        '{"ENERGY":{"Total":6.5,"Today":0.9,"Power":2601,"Voltage":228}}',
        {"power": 2601.0, "energy": 6.5},
    ),
    (
        "a polled meter",
        "power",
        METER,
        "stat/kwh/STATUS8",
        '{"StatusSNS":{"Time":"2026-01-01T06:58:00","ENERGY":{"Total":7.1,"Power":12}}}',
        {"power": 12.0, "energy": 7.1},
    ),
    (
        "a meter with channels is their sum",
        "power",
        METER,
        "tele/kwh/SENSOR",
        '{"ENERGY":{"Total":[1.5,2.25],"Power":[40,2]}}',
        {"power": 42.0, "energy": 3.75},
    ),
    (
        "zero is a value",
        "power",
        METER,
        "tele/kwh/SENSOR",
        '{"ENERGY":{"Power":0,"Total":0.0}}',
        {"power": 0.0, "energy": 0.0},
    ),
    (
        "light, whatever the sensor",
        "office_lighting",
        LAMP,
        "tele/lampu_depan/SENSOR",
        '{"BH1750":{"Illuminance":81}}',
        {"illuminance": 81.0},
    ),
    (
        "raw counters are not lux",
        "office_lighting",
        LAMP,
        "tele/lampu_depan/SENSOR",
        '{"TSL2561":{"Illuminance":43.1,"IR":260,"Broadband":1500},"TempUnit":"C"}',
        {"illuminance": 43.1},
    ),
    (
        "bare nan costs only itself",
        "office_lighting",
        LAMP,
        "tele/lampu_depan/SENSOR",
        '{"AM2301":{"Temperature":nan,"Humidity":nan},"BH1750":{"Illuminance":12}}',
        {"illuminance": 12.0},
    ),
    (
        "of two light sensors the first that has a value",
        "office_lighting",
        LAMP,
        "tele/lampu_depan/SENSOR",
        '{"BH1750":{"Illuminance":null},"VEML7700":{"Illuminance":40},"TSL2561":{"Illuminance":41}}',
        {"illuminance": 40.0},
    ),
    ("a delta without time and energy", "power", METER, "tele/kwh/SENSOR", '{"TIC":{"PAPP":160}}', {}),
    # topics
    ("prefix after the topic", "gate", GATE, "gerbang/tele/SENSOR", '{"Switch1":"ON"}', {"gate_open": True}),
    ("site, topic, prefix", "gate", GATE, "desa/rw3/gerbang/tele/SENSOR", '{"Switch1":"ON"}', {"gate_open": True}),
    ("site, prefix, topic", "gate", GATE, "desa/tele/gerbang/SENSOR", '{"Switch1":"ON"}', {"gate_open": True}),
    (
        "a topic of several levels",
        "gate",
        device("g", "tasmota", "Balai/Pintu/Außen", {"Switch1": "gate_open"}),
        "tele/Balai/Pintu/Außen/SENSOR",
        '{"Switch1":"ON"}',
        {"gate_open": True},
    ),
    ("of no use", "gate", GATE, "tele/gerbang/INFO3", '{"RestartReason":"Software/System restart"}', {}),
    ("no JSON where none is needed", "gate", GATE, "tele/gerbang/UPTIME", "1T02:03:04", {}),
    # null says nothing
    ("null", "gate", GATE, "tele/gerbang/SENSOR", '{"Switch1":null}', {}),
    ("unavailable", "gate", GATE, "tele/gerbang/SENSOR", '{"Switch1":"unavailable"}', {}),
]


@pytest.mark.parametrize(
    ("kind", "one", "topic", "payload", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_means(kind: str, one: Device, topic: str, payload: str, expected: dict[str, object]) -> None:
    translation = read(kind, one, topic, payload)
    assert values(translation) == expected
    assert labels(translation) == []


REFUSED = [
    ("a lost opening brace", "tele/kwh/ENERGY1", b'"Time":"2026-01-01T06:00:00", "Power":3}', {}, ["not_json"]),
    ("a lost closing brace", "tele/kwh/SENSOR", b'{"ENERGY":{"Power":11,"Total":1.9}', {}, ["not_json"]),
    ("two packets in one", "tele/kwh/SENSOR", b'{"Time":"2026-01\xf5\x02\x00\x18kwh/tele/STATE{"U', {}, ["not_utf8"]),
    (
        "a word where a number was due",
        "tele/kwh/SENSOR",
        b'{"ENERGY":{"Power":"viel","Total":2}}',
        {"energy": 2.0},
        ["wrong_value"],
    ),
    (
        "a number that is none",
        "tele/kwh/SENSOR",
        b'{"ENERGY":{"Power":nan,"Total":2}}',
        {"energy": 2.0},
        ["not_finite"],
    ),
    (
        "one light sensor of two is broken",
        "tele/lampu_depan/SENSOR",
        b'{"BH1750":{"Illuminance":nan},"TSL2561":{"Illuminance":41}}',
        {"illuminance": 41.0},
        ["not_finite"],
    ),
    ("an infinity", "tele/kwh/SENSOR", b'{"ENERGY":{"Power":-inf,"Total":2}}', {"energy": 2.0}, ["not_finite"]),
    ("a boolean where a number was due", "tele/kwh/SENSOR", b'{"ENERGY":{"Power":true}}', {}, ["wrong_value"]),
    ("a list that is no list of numbers", "tele/kwh/SENSOR", b'{"ENERGY":{"Power":[1,"x"]}}', {}, ["wrong_value"]),
    ("a text where JSON was due", "tele/kwh/SENSOR", b"viel Strom", {}, ["not_json"]),
    ("a list where an object was due", "tele/kwh/SENSOR", b"[1,2]", {}, ["not_an_object"]),
    ("over 64 kB", "tele/kwh/SENSOR", b'{"x":"' + b"x" * 64_000 + b'"}', {}, ["too_large"]),
    ("nested without end", "tele/kwh/SENSOR", b'{"x":' * 40 + b"1" + b"}" * 40, {}, ["too_deep"]),
    ("nested until a parser breaks", "tele/kwh/SENSOR", b'{"x":' + b"[" * 60_000, {}, ["not_json"]),
    ("a last will of its own", "tele/kwh/LWT", b"Aus", {}, ["wrong_value"]),
    ("words of the owner's for ON", "stat/lampu_depan/POWER", b"AN", {}, ["wrong_value"]),
]


@pytest.mark.parametrize(("topic", "payload", "kept", "refused"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_is_refused(topic: str, payload: bytes, kept: dict[str, object], refused: list[str]) -> None:
    translation = read("office_lighting", LAMP if "lampu" in topic else METER, topic, payload)
    assert labels(translation) == refused
    assert values(translation) == kept


@pytest.mark.parametrize(
    "topic",
    [
        "cmnd/gerbang/POWER",
        "gerbang/cmnd/SENSOR",
        "tele/gerbang-2/SENSOR",
        "tele/SENSOR",
        "gerbang/SENSOR",
        "state/gerbang/LWT",
        "a/b/c/d/e/f/g/h/tele/gerbang/SENSOR",
        "/".join(["x"] * 200) + "/tele/gerbang/SENSOR",
    ],
)
def test_is_not_this_device(topic: str) -> None:
    assert read("gate", GATE, topic, '{"Switch1":"ON"}') is None


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2026-01-01T06:30:00", datetime(2025, 12, 31, 23, 30, tzinfo=UTC)),
        ("2026-01-01T06:30:00+07:00", datetime(2025, 12, 31, 23, 30, tzinfo=UTC)),
        ("2026-01-01T06:30:00Z", datetime(2026, 1, 1, 6, 30, tzinfo=UTC)),
        ("2026.01.01 06:30:00", datetime(2025, 12, 31, 23, 30, tzinfo=UTC)),
    ],
    ids=["without an offset it is the village's", "with an offset", "UTC", "old firmware, dots and a blank"],
)
def test_time(time: str, expected: datetime) -> None:
    translation = read("gate", GATE, "tele/gerbang/SENSOR", f'{{"Time":"{time}","Switch1":"ON"}}')
    assert translation is not None
    assert [each.time for each in translation.observed] == [round(expected.timestamp()) * 1000]


@pytest.mark.parametrize(
    ("time", "refused"),
    [
        ('""', []),
        ("null", []),
        ("0", []),
        ('"gestern"', ["wrong_time"]),
        ('"14:36"', ["wrong_time"]),
        ("true", ["wrong_time"]),
        ('"2026-13-45T25:61:61"', ["wrong_time"]),
        ('"2026-02-31T00:00:00"', ["wrong_time"]),
        ("1e300", ["wrong_time"]),
        ("nan", ["not_finite"]),
        ("[2026,1,1]", ["wrong_time"]),
    ],
)
def test_what_has_no_readable_time_is_of_now_and_a_word_that_is_none_is_refused(time: str, refused: list[str]) -> None:
    translation = read("gate", GATE, "tele/gerbang/SENSOR", f'{{"Time":{time},"Switch1":"ON"}}')
    assert translation is not None
    assert [(each.value, each.time) for each in translation.observed] == [(True, None)]
    assert labels(translation) == refused


def test_a_map_for_a_signal_replaces_the_default_key_of_that_signal() -> None:
    second = device("lampu-2", "tasmota", "ganda", {"POWER2": "lamp_on"})
    translation = read("office_lighting", second, "tele/ganda/STATE", '{"POWER1":"OFF","POWER2":"ON"}')
    assert values(translation) == {"lamp_on": True}


def test_subscriptions_take_every_place_of_the_prefix_once_and_no_commands() -> None:
    from gateway.adapters import ADAPTERS, Installed
    from tests.gateway.places import village

    place = village(("gate", [GATE]))
    installed = Installed.of(place, place.facilities[0], GATE)
    filters = list(ADAPTERS[GATE.adapter].filters(installed))
    for topic in ("tele/gerbang/SENSOR", "gerbang/stat/POWER", "a/b/c/gerbang/tele/STATE", "a/tele/gerbang/STATE"):
        assert sum(matches(each, topic) for each in filters) == 1
    assert not any(matches(each, "cmnd/gerbang/POWER") for each in filters)
