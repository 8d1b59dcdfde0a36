"""A gateway between two brokers in memory, on a clock that only the test moves."""

import random
import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path

import orjson
from prometheus_client import CollectorRegistry

from gateway import Buffer, Gateway, GatewayMetrics
from gateway.buffer import FormedBatch
from gateway.time_sync import TimeSync
from gateway.unknown_devices import UnknownDevices
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.model.clock import ManualClock
from siaga.model.sites import Village
from siaga.mqtt.worker import turn
from siaga.wire.batch import BatchId, decode_batch, encode_ack
from siaga.wire.topics import ack_topic
from siaga.wire.unknown_device import UnknownDevice, decode_unknown
from tests.gateway.places import CODE, NOW


class Everybody:
    """A registry in which every id is a known device, and none is a gateway."""

    def __contains__(self, device: object) -> bool:
        return device != "gw"  # alive is a gateway's own


class Centre:
    """The centre: receives batches, and acknowledges them when told to."""

    def __init__(self, broker: MemoryBroker, clock: ManualClock) -> None:
        self.broker, self._clock = broker, clock
        self.transport = MemoryTransport(broker, "centre", clean=False)
        self.transport.subscribe("siaga/v1/+/gateway/+/+")
        self.acknowledging = True
        self.batches: list[tuple[str, BatchId]] = []
        self.stored: dict[tuple[str, str, str, int], object] = {}
        """Values by village, device, signal and time."""
        self.statuses: list[tuple[str, bytes]] = []
        self.refused: list[dict[str, object]] = []
        self.unknown: list[UnknownDevice] = []
        self.health: dict[str, dict[str, object]] = {}

    def listen(self) -> None:
        while (message := self.transport.receive(0)) is not None:
            _, _, village, _, gateway, channel = message.topic.split("/")
            match channel:
                case "batch":
                    batch = decode_batch(message.payload, village, self._clock.now(), Everybody())
                    assert batch.refused_count == 0, batch.refused
                    self.batches.append((village, batch.id))
                    for point in batch.points:
                        for signal, value in point.values.items():
                            self.stored[village, point.device, signal, point.time] = value
                    if self.acknowledging:
                        self.transport.publish(ack_topic(village, gateway), encode_ack(batch.id))
                case "status":
                    self.statuses.append((message.topic, message.payload))
                case "refused" if (device := decode_unknown(message.payload, village, gateway)) is not None:
                    self.unknown.append(device)
                case "refused":
                    self.refused.append(orjson.loads(message.payload))
                case "health":
                    self.health[village] = orjson.loads(message.payload)
            self.transport.acknowledge(message)

    def values(self, device: str, signal: str, village: str = CODE) -> list[tuple[int, object]]:
        """Returns the values of one signal at the centre, by time."""
        return sorted(
            (time, value)
            for (place, of, name, time), value in self.stored.items()
            if (place, of, name) == (village, device, signal)
        )


class TightDisk(Buffer):
    """A buffer whose disk the test can fill and empty again."""

    full = False

    def fill_up(self) -> None:
        self.full = True

    def make_room(self) -> None:
        self.full = False

    def _begin(self) -> None:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        super()._begin()


class Yard:
    """The gateway and what is around it; `after` lets time pass."""

    def __init__(self, directory: Path, villages: Sequence[Village], known: Collection[str] | None = None) -> None:
        self.clock = ManualClock(NOW)
        self.devices, self.district = MemoryBroker(), MemoryBroker()
        self.centre = Centre(self.district, self.clock)
        self.boot, self.awaits_time = "first boot", False
        self._path = directory / "buffer.sqlite"
        self._villages, self._known = villages, known
        self.start()

    def start(self) -> None:
        """Start the gateway's process."""
        self.village_side = MemoryTransport(self.devices, "gateway", clean=False)
        self.centre_side = MemoryTransport(self.district, "gateway")
        self.listener = MemoryTransport(self.devices, "gateway-unknown")
        self.buffer = TightDisk(self._path, must_open=False)
        self.metrics = GatewayMetrics(CollectorRegistry())
        self.gateway = Gateway(
            self._villages,
            self.village_side,
            self.centre_side,
            self.buffer,
            self.clock,
            random.Random(1),
            self.metrics,
            known=self._known,
            time_sync=TimeSync(self.clock, self.boot, lambda: self.awaits_time),
            unknown=UnknownDevices(self.listener, self.clock, self.metrics),
        )

    def kill(self) -> None:
        """`kill -9`: nothing is committed, nobody says good-bye."""
        for transport in (self.village_side, self.centre_side, self.listener):
            transport.cut()
            transport.close()
        self.buffer._db.close()

    def end(self) -> None:
        """End it cleanly."""
        self.gateway.close()
        self.village_side.close()
        self.centre_side.close()
        self.listener.close()
        self.buffer.close()

    def say(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """A device publishes."""
        self.devices.publish(topic, payload.encode() if isinstance(payload, str) else payload, retain=retain)

    def waiting(self, village: str) -> dict[tuple[str, str, str, int], object]:
        """Returns what is on disk and in no batch, as `Centre.stored` has it."""
        place = self.buffer._villages[village]
        runs = [FormedBatch(village, place.epoch, 0, first, last) for first, last in place.unsent]
        return {
            (village, device, signal, time): value
            for run in runs
            for device, signal, time, value in self.buffer.read(run)
        }

    def take(self) -> None:
        """Let the gateway read the messages that have arrived, without a commit."""
        while not self.gateway.full and (message := self.village_side.receive(0)) is not None:
            self.gateway.receive(message)
        while (message := self.centre_side.receive(0)) is not None:
            self.gateway.hear(message)

    def turn(self) -> None:
        """One turn of the gateway's loop, and of the centre's."""
        turn(self.gateway)
        self.centre.listen()

    def after(self, seconds: float, step: float = 0.25) -> None:
        """Let time pass, turn by turn."""
        for _ in range(round(seconds / step)):
            self.turn()
            self.clock.advance(round(step * 1000))
        self.turn()
        self.turn()
