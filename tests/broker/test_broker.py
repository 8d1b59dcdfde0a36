"""The embedded broker as clients see it: real sockets, paho on the other side.

What it shares with the broker in memory is in `test_broker_contract.py`.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from siaga.broker import EmbeddedBroker, PortTaken
from siaga.mqtt import MqttTransport
from tests.wait import PATIENCE, until


class Peer:
    """A client that notes what it gets, and acknowledges when it is told to (or at once)."""

    def __init__(
        self,
        port: int,
        name: str,
        *,
        clean: bool = True,
        late: bool = False,
        protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv311,
    ) -> None:
        kind = None if protocol == MQTTProtocolVersion.MQTTv5 else clean
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            name,
            protocol=protocol,
            clean_session=kind,
            manual_ack=late,
            reconnect_on_failure=False,
        )
        self.port = port
        self.got: list[MQTTMessage] = []
        self.answers: list[str] = []
        self.granted = 0
        self.client.on_message = lambda _c, _u, message: self.got.append(message)
        self.client.on_connect = lambda _c, _u, _f, reason, _p: self.answers.append(str(reason))
        self.client.on_subscribe = lambda *_: setattr(self, "granted", self.granted + 1)

    def connect(self, keepalive: int = 60) -> "Peer":
        self.client.connect("127.0.0.1", self.port, keepalive)
        self.client.loop_start()
        until(lambda: self.answers)
        return self

    def subscribe(self, *filters: str, qos: int = 1) -> "Peer":
        for topic_filter in filters:
            before = self.granted
            self.client.subscribe(topic_filter, qos)
            until(lambda before=before: self.granted > before)  # type: ignore[misc]
        return self

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        self.client.publish(topic, payload, qos, retain).wait_for_publish(PATIENCE)

    def texts(self) -> list[str]:
        return [message.payload.decode() for message in self.got]

    def vanish(self) -> None:
        """Break the connection without a word."""
        self.client.loop_stop()
        if (sock := self.client.socket()) is not None:
            sock.close()

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    broker = EmbeddedBroker(tmp_path / "broker.sqlite", 0)
    broker.start()
    yield broker
    broker.close()


@pytest.fixture
def peers(broker: EmbeddedBroker) -> Iterator["Peers"]:
    crowd = Peers(broker.port)
    yield crowd
    crowd.leave()


class Peers:
    def __init__(self, port: int) -> None:
        self.port = port
        self.all: list[Peer] = []

    def __call__(self, name: str, *, clean: bool = True, late: bool = False) -> Peer:
        self.all.append(Peer(self.port, name, clean=clean, late=late))
        return self.all[-1]

    def leave(self) -> None:
        for peer in self.all:
            peer.leave()


def test_a_slow_subscriber_gets_after_a_broken_connection_what_it_had_not_acknowledged(peers: Peers) -> None:
    slow = peers("collector", clean=False, late=True).connect().subscribe("batch")
    sender = peers("sender").connect()
    sender.publish("batch", b"1")
    until(lambda: slow.got)
    slow.vanish()
    sender.publish("batch", b"2")
    again = peers("collector", clean=False).connect()
    until(lambda: len(again.got) == 2)
    assert again.texts() == ["1", "2"]
    assert again.got[0].dup


def test_a_client_that_falls_silent_gets_its_last_will(peers: Peers) -> None:
    watcher = peers("watcher").connect().subscribe("status")
    device = peers("device")
    device.client.will_set("status", "offline", 1, retain=True)
    device.connect(keepalive=1)
    device.client.loop_stop()  # the socket stays open, nothing is sent: a device whose link was cut
    until(lambda: watcher.got)
    assert watcher.texts() == ["offline"]
    late = peers("late").connect().subscribe("status")
    until(lambda: late.got)
    assert late.got[0].retain


def test_quality_of_service_2_is_taken_once_and_handed_on_with_1(peers: Peers) -> None:
    one = peers("one").connect().subscribe("a", qos=2)
    peers("sender").connect().publish("a", b"x", qos=2)
    until(lambda: one.got)
    assert [(message.payload, message.qos) for message in one.got] == [(b"x", 1)]


def test_a_shared_subscription_gives_each_message_to_one_member(peers: Peers) -> None:
    members = [peers(name).connect().subscribe("$share/collectors/batch") for name in ("one", "two")]
    sender = peers("sender").connect()
    for number in range(10):
        sender.publish("batch", str(number).encode())
    until(lambda: sum(len(member.got) for member in members) == 10)
    assert [len(member.got) for member in members] == [5, 5]


def test_a_client_of_mqtt_5_is_told_so_that_it_tries_3_1_1(broker: EmbeddedBroker) -> None:
    modern = Peer(broker.port, "modern", protocol=MQTTProtocolVersion.MQTTv5).connect()
    assert modern.answers == ["Unsupported protocol version"]
    modern.leave()
    transport = MqttTransport(broker.url, "worker", clean=False)
    until(lambda: transport.connected)
    transport.close()


def test_ten_thousand_messages_wait_on_disk_for_a_client_that_is_away(broker: EmbeddedBroker, peers: Peers) -> None:
    peers("away", clean=False).connect().subscribe("load").leave()
    sender = peers("sender").connect()
    infos = [sender.client.publish("load", f"{number:06}".encode() * 50, 1) for number in range(10_000)]
    infos[-1].wait_for_publish(60)
    back = peers("away", clean=False).connect()
    until(lambda: len(back.got) == 10_000, timeout=60)
    assert [message.payload[:6] for message in back.got] == [f"{number:06}".encode() for number in range(10_000)]
    assert broker.dropped == 0


@pytest.mark.parametrize(
    "bytes_sent",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="HTTP"),
        pytest.param(b"\x30\x05\x00\x01aXX", id="a message before CONNECT"),
        pytest.param(b"\x10\xff\xff\xff\xff\x01", id="a length of five bytes"),
        pytest.param(b"\x10\xff\xff\xff\x7f", id="256 MB"),
        pytest.param(b"\x10\x04\x00\x04MQ", id="cut short"),
        pytest.param(b"\xf0\x00", id="a reserved packet"),
    ],
)
def test_what_is_not_mqtt_ends_the_connection_and_disturbs_nobody(
    broker: EmbeddedBroker, peers: Peers, bytes_sent: bytes
) -> None:
    one = peers("one").connect().subscribe("a")
    with socket.create_connection(("127.0.0.1", broker.port), 5) as raw:
        raw.sendall(bytes_sent)
        raw.shutdown(socket.SHUT_WR)
        assert raw.recv(100) == b""
    one.publish("a", b"still here")
    until(lambda: one.got)


@pytest.mark.parametrize("packet", [b"", b"\x10\xff\x7f" + b"x" * 1000], ids=["silent", "trickling"])
def test_who_does_not_introduce_itself_in_time_is_cut_off(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch, packet: bytes
) -> None:
    monkeypatch.setattr("siaga.broker.server.FIRST_PACKET", 0.5)
    with socket.create_connection(("127.0.0.1", broker.port), 5) as raw:
        raw.settimeout(0.05)
        rest = iter(packet)

        def is_cut_off() -> bool:
            try:
                raw.sendall(bytes(byte for byte in [next(rest, None)] if byte is not None))
                return raw.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        until(is_cut_off, what="the connection is closed")
        assert not packet or next(rest, None) is not None, "before the packet was whole"


def test_a_taken_port_is_one_sentence_that_names_it(broker: EmbeddedBroker, tmp_path: Path) -> None:
    with pytest.raises(PortTaken, match=rf"port {broker.port} on 127\.0\.0\.1 is in use"):
        EmbeddedBroker(tmp_path / "second.sqlite", broker.port).start()


PROGRAM = """
import sys, threading
from pathlib import Path
from siaga.broker import EmbeddedBroker
broker = EmbeddedBroker(Path(sys.argv[1]), int(sys.argv[2]))
broker.start()
print(broker.port, flush=True)
threading.Event().wait()
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    def run(port: int) -> tuple[subprocess.Popen[str], int]:
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "broker.sqlite"), str(port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."})
        assert process.stdout is not None
        return process, int(process.stdout.readline())

    process, port = run(0)
    slow = Peer(port, "gateway", clean=False, late=True).connect().subscribe("tele/#")
    sender = Peer(port, "device").connect()
    sender.publish("tele/lampu/LWT", b"Online", retain=True)
    for number in range(100):
        sender.publish("tele/lampu/STATE", str(number).encode())
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)
    with process.stdout:  # type: ignore[union-attr]  # it was piped
        slow.vanish()
        sender.vanish()
    process, port = run(port)
    again = Peer(port, "gateway", clean=False).connect()
    until(lambda: len(again.got) >= 101)
    assert again.texts() == ["Online", *map(str, range(100))]
    late = Peer(port, "page").connect().subscribe("tele/+/LWT")
    until(lambda: late.got)
    assert late.texts() == ["Online"]
    for peer in (again, late):
        peer.leave()
    process.terminate()
    process.wait(PATIENCE)
    process.stdout.close()  # type: ignore[union-attr]


def test_it_closes_within_a_second_with_clients_connected(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker.sqlite", 0)
    broker.start()
    peers = [Peer(broker.port, f"peer-{number}").connect().subscribe("#") for number in range(10)]
    began = time.monotonic()
    broker.close()
    assert time.monotonic() - began < 1
    for peer in peers:
        peer.client.disconnect()
        peer.client.loop_stop()
