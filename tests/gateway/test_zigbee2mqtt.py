"""Zigbee2MQTT: a truth table."""

import pytest

from gateway.adapters import ADAPTERS
from gateway.router import Router
from siaga.model.sites import Device
from siaga.mqtt import Message
from tests.gateway.places import NOW, device, labels, read, translate, values, village

DOOR = device("gerbang-1", "zigbee2mqtt", "pintu depan")
LAMP = device("lampu-1", "zigbee2mqtt", "lampu")
MOTION = device("jaga-1", "zigbee2mqtt", "pos/gerak")
CASES = [
    (
        "contact false is open",
        "gate",
        DOOR,
        "zigbee2mqtt/pintu depan",
        '{"battery":97,"contact":false,"linkquality":255}',
        {"gate_open": True, "battery": 97.0},
    ),
    ("contact true is closed", "gate", DOOR, "zigbee2mqtt/pintu depan", '{"contact":true}', {"gate_open": False}),
    (
        "the site turns it round",
        "gate",
        device("g", "zigbee2mqtt", "pintu", invert={"gate_open"}),
        "zigbee2mqtt/pintu",
        '{"contact":true}',
        {"gate_open": True},
    ),
    (
        "a base of the owner's",
        "gate",
        DOOR,
        "z2m/pintu depan",
        '{"contact":true,"temperature":26}',
        {"gate_open": False},
    ),
    (
        "null is no value",
        "gate",
        DOOR,
        "zigbee2mqtt/pintu depan",
        '{"battery":null,"contact":null,"linkquality":81}',
        {},
    ),
    (
        "a name with a slash",
        "night_guard",
        MOTION,
        "zigbee2mqtt/pos/gerak",
        '{"occupancy":true,"illuminance":40}',
        {"presence": True, "illuminance": 40.0},
    ),
    (
        "a name that ends as Tasmota's topics do",
        "gate",
        device("g", "zigbee2mqtt", "jendela/SENSOR"),
        "zigbee2mqtt/jendela/SENSOR",
        '{"contact":false}',
        {"gate_open": True},
    ),
    (
        "an absent key is unchanged",
        "night_guard",
        MOTION,
        "zigbee2mqtt/pos/gerak",
        '{"illuminance":380,"voltage":3045}',
        {"illuminance": 380.0},
    ),
    (
        "a plug as lamp",
        "office_lighting",
        LAMP,
        "zigbee2mqtt/lampu",
        '{"state":"ON","power":0}',
        {"lamp_on": True, "power": 0.0},
    ),
    ("state is a lamp only in lighting", "gate", LAMP, "zigbee2mqtt/lampu", '{"state":"ON"}', {}),
    (
        "the state of an update is not the state",
        "office_lighting",
        LAMP,
        "zigbee2mqtt/lampu",
        '{"update":{"state":"idle"},"state":null,"power":7}',
        {"power": 7.0},
    ),
    (
        "numbers as texts",
        "power",
        LAMP,
        "zigbee2mqtt/lampu",
        '{"power":"23.5","energy":"6.65"}',
        {"power": 23.5, "energy": 6.65},
    ),
    ("link quality is no signal", "gate", DOOR, "zigbee2mqtt/pintu depan", '{"linkquality":null}', {}),
    (
        "a mapped path",
        "toilet",
        device("t", "zigbee2mqtt", "wc", {"air.nh3": "nh3"}),
        "zigbee2mqtt/wc",
        '{"air":{"nh3":4}}',
        {"nh3": 4.0},
    ),
    (
        "an action is an event",
        "night_guard",
        device("p", "zigbee2mqtt", "tombol", {"action": "checkin"}),
        "zigbee2mqtt/tombol",
        '{"action":"single","linkquality":10}',
        {"checkin": 1},
    ),
    (
        "an empty action is its end",
        "night_guard",
        device("p", "zigbee2mqtt", "tombol", {"action": "checkin"}),
        "zigbee2mqtt/tombol",
        '{"action":""}',
        {},
    ),
    # availability
    ("reachable", "gate", DOOR, "zigbee2mqtt/pintu depan/availability", '{"state":"online"}', {"online": True}),
    ("unreachable", "gate", DOOR, "zigbee2mqtt/pintu depan/availability", '{"state":"offline"}', {"online": False}),
    ("legacy reachable", "gate", DOOR, "zigbee2mqtt/pintu depan/availability", "online", {"online": True}),
    ("legacy unreachable", "gate", DOOR, "zigbee2mqtt/pintu depan/availability", "offline", {"online": False}),
    ("renamed or removed, not offline", "gate", DOOR, "zigbee2mqtt/pintu depan/availability", "", {}),
    ("the bridge is gone", "gate", DOOR, "zigbee2mqtt/bridge/state", '{"state":"offline"}', {"online": False}),
    ("the bridge is gone, legacy", "gate", DOOR, "zigbee2mqtt/bridge/state", "offline", {"online": False}),
    (
        "the bridge is there: that says nothing of a device",
        "gate",
        DOOR,
        "zigbee2mqtt/bridge/state",
        '{"state":"online"}',
        {},
    ),
    ("another bridge", "gate", DOOR, "z2m-balai/bridge/state", "offline", {}),
    # one topic per attribute
    ("an attribute", "gate", DOOR, "zigbee2mqtt/pintu depan/contact", "false", {"gate_open": True}),
    ("a word", "office_lighting", LAMP, "zigbee2mqtt/lampu/state", "OFF", {"lamp_on": False}),
    ("a number", "office_lighting", LAMP, "zigbee2mqtt/lampu/illuminance", "381", {"illuminance": 381.0}),
    ("an attribute that is not asked for", "office_lighting", LAMP, "zigbee2mqtt/lampu/color", "100,50,10", {}),
    (
        "a cleared attribute",
        "night_guard",
        device("p", "zigbee2mqtt", "tombol", {"action": "checkin"}),
        "zigbee2mqtt/tombol/action",
        "",
        {},
    ),
    # commands
    ("set is what others want", "office_lighting", LAMP, "zigbee2mqtt/lampu/set", '{"state":"ON"}', {}),
    ("get as well", "office_lighting", LAMP, "zigbee2mqtt/lampu/get", '{"state":""}', {}),
    ("a cleared state", "office_lighting", LAMP, "zigbee2mqtt/lampu", "", {}),
]


@pytest.mark.parametrize(
    ("kind", "one", "topic", "payload", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_means(kind: str, one: Device, topic: str, payload: str, expected: dict[str, object]) -> None:
    translation = read(kind, one, topic, payload)
    assert values(translation) == expected
    assert labels(translation) == []


REFUSED = [
    (
        "a shutter's word where the lamp's was due",
        "zigbee2mqtt/lampu",
        b'{"state":"STOP","power":1}',
        {"power": 1.0},
        [],  # what moves says nothing
    ),
    ("a number that is none", "zigbee2mqtt/lampu", b'{"power":NaN,"state":"ON"}', {"lamp_on": True}, ["not_finite"]),
    ("an attribute that is no number", "zigbee2mqtt/lampu/power", b"100,50", {}, ["wrong_value"]),
    ("not UTF-8", "zigbee2mqtt/lampu", b'{"state":"\xb0"}', {}, ["not_utf8"]),
    ("not JSON", "zigbee2mqtt/lampu", b"ON", {}, ["not_json"]),
    ("not an object", "zigbee2mqtt/lampu", b"[]", {}, ["not_an_object"]),
    (
        "a last_seen that is no time",
        "zigbee2mqtt/lampu",
        b'{"state":"ON","last_seen":"kemarin"}',
        {"lamp_on": True},
        ["wrong_time"],
    ),
    ("an availability of another word", "zigbee2mqtt/lampu/availability", b"asleep", {}, ["wrong_value"]),
]


@pytest.mark.parametrize(("topic", "payload", "kept", "refused"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_is_refused(topic: str, payload: bytes, kept: dict[str, object], refused: list[str]) -> None:
    translation = read("office_lighting", LAMP, topic, payload)
    assert labels(translation) == refused
    assert values(translation) == kept


@pytest.mark.parametrize(
    "topic",
    [
        "zigbee2mqtt/group_1",
        "zigbee2mqtt/bridge/devices",
        "zigbee2mqtt/bridge/response/permit_join",
        "zigbee2mqtt/ruang/lampu",
        "tele/lampu/STATE",
        "shellies/lampu",
        "lampu",
    ],
    ids=["a group", "the inventory", "an answer", "another name", "Tasmota", "Shelly", "no base"],
)
def test_is_not_this_device(topic: str) -> None:
    assert read("office_lighting", LAMP, topic, '{"state":"ON"}') is None


@pytest.mark.parametrize("seen", ['"2026-01-01T06:59:00.000+07:00"', '"2025-12-31T23:59:00Z"', f"{NOW - 60_000}"])
def test_last_seen_is_the_time_of_what_the_bridge_repeats(seen: str) -> None:
    translation = read("gate", DOOR, "zigbee2mqtt/pintu depan", f'{{"contact":true,"last_seen":{seen}}}')
    assert translation is not None
    assert [each.time for each in translation.observed] == [NOW - 60_000]


def test_live_traffic_wins_over_a_retained_word_of_the_bridge() -> None:
    """Its will fired in a hiccup and no birth came after it; the devices go on reporting."""
    router = Router([village(("gate", [DOOR]))])
    installed = router.installed["35.10.15.2012", "gerbang-1"]
    stale = Message("z2m/bridge/state", b"offline", retain=True)
    assert values(translate(installed, Message("z2m/pintu depan", b'{"contact":true}'))) == {"gate_open": False}
    assert values(translate(installed, stale)) == {}
    assert values(translate(installed, Message("z2m/bridge/state", b"offline"))) == {"online": False}


BIRTH = ("zigbee2mqtt/bridge/state", '{"state":"online"}', 0)
INFO = ("zigbee2mqtt/bridge/info", '{"version":"2.6.0","config":{"advanced":{"cache_state":true}}}', 1)
NOT_KEPT = ("zigbee2mqtt/bridge/info", '{"config":{"advanced":{"cache_state_send_on_startup": false}}}', 1)
OPEN = "zigbee2mqtt/pintu depan"
CONTACT = '{"contact":false}'


def seen(seconds: int) -> str:
    """A state with the time at which the bridge last heard the device, seconds from the beginning."""
    return f'{{"contact":false,"last_seen":{NOW + seconds * 1000}}}'


REPEATED = [
    # last_seen
    ("heard just now", [(OPEN, seen(0), 1)], [False]),
    ("the first that is heard of it, seen long ago", [(OPEN, seen(-7200), 0)], [True]),
    ("the same last_seen again", [(OPEN, seen(0), 0), (OPEN, seen(0), 900)], [False, True]),
    ("soon again: it may say more", [(OPEN, seen(0), 0), (OPEN, seen(0), 2)], [False, False]),
    ("a bridge whose clock is wrong", [(OPEN, seen(-3600), 0), (OPEN, seen(-3500), 100)], [True, False]),
    ("without last_seen", [(OPEN, CONTACT, 0), (OPEN, CONTACT, 7200)], [False, False]),
    # the bridge starts
    ("remembered", [BIRTH, INFO, (OPEN, CONTACT, 2)], [True]),
    ("remembered, then heard", [BIRTH, INFO, (OPEN, CONTACT, 2), (OPEN, CONTACT, 3)], [True, False]),
    ("remembered from another state", [(OPEN, '{"contact":true}', 0), BIRTH, INFO, (OPEN, CONTACT, 2)], [False, True]),
    ("remembered with the time of then", [BIRTH, INFO, (OPEN, seen(-60), 2)], [True]),
    (
        "remembered, a topic an attribute",
        [BIRTH, INFO, (f"{OPEN}/contact", "false", 2), (f"{OPEN}/battery", "97", 2), (f"{OPEN}/contact", "true", 4)],
        [True, True, False],
    ),
    (
        "another base",
        [("z2m/bridge/state", "online", 0), ("z2m/bridge/info", "{}", 1), ("z2m/pintu depan", CONTACT, 2)],
        [True],
    ),
    ("another bridge", [("z2m/bridge/state", "online", 0), ("z2m/bridge/info", "{}", 1), (OPEN, CONTACT, 2)], [False]),
    ("after its start", [BIRTH, INFO, (OPEN, CONTACT, 70)], [False]),
    # no start
    ("the owner switched it off", [BIRTH, NOT_KEPT, (OPEN, CONTACT, 2)], [False]),
    ("a connection of the bridge that came back", [BIRTH, (OPEN, CONTACT, 2)], [False]),
    ("settings that changed", [INFO, (OPEN, CONTACT, 2)], [False]),
    (
        "settings that changed after a start",
        [BIRTH, INFO, (OPEN, CONTACT, 2), INFO, (OPEN, CONTACT, 90)],
        [True, False],
    ),
]


@pytest.mark.parametrize(("heard", "expected"), [case[1:] for case in REPEATED], ids=[case[0] for case in REPEATED])
def test_what_the_bridge_repeats_is_no_news_of_the_device(
    heard: list[tuple[str, str, int]], expected: list[bool]
) -> None:
    installed = Router([village(("gate", [DOOR]))]).installed["35.10.15.2012", "gerbang-1"]
    adapter = ADAPTERS[DOOR.adapter]
    translated = [
        adapter.translate(installed, Message(topic, payload.encode()), NOW + at * 1000) for topic, payload, at in heard
    ]
    assert [each.repeated for each in translated if each.heard] == expected


def test_what_was_done_to_a_button_is_never_remembered() -> None:
    button = device("p", "zigbee2mqtt", "tombol", {"action": "checkin"})
    installed = Router([village(("night_guard", [button]))]).installed["35.10.15.2012", "p"]
    adapter = ADAPTERS[button.adapter]
    for topic, payload, at in (BIRTH, INFO):
        adapter.translate(installed, Message(topic, payload.encode()), NOW + at * 1000)
    pressed = adapter.translate(installed, Message("zigbee2mqtt/tombol", b'{"action":"single"}'), NOW + 2000)
    assert (values(pressed), pressed.repeated) == ({"checkin": 1}, False)


def test_an_inventory_of_a_megabyte_is_no_mistake() -> None:
    translation = read("gate", DOOR, "zigbee2mqtt/bridge/info", b'{"config_schema":"' + b"x" * 1_000_000 + b'"}')
    assert (values(translation), labels(translation)) == ({}, [])


def test_a_name_and_a_name_below_it_are_two_devices() -> None:
    other = device("gerbang-2", "zigbee2mqtt", "pintu depan/contact")
    router = Router([village(("gate", [DOOR, other]))])
    message = Message("zigbee2mqtt/pintu depan/contact", b'{"contact":true}')
    assert [installed.device.id for _, installed in router.route(message)] == ["gerbang-2"]
