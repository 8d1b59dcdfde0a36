"""Villages that live while the centre is measured: what their gateways send, evenly, and what becomes of it.

Every device reports once a minute and every gateway beats every 30 s, each in a batch of its own, as gateways send
news. `together`, a gateway sends what has come with its heartbeat, as gateways send repetitions. The batches go out as
they fall due, on one plain socket whose acknowledgements are thrown away: a client library would cost more than what is
to be measured. What it costs all the same, and how late it is, is told.
"""

import random
import socket
import struct
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import orjson

from siaga.model.clock import MINUTE
from siaga.model.observation import Reading
from siaga.model.sites import Adapter, Device, Facility, Needs, Village
from siaga.wire.batch import BatchId, encode_batch
from siaga.wire.topics import batch_topic, gateway_status_topic

__all__ = ["BEAT", "District", "Gateways", "Wire"]

BEAT = 30
"""Seconds between two heartbeats of a gateway (contract, section 2)."""
TICK = 0.005
"""Seconds between two looks at what is due."""


@dataclass(frozen=True, slots=True)
class District:
    """`villages`, each with `facilities` gates of `devices` / `facilities` contacts, all of which have to say open.

    Neighbours share an uplink, `sharing` of them each; 0: nobody does. `graces`: of the first gate, and of each other
    one, ms; 0: an alert comes at once.
    """

    villages: int
    facilities: int = 5
    devices: int = 20
    sharing: int = 0
    offline_after: int = 5 * MINUTE
    graces: tuple[int, int] = (0, 0)

    def sites(self) -> list[Village]:
        """What the registry is told."""
        return [self._village(number) for number in range(self.villages)]

    def code(self, village: int) -> str:
        """The code of a village by its number."""
        return f"35.{10 + village // 10_000:02d}.{village // 100 % 100:02d}.{2000 + village % 100}"

    def facility(self, village: int, device: int) -> str:
        """The facility that a device belongs to, as alerts name it."""
        return f"{self.code(village)}/gerbang-{device % self.facilities}"

    def uplink(self, village: int) -> str | None:
        """What a village shares with its neighbours."""
        return f"odp-{village // self.sharing}" if self.sharing else None

    def _village(self, number: int) -> Village:
        gates = tuple(
            Facility(
                f"gerbang-{gate}",
                "gate",
                f"Gerbang {gate}",
                tuple(Device(_device(n), Adapter.SENML, MINUTE) for n in range(gate, self.devices, self.facilities)),
                needs=Needs.ALL,
                grace=self.graces[gate > 0],
            )
            for gate in range(self.facilities)
        )
        return Village(
            self.code(number),
            f"Desa {number}",
            -8.2,
            114.3,
            "Asia/Jakarta",
            gates,
            remote=True,
            offline_after=self.offline_after,
            uplink=self.uplink(number),
        )


class Gateways:
    """The gateways of a district, in a thread. `shut` holds the devices, as (village, device), that say closed.

    `first_round`: seconds in which every device reports, and every gateway beats, for the first time. `together`: a
    gateway's heartbeat takes along what its devices reported since the one before.
    """

    def __init__(
        self,
        district: District,
        port: int,
        shut: Iterable[tuple[int, int]] = (),
        *,
        first_round: float = 60.0,
        together: bool = False,
    ) -> None:
        self.district = district
        self._first_round, self._together = first_round, together
        self.shut = set(shut)
        self.sent = self.readings = self.bytes = 0
        """Batches in all, their readings, and their bytes with MQTT's own."""
        self.latest = 0.0
        """Seconds by which a batch was sent after it was due, at most, since `forget`."""
        self.busy = 0.0
        """Processor time of the thread since `forget`, seconds."""
        self._since, self._sent_before = time.monotonic(), 0
        self._epoch = str(uuid.uuid4())
        self._lost = 0
        self._lost_at: dict[int, int] = {}
        self._numbering = threading.Lock()
        self._at_once: deque[tuple[int, int]] = deque()
        self._ending = threading.Event()
        self._wire = Wire(port)
        self._thread = threading.Thread(target=self._run, name="gateways", daemon=True)

    @contextmanager
    def running(self) -> Iterator["Gateways"]:
        """Send until the end of the block."""
        self._thread.start()
        try:
            yield self
        finally:
            self.end()
            self._wire.close()

    def end(self) -> None:
        """Send nothing more."""
        self._ending.set()
        self._thread.join(10)

    def close_gate(self, village: int, device: int) -> float:
        """Let a device say at once that its gate is closed, and from now on; the monotonic second of it."""
        self.shut.add((village, device))
        now = time.monotonic()
        self._at_once.append((village, device))
        return now

    def open_gate(self, village: int, device: int) -> None:
        """Let a device say at once that its gate is open, and from now on."""
        self.shut.discard((village, device))
        self._at_once.append((village, device))

    def lose(self, villages: int) -> None:
        """From now on the first `villages` are without a link: the broker publishes their last wills, then nothing."""
        before, self._lost = self._lost, villages
        for village in range(before, villages):
            self._lost_at[village] = time.time_ns() // 1_000_000
            self._status(village, "offline")

    def mend(self, villages: int) -> None:
        """All but the first `villages` of the lost have their link again, and send what they kept meanwhile."""
        before, self._lost = self._lost, villages
        for village in range(villages, before):
            self._status(village, "online")
            self._send(village, list(self._kept(village)))

    def forget(self) -> None:
        """Begin to measure the load itself anew."""
        self.latest, self.busy, self._since, self._sent_before = 0.0, 0.0, time.monotonic(), self.sent

    @property
    def rate(self) -> float:
        """Batches sent a second since `forget`."""
        return (self.sent - self._sent_before) / (time.monotonic() - self._since)

    @property
    def share(self) -> float:
        """The share of one core that sending takes."""
        return self.busy / (time.monotonic() - self._since)

    def _run(self) -> None:
        """Each device in its turn, village after village, so that a village's are spread over the minute."""
        places = self.district.villages * self.district.devices
        began, turn, beats = time.monotonic(), 0, 0
        spent = time.thread_time()
        while not self._ending.wait(TICK):
            while self._at_once:
                self._say(*self._at_once.popleft())
            elapsed = time.monotonic() - began
            due = self._due(beats / self.district.villages, BEAT) if self._together else self._due(turn / places, 60)
            self.latest = max(self.latest, elapsed - due)
            while not self._together and self._due(turn / places, MINUTE / 1000) <= elapsed:
                device, village = divmod(turn % places, self.district.villages)
                self._say(village, device)
                turn += 1
            while self._due(beats / self.district.villages, BEAT) <= elapsed:
                self._beat(*divmod(beats, self.district.villages))
                beats += 1
            self._wire.flush()
            spent, before = time.thread_time(), spent
            self.busy += spent - before

    def _due(self, rounds: float, every: float) -> float:
        """When so many rounds are over, seconds from the beginning; a round takes `every`, the first one less."""
        first = min(self._first_round, every)
        return rounds * first if rounds < 1 else first + (rounds - 1) * every

    def _say(self, village: int, device: int) -> None:
        self._send(village, [self._reading(village, device, time.time_ns() // 1_000_000)])

    def _beat(self, turn: int, village: int) -> None:
        now = time.time_ns() // 1_000_000
        self._send(village, [*self._came(turn, village, now), Reading("gw", "alive", now, True)])

    def _came(self, turn: int, village: int, now: int) -> Iterator[Reading]:
        """What a village's devices reported since the last heartbeat: half of them each time, all of them at first."""
        places = range(self.district.devices) if self._together else range(0)
        half = len(places) // 2
        for device in places if turn == 0 else places[half:] if turn % 2 else places[:half]:
            ago = BEAT * 1000 * (half - device % half) // (half + 1) if turn else 0
            yield self._reading(village, device, now - ago)

    def _kept(self, village: int) -> Iterator[Reading]:
        """What a gateway without a link kept: its heartbeats, and a report of each device a minute."""
        lost, now = self._lost_at[village], time.time_ns() // 1_000_000
        for at in range(lost, now, BEAT * 1000):
            yield Reading("gw", "alive", at, True)
        yield Reading("gw", "alive", now, True)
        for device in range(self.district.devices):
            for at in range(lost + device * MINUTE // self.district.devices, now, MINUTE):
                yield self._reading(village, device, at)

    def _reading(self, village: int, device: int, at: int) -> Reading:
        return Reading(_device(device), "gate_open", at, (village, device) not in self.shut)

    def _send(self, village: int, readings: Sequence[Reading]) -> None:
        if village < self._lost:
            return
        with self._numbering:
            self.sent += 1
            batch = BatchId(self._epoch, self.sent)
        payload = encode_batch(batch, time.time_ns() // 1_000_000, readings)
        self.readings += len(readings)
        self.bytes += self._wire.publish(batch_topic(self.district.code(village), "gw"), payload)

    def _status(self, village: int, state: str) -> None:
        self._wire.publish(
            gateway_status_topic(self.district.code(village), "gw"), orjson.dumps({"state": state}), retain=True
        )


class Wire:
    """One MQTT 3.1.1 session that only publishes, with QoS 1; another thread throws the broker's answers away."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        name = f"load-{random.randrange(10**9)}".encode()
        self._socket.sendall(_packet(0x10, b"\0\4MQTT\4\2\0\0" + struct.pack(">H", len(name)) + name))
        if self._socket.recv(4) != b"\x20\x02\x00\x00":
            raise RuntimeError("the broker did not accept the load's session")
        self._lock = threading.Lock()
        self._out: list[bytes] = []
        self._id = 0
        self._reader = threading.Thread(target=self._drain, name="load's answers", daemon=True)
        self._reader.start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Put a message into the next `flush`. Any thread. Returns its bytes on the wire."""
        name = topic.encode()
        with self._lock:
            self._id = self._id % 65_535 + 1
            head = struct.pack(f">H{len(name)}sH", len(name), name, self._id)
            self._out.append(_packet(0x33 if retain else 0x32, head + payload))
            return len(self._out[-1])

    def flush(self) -> None:
        """Send what was published."""
        with self._lock:
            out, self._out = self._out, []
        if out:
            self._socket.sendall(b"".join(out))

    def close(self) -> None:
        """Say good-bye."""
        self._socket.sendall(b"\xe0\x00")
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(5)
        self._socket.close()

    def _drain(self) -> None:
        while self._socket.recv(65_536):
            pass


def _packet(kind: int, body: bytes) -> bytes:
    """A control packet: its length takes one to four bytes of seven bits each."""
    length, digits = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (128 if length else 0))
        if not length:
            return bytes([kind]) + digits + body


def _device(number: int) -> str:
    return f"gerbang-{number}"
