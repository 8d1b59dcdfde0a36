"""MQTT 3.1.1 packets as the embedded broker reads and writes them (OASIS standard, sections 2 and 3). Pure."""

from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "CONNECTION_ACCEPTED",
    "IDENTIFIER_REJECTED",
    "PINGRESP",
    "UNSUPPORTED_PROTOCOL",
    "UNSUPPORTED_PROTOCOL_V5",
    "Connect",
    "Disconnect",
    "Flow",
    "Packet",
    "Ping",
    "ProtocolViolation",
    "Publish",
    "Subscribe",
    "Unsubscribe",
    "connack",
    "decode",
    "flow",
    "publish",
    "split",
    "suback",
]

MAX_PACKET = 16 * 1024 * 1024
"""Larger packets end the connection. The contract's largest batch, 1 MB, must pass, and larger ones up to the collector
that refuses and counts them."""

CONNECTION_ACCEPTED, UNSUPPORTED_PROTOCOL, IDENTIFIER_REJECTED = 0, 1, 2
PINGRESP = b"\xd0\x00"
UNSUPPORTED_PROTOCOL_V5 = b"\x20\x03\x00\x84\x00"
"""What a client that speaks MQTT 5 understands as "unsupported protocol version", so that it may try 3.1.1."""

PUBACK, PUBREC, PUBREL, PUBCOMP = 4, 5, 6, 7
LEVEL = 4
"""The protocol level of MQTT 3.1.1."""


class ProtocolViolation(Exception):
    """A packet that the standard does not allow: the connection is closed. Says what was wrong."""


@dataclass(frozen=True, slots=True)
class Publish:
    """A message. `packet_id` is 0 with QoS 0."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    packet_id: int = 0


@dataclass(frozen=True, slots=True)
class Connect:
    """A client's CONNECT. `keep_alive` in seconds, 0: none. User names and passwords are ignored."""

    level: int
    client_id: str = ""
    clean: bool = True
    keep_alive: int = 0
    will: Publish | None = None


class Subscribe(NamedTuple):
    """Topic filters and the QoS asked for each."""

    packet_id: int
    filters: list[tuple[str, int]]


class Unsubscribe(NamedTuple):
    """Topic filters to forget."""

    packet_id: int
    filters: list[str]


class Flow(NamedTuple):
    """PUBACK, PUBREC, PUBREL or PUBCOMP: `kind` is the packet type's number."""

    kind: int
    packet_id: int


class Ping(NamedTuple):
    """PINGREQ."""


class Disconnect(NamedTuple):
    """The client disconnects on purpose: its will is dropped."""


Packet = Connect | Publish | Subscribe | Unsubscribe | Flow | Ping | Disconnect


def split(buffer: bytearray) -> tuple[int, bytes] | None:
    """Remove one packet from the buffer. Returns its first byte and its body; `None` if more bytes are needed."""
    length = shift = 0
    for index in range(1, min(len(buffer), 5)):
        byte = buffer[index]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if length > MAX_PACKET:
                raise ProtocolViolation(f"a packet of {length} bytes, over the limit of {MAX_PACKET}")
            end = index + 1 + length
            if len(buffer) < end:
                return None
            first, body = buffer[0], bytes(memoryview(buffer)[index + 1 : end])
            del buffer[:end]
            return first, body
    if len(buffer) >= 5:
        raise ProtocolViolation("a remaining length of more than four bytes")
    return None


class _Body:
    """Reads the fields of a packet's body in order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if self.left < count:
            raise ProtocolViolation("a packet that ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def packet_id(self) -> int:
        if not (number := self.number()):
            raise ProtocolViolation("packet identifier 0")
        return number

    def field(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        try:
            text = self.field().decode()
        except UnicodeDecodeError as problem:
            raise ProtocolViolation("a string that is not UTF-8") from problem
        if "\0" in text:
            raise ProtocolViolation("a string with a null character")
        return text


def decode(first: int, data: bytes) -> Packet:
    """Returns the packet with this first byte and body.

    Raises:
        ProtocolViolation: the standard does not allow it, or only a server sends it.
    """
    kind, flags, body = first >> 4, first & 0x0F, _Body(data)
    packet: Packet
    match kind:
        case 1:
            packet = _connect(body)
        case 3:
            packet = _publish(flags, body)
        case 4 | 5 | 6 | 7:
            packet = Flow(kind, body.packet_id())
        case 8:
            packet = _subscribe(body)
        case 10:
            packet = Unsubscribe(body.packet_id(), _filters(body))
        case 12:
            packet = Ping()
        case 14:
            packet = Disconnect()
        case _:
            raise ProtocolViolation(f"a packet of type {kind} from a client")
    return packet


def _connect(body: _Body) -> Connect:
    name, level = body.text(), body.byte()
    if (name, level) not in (("MQTT", LEVEL), ("MQIsdp", 3)):
        return Connect(level=level or 255)
    flags, keep_alive, client_id = body.byte(), body.number(), body.text()
    will = None
    if flags & 0x04:
        will = Publish(_topic_name(body.text()), body.field(), qos=flags >> 3 & 3, retain=bool(flags & 0x20))
    return Connect(level=LEVEL, client_id=client_id, clean=bool(flags & 0x02), keep_alive=keep_alive, will=will)


def _publish(flags: int, body: _Body) -> Publish:
    qos, topic = flags >> 1 & 3, _topic_name(body.text())
    if qos == 3:
        raise ProtocolViolation("QoS 3")
    packet_id = body.packet_id() if qos else 0
    return Publish(topic, body.take(body.left), qos=qos, retain=bool(flags & 1), packet_id=packet_id)


def _topic_name(topic: str) -> str:
    if not topic or "+" in topic or "#" in topic:
        raise ProtocolViolation(f"a message to the topic {topic[:40]!r}")
    return topic


def _subscribe(body: _Body) -> Subscribe:
    packet_id = body.packet_id()
    filters = []
    while body.left:
        filters.append((body.text(), body.byte() & 3))
    if not filters:
        raise ProtocolViolation("a subscription to nothing")
    return Subscribe(packet_id, filters)


def _filters(body: _Body) -> list[str]:
    filters = []
    while body.left:
        filters.append(body.text())
    return filters


def _packet(first: int, *parts: bytes) -> bytes:
    length = sum(map(len, parts))
    head = bytearray((first,))
    while True:
        length, digit = length >> 7, length & 0x7F
        head.append(digit | 0x80 if length else digit)
        if not length:
            return b"".join((head, *parts))


def connack(code: int, *, session_present: bool = False) -> bytes:
    """Returns the answer to CONNECT."""
    return bytes((0x20, 2, session_present, code))


def flow(kind: int, packet_id: int) -> bytes:
    """Returns a PUBACK, PUBREC, PUBREL or PUBCOMP."""
    return bytes((kind << 4 | (2 if kind == PUBREL else 0), 2)) + packet_id.to_bytes(2, "big")


def suback(packet_id: int, codes: list[int] | None) -> bytes:
    """Returns the answer to SUBSCRIBE with a code for each filter; with `None`, to UNSUBSCRIBE."""
    identifier = packet_id.to_bytes(2, "big")
    return _packet(0xB0, identifier) if codes is None else _packet(0x90, identifier, bytes(codes))


def publish(topic: str, payload: bytes, *, packet_id: int = 0, retain: bool = False, again: bool = False) -> bytes:
    """Returns a message for a client, with QoS 1 if it has a packet identifier. `again` marks a retransmission."""
    name = topic.encode()
    first = 0x30 | (bool(packet_id) << 1) | retain | (again << 3)
    identifier = packet_id.to_bytes(2, "big") if packet_id else b""
    return _packet(first, len(name).to_bytes(2, "big"), name, identifier, payload)
