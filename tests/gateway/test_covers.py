"""Covers in every family: a moving cover gives no value until it stops, and a position above 0 is open."""

import pytest

from gateway.router import Router
from siaga.model.sites import Device
from siaga.mqtt import Message
from tests.gateway.places import CODE, device, labels, translate, values, village

EUI = "70b3d5e75e00c3d5"


def gate(family: str, address: str | None, key: str) -> Device:
    return device("g", family, address, {key: "gate_open"})


Steps = list[tuple[str, str, bool | None]]
"""Messages of one device, one after the other, and what the gate is then; `None`: nothing is said."""
SENML = f"siaga/v1/{CODE}/g/senml"
UPLINK = f"application/a/device/{EUI}/event/up"
STORIES: dict[str, tuple[Device, Steps]] = {
    "senml": (
        device("g", "senml"),
        [
            (SENML, '[{"n":"gate_open","vs":"opening"}]', None),
            (SENML, '[{"n":"gate_open","v":37}]', True),
            (SENML, '[{"n":"gate_open","v":0}]', False),
        ],
    ),
    "tasmota, the position": (
        gate("tasmota", "gerbang", "Shutter1.Position"),
        [
            ("tele/gerbang/SENSOR", '{"Shutter1":{"Position":0,"Direction":0,"Target":0,"Tilt":0}}', False),
            ("stat/gerbang/RESULT", '{"Shutter1":{"Position":12,"Direction":1,"Target":100}}', None),
            ("stat/gerbang/RESULT", '{"Shutter1":{"Position":100,"Direction":0,"Target":100}}', True),
            ("stat/gerbang/RESULT", '{"Shutter1":{"Position":88,"Direction":-1,"Target":0}}', None),
            ("stat/gerbang/STATUS10", '{"StatusSNS":{"Shutter1":{"Position":37,"Direction":0}}}', True),
        ],
    ),
    "tasmota, the shutter": (
        gate("tasmota", "gerbang", "Shutter1"),
        [
            ("stat/gerbang/RESULT", '{"Shutter1":{"Position":12,"Direction":1,"Target":100}}', None),
            ("stat/gerbang/SHUTTER1", "37", True),
            ("stat/gerbang/SHUTTER1", "0", False),
            ("stat/gerbang/SHUTTER2", "100", None),
            ("tele/gerbang/SENSOR", '{"Shutter1":{"Position":100,"Direction":0}}', True),
        ],
    ),
    "tasmota, of old": (
        gate("tasmota", "gerbang", "SHUTTER-1.position"),
        [
            ("tele/gerbang/SENSOR", '{"SHUTTER-1":{"position":50,"direction":1}}', None),
            ("tele/gerbang/RESULT", '{"SHUTTER-1":{"position":0,"direction":0}}', False),
        ],
    ),
    "shelly gen1, the position": (
        gate("shelly", "gerbang", "roller/0/pos"),
        [
            ("shellies/gerbang/roller/0/pos", "0", False),
            ("shellies/gerbang/roller/0", "open", None),
            ("shellies/gerbang/roller/0/pos", "37", None),
            ("shellies/gerbang/roller/0", "stop", True),  # the position that it reached meanwhile
            ("shellies/gerbang/roller/0/pos", "100", True),
            ("shellies/gerbang/roller/0", "close", None),
            ("shellies/gerbang/roller/0", "stop", None),
            ("shellies/gerbang/roller/0/pos", "0", False),
            ("shellies/gerbang/roller/0/pos", "-1", None),  # not calibrated
        ],
    ),
    "shelly gen1, the roller": (
        gate("shelly", "gerbang", "roller/0"),
        [
            ("shellies/gerbang/roller/0", "stop", None),
            ("shellies/gerbang/roller/0", "open", None),
            ("shellies/gerbang/roller/0", "stop", None),
            ("shellies/gerbang/roller/0/pos", "37", True),
            ("shellies/gerbang/roller/0", "stop", True),
            ("shellies/gerbang/info", '{"rollers":[{"state":"close","current_pos":12}]}', None),
            ("shellies/gerbang/info", '{"rollers":[{"state":"stop","current_pos":0}]}', False),
        ],
    ),
    "shelly gen2, the cover": (
        gate("shelly", "gerbang", "cover:0"),
        [
            ("gerbang/status/cover:0", '{"id":0,"state":"closed","current_pos":0}', False),
            ("gerbang/status/cover:0", '{"id":0,"state":"opening","current_pos":0}', None),
            ("gerbang/events/rpc", '{"method":"NotifyStatus","params":{"cover:0":{"current_pos":37}}}', None),
            ("gerbang/events/rpc", '{"method":"NotifyStatus","params":{"cover:0":{"state":"stopped"}}}', True),
            ("gerbang/events/rpc", '{"method":"NotifyStatus","params":{"cover:0":{"apower":0}}}', None),
            ("gerbang/events/rpc", '{"method":"NotifyStatus","params":{"cover:0":{"state":"closing"}}}', None),
            ("gerbang/status/cover:0", '{"id":0,"state":"stopped","pos_control":false}', None),
            ("gerbang/status/cover:0", '{"id":0,"state":"open"}', True),
            ("gerbang/status/cover:0", '{"id":0,"state":"calibrating"}', None),
        ],
    ),
    "shelly gen2, the position": (
        gate("shelly", "gerbang", "cover:0.current_pos"),
        [
            ("gerbang/status/cover:0", '{"id":0,"state":"opening","current_pos":12}', None),
            ("gerbang/status/cover:0", '{"id":0,"state":"stopped","current_pos":37}', True),
            ("gerbang/status/cover:0", '{"id":0,"state":"closed","current_pos":0}', False),
        ],
    ),
    "zigbee2mqtt, the position": (
        gate("zigbee2mqtt", "gerbang", "position"),
        [
            ("zigbee2mqtt/gerbang", '{"position":0,"state":"CLOSE"}', False),
            ("zigbee2mqtt/gerbang", '{"position":37,"state":"OPEN","moving":"UP"}', None),
            ("zigbee2mqtt/gerbang", '{"position":37,"state":"OPEN","running":true}', None),
            ("zigbee2mqtt/gerbang", '{"position":37,"state":"OPEN","motor_state":"closing"}', None),
            ("zigbee2mqtt/gerbang", '{"position":37,"state":"OPEN","moving":"STOP","motor_state":"stopped"}', True),
            ("zigbee2mqtt/gerbang", '{"position":100,"state":"OPEN"}', True),
        ],
    ),
    "zigbee2mqtt, the state": (
        gate("zigbee2mqtt", "gerbang", "state"),
        [
            ("zigbee2mqtt/gerbang", '{"state":"OPEN","position":10}', True),
            ("zigbee2mqtt/gerbang", '{"state":"STOP"}', None),
            ("zigbee2mqtt/gerbang", '{"state":"CLOSE"}', False),
        ],
    ),
    "zigbee2mqtt, a topic an attribute": (
        gate("zigbee2mqtt", "gerbang", "position"),
        [
            ("zigbee2mqtt/gerbang/position", "0", False),
            ("zigbee2mqtt/gerbang/moving", "UP", None),
            ("zigbee2mqtt/gerbang/position", "37", None),
            ("zigbee2mqtt/gerbang/moving", "STOP", True),
            ("zigbee2mqtt/gerbang/running", "true", None),
            ("zigbee2mqtt/gerbang/position", "0", None),
            ("zigbee2mqtt/gerbang/running", "false", False),
        ],
    ),
    "esphome, the cover": (
        gate("esphome", "gerbang", "cover/pagar/state"),
        [
            ("gerbang/cover/pagar/state", "closed", False),
            ("gerbang/cover/pagar/state", "opening", None),
            ("gerbang/cover/pagar/state", "open", True),
            ("gerbang/cover/pagar/state", "closing", None),
        ],
    ),
    "esphome, the position": (
        gate("esphome", "gerbang", "cover/pagar/position/state"),
        [
            ("gerbang/cover/pagar/position/state", "0", False),
            ("gerbang/cover/pagar/state", "opening", None),
            ("gerbang/cover/pagar/position/state", "37", None),
            ("gerbang/cover/pagar/state", "open", True),
            ("gerbang/cover/pagar/position/state", "100", True),
        ],
    ),
    "homie": (
        gate("homie", "gerbang", "pintu/state"),
        [
            ("homie/gerbang/pintu/state", "opening", None),
            ("homie/gerbang/pintu/state", "open", True),
            ("homie/5/gerbang/pintu/state", "37", True),
            ("homie/gerbang/pintu/state", "stop", None),
            ("homie/gerbang/pintu/state", "closed", False),
        ],
    ),
    "lorawan": (
        gate("lorawan", EUI, "gate"),
        [
            (UPLINK, '{"object":{"gate":"opening"}}', None),
            (UPLINK, '{"object":{"gate":37}}', True),
            (UPLINK, '{"object":{"gate":0}}', False),
        ],
    ),
    "json": (
        gate("json", "desa/gerbang", "posisi"),
        [
            ("desa/gerbang", '{"posisi":"closing"}', None),
            ("desa/gerbang", '{"posisi":"37"}', True),
            ("desa/gerbang", '{"posisi":100}', True),
            ("desa/gerbang", '{"posisi":0}', False),
        ],
    ),
    "openwrt": (
        gate("openwrt", "ap", "palang"),
        [
            ("collectd/ap/palang", "opening", None),
            ("collectd/ap/palang", "37", True),
            ("collectd/ap/palang", "0", False),
        ],
    ),
}


@pytest.mark.parametrize(("one", "steps"), STORIES.values(), ids=STORIES)
def test_a_cover_speaks_when_it_has_arrived(one: Device, steps: Steps) -> None:
    router = Router([village(("gate", [one]))])
    said: list[bool | None] = []
    for topic, payload, _ in steps:
        message = Message(topic, payload.encode())
        ((adapter, installed),) = router.route(message)
        translation = translate(installed, message, adapter)
        assert labels(translation) == [], (topic, payload)
        value = values(translation).get("gate_open")
        assert isinstance(value, bool | None)
        said.append(value)
    assert list(zip([step[:2] for step in steps], said, strict=True)) == [(step[:2], step[2]) for step in steps]


def test_the_polarity_of_a_position_is_the_site_s() -> None:
    turned = device("g", "zigbee2mqtt", "gerbang", {"position": "gate_open"}, {"gate_open"})
    router = Router([village(("gate", [turned]))])
    said = []
    for position in (0, 37):
        message = Message("zigbee2mqtt/gerbang", b'{"position":%d}' % position)
        ((adapter, installed),) = router.route(message)
        said.append(values(translate(installed, message, adapter)))
    assert said == [{"gate_open": True}, {"gate_open": False}]
