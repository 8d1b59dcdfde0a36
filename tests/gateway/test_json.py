"""Any JSON: a truth table."""

import pytest

from siaga.model.sites import Device
from tests.gateway.places import NOW, device, labels, read, values

TOPIC = "desa/alat/1"


def one(**mapped: str) -> Device:
    """A device with a map whose keys are words."""
    return device("alat-1", "json", TOPIC, mapped)


def at(path: str, signal: str) -> Device:
    return device("alat-1", "json", TOPIC, {path: signal})


CASES = [
    ("a key", one(pintu="gate_open"), '{"pintu":"open","lain":1}', {"gate_open": True}),
    ("a dotted path", at("a.b.c", "power"), '{"a":{"b":{"c":12.5}}}', {"power": 12.5}),
    ("a key that holds dots", at("a.b", "power"), '{"a.b":3}', {"power": 3.0}),
    ("a place in a list", at("sensor.1.lux", "illuminance"), '{"sensor":[{"lux":1},{"lux":2}]}', {"illuminance": 2.0}),
    ("a list is the message", at("0.nh3", "nh3"), '[{"nh3":4}]', {"nh3": 4.0}),
    ("JSONPath", at("$.sensor[1].lux", "illuminance"), '{"sensor":[{"lux":1},{"lux":2}]}', {"illuminance": 2.0}),
    ("JSONPath, from a list", at("$[0].nh3", "nh3"), '[{"nh3":4}]', {"nh3": 4.0}),
    ("any key", at("*.lux", "illuminance"), '{"bh1750":{"lux":7}}', {"illuminance": 7.0}),
    ("a place that is not there", at("sensor.7", "nh3"), '{"sensor":[1]}', {}),
    ("a bare number", at(".", "clients"), "14", {"clients": 14}),
    ("a bare number, without a path", at("", "clients"), "14", {"clients": 14}),
    ("a bare word", at(".", "gate_open"), "OPEN", {"gate_open": True}),
    ("a bare boolean", at("$", "service_ok"), "true", {"service_ok": True}),
    ("a text of JSON", at(".", "lamp_on"), '"off"', {"lamp_on": False}),
    ("bare null", at(".", "nh3"), "null", {}),
    ("a number where an object was due", one(pintu="gate_open"), "14", {}),
    ("an object where a value was due", at(".", "clients"), '{"a":1}', {}),
    (
        "everything in quotes",
        at("interfaces.ether1", "wifi_up"),
        '{"suhu":"38","interfaces":{"ether1":"true"}}',
        {"wifi_up": True},
    ),
    ("a boolean in quotes", one(wifibound="wifi_up"), '{"wifibound":"true"}', {"wifi_up": True}),
    ("an input", one(inputVALUE="gate_open"), '{"inputVALUE":1}', {"gate_open": True}),
    ("a port without load", at("xether3", "power"), '{"xether2":5.1,"xether3":null}', {}),
    ("a port with load", at("xether2", "power"), '{"xether2":5.1,"xether3":null}', {"power": 5.1}),
    (
        "a script's count of stations",
        one(clients_total="clients"),
        '{"healthy": true, "clients_total": 31}',
        {"clients": 31},
    ),
    (
        "stations by their addresses, only counted",
        one(jumlah="clients"),
        '{"jumlah":2,"stations":["02:11:22:33:44:55","02:11:22:33:44:66"]}',
        {"clients": 2},
    ),
    ("words for nothing", one(a="nh3", b="power", c="gate_open"), '{"a":"unavailable","b":"None","c":""}', {}),
    ("nothing of use", one(pintu="gate_open"), '{"test":"data"}', {}),
    (
        "the site turns it round",
        device("a", "json", TOPIC, {"tutup": "gate_open"}, {"gate_open"}),
        '{"tutup":true}',
        {"gate_open": False},
    ),
    ("an event", one(tombol="checkin"), '{"tombol":"pressed"}', {"checkin": 1}),
    ("an event that did not happen", one(tombol="checkin"), '{"tombol":0}', {"checkin": 0}),
    ("cleared", one(pintu="gate_open"), "", {}),
]


@pytest.mark.parametrize(
    ("installed", "payload", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_means(installed: Device, payload: str, expected: dict[str, object]) -> None:
    translation = read("gate", installed, TOPIC, payload)
    assert values(translation) == expected
    assert labels(translation) == []


REFUSED = [
    ("one bad field, one good", one(a="power", b="nh3"), b'{"a":"12 W","b":3}', {"nh3": 3.0}, ["wrong_value"]),
    ("nan, one good", one(a="power", b="nh3"), b'{"a":nan,"b":3}', {"nh3": 3.0}, ["not_finite"]),
    ("a value that its sensor did not give", one(a="power"), b'{"a":3,"temp":[{"temp":}]}', {}, ["not_json"]),
    ("a router's uptime", one(uptime="uptime"), b'{"cpu":7,"uptime":"1w2d3h4m5s"}', {}, ["wrong_value"]),
    ("a version looks like a number", at(".", "nh3"), b"7.15.2 (stable)", {}, ["wrong_value"]),
    ("a log line", at(".", "power"), b"\x1b[0;36m[D] 12 W\x1b[0m", {}, ["wrong_value"]),
    ("a word where JSON was due", one(a="power"), b"hidup", {}, ["not_json"]),
    ("cut off", one(a="power"), b'{"a":3', {}, ["not_json"]),
    ("two packets in one", one(a="power"), b'{"a":3}{"a":4}', {}, ["not_json"]),
    ("not UTF-8", one(a="power"), b'{"a":"\xb0"}', {}, ["not_utf8"]),
    ("a date that is none", one(a="power"), b'{"a":3,"time":"2026-13-45T00:00:00"}', {"power": 3.0}, ["wrong_time"]),
    ("too deep", one(a="power"), b"[" * 200 + b"]" * 200, {}, ["too_deep"]),
    ("too large", one(a="power"), b" " * 64_001, {}, ["too_large"]),
]


@pytest.mark.parametrize(
    ("installed", "payload", "kept", "refused"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_is_refused(installed: Device, payload: bytes, kept: dict[str, object], refused: list[str]) -> None:
    translation = read("gate", installed, TOPIC, payload)
    assert labels(translation) == refused
    assert values(translation) == kept


@pytest.mark.parametrize("topic", ["desa/alat/1/set", "desa/alat/11", "desa/alat", "DESA/alat/1"])
def test_is_not_this_topic(topic: str) -> None:
    assert read("gate", one(a="power"), topic, '{"a":1}') is None


TIMES = [
    ("seconds", f'{{"a":1,"time":{NOW // 1000 - 60}}}', NOW - 60_000),
    ("milliseconds", f'{{"a":1,"ts":{NOW - 60_000}}}', NOW - 60_000),
    ("ISO 8601", '{"a":1,"timestamp":"2025-12-31T23:59:00Z"}', NOW - 60_000),
    ("the village's own", '{"a":1,"time":"2026-01-01T06:59:00"}', NOW - 60_000),
    ("a time of day is none", '{"a":1,"time":"06:59"}', None),
    ("seconds in quotes", f'{{"a":1,"time":"{NOW // 1000 - 60}"}}', NOW - 60_000),
    ("the second is one", '{"a":1,"time":"06:59","ts":"2025-12-31T23:59:00Z"}', NOW - 60_000),
    ("none", '{"a":1}', None),
    ("a clock that is not set", '{"a":1,"time":0}', None),
]


@pytest.mark.parametrize(("payload", "time"), [case[1:] for case in TIMES], ids=[case[0] for case in TIMES])
def test_a_time_beside_the_values_is_the_devices(payload: str, time: int | None) -> None:
    translation = read("gate", one(a="power"), TOPIC, payload)
    assert translation is not None
    assert [each.time for each in translation.observed] == [time]


def test_the_site_may_give_a_time_another_meaning() -> None:
    translation = read("gate", one(ts="uptime"), TOPIC, '{"ts":1767225000}')
    assert translation is not None
    assert [(each.value, each.time) for each in translation.observed] == [(1_767_225_000, None)]
