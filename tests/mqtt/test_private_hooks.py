"""paho's private steps that `BulkClient` builds on: a release without one of them fails here.

For each hook: paho still calls or reads it on a real socket, in the form that we rely on.
"""

import inspect
import socket
import time
import tomllib
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTErrorCode

from siaga.mqtt.bulk_client import BulkClient

CONNACK = bytes([0x20, 2, 0, 0])


class _Peer:
    """A broker's end of one connection, read and written as bytes."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.client = BulkClient(CallbackAPIVersion.VERSION2, client_id="hooks", protocol=MQTTv311, manual_ack=True)
        self.client.on_socket_register_write = lambda *_: None  # as in siaga.mqtt.session: nothing is sent by itself
        self.client.max_inflight_messages = 0
        self.heard: list[str] = []
        self.client.on_message = lambda _client, _data, message: self.heard.append(message.topic)
        self.client.connect("127.0.0.1", self.listener.getsockname()[1], 60)
        self.end, _ = self.listener.accept()
        self.end.settimeout(10)
        self.client.loop_write()
        assert self.end.recv(1024)[0] == 0x10, "CONNECT"

    def send(self, data: bytes) -> None:
        """The broker sends; returns when all of it has arrived at the client's socket."""
        self.end.sendall(data)
        sock = self.client.socket()
        assert isinstance(sock, socket.socket)
        sock.settimeout(10)
        while len(sock.recv(len(data), socket.MSG_PEEK)) < len(data):
            pass
        sock.setblocking(False)

    def read(self) -> None:
        """The client reads all there is, or as far as it is not paused."""
        self.client.loop_read()
        while self.client.has_input and not self.client.paused:
            self.client.loop_read()

    def close(self) -> None:
        for each in (self.client.socket(), self.end, self.listener):
            if isinstance(each, socket.socket):
                each.close()


@pytest.fixture
def peer() -> Iterator[_Peer]:
    peer = _Peer()
    yield peer
    peer.close()


def _message(topic: bytes, payload: bytes) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic + payload
    return bytes([0x30, len(body)]) + body


def test_the_dependencies_are_pinned_below_their_next_major_version() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    for name, next_major in (("paho-mqtt", "<3"), ("influxdb-client", "<2")):
        (pinned,) = [each for each in project["project"]["dependencies"] if each.startswith(name)]
        assert pinned.endswith(next_major)


def test_paho_reads_through_sock_recv_with_a_size(peer: _Peer) -> None:
    assert list(inspect.signature(Client._sock_recv).parameters) == ["self", "bufsize"]
    peer.send(CONNACK + _message(b"a", b"1") + _message(b"b", b"2"))
    assert peer.client._sock_recv(1) == CONNACK[:1]
    assert peer.client.has_input, "what came with the first byte is read ahead, in one call to the socket"
    peer.client._given = 0
    peer.read()
    assert peer.heard == ["a", "b"], "and paho takes it from there"


def test_paho_takes_a_blocking_io_error_for_nothing_there(peer: _Peer) -> None:
    def on_message(_client: Client, _data: object, message: object) -> None:
        peer.heard.append(str(getattr(message, "topic", "")))
        peer.client.paused = True

    peer.client.on_message = on_message
    peer.send(CONNACK + _message(b"a", b"1") + _message(b"b", b"2"))
    peer.read()
    assert peer.client.loop_read() is MQTTErrorCode.MQTT_ERR_SUCCESS
    assert peer.heard == ["a"], "it stopped exactly after the message"
    peer.client.paused = False
    peer.read()
    assert peer.heard == ["a", "b"]


def test_paho_queues_packets_with_the_keys_that_are_joined(peer: _Peer) -> None:
    peer.send(CONNACK)
    peer.read()
    for number in range(3):
        peer.client.publish("t", b"%d" % number, qos=1)
    waiting = peer.client._out_packet
    assert isinstance(waiting, deque)
    assert [each["command"] & 0xF0 for each in waiting] == [MessageType.PUBLISH] * 3
    assert [each["qos"] for each in waiting] == [1, 1, 1]
    assert [each["to_process"] for each in waiting] == [len(each["packet"]) for each in waiting]
    together = b"".join(each["packet"][each["pos"] :] for each in waiting)
    peer.client._join()
    assert [each["packet"] for each in waiting] == [together], "they are one piece"
    peer.client.loop_write()
    assert peer.end.recv(4096) == together
    assert not waiting


def test_paho_judges_the_connection_by_the_two_times_that_excuse_sets(peer: _Peer) -> None:
    peer.send(CONNACK)
    peer.read()
    client = peer.client

    def a_ping_that_nobody_answered() -> None:
        client._ping_t = client._last_bytes_received = time.monotonic() - 1_000

    a_ping_that_nobody_answered()
    client.excuse()
    client.loop_misc()
    assert client.socket() is not None, "it takes the broker for alive"
    a_ping_that_nobody_answered()
    client.loop_misc()
    assert client.socket() is None, "without the excuse it ends the connection"
