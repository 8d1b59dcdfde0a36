"""ESPHome: a truth table."""

import pytest

from gateway.adapters import ADAPTERS
from gateway.router import Router
from siaga.model.sites import Adapter, Device
from siaga.mqtt.filters import matches
from siaga.mqtt.transport import Message
from tests.gateway.places import device, labels, read, values, village

NODE = device("gerbang-1", "esphome", "pagar", {"binary_sensor/pintu/state": "gate_open"})
LIGHT = device("lampu-1", "esphome", "teras", {"light/lampu/state": "lamp_on", "sensor/terang/state": "illuminance"})
METER = device(
    "meter-1", "esphome", "desa/listrik/panel", {"sensor/daya/state": "power", "sensor/hari_ini/state": "energy"}
)
UPPER = device("udara-1", "esphome", "ESP/wc", {"sensor/amonia/state": "nh3"})
PROXY = device("p", "esphome", "proksi", {"sensor/nyala/state": "uptime"})
BUTTON = device("jaga-1", "esphome", "pos", {"event/tombol/state": "checkin", "binary_sensor/pir/state": "presence"})
ORDER = device("o", "esphome", "bel", {"switch/bel/command": "lamp_on"})
OWN = device("o", "esphome", "aneh", {"keadaan": "gate_open"})
CASES = [
    ("birth", NODE, "pagar/status", "online", {"online": True}),
    ("last will", NODE, "pagar/status", "offline", {"online": False}),
    ("a cleared birth", NODE, "pagar/status", "", {}),
    ("closed", NODE, "pagar/binary_sensor/pintu/state", "OFF", {"gate_open": False}),
    ("a word of the owner's", NODE, "pagar/binary_sensor/pintu/state", "OPEN", {"gate_open": True}),
    ("a temperature that nobody asked for", NODE, "pagar/sensor/suhu/state", "23.5", {}),
    ("nan that nobody asked for", NODE, "pagar/sensor/suhu/state", "NaN", {}),
    ("a bridge has no value", UPPER, "ESP/wc/sensor/amonia/state", "unavailable", {}),
    ("no value, newer firmware", UPPER, "ESP/wc/sensor/amonia/state", "None", {}),
    ("a prefix in capitals", UPPER, "ESP/wc/sensor/amonia/state", "4.5", {"nh3": 4.5}),
    ("a prefix of three levels", METER, "desa/listrik/panel/sensor/daya/state", "97.2", {"power": 97.2}),
    ("energy of today", METER, "desa/listrik/panel/sensor/hari_ini/state", "1.213", {"energy": 1.213}),
    ("uptime", PROXY, "proksi/sensor/nyala/state", "934512", {"uptime": 934_512}),
    ("a sensor named status is no birth", NODE, "pagar/binary_sensor/status/state", "ON", {}),
    ("a light speaks JSON", LIGHT, "teras/light/lampu/state", '{"color_mode":"onoff","state":"ON"}', {"lamp_on": True}),
    (
        "a light off that has a brightness",
        LIGHT,
        "teras/light/lampu/state",
        '{"state":"OFF","brightness":99}',
        {"lamp_on": False},
    ),
    ("dark is a value", LIGHT, "teras/sensor/terang/state", "0.0", {"illuminance": 0.0}),
    ("the log", LIGHT, "teras/debug", "[D][sensor:094]: 'Suhu': Sending state 24.13 °C", {}),
    (
        "the log in colours",
        LIGHT,
        "teras/debug",
        "\x1b[0;36m[D][binary_sensor:036]: 'Pintu': Sending state ON\x1b[0m",
        {},
    ),
    ("a command", LIGHT, "teras/light/lampu/command", '{"state":"ON"}', {}),
    ("a command that the site maps", ORDER, "bel/switch/bel/command", "ON", {}),
    ("an event", BUTTON, "pos/event/tombol/state", '{"event_type":"press"}', {"checkin": 1}),
    ("motion", BUTTON, "pos/binary_sensor/pir/state", "ON", {"presence": True}),
    ("a topic of the owner's", OWN, "aneh/keadaan", "closed", {"gate_open": False}),
    ("a cleared state", NODE, "pagar/binary_sensor/pintu/state", "", {}),
]


@pytest.mark.parametrize(
    ("one", "topic", "payload", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_means(one: Device, topic: str, payload: str, expected: dict[str, object]) -> None:
    translation = read("gate", one, topic, payload)
    assert values(translation) == expected
    assert labels(translation) == []


REFUSED = [
    ("nan, however it is spelt", UPPER, "ESP/wc/sensor/amonia/state", b"NaN", ["not_finite"]),
    ("nan that the broker repeats", UPPER, "ESP/wc/sensor/amonia/state", b"nan", ["not_finite"]),
    ("impossible", UPPER, "ESP/wc/sensor/amonia/state", b"inf", ["not_finite"]),
    ("an uptime in words", PROXY, "proksi/sensor/nyala/state", b"1d 2h 3m", ["wrong_value"]),
    ("a word that is none", NODE, "pagar/binary_sensor/pintu/state", b"\x1b[0mON", ["wrong_value"]),
    ("a birth of the owner's", NODE, "pagar/status", b"hidup", ["wrong_value"]),
    ("an object without state", LIGHT, "teras/light/lampu/state", b'{"brightness":3}', ["wrong_value"]),
    ("cut off", LIGHT, "teras/light/lampu/state", b'{"state":"O', ["not_json"]),
    ("not UTF-8", NODE, "pagar/binary_sensor/pintu/state", b"O\xb0N", ["not_utf8"]),
]


@pytest.mark.parametrize(("one", "topic", "payload", "refused"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_is_refused(one: Device, topic: str, payload: bytes, refused: list[str]) -> None:
    translation = read("gate", one, topic, payload)
    assert labels(translation) == refused
    assert values(translation) == {}


@pytest.mark.parametrize(
    "topic",
    [
        "ketersediaan/pagar",
        "homeassistant/binary_sensor/pagar/pintu/config",
        "desa/pagar/status",
        "pagar2/status",
        "pagar",
    ],
    ids=["an availability of another topic", "discovery", "below another prefix", "another name", "no entity"],
)
def test_is_not_this_node(topic: str) -> None:
    assert read("gate", NODE, topic, "online") is None


@pytest.mark.parametrize(
    ("topic", "heard"),
    [
        ("pagar/binary_sensor/pintu/state", True),
        ("pagar/sensor/suhu/state", True),
        ("pagar/status", False),
        ("pagar/debug", False),
        ("pagar/switch/bel/command", False),
    ],
)
def test_an_entity_is_a_sign_of_life(topic: str, heard: bool) -> None:
    translation = read("gate", NODE, topic, "online" if topic.endswith("status") else "ON")
    assert translation is not None
    assert translation.heard is heard


def test_subscribes_to_each_topic_once() -> None:
    installed = Router([village(("gate", [OWN]))]).installed["35.10.15.2012", "o"]
    filters = list(ADAPTERS[Adapter.ESPHOME].filters(installed))
    for topic in ("aneh/status", "aneh/keadaan", "aneh/sensor/suhu/state"):
        assert sum(matches(each, topic) for each in filters) == 1


def test_a_node_below_a_node_is_another() -> None:
    below = device("g", "esphome", "pagar/timur")
    router = Router([village(("gate", [NODE, below]))])
    routed = router.route(Message("pagar/timur/status", b"online"))
    assert [installed.device.id for _, installed in routed] == ["g"]
