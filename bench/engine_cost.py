"""What one batch costs the alert engine: 2,000 devices, a reading a minute each, one batch a reading.

What it spends is CPU time of one core. A quarter of the gates close and open again while it runs, so that states
change, alerts are raised and cleared, and history is written.
"""

import time
import tracemalloc
import uuid
from collections.abc import Iterator

from api.engine.engine import AlertEngine
from bench.figure import Figure, at_most
from bench.watched_gates import DEVICES, START, code_of, gate_of, open_all, watching
from siaga.model.clock import MINUTE, ManualClock
from siaga.model.observation import Reading
from siaga.mqtt import Message
from siaga.wire.batch import BatchId, encode_batch
from siaga.wire.topics import batch_topic

__all__ = ["run"]

VILLAGES = 100
LIMIT_MS = 0.75
"""40,000 devices make 667 batches a second; half a core has 0.75 ms for each."""


def run(minutes: int = 12) -> list[Figure]:
    """Feed the engine for some simulated minutes."""
    with watching(VILLAGES) as (engine, clock):
        open_all(engine)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        _feed(engine, clock, _messages(START + MINUTE, 2))
        memory = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        began = time.process_time()
        batches = _feed(engine, clock, _messages(START + 3 * MINUTE, minutes))
        spent = time.process_time() - began
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
        readings = [Reading(gate_of(device), "gate_open", at, is_open)]
        if device % (DEVICES // 2) == 0:
            readings.append(Reading("gw", "alive", at, True))
        payload = encode_batch(BatchId(epoch, number), at, readings)
        yield at + 50, Message(batch_topic(code_of(village), "gw"), payload)


if __name__ == "__main__":
    for figure in run():
        print(figure)
