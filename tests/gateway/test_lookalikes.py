"""Only a birth, a last will or an availability topic sets `online`: topics that look like one and are none."""

import pytest

from gateway.router import Router
from siaga.model.sites import Device
from siaga.mqtt import Message
from tests.gateway.places import CODE, device, translate, values, village

EUI = "70b3d5e75e00c3d7"
LOOKALIKES: list[tuple[Device, str, str]] = [
    (device("d", "tasmota", "papan"), "stat/papan/LWT", "Offline"),
    (device("d", "tasmota", "papan"), "cmnd/papan/LWT", "Offline"),
    (device("d", "tasmota", "papan"), "tele/papan/STATE", '{"LWT":"Offline"}'),
    (device("d", "shelly", "papan"), "shellies/papan/relay/0/online", "false"),
    (device("d", "shelly", "papan"), "shellies/papan/command/online", "false"),
    (device("d", "shelly", "papan"), "papan/status/online", "false"),
    (device("d", "zigbee2mqtt", "papan"), "zigbee2mqtt/papan", '{"availability":{"state":"offline"}}'),
    (device("d", "zigbee2mqtt", "papan"), "zigbee2mqtt/papan/state", "offline"),
    (device("d", "zigbee2mqtt", "papan"), "homeassistant/papan/availability", "offline"),
    (device("d", "esphome", "papan"), "papan/binary_sensor/status/state", "OFF"),
    (device("d", "esphome", "papan"), "papan/status/command", "offline"),
    (device("d", "homie", "papan"), "homie/papan/lampu/$state", "lost"),
    (device("d", "homie", "papan"), "homie/papan/$state/set", "lost"),
    (device("d", "openwrt", "papan"), "collectd/papan/status", "offline"),
    (device("d", "lorawan", EUI), f"application/a/device/{EUI}/event/status", '{"online":false}'),
    (device("d", "senml"), f"siaga/v1/{CODE}/d/senml", '[{"n":"online","vb":false},{"n":"status","vs":"offline"}]'),
]


@pytest.mark.parametrize(("one", "topic", "payload"), LOOKALIKES, ids=[topic for _, topic, _ in LOOKALIKES])
def test_is_no_last_will(one: Device, topic: str, payload: str) -> None:
    message = Message(topic, payload.encode())
    for adapter, installed in Router([village(("gate", [one]))]).route(message):
        assert "online" not in values(translate(installed, message, adapter))
