"""`BulkClient` hears from a broker's bytes what paho hears from them, however they arrive."""

import itertools
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.client import MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from siaga.mqtt.bulk_client import BulkClient

Heard = list[tuple[object, ...]]


class _Ear(BulkClient):
    """A client that reads given pieces instead of a socket. `bulk`: by itself; otherwise paho reads all messages."""

    def __init__(self, protocol: MQTTProtocolVersion, *, bulk: bool) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, client_id="ear", protocol=protocol, manual_ack=True)
        self.on_socket_register_write = lambda *_: None
        self.heard: Heard = []
        self.pieces: list[bytes] = []
        self.on_message = lambda _client, _data, message: self._hear(
            message.topic.encode(), bytes(message.payload), message.retain, message.mid
        )
        self.on_confirmation = lambda mid, reason: self.heard.append((mid, reason))
        if bulk:
            self.on_arrival = self._hear

    def _hear(self, topic: bytes, payload: bytes, retain: bool, mid: int) -> None:
        self.heard.append((topic, payload, retain, mid))

    def hear(self, pieces: list[bytes]) -> Heard:
        """All that these pieces say, and how the connection ended."""
        for piece in pieces:
            self.pieces = [piece]
            while self.pieces or self.has_input:
                if self.loop_read() != 0:
                    return [*self.heard, ("ended",)]
        return self.heard


@contextmanager
def _ear(protocol: MQTTProtocolVersion, *, bulk: bool) -> Iterator[_Ear]:
    """An ear with a socket that looks connected, and whose bytes come from `pieces`."""
    ear = _Ear(protocol, bulk=bulk)
    near, far = socket.socketpair()

    class _Pieces:
        def recv(self, size: int) -> bytes:
            if not ear.pieces:
                raise BlockingIOError
            piece = ear.pieces.pop(0)
            if len(piece) > size:
                ear.pieces.insert(0, piece[size:])
            return piece[:size]

        def close(self) -> None:
            near.close()

    ear._sock = _Pieces()  # type: ignore[assignment]  # as much of a socket as reading takes
    try:
        yield ear
    finally:
        near.close()
        far.close()


def _length(size: int) -> bytes:
    said = bytearray()
    while size > 127:
        said.append(size & 127 | 128)
        size >>= 7
    return bytes([*said, size])


def _packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + _length(len(body)) + body


def _message(version: int, topic: bytes, size: int, flags: int, mid: int, properties: bytes) -> bytes:
    """A PUBLISH; `flags`: dup, QoS and retain."""
    parts = [len(topic).to_bytes(2, "big"), topic]
    if flags & 0x06:
        parts.append(mid.to_bytes(2, "big"))
    if version == MQTTv5:
        parts.append(_length(len(properties)) + properties)
    return _packet(0x30 | flags, b"".join([*parts, bytes(size)]))


EXPIRY = b"\x02\x00\x00\x00\x0a"  # message expiry interval: ten seconds
MESSAGES = st.tuples(
    st.sampled_from([b"a", b"siaga/v1/35.10.15.2012/gateway/gw/batch", "jalan/ä".encode()]),
    st.sampled_from([0, 1, 90, 125, 126, 127, 128, 300, 16_381, 16_400]),
    st.sampled_from([0x00, 0x01, 0x02, 0x03, 0x0A, 0x0B]),
    st.integers(1, 65_535),
    st.sampled_from([b"", b"", b"", EXPIRY]),
)
OTHERS = st.sampled_from(
    [
        b"\xd0\x00",  # PINGRESP
        b"\x40\x02\x00\x07",  # PUBACK
        b"\x40\x02\xff\xff",
    ]
)
REASONS = st.sampled_from([b"\x40\x03\x00\x07\x10", b"\x40\x04\x00\x08\x87\x00"])


@pytest.mark.parametrize("protocol", [MQTTv311, MQTTv5])
@settings(max_examples=80, deadline=None)
@given(packets=st.lists(MESSAGES | OTHERS, max_size=8), cuts=st.lists(st.integers(0, 40_000), max_size=5))
def test_it_hears_what_paho_hears(
    protocol: MQTTProtocolVersion, packets: list[tuple[bytes, int, int, int, bytes] | bytes], cuts: list[int]
) -> None:
    said = b"".join(each if isinstance(each, bytes) else _message(protocol, *each) for each in packets)
    places = sorted({0, len(said), *(cut % (len(said) + 1) for cut in cuts)})
    pieces = [said[start:end] for start, end in itertools.pairwise(places)]
    with _ear(protocol, bulk=True) as ours, _ear(protocol, bulk=False) as pahos:
        assert ours.hear(pieces) == pahos.hear(pieces)
        assert len(ours.heard) == sum(each != b"\xd0\x00" for each in packets)


@settings(max_examples=100, deadline=None)
@given(junk=st.binary(max_size=40), first=st.sampled_from([0x30, 0x32, 0x33, 0x36, 0x40, 0x62, 0xD0]))
def test_what_is_no_packet_ends_the_connection_as_with_paho(junk: bytes, first: int) -> None:
    said = _packet(first, junk)
    with _ear(MQTTv311, bulk=True) as ours, _ear(MQTTv311, bulk=False) as pahos:
        endings: list[Heard] = []
        for each in (ours, pahos):
            try:
                endings.append(each.hear([said]))
            except Exception as error:  # noqa: BLE001 - also how it fails is to be the same
                endings.append([(type(error),)])
        assert endings[0] == endings[1]


@given(reasons=st.lists(REASONS | OTHERS.filter(lambda each: each[0] == 0x40), max_size=6))
@settings(max_examples=20, deadline=None)
def test_a_puback_says_its_reason(reasons: list[bytes]) -> None:
    with _ear(MQTTv5, bulk=True) as ours:
        heard = ours.hear([b"".join(reasons)] if reasons else [])
        assert heard == [(each[2] << 8 | each[3], each[4] if len(each) > 4 else 0) for each in reasons]


@pytest.mark.parametrize("size", [0, 1, 115, 116, 117, 16_000, 16_500, 3_000_000])
@pytest.mark.parametrize("protocol", [MQTTv311, MQTTv5])
def test_what_it_sends_is_read_as_it_was_meant(protocol: MQTTProtocolVersion, size: int) -> None:
    with _ear(protocol, bulk=False) as ours, _ear(protocol, bulk=False) as other:
        first, packet = ours.encode("siaga/ä", bytes(size), retain=True)
        second, again = ours.encode("b", b"", retain=False)
        assert other.hear([packet + again]) == [
            ("siaga/ä".encode(), bytes(size), True, first),
            (b"b", b"", False, second),
        ]


@pytest.mark.parametrize("topic", ["", "a/+", "a/#", "a" * 65_536])
def test_a_topic_that_no_broker_takes_is_refused(topic: str) -> None:
    with _ear(MQTTv5, bulk=True) as ours, pytest.raises(ValueError, match="are no message"):
        ours.encode(topic, b"", retain=False)
