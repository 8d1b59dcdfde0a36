"""What one batch costs the alert engine: 2,000 devices, a reading a minute each, one batch a reading.

The engine is the production one on a clock that is moved by hand, with SQLite and an empty telemetry store; what it
spends is CPU time of one core. A quarter of the gates close and open again while it runs, so that states change, alerts
are raised and cleared, and history is written.
"""

import tempfile
import time
import tracemalloc
import uuid
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry

from api.engine.engine import AlertEngine
from api.engine.metrics import EngineMetrics
from api.engine.reader import InlineReader
from api.engine.tables import Tables
from bench.figure import Figure, at_most
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.database import connect, migrate
from siaga.database.registry import Registry
from siaga.model.clock import MINUTE, SECOND, ManualClock
from siaga.model.observation import Reading
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.mqtt import Message
from siaga.telemetry import open_store
from siaga.wire.batch import BatchId, encode_batch
from siaga.wire.topics import batch_topic

__all__ = ["run"]

VILLAGES, DEVICES = 100, 20
LIMIT_MS = 0.75
"""40,000 devices make 667 batches a second; half a core has 0.75 ms for each."""
START = 1_772_700_000_000


def run(minutes: int = 12) -> list[Figure]:
    """Feed the engine for some simulated minutes."""
    with tempfile.TemporaryDirectory() as directory:
        database = connect(f"sqlite:///{directory}/siaga.db")
        migrate(database)
        registry = Registry(database)
        registry.replace([_village(number) for number in range(VILLAGES)], START)
        store = open_store(f"duckdb:///{Path(directory) / 'telemetry.duckdb'}")
        clock = ManualClock(START)
        engine = AlertEngine(
            registry,
            Tables(database),
            clock,
            MemoryTransport(MemoryBroker(), "engine"),
            InlineReader(store),
            metrics=EngineMetrics(CollectorRegistry()),
        )
        engine.open()
        engine.tick()
        while engine.store_sync.busy:
            engine.tick()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        _feed(engine, clock, _messages(START + MINUTE, 2))
        memory = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        began = time.process_time()
        batches = _feed(engine, clock, _messages(START + 3 * MINUTE, minutes))
        spent = time.process_time() - began
        store.close()
        database.dispose()
    return [
        at_most("CPU time of one batch", spent / batches * 1000, "ms", LIMIT_MS),
        Figure("memory of one device after two minutes", memory / VILLAGES / DEVICES / 1000, "kB"),
    ]


def _feed(engine: AlertEngine, clock: ManualClock, messages: Iterator[tuple[int, Message]]) -> int:
    count = 0
    for at, message in messages:
        clock.advance(max(0, at - clock.now()))
        engine.receive(message)
        engine.tick()
        count += 1
    return count


def _messages(start: int, minutes: int) -> Iterator[tuple[int, Message]]:
    """Each device once a minute, evenly spread; each gateway's heartbeat every 30 s with the reading that is due."""
    epoch, step = str(uuid.UUID(int=start)), MINUTE // (VILLAGES * DEVICES)
    for number in range(minutes * VILLAGES * DEVICES):
        device, village = divmod(number % (VILLAGES * DEVICES), VILLAGES)
        at = start + number * step
        minute = (at - START) // MINUTE
        is_open = device % 4 != 0 or minute % 8 < 4
        readings = [Reading(f"gerbang-{device}", "gate_open", at, is_open)]
        if device % (DEVICES // 2) == 0:
            readings.append(Reading("gw", "alive", at, True))
        payload = encode_batch(BatchId(epoch, number), at, readings)
        yield at + 50, Message(batch_topic(_code(village), "gw"), payload)


def _village(number: int) -> Village:
    facilities = tuple(
        Facility(f"gerbang-{n}", "gate", "Gerbang", (Device(f"gerbang-{n}", Adapter.SENML, MINUTE),), grace=20 * SECOND)
        for n in range(DEVICES)
    )
    return Village(_code(number), "Desa", -8.2, 114.3, "Asia/Jakarta", facilities, remote=True)


def _code(number: int) -> str:
    return f"35.10.{number // 100 + 1:02d}.{2000 + number % 100}"


if __name__ == "__main__":
    for figure in run():
        print(figure)
