"""What the alert engine does on one core in steady state: batches of six readings, each with its acknowledgement.

1,000 villages of 20 devices, a reading a minute each, which travel six in a batch, as repetitions may. Messages come
as from a queue, as many at a turn as the engine takes. One reading in 500 is a change of state. What counts is CPU time
of one core.
"""

import time
import tracemalloc
import uuid
from collections.abc import Iterator
from itertools import islice

from api.engine.engine import AlertEngine
from api.engine.service import AT_ONCE
from bench.figure import Figure, at_least, at_most
from bench.watched_gates import DEVICES, START, code_of, gate_of, open_all, watching
from siaga.model.clock import MINUTE, ManualClock
from siaga.model.observation import Reading
from siaga.mqtt import Message
from siaga.wire.batch import BatchId, encode_ack, encode_batch
from siaga.wire.topics import ack_topic, batch_topic

__all__ = ["run"]

VILLAGES, TOGETHER = 1_000, 6
CHANGES = 500
"""One reading in so many is a change of state."""
WARM_UP, MINUTES = 4, 3
AIM_BATCHES, AIM_KB = 10_000, 1.5


def run(together: int = TOGETHER, minutes: int = MINUTES) -> list[Figure]:
    """Feed the engine for some simulated minutes."""
    with watching(VILLAGES) as (engine, clock):
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        open_all(engine)
        opened = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        messages = _messages(START + MINUTE, together)
        _feed(engine, clock, messages, WARM_UP)
        spent, batches, readings = _feed(engine, clock, messages, minutes)
    return [
        at_least("batches on one core", batches / spent, "batches/s", AIM_BATCHES, "each with its acknowledgement"),
        Figure("readings on one core", readings / spent, "readings/s"),
        at_most("memory of one device that was opened", opened / VILLAGES / DEVICES / 1000, "kB", AIM_KB),
    ]


def _feed(
    engine: AlertEngine, clock: ManualClock, messages: Iterator[tuple[int, int, Message]], minutes: int
) -> tuple[float, int, int]:
    """Returns the CPU time, s, of some minutes of messages, and how many batches and readings were among them."""
    until, spent, batches, readings = clock.now() + minutes * MINUTE, 0.0, 0, 0
    while clock.now() < until:
        some = list(islice(messages, AT_ONCE))
        clock.advance(max(0, some[-1][0] - clock.now()))
        began = time.process_time()
        for _, _, message in some:
            engine.receive(message)
        engine.tick()
        spent += time.process_time() - began
        batches += sum(count > 0 for _, count, _ in some)
        readings += sum(count for _, count, _ in some)
    return spent, batches, readings


def _messages(start: int, together: int) -> Iterator[tuple[int, int, Message]]:
    """Each device once a minute, a batch of some a time; each gateway's heartbeat every 30 s. Villages take turns."""
    epoch, seq = str(uuid.UUID(int=1)), 0
    names = [gate_of(device) for device in range(DEVICES)]
    kept: dict[int, list[Reading]] = {village: [] for village in range(VILLAGES)}
    wanted = {village: village // DEVICES % together + 1 for village in range(VILLAGES)}  # not all in one moment
    step = MINUTE / (VILLAGES * DEVICES)
    for number in range(10**9):
        turn, village = divmod(number % (VILLAGES * DEVICES), VILLAGES)
        device = (turn + village) % DEVICES
        at = start + int(number * step)
        waiting = kept[village]
        is_open = (number // (VILLAGES * DEVICES) + device * 37 + village * 11) % CHANGES not in (0, 1)
        waiting.append(Reading(names[device], "gate_open", at, is_open))
        if device % (DEVICES // 2) == 0:
            waiting.append(Reading("gw", "alive", at, True))
        if len(waiting) >= wanted[village]:
            some, kept[village], wanted[village] = waiting, [], together
            batch = BatchId(epoch, seq := seq + 1)
            yield at + 50, len(some), Message(batch_topic(code_of(village), "gw"), encode_batch(batch, at, some))
            yield at + 50, 0, Message(ack_topic(code_of(village), "gw"), encode_ack(batch))


if __name__ == "__main__":
    for figure in run():
        print(figure)
