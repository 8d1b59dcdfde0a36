"""Two days of a village on a simulated clock: a real gateway and a real alert engine between brokers in memory.

Devices have jitter, lose messages and have bad links; the central link, the gateway and the broker fail. No device is
called silent that was not.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from api.engine import engine
from gateway import Buffer, Gateway, GatewayMetrics
from gateway.time_sync import TimeSync
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.database import tables
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from siaga.model.observation import Arrival, Point
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.mqtt import Message
from siaga.wire.batch import LIVE_EDGE, BatchId, decode_batch, encode_ack
from siaga.wire.topics import ack_topic, parse_topic
from tests.alerts.world import CODE, Centre, TestStore, World

EVERY = (2 * MINUTE, 5 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE)
TRULY_SILENT = ("d1", 30 * HOUR, 33 * HOUR)
"""This one's cable is pulled, and put back."""


class Gathering(Centre):
    """A centre that writes many batches at once, as the collector does: two days are about 20,000 batches."""

    def __init__(self, broker: MemoryBroker, store: TestStore, clock: ManualClock, villages: Sequence[Village]) -> None:
        super().__init__(broker, store, clock, villages)
        self._points: list[Point] = []

    def _store_one(self, message: Message) -> None:
        topic = parse_topic(message.topic)
        received = self._clock.now()
        batch = decode_batch(message.payload, CODE, received, self.devices[CODE])
        assert batch.refused_count == 0
        self._points += batch.points
        late = batch.first is not None and batch.first < received - LIVE_EDGE
        if late or len(self._points) > 2_000:
            arrivals = [Arrival(CODE, "gw", received, batch.first or 0, batch.last or 0)] if late else []
            self._store.write(self._points, arrivals)  # type: ignore[operator] # the door hands everything on
            self._points = []
        self._transport.publish(ack_topic(CODE, "gw"), encode_ack(BatchId(batch.id.epoch, batch.id.seq)))
        assert topic.village == CODE


@dataclass
class Node:
    """A device that reports at an interval with jitter."""

    device: Device
    due: int
    last: int


class TwoDays:
    def __init__(self, path: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        devices = tuple(Device(f"d{n}", Adapter.SENML, every) for n, every in enumerate(EVERY))
        gate = Facility("gerbang", "gate", "Gerbang", devices)
        place = Village(CODE, "Tamansuruh", -8.2, 114.31, "Asia/Jakarta", (gate,), True, 5 * MINUTE)
        self.world = World(path, place)
        self.clock = self.world.clock
        self.world.centre = Gathering(self.world.broker, self.world.store, self.clock, [place])
        self.start_at = self.clock.now()
        self.place, self._path = place, path / "gateway.db"
        self.devices = MemoryBroker()
        self.nodes = [Node(each, self.start_at + self.chance.randrange(each.every), self.start_at) for each in devices]
        self.events: list[tuple[int, str]] = []
        self.spoke: dict[str, list[int]] = {each.id: [self.start_at] for each in devices}
        self.alive = False
        self.start()

    def start(self) -> None:
        self.village_side = MemoryTransport(self.devices, "gateway", clean=False)
        self.centre_side = MemoryTransport(self.world.broker, "gateway-uplink")
        self.buffer = Buffer(self._path)
        self.buffer._db.execute("PRAGMA synchronous=OFF")  # nobody cuts the power here
        time_sync = TimeSync(self.clock, "boot", lambda: False)
        self.gateway = Gateway(
            [self.place],
            self.village_side,
            self.centre_side,
            self.buffer,
            self.clock,
            self.chance,
            GatewayMetrics(CollectorRegistry()),
            flush_after=2 * SECOND,
            time_sync=time_sync,
        )
        self.alive = True

    def kill(self) -> None:
        self.alive = False
        for transport in (self.village_side, self.centre_side):
            transport.cut()
            transport.close()
        self.buffer._db.close()

    def plan(self) -> None:
        """The link fails every few hours, for minutes or hours; the gateway is killed; its broker is restarted."""
        at = self.start_at + HOUR
        while at < self.start_at + 2 * DAY:
            fault, mend, longest = self.chance.choice(
                (
                    ("cut", "mend", 3 * HOUR),
                    ("kill", "start", 20 * MINUTE),
                    ("broker stops", "broker starts", 5 * MINUTE),
                )
            )
            lasts = self.chance.randrange(10 * SECOND, longest)
            self.events += [(at, fault), (at + lasts, mend)]
            at += lasts + self.chance.randrange(20 * MINUTE, 5 * HOUR)

    def strike(self, what: str) -> None:
        match what:
            case "cut":
                self.centre_side.cut()
            case "mend":
                self.centre_side.restore()
            case "kill":
                self.kill()
            case "start":
                self.start()
            case "broker stops":
                self.devices.stop()
            case "broker starts":
                self.devices.start()

    def report(self, node: Node) -> None:
        now = self.clock.now()
        name, begin, end = TRULY_SILENT
        silent = node.device.id == name and self.start_at + begin <= now < self.start_at + end
        if not silent and self.chance.random() > 0.03:  # the radio loses some
            self.spoke[node.device.id].append(now)
            self.devices.publish(
                f"siaga/v1/{CODE}/{node.device.id}/senml", f'[{{"n":"gate_open","vb":true,"t":{now / 1000}}}]'.encode()
            )
        node.due = now + round(node.device.every * self.chance.uniform(0.7, 1.3))

    def turn(self) -> int:
        """Run one step of each part. Returns when the next step is due."""
        due = 2**62
        if self.alive:
            while not self.gateway.full and (message := self.village_side.receive(0)) is not None:
                self.gateway.receive(message)
            while (message := self.centre_side.receive(0)) is not None:
                self.gateway.hear(message)
            due = self.clock.now() + self.gateway.tick() - self.clock.monotonic()
        self.world.settle()
        alerts = self.world.engine.tick()
        return min(due, 2**62 if alerts is None else alerts)

    def run(self) -> None:
        self.plan()
        while self.clock.now() < self.start_at + 2 * DAY:
            due, now = self.turn(), self.clock.now()
            reports = [node.due for node in self.nodes] if self.devices.running else []  # without the broker they wait
            coming = min([due, *reports, *(at for at, _ in self.events[:1])])
            self.clock.advance(max(1, min(coming - now, 30 * SECOND)))
            while self.events and self.events[0][0] <= self.clock.now():
                self.strike(self.events.pop(0)[1])
            if self.devices.running:
                for node in self.nodes:
                    if node.due <= self.clock.now():
                        self.report(node)

    def silences(self) -> list[tuple[str, int]]:
        with self.world.database.connect() as connection:
            rows = connection.execute(select(tables.alert.c.device, tables.alert.c.raised_at, tables.alert.c.kind))
            return [(str(device), int(raised)) for device, raised, kind in rows if kind == "device_silent"]


def test_two_days_in_which_nobody_is_called_silent_who_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "REGISTRY_POLL", 5 * MINUTE)  # it never changes; polling is most of the work
    story = TwoDays(tmp_path, 2026)
    story.run()
    silences = story.silences()
    for device, raised in silences:
        name = device.rpartition("/")[2]
        every = next(node.device.every for node in story.nodes if node.device.id == name)
        last = max(time for time in story.spoke[name] if time <= raised)
        assert raised - last > 3 * every + 10 * MINUTE - SECOND, f"{name} was called silent and had spoken"
    assert any(device.endswith("d1") for device, _ in silences), "who was silent is"
    assert sum(map(len, story.spoke.values())) > 2_000
