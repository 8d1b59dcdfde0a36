"""Devices of native families that no sites file has: heard on their usual topics, within limits, and reported."""

import json
from pathlib import Path

import pytest

from gateway.unknown_devices import FORGOTTEN, MAX_DEVICES, REPORTS_AT_ONCE
from siaga.model.clock import MINUTE, SECOND
from siaga.wire.unknown_device import MAX_VALUES, UnknownDevice
from tests.gateway.places import CODE, NOW, device, village
from tests.gateway.yard import Yard

KNOWN = village(("gate", [device("gerbang-1", "tasmota", "gerbang-utara", {"Switch1": "gate_open"})]))
EUI = "70B3D5E75E00A1C7"
UPLINK = json.dumps({"time": "2026-01-01T00:00:00Z", "object": {"magnet": "open", "bat": 91}})
THINGS = json.dumps(
    {"end_device_ids": {"dev_eui": EUI}, "uplink_message": {"frm_payload": "AQ==", "decoded_payload": {"nh3": 2}}}
)
RPC = json.dumps({"src": "x", "method": "NotifyStatus", "params": {"ts": 1.5, "switch:0": {"id": 0, "output": True}}})

HEARD = [
    pytest.param("tele/lampu-aula/STATE", '{"POWER":"ON","Wifi":{"Signal":-61}}', "tasmota", "lampu-aula",
                 {"POWER": "ON", "Wifi.Signal": "-61"}, {"": ["rssi"], "office_lighting": ["rssi", "lamp_on"]},
                 id="tasmota"),
    pytest.param("kantor/tele/lampu/SENSOR", '{"Switch1":"OFF"}', "tasmota", "lampu",
                 {"Switch1": "OFF"}, {"": []}, id="tasmota, another order of levels"),
    pytest.param("shellies/pagar-1/sensor/state", "open", "shelly", "pagar-1",
                 {"sensor/state": "open"}, {"": [], "gate": ["gate_open"]}, id="shelly of the first generation"),
    pytest.param("shellyplus1-4022d8a1b2c3/status/switch:0", '{"id":0,"output":true}', "shelly",
                 "shellyplus1-4022d8a1b2c3", {"switch:0": '{"id":0,"output":true}'}, {"office_lighting": ["lamp_on"]},
                 id="shelly, its factory's name"),
    pytest.param("balai/teras/events/rpc", RPC, "shelly", "balai/teras",
                 {"switch:0": '{"id":0,"output":true}'}, {"office_lighting": ["lamp_on"]}, id="shelly, a notification"),
    pytest.param("pos-jaga/binary_sensor/pintu/state", "ON", "esphome", "pos-jaga",
                 {"binary_sensor/pintu/state": "ON"}, {"": []}, id="esphome"),
    pytest.param("zigbee2mqtt/pintu balai", '{"contact":false,"battery":77}', "zigbee2mqtt", "pintu balai",
                 {"contact": "false", "battery": "77"}, {"": ["battery"], "gate": ["battery", "gate_open"]},
                 id="zigbee2mqtt"),
    pytest.param("collectd/ap-balai/iwinfo-wlan0/stations", "1767225600:4\0", "openwrt", "ap-balai",
                 {"iwinfo-wlan0/stations": "1767225600:4"}, {"": ["clients"]}, id="openwrt"),
    pytest.param("homie/kotak-aula/relay/power", "true", "homie", "kotak-aula",
                 {"relay/power": "true"}, {"": []}, id="homie"),
    pytest.param("homie/5/kotak-aula/relay/power", "true", "homie", "kotak-aula",
                 {"relay/power": "true"}, {"": []}, id="homie 5"),
    pytest.param("homie/4022d8a1b2c3/relay/power", "true", "homie", "4022d8a1b2c3",
                 {"relay/power": "true"}, {"": []}, id="homie, its factory's name"),
    pytest.param(f"application/7/device/{EUI}/event/up", UPLINK, "lorawan", EUI,
                 {"magnet": "open", "bat": "91"}, {"": []}, id="lorawan, ChirpStack"),
    pytest.param("v3/desa@ttn/devices/pintu-wc/up", THINGS, "lorawan", EUI.lower(),
                 {"nh3": "2"}, {"": []}, id="lorawan, The Things Stack"),
]  # fmt: skip


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path, [KNOWN])


def heard(yard: Yard, seconds: float = 4) -> list[UnknownDevice]:
    """Returns what the gateway reports within a time."""
    yard.centre.unknown.clear()
    yard.after(seconds)
    return list(yard.centre.unknown)


@pytest.mark.parametrize(("topic", "payload", "adapter", "address", "values", "gives"), HEARD)
def test_a_device_is_reported_with_family_address_and_what_it_says(
    yard: Yard, topic: str, payload: str, adapter: str, address: str, values: dict[str, str], gives: dict[str, object]
) -> None:
    yard.turn()
    yard.say(topic, payload)
    (found,) = heard(yard)
    assert (found.village, found.gateway, found.adapter, found.address) == (CODE, "gw", adapter, address)
    assert dict(found.values) == values
    assert {kind: list(signals) for kind, signals in found.gives.items()} | gives == found.gives
    assert (found.first, found.last, found.count) == (NOW, NOW, 1)
    assert not yard.centre.refused, "it is not refused"
    assert not yard.centre.stored.keys() - {(CODE, "gw", "alive", NOW)}, "and nothing of it is stored"


QUIET = [
    pytest.param("tele/gerbang-utara/SENSOR", '{"Switch1":"ON"}', id="a device that is known"),
    pytest.param("tele/lampu-aula/LWT", "Online", id="a birth: the broker may have kept it"),
    pytest.param("cmnd/lampu-aula/POWER", "ON", id="a command"),
    pytest.param("zigbee2mqtt/bridge", "{}", id="a bridge"),
    pytest.param("shellies/announce", '{"id":"x"}', id="a family's own topic"),
    pytest.param("kebun/status/pompa", "hidup", id="another program's topic that looks like a Shelly's"),
    pytest.param("homeassistant/sensor/x/state", "1", id="a first level that belongs to no device"),
    pytest.param("hp/02:9f:c3:5b:7e:d1/sensor/jarak/state", "1", id="the hardware address of somebody's phone"),
    pytest.param("hp/029fc35b7ed1/sensor/jarak/state", "1", id="the same without separators"),
    pytest.param(f"{'x' * 201}/sensor/jarak/state", "1", id="a name of 201 characters"),
    pytest.param("tele/lampu-aula/STATE", "x" * 64_001, id="a message of more than 64 kB"),
]


@pytest.mark.parametrize(("topic", "payload"), QUIET)
def test_what_is_no_unknown_device_is_not_reported(yard: Yard, topic: str, payload: str) -> None:
    yard.turn()
    yard.say(topic, payload)
    assert heard(yard) == []


def test_what_a_broker_kept_tells_of_no_device_that_is_there(tmp_path: Path) -> None:
    yard = Yard(tmp_path, [KNOWN])
    yard.end()
    yard.say("tele/lama/SENSOR", '{"Switch1":"ON"}', retain=True)
    yard.say("tele/lain/SENSOR", '{"Switch1":"ON"}')
    yard.start()
    assert heard(yard) == []


def test_news_is_reported_soon_the_same_again_seldom_and_a_registered_device_no_more(yard: Yard) -> None:
    yard.turn()
    said: list[UnknownDevice] = []
    for _ in range(26):
        yard.say("tele/lampu-aula/SENSOR", '{"ENERGY":{"Power":12}}')
        said += heard(yard, 60)
    assert [each.count for each in said] == [1, 11, 21]
    yard.say("tele/lampu-aula/RESULT", '{"POWER":"ON"}')
    (news,) = heard(yard, 5)
    assert news.values == {"ENERGY.Power": "12", "POWER": "ON"}
    assert 50 * SECOND < news.every < 70 * SECOND, "the interval that was measured, not the family's usual one"
    lamp = device("lampu-1", "tasmota", "lampu-aula")
    yard.gateway.update([village(("gate", [lamp]))])
    yard.say("tele/lampu-aula/SENSOR", '{"ENERGY":{"Power":12}}')
    assert heard(yard, 700) == []
    assert yard.centre.values("lampu-1", "power"), "it is a device like any other"


def test_a_hundred_thousand_names_cost_no_more_than_a_few(tmp_path: Path) -> None:
    yard = Yard(tmp_path, [village(("gate", [device("gerbang-1", "senml")]))])
    yard.turn()
    yard.say("tele/lampu-aula/SENSOR", '{"Switch1":"ON"}')
    yard.after(5)
    yard.say("tele/lampu-aula/SENSOR", '{"Switch1":"ON"}')
    yard.after(1)
    for start in range(0, 100_000, 1_000):
        for n in range(start, start + 1_000):
            yard.say(f"tele/hantu-{n}/SENSOR", '{"Switch1":"ON"}')
        yard.turn()
    assert yard.metrics.unknown_pauses._value.get() == 1, "it stops to listen"
    yard.after(20)
    assert yard.devices.kept("gateway-unknown") == 0, "and the broker keeps nothing for it"
    yard.clock.advance(MINUTE)
    found = heard(yard, 5)
    assert len(found) <= REPORTS_AT_ONCE + 5, "reports have a rate of their own"
    yard.say("tele/lampu-aula/SENSOR", '{"Switch2":"ON"}')
    found = heard(yard, 200)
    assert {"Switch1": "ON", "Switch2": "ON"} in [each.values for each in found], "who was heard twice has its place"
    assert len({each.address for each in found}) <= MAX_DEVICES
    assert yard.metrics.unknown_devices._value.get() == MAX_DEVICES


def test_who_is_heard_again_and_again_keeps_its_place_until_it_is_silent(yard: Yard) -> None:
    yard.turn()
    for _ in range(2):
        for n in range(MAX_DEVICES):
            yard.say(f"tele/papan-{n}/SENSOR", '{"Switch1":"ON"}')
        yard.after(1)
    yard.say("tele/baru/SENSOR", '{"Switch1":"ON"}')
    assert "baru" not in [each.address for each in heard(yard, 120)]
    assert yard.metrics.unknown_left_out._value.get() == 1
    yard.clock.advance(FORGOTTEN)
    yard.say("tele/baru/SENSOR", '{"Switch1":"ON"}')
    assert "baru" in [each.address for each in heard(yard)]


def test_a_device_that_says_much_is_cut(yard: Yard) -> None:
    yard.turn()
    yard.say("zigbee2mqtt/bawel", json.dumps({f"kunci-{n}": "x" * 500 for n in range(100)}))
    (found,) = heard(yard)
    assert len(found.values) == MAX_VALUES
    assert max(map(len, found.values.values())) <= 40
    assert len(found.bytes) == 256


def test_without_a_village_nobody_listens(tmp_path: Path) -> None:
    yard = Yard(tmp_path, [])
    yard.turn()
    yard.say("tele/lampu-aula/SENSOR", '{"Switch1":"ON"}')
    assert heard(yard) == []
    yard.gateway.update([KNOWN])
    yard.say("tele/lampu-aula/SENSOR", '{"Switch1":"ON"}')
    assert [each.address for each in heard(yard)] == ["lampu-aula"]
