"""paho's client with bulk reads and writes: many packets in one call to the socket.

Each such call releases the interpreter lock, and another thread may then hold it for milliseconds. Packet by packet, a
busy collector received only a few hundred messages a second. The packets that a busy connection consists of (messages
with QoS 1 and without properties, and PUBACKs) are read and written here; paho takes some 80 µs for each. It reads and
writes all others. This overrides private methods of paho. So the dependency is pinned below 3, and
tests/mqtt/test_private_hooks.py fails if one of these methods is gone.
"""

import struct
import time
from collections.abc import Callable, Iterable

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import MessageType, MQTTErrorCode

__all__ = ["BulkClient"]

READ_AHEAD = 65_536
"""Bytes read from the socket at a time."""
WRITTEN_TOGETHER = 65_536
"""Bytes joined to one write: mostly acknowledgements, of under 100 bytes each. A batch may be larger."""
LONGEST_TEXT = 65_535
"""Bytes of a topic at most: its length is sent as two bytes."""
LONGEST_PACKET = 268_435_455
"""Bytes of a packet after its length at most: the length is sent as four bytes of seven bits."""
_KIND = 0xF0  # of a packet's first byte
_PUBLISH, _ACKNOWLEDGED = int(MessageType.PUBLISH), int(MessageType.PUBACK)  # an enum's attribute takes 0.3 µs
_RETAIN, _QOS = 0x01, 0x06  # of a PUBLISH's first byte
_QOS_1 = 0x02
_PUBACK = struct.Struct("!BBH")


class BulkClient(Client):
    """A client whose reading can be paused exactly after a message.

    `on_arrival`: is called with a message's topic, payload, retain flag and id, for QoS 1 without properties; without
    it paho handles all messages. `on_confirmation`: is called with the id and the reason code of each PUBACK.
    """

    paused = False
    """Stops reading. It may be set in a callback, because one `loop_read` reads many packets."""
    on_arrival: Callable[[bytes, bytes, bool, int], None] | None = None
    on_confirmation: Callable[[int, int], None] = staticmethod(lambda _mid, _reason: None)
    _ahead = b""
    _given = 0

    @property
    def has_input(self) -> bool:
        """Returns whether bytes are already read ahead, of which `select` does not know."""
        return self._given < len(self._ahead)

    def excuse(self) -> None:
        """Restart the ping timeout: while reading is paused, the answer to a ping may be unread."""
        self._last_bytes_received, self._ping_t = time.monotonic(), 0.0

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read what has arrived, until `paused`: usual packets here, the first other one by paho."""
        if self._in_packet["command"] == 0 and not self.paused:  # else paho is within a packet
            self._read_usual()
        return MQTTErrorCode.MQTT_ERR_SUCCESS if self.paused else super().loop_read(max_packets)

    def _read_usual(self) -> None:
        """Handle complete usual packets, up to one that is not, or to a pause."""
        if not self.has_input and not self._fill():
            return
        self._last_bytes_received = time.monotonic()
        while not self.paused and self._take_packet():
            pass

    def _fill(self) -> bool:
        """Read from the socket. Returns False if there is nothing; paho finds out what is wrong with a broken one."""
        try:
            self._ahead, self._given = super()._sock_recv(READ_AHEAD), 0
        except OSError:
            return False
        return bool(self._ahead)

    def _take_packet(self) -> bool:
        """Handle the next packet if it is usual, well-formed and complete. Returns False if it is left to paho."""
        data, at, end = self._ahead, self._given, len(self._ahead)
        if at + 4 > end:
            return False
        command, length = data[at], data[at + 1]
        at += 2
        if length > 127:
            length, shift = length & 127, 7
            while True:
                if at >= end or shift > 21:
                    return False
                length |= (data[at] & 127) << shift
                at, shift = at + 1, shift + 7
                if data[at - 1] < 128:
                    break
        stop = at + length
        if stop > end:
            return False
        if command == _ACKNOWLEDGED and length == 2:
            self._given = stop
            self.on_confirmation(data[at] << 8 | data[at + 1], 0)
            return True
        return command & (_KIND | _QOS) == _PUBLISH | _QOS_1 and self._take_message(command, at, stop)

    def _take_message(self, command: int, at: int, stop: int) -> bool:
        data, arrived = self._ahead, self.on_arrival
        middle = at + 2 + (data[at] << 8 | data[at + 1]) if at + 2 <= stop else stop
        start = middle + 3 if self.protocol == MQTTv5 else middle + 2
        if arrived is None or start > stop or (self.protocol == MQTTv5 and data[middle + 2] != 0):
            return False
        mid = data[middle] << 8 | data[middle + 1]
        if mid == 0:
            return False
        self._given = stop
        arrived(data[at + 2 : middle], data[start:stop], bool(command & _RETAIN), mid)
        return True

    def _handle_pubackcomp(self, cmd: str) -> MQTTErrorCode:
        """Handle a PUBACK that is no usual one: it has a reason."""
        packet = self._in_packet["packet"]
        if cmd != "PUBACK" or len(packet) < 2:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        self.on_confirmation(packet[0] << 8 | packet[1], packet[2] if len(packet) > 2 else 0)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def encode(self, topic: str, payload: bytes, *, retain: bool) -> tuple[int, bytes]:
        """Returns the id and the packet of a message with QoS 1, for `send`.

        Raises:
            ValueError: no broker takes such a message.
        """
        name = topic.encode()
        length = 4 + len(name) + len(payload) + (self.protocol == MQTTv5)
        if not 0 < len(name) <= LONGEST_TEXT or b"+" in name or b"#" in name or length > LONGEST_PACKET:
            raise ValueError(f"{topic[:80]!r} and {len(payload)} bytes are no message")
        mid = self._mid_generate()
        head = bytearray((_PUBLISH | _QOS_1 | retain,))
        while length > 127:
            head.append(length & 127 | 128)
            length >>= 7
        head.append(length)
        no_properties = b"\0" if self.protocol == MQTTv5 else b""
        return mid, b"".join((head, len(name).to_bytes(2), name, mid.to_bytes(2), no_properties, payload))

    def send(self, packets: bytes) -> None:
        """Queue encoded packets, of which nothing more is done once they are sent."""
        if packets:
            self._packet_queue(_ACKNOWLEDGED, packets, 0, 1)

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Queue PUBACKs."""
        self.send(b"".join([_PUBACK.pack(_ACKNOWLEDGED, 2, mid) for mid in mids]))

    def loop_write(self) -> MQTTErrorCode:
        """Write the queued packets, in few calls."""
        self._join()
        return super().loop_write()

    def _join(self) -> None:
        """Join the packets at the head of the queue to one."""
        waiting = self._out_packet
        joined, size = 0, 0
        for packet in waiting:
            size += packet["to_process"]
            if size > WRITTEN_TOGETHER or not _sent_and_done(packet["command"], packet["qos"]):
                break
            joined += 1
        if joined > 1:
            together = [waiting.popleft() for _ in range(joined)]
            first = together[0]
            first["packet"] = b"".join([each["packet"][each["pos"] :] for each in together])
            first["pos"], first["to_process"] = 0, len(first["packet"])
            waiting.appendleft(first)

    def _sock_recv(self, bufsize: int) -> bytes:
        if self.paused:  # between two packets, as it was set within a callback
            raise BlockingIOError
        if not self.has_input:
            if bufsize >= READ_AHEAD:
                return super()._sock_recv(bufsize)
            self._ahead, self._given = super()._sock_recv(READ_AHEAD), 0
        piece = self._ahead[self._given : self._given + bufsize]
        self._given += len(piece)
        return piece


def _sent_and_done(command: int, qos: int) -> bool:
    """Returns whether paho does nothing more with such a packet once it is sent."""
    kind = command & _KIND
    return kind != MessageType.DISCONNECT and (kind != MessageType.PUBLISH or qos > 0)
