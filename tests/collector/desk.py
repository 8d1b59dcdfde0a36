"""A collector on a broker in memory, a real DuckDB and a real SQLite, run step by step; and handwritten payloads."""

import gzip
import json
import uuid
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from collector import Collector, CollectorMetrics, Deduplication, Intake, Refusals, RegistryCache
from collector.unknown_devices import Unknown
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.database import connect
from siaga.database.quarantine import Quarantine
from siaga.database.registry import Registry
from siaga.database.unknown_devices import UnknownDevices
from siaga.model.clock import ManualClock
from siaga.model.observation import Arrival, Point
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.telemetry import RefusedPoint, StoreUnavailable, TelemetryStore, Write
from tests.schema import with_tables
from tests.stores import empty_store

CLIFF, SHORE, NOWHERE = "35.10.15.2012", "35.10.15.2013", "99.99.99.9999"
NOW = 1_764_000_000_000
T = NOW // 1000
EPOCH = str(uuid.UUID(int=7))


def village(code: str, *devices: str) -> Village:
    gate = Facility("gerbang", "gate", "Gerbang", tuple(Device(each, Adapter.SENML, 60_000) for each in devices))
    return Village(code, "Tebing", -8.2, 114.3, "Asia/Jakarta", (gate,), remote=True)


def topic(code: str = CLIFF, gateway: str = "gw", what: str = "batch") -> str:
    return f"siaga/v1/{code}/gateway/{gateway}/{what}"


def batch(seq: int, *records: object, epoch: object = EPOCH, packed: bool = False, **other: object) -> bytes:
    """Returns a batch in the format of the contract."""
    text = json.dumps({"epoch": epoch, "seq": seq, "sent": T, "senml": list(records), **other}).encode()
    return gzip.compress(text) if packed else text


def gate(time: float, value: object = True, device: str = "gerbang-1") -> dict[str, object]:
    """Returns a record of the gate's state."""
    return {"n": f"{device}/gate_open", "t": time, "vb": value}


class FaultyStore:
    """The given store with faults.

    `away`: refuses every write. `bug`: fails on points of that device. `full`: has no room for points of that device,
    because of a limit of the server.
    """

    def __init__(self, store: TelemetryStore) -> None:
        self._store = store
        self.away = False
        self.bug: str | None = None
        self.full: str | None = None
        self.writes: list[tuple[Sequence[Point], Sequence[Arrival]]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def write(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Sequence[RefusedPoint]:
        if self.away:
            raise StoreUnavailable("the store is away")
        if any(point.device == self.bug for point in points):
            raise KeyError("a mistake of ours")
        over = [point for point in points if point.device == self.full]
        self.writes.append((points, arrivals))
        refused = self._store.write([point for point in points if point not in over], arrivals)
        return [*refused, *(RefusedPoint(point, "limit exceeded: (100000)", for_good=False) for point in over)]

    def prepare(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Write:
        return lambda: self.write(points, arrivals)


class Desk:
    """One collector, the gateways' side of its broker, and the databases that it writes to."""

    def __init__(self, directory: Path, *, max_readings: int = 1000) -> None:
        self.clock = ManualClock(NOW)
        self.engine: Engine = connect(f"sqlite:///{directory}/siaga.db")
        with_tables(self.engine)
        self.registry = Registry(self.engine)
        self.registry.replace([village(CLIFF, "gerbang-1", "gerbang-2"), village(SHORE, "gerbang-1")], NOW)
        self.quarantine = Quarantine(self.engine)
        self.store = empty_store()
        self.faulty = FaultyStore(self.store)
        self.broker = MemoryBroker()
        self.transport = MemoryTransport(self.broker, "collector", clean=False)
        self.gateways = MemoryTransport(self.broker, "gateways")
        self.gateways.subscribe("siaga/v1/+/gateway/+/ack")
        self.metrics = CollectorRegistry()
        counted = CollectorMetrics(self.metrics)
        self.known = RegistryCache(self.registry, self.clock)
        self.refusals = Refusals(self.quarantine, self.clock, counted)
        self.unknown = Unknown(UnknownDevices(self.engine), self.clock, counted)
        deduplication = Deduplication()
        self.collector = Collector(
            self.faulty,  # type: ignore[arg-type]  # it passes on what it does not have
            Intake(self.known, self.refusals, self.unknown, deduplication),
            self.refusals,
            deduplication,
            self.transport,
            self.clock,
            counted,
            max_readings=max_readings,
        )
        self.collector.subscribe()

    def publish(self, payload: bytes, to: str | None = None) -> None:
        self.gateways.publish(to or topic(), payload)

    def acks(self) -> list[tuple[str, str, int]]:
        """Returns what was acknowledged since the last call: village, epoch, seq."""
        found = []
        while message := self.gateways.receive(0):
            self.gateways.acknowledge(message)
            ack = json.loads(message.payload)
            assert ack.keys() == {"epoch", "seq"}
            found.append((message.topic.split("/")[2], ack["epoch"], ack["seq"]))
        return found

    def seqs(self) -> list[int]:
        return [seq for _, _, seq in self.acks()]

    def unacknowledged(self) -> int:
        """Returns how many messages the broker still keeps for the collector: queued, or without a PUBACK."""
        return self.broker.kept("collector")

    def stored(self, code: str = CLIFF) -> dict[tuple[str, str], list[tuple[float, object]]]:
        """Returns all observations of a village, by device and signal: times in seconds, and values."""
        tracks = self.store.tracks(code, 0, 4_000_000_000_000)
        return {
            key: [(time / 1000, value) for time, value in zip(track.times, track.values, strict=True)]
            for key, track in tracks.items()
        }

    def quarantined(self) -> list[tuple[str, str]]:
        """Returns topic and reason of each entry of the quarantine, oldest first."""
        while self.refusals.flush():
            pass
        return [(item.topic, item.reason) for item in reversed(self.quarantine.items(limit=1000))]

    def counted(self, name: str) -> float:
        return self.metrics.get_sample_value(name) or 0.0

    def close(self) -> None:
        self.store.close()
        self.engine.dispose()
