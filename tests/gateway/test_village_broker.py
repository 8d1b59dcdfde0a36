"""The village's broker as `deploy/village` sets it up, in a real Mosquitto: each device has its own topics."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from siaga.mqtt import MqttTransport
from tests.servers import Mosquitto, find_binary
from tests.wait import until

VILLAGE = Path(__file__).resolve().parents[2] / "deploy" / "village"
CODE = "35.10.15.2012"
USERS = ("gateway", "gerbang-depan", "pos-1", f"{CODE}/pos-1", "shellyplus1-a8032ab12345", "zigbee2mqtt", "chirpstack")


class VillageBroker(Mosquitto):
    """Debian's broker with our file in its conf.d."""

    def __init__(self) -> None:
        super().__init__()
        passwords = self.directory / "siaga.passwords"
        passwords.write_text("".join(f"{user}:rahasia-{user}\n" for user in USERS))
        subprocess.run([find_binary("mosquitto_passwd", "mosquitto"), "-U", str(passwords)], check=True)
        (self.directory / "siaga.acl").write_text((VILLAGE / "siaga.acl").read_text())
        text = (VILLAGE / "mosquitto.conf").read_text()
        text = text.replace("/etc/mosquitto/", f"{self.directory}/").replace("log_dest syslog", "log_dest stderr")
        text = text.replace("listener 1883", f"listener {self.port} 127.0.0.1")
        debian = ["persistence true", f"persistence_location {self.directory}/", "user root"]
        self._config.write_text("\n".join([*debian, text]))

    def url_of(self, user: str) -> str:
        quoted = user.replace("/", "%2F")
        return f"mqtt://{quoted}:rahasia-{quoted}@127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def broker() -> Iterator[VillageBroker]:
    with VillageBroker() as server:
        yield server


@pytest.mark.parametrize(
    ("user", "own", "foreign"),
    [
        ("gerbang-depan", "tele/gerbang-depan/SENSOR", "tele/lampu/SENSOR"),
        ("gerbang-depan", "stat/gerbang-depan/RESULT", "cmnd/lampu/POWER"),
        (f"{CODE}/pos-1", f"siaga/v1/{CODE}/pos-1/senml", f"siaga/v1/{CODE}/pos-2/senml"),
        (f"{CODE}/pos-1", f"siaga/v1/{CODE}/pos-1/status", f"siaga/v1/{CODE}/gateway/gw/batch"),
        ("shellyplus1-a8032ab12345", "shellyplus1-a8032ab12345/events/rpc", "shellies/lain/relay/0"),
        ("zigbee2mqtt", "zigbee2mqtt/pintu", "tele/gerbang-depan/SENSOR"),
        ("chirpstack", "application/1/device/a84041ffff1ead93/event/up", "zigbee2mqtt/pintu"),
    ],
)
def test_a_device_speaks_on_its_own_topics_alone(broker: VillageBroker, user: str, own: str, foreign: str) -> None:
    gateway = MqttTransport(broker.url_of("gateway"), "gateway-test")
    device = MqttTransport(broker.url_of(user), "device-test")
    try:
        gateway.subscribe("#")
        until(lambda: gateway.connected and device.connected, what=str(device.problem))
        assert device.publish(foreign, b"theirs")
        assert device.publish(own, b"ours")
        message = gateway.receive(5)
        assert message is not None
        assert (message.topic, message.payload) == (own, b"ours"), "what is not its own does not get through"
    finally:
        gateway.close()
        device.close()


def test_nobody_comes_in_without_a_password(broker: VillageBroker) -> None:
    stranger = MqttTransport(broker.url, "stranger")
    try:
        until(lambda: stranger.problem and "refused" in stranger.problem, what="it is refused")
        assert not stranger.connected
    finally:
        stranger.close()


def test_the_gateway_commands_nobody(broker: VillageBroker) -> None:
    gateway = MqttTransport(broker.url_of("gateway"), "gateway-test")
    device = MqttTransport(broker.url_of("gerbang-depan"), "device-test")
    try:
        device.subscribe("cmnd/gerbang-depan/#")
        until(lambda: gateway.connected and device.connected)
        assert gateway.publish("cmnd/gerbang-depan/POWER", b"OFF")
        until(lambda: not gateway.outbound)
        assert device.receive(0.3) is None
    finally:
        gateway.close()
        device.close()


def test_the_backlog_s_mark_gets_through_so_that_kept_messages_are_late_and_not_skewed(broker: VillageBroker) -> None:
    marker = "siaga/v1/gateway/marked/mark/backlog"
    for wanted in (False, True):
        gateway = MqttTransport(broker.url_of("gateway"), "marked", clean=False, marker=marker)
        device = MqttTransport(broker.url_of("gerbang-depan"), "device-test")
        try:
            gateway.subscribe("tele/#")
            until(lambda: gateway.connected and device.connected)  # noqa: B023 - asked at once
            if wanted:
                first = gateway.receive(5)
                assert first is not None
                assert first.kept
                gateway.acknowledge(first)
                time.sleep(0.3)  # the mark comes right behind; nothing tells when it came
                device.publish("tele/gerbang-depan/SENSOR", b"live")
                live = gateway.receive(5)
                assert live is not None
                assert not live.kept
            else:
                gateway.close()
                device.publish("tele/gerbang-depan/SENSOR", b"meanwhile")
                until(lambda: not device.outbound)  # noqa: B023
        finally:
            gateway.close()
            device.close()
