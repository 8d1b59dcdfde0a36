"""An alert engine that watches villages of gates, for the figures of the engine alone.

It is the production one, with SQLite on disk and an empty telemetry store, on a clock that is moved by hand.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from api.engine.engine import AlertEngine
from api.engine.metrics import EngineMetrics
from api.engine.reader import InlineReader
from api.engine.tables import Tables
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.database import connect, migrate
from siaga.database.registry import Registry
from siaga.model.clock import MINUTE, SECOND, ManualClock
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.telemetry import open_store

__all__ = ["DEVICES", "START", "code_of", "gate_of", "open_all", "watching"]

START = 1_772_700_000_000
DEVICES = 20
"""Gates of a village, each a facility with one device."""


@contextmanager
def watching(villages: int) -> Iterator[tuple[AlertEngine, ManualClock]]:
    """Yields an engine of so many villages, which is not open yet, and its clock."""
    with tempfile.TemporaryDirectory() as directory:
        database = connect(f"sqlite:///{directory}/siaga.db")
        migrate(database)
        registry = Registry(database)
        registry.replace([_village(number) for number in range(villages)], START)
        store = open_store(f"duckdb:///{Path(directory) / 'telemetry.duckdb'}")
        clock = ManualClock(START)
        transport = MemoryTransport(MemoryBroker(), "engine")
        metrics = EngineMetrics(CollectorRegistry())
        yield AlertEngine(registry, Tables(database), clock, transport, InlineReader(store), metrics=metrics), clock
        store.close()
        database.dispose()


def open_all(engine: AlertEngine) -> None:
    """Open an engine. Returns once it has read the memory of all villages."""
    engine.open()
    engine.tick()
    while engine.store_sync.busy:
        engine.tick()


def code_of(village: int) -> str:
    """Returns the code of a village by its number."""
    return f"35.10.{village // 100 + 1:02d}.{2000 + village % 100}"


def gate_of(device: int) -> str:
    """Returns the id of a gate, and of its device, by its number."""
    return f"gerbang-{device}"


def _village(number: int) -> Village:
    facilities = tuple(
        Facility(gate_of(n), "gate", "Gerbang", (Device(gate_of(n), Adapter.SENML, MINUTE),), grace=20 * SECOND)
        for n in range(DEVICES)
    )
    return Village(code_of(number), "Desa", -8.2, 114.3, "Asia/Jakarta", facilities, remote=True)
