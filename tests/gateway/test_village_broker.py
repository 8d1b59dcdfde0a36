"""The village's broker as `deploy/village` sets it up, in a real Mosquitto: each device has its own topics."""

import time
from collections.abc import Iterator

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import CollectorRegistry

from gateway import GatewayMetrics
from gateway.router import Router
from gateway.unknown_devices import UnknownDevices
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.model.clock import SystemClock
from siaga.mqtt import MqttTransport
from siaga.wire.unknown_device import decode_unknown
from tests.gateway.places import device as registered
from tests.gateway.places import village
from tests.gateway.village_broker import VillageBroker
from tests.wait import until

CODE = "35.10.15.2012"
USERS = ("gateway", "gerbang-depan", "pos-1", f"{CODE}/pos-1", "shellyplus1-a8032ab12345", "zigbee2mqtt", "chirpstack")


@pytest.fixture(scope="module")
def broker() -> Iterator[VillageBroker]:
    with VillageBroker(USERS) as server:
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
                time.sleep(0.3)  # the marker arrives directly after it, and nothing shows when
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


def test_the_inventory_of_a_large_zigbee_network_gets_through(broker: VillageBroker) -> None:
    """A megabyte in one message: a broker that takes no such packet would cut the bridge off again and again."""
    gateway = MqttTransport(broker.url_of("gateway"), "gateway-test")
    bridge = MqttTransport(broker.url_of("zigbee2mqtt"), "bridge-test")
    try:
        gateway.subscribe("zigbee2mqtt/#")
        until(lambda: gateway.connected and bridge.connected)
        assert bridge.publish("zigbee2mqtt/bridge/devices", b"x" * 1_000_000)
        message = gateway.receive(10)
        assert message is not None
        assert len(message.payload) == 1_000_000
        assert bridge.connections == 1
    finally:
        gateway.close()
        bridge.close()


def say_once(broker: VillageBroker, user: str, topic: str, *payloads: bytes) -> None:
    """Publish with QoS 0, as Tasmota, Shelly and most others do."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=f"{user}-qos0")
    client.username_pw_set(user, f"rahasia-{user}")
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for payload in payloads:
        client.publish(topic, payload, qos=0).wait_for_publish(5)
    client.disconnect()
    client.loop_stop()


def test_what_is_said_once_while_the_gateway_is_away_is_kept_for_it(broker: VillageBroker) -> None:
    marker = "siaga/v1/gateway/away/mark/backlog"

    def connect() -> MqttTransport:
        gateway = MqttTransport(broker.url_of("gateway"), "away", clean=False, marker=marker)
        gateway.subscribe("tele/#")
        until(lambda: gateway.connected)
        return gateway

    connect().close()
    say_once(broker, "gerbang-depan", "tele/gerbang-depan/SENSOR", b"1", b"2", b"3")
    gateway = connect()
    try:
        kept = [gateway.receive(5) for _ in range(3)]
        assert [(each.payload, each.kept) for each in kept if each] == [(b"1", True), (b"2", True), (b"3", True)]
    finally:
        gateway.close()


def test_a_broker_that_is_killed_has_what_it_had_saved(broker: VillageBroker) -> None:
    """Mosquitto writes its sessions every `autosave_interval`, and a kill costs at most what came since."""
    gateway = MqttTransport(broker.url_of("gateway"), "killed", clean=False)
    gateway.subscribe("tele/#")
    until(lambda: gateway.connected)
    gateway.close()
    device = MqttTransport(broker.url_of("gerbang-depan"), "device-test")
    until(lambda: device.connected)
    assert device.publish("tele/gerbang-depan/SENSOR", b"saved")
    until(lambda: not device.outbound)
    device.close()
    broker.save()
    broker.kill()
    broker.start()
    gateway = MqttTransport(broker.url_of("gateway"), "killed", clean=False)
    try:
        message = gateway.receive(5)
        assert message is not None
        assert message.payload == b"saved"
    finally:
        gateway.close()


def test_a_device_that_nobody_registered_is_heard_live_and_reported(broker: VillageBroker) -> None:
    say_once(broker, "gerbang-depan", "tele/gerbang-depan/SENSOR", b'{"Switch1":"ON"}')
    known = village(("gate", [registered("pintu", "zigbee2mqtt", "pintu utara")]))
    district, clock = MemoryBroker(), SystemClock()
    centre, gateway = MemoryTransport(district, "centre"), MemoryTransport(district, "gateway")
    centre.subscribe("siaga/v1/+/gateway/+/refused")
    listener = MqttTransport(broker.url_of("gateway"), "gateway-unknown")
    unknown = UnknownDevices(listener, clock, GatewayMetrics(CollectorRegistry()))
    unknown.update(Router([known]), [known])
    told: list[tuple[str, str, int]] = []

    def listen(*wanted: str) -> bool:
        while (message := listener.receive(0.05)) is not None:
            unknown.hear(message)
        unknown.tick(gateway)
        while (report := centre.receive(0)) is not None:
            found = decode_unknown(report.payload, CODE, "gw")
            assert found is not None
            told.append((found.adapter.value, found.address, found.count))
        return {address for _, address, _ in told} == set(wanted)

    try:
        until(lambda: listener.connected)
        for topic, payload in (("pintu utara", b"{}"), ("pintu selatan", b'{"contact":false}')):
            say_once(broker, "zigbee2mqtt", f"zigbee2mqtt/{topic}", payload)
        rpc = b'{"params":{"ts":1.5,"input:0":{"id":0,"state":true}}}'
        say_once(broker, "shellyplus1-a8032ab12345", "shellyplus1-a8032ab12345/events/rpc", rpc)
        say_once(broker, "gerbang-depan", "tele/gerbang-depan/SENSOR", b'{"Switch1":"ON"}')
        wanted = {"gerbang-depan", "pintu selatan", "shellyplus1-a8032ab12345"}
        until(lambda: listen(*wanted), what=f"all are reported, not {told}")
        assert ("tasmota", "gerbang-depan", 1) in told, "once, though several filters of the family may take its topic"
    finally:
        listener.close()


def test_a_power_cut_loses_nothing_that_the_broker_acknowledged() -> None:
    """The gateway is away; devices speak; the power goes at the moment of the last acknowledgement.

    Mosquitto writes its file after it has sent the acknowledgement, in the same turn: the last one alone may be lost.
    """
    sent = 200
    with VillageBroker(USERS) as broker:
        gateway = MqttTransport(broker.url_of("gateway"), "gateway-away", clean=False)
        gateway.subscribe("tele/#")
        until(lambda: gateway.connected)
        gateway.close()
        device = Client(CallbackAPIVersion.VERSION2, client_id="gerbang")
        device.username_pw_set("gerbang-depan", "rahasia-gerbang-depan")
        acknowledged: list[int] = []
        device.on_publish = lambda _c, _u, mid, _r, _p: acknowledged.append(mid)
        device.connect("127.0.0.1", broker.port)
        device.loop_start()
        until(device.is_connected)
        for number in range(sent):
            device.publish("tele/gerbang-depan/SENSOR", f"{number}", qos=1)
        until(lambda: len(acknowledged) == sent)
        broker.kill()
        device.loop_stop()
        broker.start()
        back = MqttTransport(broker.url_of("gateway"), "gateway-away", clean=False)
        try:
            kept: list[int] = []

            def all_kept() -> bool:
                while (message := back.receive(0.05)) is not None:
                    back.acknowledge(message)
                    kept.append(int(message.payload))
                return len(kept) >= sent - 1

            until(all_kept, what="what was acknowledged is delivered")
            assert kept == list(range(len(kept)))
        finally:
            back.close()
