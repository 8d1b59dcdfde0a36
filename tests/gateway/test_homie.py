"""Homie 3, 4 and 5: a truth table, and the sessions of devices that are children."""

import pytest

from gateway.adapters import Installed
from gateway.router import Router
from siaga.model.sites import Device
from siaga.mqtt.transport import Message
from tests.gateway.places import CODE, NOW, device, labels, read, translate, values, village

LED = device("lampu-1", "homie", "7ab31c00", {"led/power": "lamp_on", "$stats/uptime": "uptime"})
GATE = device("gerbang-1", "homie", "PapanMasuk", {"pengawas/pin0": "gate_open", "gerak/motion": "presence"})
RELAY = device("lampu-2", "homie", "KotakAula", {"1/state": "lamp_on"})
GRID = device("pln-1", "homie", "pln-jawa", {"status/padam": "mains"}, {"mains"})
NEW = device("lampu-3", "homie", "lampu-serambi", {"light/brightness": "illuminance", "light/power": "lamp_on"})
WHOLE = device("lampu-4", "homie", "desa/balai/ac", {"aircon/power": "lamp_on"})
CASES = [
    # the session
    ("connected, not complete yet", LED, "homie/7ab31c00/$state", "init", {"online": True}),
    ("ready", GATE, "sensorDesa/PapanMasuk/$state", "ready", {"online": True}),
    ("wants a person", LED, "homie/7ab31c00/$state", "alert", {"online": True}),
    ("sleeps on purpose", LED, "homie/7ab31c00/$state", "sleeping", {}),
    ("last will", LED, "homie/7ab31c00/$state", "lost", {"online": False}),
    ("switched off", LED, "homie/7ab31c00/$state", "disconnected", {"online": False}),
    ("removed", LED, "homie/7ab31c00/$state", "", {}),
    ("version 5, starting", NEW, "homie/5/lampu-serambi/$state", "init", {"online": True}),
    ("version 5, ready", NEW, "homie/5/lampu-serambi/$state", "ready", {"online": True}),
    ("version 5, lost", NEW, "homie/5/lampu-serambi/$state", "lost", {"online": False}),
    ("version 5, switched off", NEW, "homie/5/lampu-serambi/$state", "disconnected", {"online": False}),
    # values
    ("a boolean in words", LED, "homie/7ab31c00/led/power", "true", {"lamp_on": True}),
    ("uptime after a reboot", LED, "homie/7ab31c00/$stats/uptime", "0", {"uptime": 0}),
    ("diagnostics", LED, "homie/7ab31c00/$stats/freeheap", "20480", {}),
    ("quality in percent is no dBm", GATE, "sensorDesa/PapanMasuk/$stats/signal", "71", {}),
    ("its interval", GATE, "sensorDesa/PapanMasuk/$stats/interval", "240", {}),
    ("a word of the format", GATE, "sensorDesa/PapanMasuk/pengawas/pin0", "OPEN", {"gate_open": True}),
    ("motion that says Open", GATE, "sensorDesa/PapanMasuk/gerak/motion", "Open", {"presence": True}),
    ("a node that is a number", RELAY, "homie/KotakAula/1/state", "ON", {"lamp_on": True}),
    ("no power cut", GRID, "homie/pln-jawa/status/padam", "false", {"mains": True}),
    ("free text", GRID, "homie/pln-jawa/status/catatan", "Tidak ada pemadaman", {}),
    ("text with a number in it", GRID, "homie/pln-jawa/area/nama", "Banyuwangi (3)", {}),
    ("version 5", NEW, "homie/5/lampu-serambi/light/brightness", "35", {"illuminance": 35.0}),
    ("version 5, an empty text", NEW, "homie/5/lampu-serambi/light/power", "\0", {}),
    ("a root of several levels", WHOLE, "desa/balai/ac/aircon/power", "true", {"lamp_on": True}),
    ("its session", WHOLE, "desa/balai/ac/$state", "ready", {"online": True}),
]


@pytest.mark.parametrize(
    ("one", "topic", "payload", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_means(one: Device, topic: str, payload: str, expected: dict[str, object]) -> None:
    translation = read("office_lighting", one, topic, payload)
    assert values(translation) == expected
    assert labels(translation) == []


NOTHING = [
    ("the version", "homie/7ab31c00/$homie", "3.0.1"),
    ("a unit, after the value", "homie/7ab31c00/led/power/$unit", "°C"),
    ("a range", "homie/7ab31c00/led/power/$format", "-10:90"),
    ("the name of a node", "homie/7ab31c00/led/$name", "true"),
    ("a command", "homie/7ab31c00/led/power/set", "true"),
    ("a command, version 5", "homie/5/7ab31c00/led/power/set", "true"),
    ("what is wanted, not what is", "homie/5/7ab31c00/led/power/$target", "true"),
    ("a broadcast", "homie/5/$broadcast/led/power", "true"),
    ("another device", "homie/7ab31c01/led/power", "true"),
    ("another family's topic of the same form", "shellies/7ab31c00/led/power", "true"),
    ("Tasmota", "tele/7ab31c00/led/power", "true"),
    ("deeper than an id", "homie/rumah/7ab31c00/led/power", "true"),
]


@pytest.mark.parametrize(("topic", "payload"), [case[1:] for case in NOTHING], ids=[case[0] for case in NOTHING])
def test_says_nothing_of_this_device(topic: str, payload: str) -> None:
    translation = read("office_lighting", LED, topic, payload)
    assert translation is None or (translation.ignored and not translation.heard)


REFUSED = [
    ("a state that is none", "homie/7ab31c00/$state", b"confused", ["wrong_value"]),
    ("a word that is no boolean", "homie/7ab31c00/led/power", b"redup", ["wrong_value"]),
    ("nan", "homie/7ab31c00/$stats/uptime", b"nan", ["not_finite"]),
    ("not UTF-8", "homie/7ab31c00/led/power", b"\xb0C", ["not_utf8"]),
    ("a description that is cut off", "homie/5/7ab31c00/$description", b'{"homie":"5.0","ro', ["not_json"]),
]


@pytest.mark.parametrize(("topic", "payload", "refused"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_is_refused(topic: str, payload: bytes, refused: list[str]) -> None:
    translation = read("office_lighting", LED, topic, payload)
    assert labels(translation) == refused
    assert values(translation) == {}


def installed(one: Device) -> Installed:
    return Router([village(("office_lighting", [one]))]).installed[CODE, one.id]


def test_what_comes_of_a_lost_device_are_defaults() -> None:
    """A bridge publishes `false` and `None` along with the loss."""
    ac = installed(device("ac", "homie", "ac-aula", {"aircon/power": "lamp_on"}))
    story: list[tuple[str, str, dict[str, object]]] = [
        ("aircon/power", "true", {"lamp_on": True}),
        ("$state", "lost", {"online": False}),
        ("aircon/power", "false", {}),
        ("aircon/mode", "None", {}),
        ("$state", "init", {"online": True}),
        ("aircon/power", "true", {"lamp_on": True}),
        ("$state", "sleeping", {}),
        ("aircon/power", "false", {"lamp_on": False}),
        ("$state", "disconnected", {"online": False}),
        ("aircon/power", "true", {}),
    ]
    for below, payload, expected in story:
        translation = translate(ac, Message(f"rumah/ac-aula/{below}", payload.encode()))
        assert (below, payload, values(translation)) == (below, payload, expected)
        assert translation.heard is (below == "aircon/power" and expected != {})


@pytest.mark.parametrize("described_first", [True, False], ids=["description first", "state of the root first"])
def test_a_child_is_lost_with_its_root(described_first: bool) -> None:
    child = installed(NEW)
    ready = Message("homie/5/lampu-serambi/$state", b"ready")
    lost = Message("homie/5/papan-induk/$state", b"lost")
    described = Message(
        "homie/5/lampu-serambi/$description", b'{"homie":"5.0","version":7,"root":"papan-induk","nodes":{}}'
    )
    assert values(translate(child, ready)) == {"online": True}
    for message in (described, lost) if described_first else (lost, described):
        last = translate(child, message)
    assert values(last) == {"online": False}
    assert values(translate(child, Message("homie/5/lampu-serambi/light/power", b"false"))) == {}
    assert values(translate(child, Message("homie/5/papan-induk/$state", b"ready"))) == {"online": True}
    assert values(translate(child, Message("homie/5/lampu-serambi/light/power", b"true"))) == {"lamp_on": True}


@pytest.mark.parametrize("root", [False, True], ids=["its own loss", "the loss of its root"])
def test_what_comes_live_and_later_than_a_loss_is_the_device_itself(root: bool) -> None:
    """A stale last will behind the new birth: the device goes on, and says `ready` again at its next boot only."""
    one = installed(NEW)
    light, lost = "homie/5/lampu-serambi/light/power", "papan-induk" if root else "lampu-serambi"
    described = b'{"homie":"5.0","version":7,"root":"papan-induk","nodes":{}}'
    translate(one, Message("homie/5/lampu-serambi/$description", described))
    translate(one, Message("homie/5/lampu-serambi/$state", b"ready"))
    assert values(translate(one, Message(f"homie/5/{lost}/$state", b"lost"))) == {"online": False}
    soon, later = NOW + 5_000, NOW + 15_000
    cases = [
        ("a default of a bridge", Message(light, b"false"), soon, {}),
        ("a value that the broker retained", Message(light, b"false", retain=True), later, {}),
        ("a value that the broker had kept", Message(light, b"false", kept=True), later, {}),
        ("the device itself", Message(light, b"true"), later, {"lamp_on": True}),
        ("and from then on all of it", Message(light, b"false", retain=True), later, {"lamp_on": False}),
    ]
    for name, message, at, expected in cases:
        translation = translate(one, message, received=at)
        assert (name, values(translation)) == (name, expected)
        assert translation.heard is bool(expected)


def test_another_device_that_is_lost_is_its_own_affair() -> None:
    one = installed(NEW)
    translate(one, Message("homie/5/lampu-serambi/$description", b'{"homie":"5.0","version":7,"nodes":{}}'))
    translate(one, Message("homie/5/lampu-serambi/$state", b"ready"))
    assert values(translate(one, Message("homie/5/lain/$state", b"lost"))) == {}
    assert values(translate(one, Message("homie/5/lampu-serambi/light/power", b"true"))) == {"lamp_on": True}


def test_states_of_version_5_reach_every_device() -> None:
    router = Router([village(("office_lighting", [LED, NEW]))])
    routed = router.route(Message("homie/5/papan-induk/$state", b"lost"))
    assert {one.device.id for _, one in routed} == {"lampu-1", "lampu-3"}
