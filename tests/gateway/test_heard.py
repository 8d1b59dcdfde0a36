"""A device that sends no signal that is due: the gateway reports `heard`, and its health says what arrived instead."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from prometheus_client import CollectorRegistry

from gateway.adapters import Translation
from gateway.health import MAX_HEARD
from gateway.heard import MAX_TEXT
from gateway.intake import Intake
from gateway.metrics import GatewayMetrics
from gateway.refusals import Refusals
from siaga.model.sites import Device
from tests.gateway.places import CODE, MINUTE, NOW, device, village
from tests.gateway.yard import Yard

EUI = "70b3d5e75e00a1b2"
CHIRPSTACK = f"application/3f0c7a52-0000-4000-8000-5d1e0a9b7c11/device/{EUI}/event"
CODEC = "TypeError: cannot read property '0' of undefined"

FAMILIES: list[tuple[str, Device, tuple[str, str], tuple[str, str], str, str]] = [
    (
        "senml",
        device("pos-1", "senml"),
        (f"siaga/v1/{CODE}/pos-1/senml", '[{"n":"gate_open","vb":true}]'),
        (f"siaga/v1/{CODE}/pos-1/senml", '[{"n":"gerbang","vb":true},{"n":"temp","v":3}]'),
        "keys gerbang and temp are in no map",
        "",
    ),
    (
        "tasmota",
        device("gerbang-1", "tasmota", "gerbang", {"Switch1": "gate_open"}),
        ("tele/gerbang/SENSOR", '{"Switch1":"ON"}'),
        ("tele/gerbang/SENSOR", '{"Time":"2026-01-01T07:00:00","Switch2":"ON","AHT":{"Temperature":31}}'),
        "gate_open did not come; keys Switch2 and AHT.Temperature are in no map",
        "",
    ),
    (
        "tasmota, refused",
        device("gerbang-1", "tasmota", "gerbang", {"Switch1": "gate_open"}),
        ("tele/gerbang/SENSOR", '{"Switch1":"ON"}'),
        ("tele/gerbang/SENSOR", '{"Switch1":'),
        "gate_open did not come",
        "the message ",
    ),
    (
        "shelly, Gen1",
        device("gerbang-1", "shelly", "pintu-1", {"input/0": "gate_open"}),
        ("shellies/pintu-1/input/0", "1"),
        ("shellies/pintu-1/temperature", "41.2"),
        "gate_open did not come; key temperature is in no map",
        "",
    ),
    (
        "shelly, Gen2",
        device("gerbang-1", "shelly", "pintu-2", {"input:0": "gate_open"}),
        ("pintu-2/status/input:0", '{"id":0,"state":true}'),
        ("pintu-2/events/rpc", '{"method":"NotifyStatus","params":{"ts":1767225600,"input:1":{"state":true}}}'),
        "gate_open did not come; key input:1 is in no map",
        "",
    ),
    (
        "zigbee2mqtt",
        device("gerbang-1", "zigbee2mqtt", "pintu"),
        ("zigbee2mqtt/pintu", '{"contact":false}'),
        ("zigbee2mqtt/pintu", '{"contact":null,"kontak":true,"linkquality":87}'),
        "gate_open did not come; keys kontak and linkquality are in no map; contact came without a value",
        "",
    ),
    (
        "esphome",
        device("gerbang-1", "esphome", "pagar", {"binary_sensor/gerbang/state": "gate_open"}),
        ("pagar/binary_sensor/gerbang/state", "ON"),
        ("pagar/binary_sensor/pintu/state", "ON"),
        "gate_open did not come; key binary_sensor/pintu/state is in no map",
        "",
    ),
    (
        "openwrt",
        device("gerbang-1", "openwrt", "ap-1", {"gpio/bool": "gate_open"}),
        ("collectd/ap-1/gpio/bool", "1767225600:1"),
        ("collectd/ap-1/load/load", "1767225600:0.1:0.2:0.3"),
        "gate_open did not come; key load/load is in no map",
        "",
    ),
    (
        "homie",
        device("gerbang-1", "homie", "pagar", {"gerbang/terbuka": "gate_open"}),
        ("homie/pagar/gerbang/terbuka", "true"),
        ("homie/pagar/gerbang/suhu", "31"),
        "gate_open did not come; key gerbang/suhu is in no map",
        "",
    ),
    (
        "json",
        device("gerbang-1", "json", "desa/gerbang", {"$.pintu[0].buka": "gate_open"}),
        ("desa/gerbang", '{"pintu":[{"buka":true}]}'),
        ("desa/gerbang", '{"gate":{"open":true}}'),
        "gate_open did not come; key gate.open is in no map",
        "",
    ),
    (
        "lorawan, no decoder",
        device("gerbang-1", "lorawan", EUI, {"magnet_status": "gate_open"}),
        (f"{CHIRPSTACK}/up", '{"object":{"magnet_status":"open"}}'),
        (f"{CHIRPSTACK}/up", '{"deviceInfo":{"devEui":"70b3d5e75e00a1b2"},"data":"qg==","fPort":1}'),
        "uplinks without decoded values: the network server has no decoder, or it fails; gate_open did not come",
        "",
    ),
    (
        "lorawan, a decoder that fails",
        device("gerbang-1", "lorawan", EUI, {"magnet_status": "gate_open"}),
        (f"{CHIRPSTACK}/up", '{"object":{"magnet_status":"open"}}'),
        (f"{CHIRPSTACK}/log", orjson.dumps({"level": "ERROR", "code": "UPLINK_CODEC", "description": CODEC}).decode()),
        "gate_open did not come",
        f"UPLINK_CODEC: {CODEC}",
    ),
    (
        "lorawan, other keys",
        device("gerbang-1", "lorawan", EUI, {"magnet_status": "gate_open"}),
        (f"{CHIRPSTACK}/up", '{"object":{"magnet_status":"open"}}'),
        (f"{CHIRPSTACK}/up", '{"object":{"door":"open","gas":{"nh3":2}},"data":"qg=="}'),
        "gate_open did not come; keys door and gas.nh3 are in no map",
        "",
    ),
]


def make(directory: Path, *devices: Device) -> Yard:
    return Yard(directory, [village(("gate", list(devices)))])


@pytest.fixture
def yards(tmp_path: Path) -> Iterator[list[Yard]]:
    made: list[Yard] = []
    yield made
    for yard in made:
        yard.buffer._db.close()


def instead(yard: Yard) -> dict[str, dict[str, object]]:
    """Returns what the gateway's health tells the centre of devices that do not send what is due."""
    yard.after(11, step=1)
    found = yard.centre.health[CODE]["heard"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("one", "good", "useless", "what", "error"), [case[1:] for case in FAMILIES], ids=[case[0] for case in FAMILIES]
)
def test_every_family_is_heard_and_shows_what_came_instead(
    tmp_path: Path,
    yards: list[Yard],
    one: Device,
    good: tuple[str, str],
    useless: tuple[str, str],
    what: str,
    error: str,
) -> None:
    yard = make(tmp_path, one)
    yards.append(yard)
    yard.turn()
    began = yard.clock.now()
    yard.say(*useless)
    yard.after(1)
    assert yard.centre.values(one.id, "heard") == [(began, 1)]
    assert yard.centre.values(one.id, "gate_open") == []
    entry = instead(yard)[one.id]
    assert entry["what"] == what
    assert str(entry.get("error", "")).startswith(error)
    assert ("error" in entry) is bool(error)
    assert entry["since"] == began / 1000

    yard.say(*good)
    yard.after(1)
    assert [value for _, value in yard.centre.values(one.id, "gate_open")] == [True]
    assert instead(yard) == {}, "what is due has come"


@pytest.mark.parametrize(
    ("one", "useless"), [(case[1], case[3]) for case in FAMILIES], ids=[case[0] for case in FAMILIES]
)
def test_over_64_kb_is_refused_in_every_family_also_where_no_map_names_it(
    tmp_path: Path, yards: list[Yard], one: Device, useless: tuple[str, str]
) -> None:
    yard = make(tmp_path, one)
    yards.append(yard)
    yard.turn()
    yard.say(useless[0], b"x" * 64_001)
    yard.after(1)
    assert [sample["reason"] for sample in yard.centre.refused] == ["the message has 64001 bytes, more than 64000"]
    assert len(yard.centre.values(one.id, "heard")) == 1


GATE = device("gerbang-1", "tasmota", "gerbang", {"Switch1": "gate_open"})


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = make(tmp_path, GATE, device("gerbang-2", "lorawan", EUI, {"magnet_status": "gate_open", "soc": "battery"}))
    yard.turn()
    yield yard
    yard.buffer._db.close()


def test_it_is_said_at_most_once_per_interval(yard: Yard) -> None:
    for _ in range(60):
        yard.say("tele/gerbang/SENSOR", '{"Switch2":"ON"}')
        yard.after(5, step=1)
    times = [time for time, _ in yard.centre.values("gerbang-1", "heard")]
    assert len(times) == 5
    assert min(after - before for before, after in pairwise(times)) >= MINUTE


def test_what_a_device_says_beside_its_values_is_not_worth_a_reading(yard: Yard) -> None:
    for _ in range(10):
        yard.say("tele/gerbang/SENSOR", '{"Switch1":"ON"}')
        yard.say("tele/gerbang/INFO2", '{"Info2":{"WebServerMode":"Admin"}}')
        yard.after(59, step=1)
    assert len(yard.centre.values("gerbang-1", "gate_open")) == 10
    assert yard.centre.values("gerbang-1", "heard") == []
    assert instead(yard) == {}


def test_what_a_broker_retained_is_no_reading_of_now(tmp_path: Path, yards: list[Yard]) -> None:
    yard = make(tmp_path, GATE)
    yards.append(yard)
    yard.say("tele/gerbang/SENSOR", '{"Time":"2026-01-01T06:00:00","Switch1":"ON"}', retain=True)
    yard.kill()
    yard.devices.forget_sessions()
    yard.start()
    yard.after(1)
    assert len(yard.centre.values("gerbang-1", "gate_open")) == 1, "it has a time of its own"
    yard.say("tele/gerbang/INFO2", '{"Info2":{"WebServerMode":"Admin"}}')
    yard.after(1)
    assert len(yard.centre.values("gerbang-1", "heard")) == 1


def test_what_fails_is_said_at_once_behind_a_good_reading(yard: Yard) -> None:
    yard.say(f"{CHIRPSTACK}/up", '{"object":{"magnet_status":"open"}}')
    yard.say(f"{CHIRPSTACK}/up", '{"data":"qg=="}')
    yard.after(1)
    assert len(yard.centre.values("gerbang-2", "heard")) == 1


def test_a_decoder_s_error_is_in_the_quarantine_and_with_the_health(yard: Yard) -> None:
    """The uplink arrives first, and directly after it the error, on a topic of its own."""
    for _ in range(3):
        yard.say(f"{CHIRPSTACK}/up", '{"data":"qg==","fPort":1}')
        yard.say(
            f"{CHIRPSTACK}/log",
            orjson.dumps({"level": "ERROR", "code": "UPLINK_CODEC", "description": CODEC}),
        )
        yard.after(60, step=1)
    assert {sample["reason"] for sample in yard.centre.refused} == {f"the network server reports UPLINK_CODEC: {CODEC}"}
    assert len(yard.centre.values("gerbang-2", "heard")) == 3
    entry = instead(yard)["gerbang-2"]
    assert entry["error"] == f"UPLINK_CODEC: {CODEC}"
    assert str(entry["what"]).startswith("uplinks without decoded values")


def test_one_value_that_is_due_is_missed_while_others_come(yard: Yard) -> None:
    yard.say(f"{CHIRPSTACK}/up", '{"object":{"magnet_status":"open","soc":80}}')
    yard.after(1)
    other = '{"object":{"magnet":"open","soc":80}}'
    for _ in range(4):
        yard.say(f"{CHIRPSTACK}/up", other)
        yard.after(30, step=1)
        assert instead(yard) == {}, "what it said last holds yet"
    yard.after(30, step=1)
    yard.say(f"{CHIRPSTACK}/up", other)
    assert instead(yard)["gerbang-2"]["what"] == "gate_open did not come; key magnet is in no map"
    assert yard.centre.values("gerbang-2", "heard") == [], "a reading of its own came with each"


def test_of_a_device_that_fell_silent_nothing_is_told(yard: Yard) -> None:
    yard.say("tele/gerbang/SENSOR", '{"Switch2":"ON"}')
    assert instead(yard).keys() == {"gerbang-1"}
    yard.after(3 * 60, step=1)
    assert instead(yard) == {}


def test_neither_what_was_retained_nor_a_last_will_says_that_a_device_spoke(tmp_path: Path, yards: list[Yard]) -> None:
    yard = make(tmp_path, GATE, device("gerbang-3", "zigbee2mqtt", "pintu"))
    yards.append(yard)
    yard.say("tele/gerbang/SENSOR", '{"Switch2":"ON"}', retain=True)
    yard.kill()
    yard.devices.forget_sessions()
    yard.start()
    yard.turn()
    yard.say("tele/gerbang/LWT", "gone")
    yard.say("zigbee2mqtt/bridge/state", '{"state":"perhaps"}')
    yard.say("zigbee2mqtt/bridge/state", '{"state":')
    yard.after(2)
    for name in ("gerbang-1", "gerbang-3"):
        assert yard.centre.values(name, "heard") == []
    assert yard.centre.refused, "they are refused all the same"
    assert instead(yard) == {}


def test_it_takes_a_last_will_back_like_any_reading(yard: Yard) -> None:
    yard.say("tele/gerbang/LWT", "Offline")
    yard.after(1)
    yard.say("tele/gerbang/SENSOR", '{"Switch2":"ON"}')
    yard.after(1)
    assert [value for _, value in yard.centre.values("gerbang-1", "online")] == [False, True]
    assert len(yard.centre.values("gerbang-1", "heard")) == 1


def test_what_is_told_has_a_bound_and_no_address(tmp_path: Path, yards: list[Yard]) -> None:
    many = [
        device(f"g-{number}", "tasmota", f"g-{number}", {"Switch1": "gate_open"}) for number in range(MAX_HEARD + 5)
    ]
    yard = make(tmp_path, *many)
    yards.append(yard)
    yard.turn()
    odd = {f"02:38:FB:DD:E9:{number:02X}": number for number in range(90)} | {"x" * 5_000: 1}
    for one in many:
        yard.say(f"tele/{one.id}/SENSOR", orjson.dumps(odd))
    found = instead(yard)
    assert len(found) == MAX_HEARD
    assert yard.centre.health[CODE]["heard_left_out"] == 5
    assert all(len(str(entry["what"])) <= MAX_TEXT for entry in found.values())
    assert "FB:DD" not in str(found)
    assert len(orjson.dumps(yard.centre.health[CODE])) < 64_000


def test_a_device_that_is_asked_and_has_nothing_of_its_map_is_heard() -> None:
    access_point = device("ap-1", "snmp", "192.168.1.3", {"1.3.6.1.2.1.2.2.1.8.3": "wifi_up"})
    metrics = GatewayMetrics(CollectorRegistry())
    intake = Intake(Refusals(lambda _: "gw", metrics), metrics)
    intake.update([village(("free_wifi", [access_point]))], None, {}, {})
    installed = intake.router.installed[CODE, "ap-1"]
    gone = Translation(heard=True, error="it has no 1.3.6.1.2.1.2.2.1.8.3")
    taken = intake.polled(installed, gone, NOW)
    assert [(each.device, each.signal, each.value) for each in taken.readings[CODE]] == [("ap-1", "heard", 1)]
    assert intake.polled(installed, gone, NOW + 1_000).readings == {}
    entry = intake.instead(NOW + 1_000)[CODE]["ap-1"]
    assert (entry.what, entry.error) == ("wifi_up did not come", "it has no 1.3.6.1.2.1.2.2.1.8.3")
