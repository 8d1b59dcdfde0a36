"""A batch that the line to the centre cannot carry is not sent at its size for ever."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.sender import SMALLEST, SPLIT_AFTER
from tests.gateway.places import CODE, NOW, device, village
from tests.gateway.yard import Yard

SENML = f"siaga/v1/{CODE}/pos-1/senml"
BACKLOG = 3_000


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path, [village(("night_guard", [device("pos-1", "senml")]))])
    yield yard
    yard.buffer._db.close()


class NarrowLine:
    """Carries no message over `widest` bytes: the connection breaks over it."""

    def __init__(self, yard: Yard, widest: int) -> None:
        self.widest = widest
        self.broken = 0
        self.bytes = 0
        self._yard = yard
        yard.centre_side.before_publish = self._carry

    def _carry(self, _topic: str, payload: bytes) -> bool:
        self.bytes += len(payload)
        if len(payload) <= self.widest:
            return True
        self.broken += 1
        return False

    def work(self, seconds: int) -> None:
        """Let time pass; where a message was too large the connection breaks and comes back."""
        for _ in range(seconds):
            broken = self.broken
            self._yard.after(1)
            if self.broken > broken:
                self._yard.centre_side.cut()
                self._yard.centre_side.restore()


def test_a_backlog_gets_through_in_parts_and_later_batches_are_large_again(yard: Yard) -> None:
    yard.turn()
    yard.centre_side.cut()
    for first in range(0, BACKLOG, 100):
        records = [
            {"n": "uptime", "v": 7 * n**2 % 99_991, "t": (NOW - BACKLOG + n) / 1000} for n in range(first, first + 100)
        ]
        yard.say(SENML, json.dumps(records))
        yard.take()
    yard.gateway.tick()
    yard.centre_side.restore()
    line = NarrowLine(yard, widest=3_000)
    line.work(120)
    assert line.broken >= SPLIT_AFTER
    assert len(yard.centre.values("pos-1", "uptime")) == BACKLOG, "all of it arrives"
    assert all(
        value == 7 * (time - NOW + BACKLOG) ** 2 % 99_991 for time, value in yard.centre.values("pos-1", "uptime")
    )
    yard.after(10)
    assert yard.buffer.readings < 3, "and is forgotten"
    seqs = [each.seq for _, each in yard.centre.batches]
    assert len(set(seqs)) < BACKLOG / SMALLEST * 4

    line.widest = 10**9
    before = len({each.seq for _, each in yard.centre.batches})
    yard.centre_side.cut()
    for first in range(0, 4 * BACKLOG, 100):
        records = [{"n": "uptime", "v": n, "t": (NOW + 200_000 + first + n) / 1000} for n in range(100)]
        yard.say(SENML, json.dumps(records))
        yard.take()
    yard.gateway.tick()
    yard.centre_side.restore()
    yard.after(60)
    assert len({each.seq for _, each in yard.centre.batches}) - before < 40, "sizes grow again"
    assert yard.buffer.readings < 3  # a heartbeat


def test_of_two_values_at_one_time_in_a_batch_that_is_split_the_later_one_stays(yard: Yard) -> None:
    yard.turn()
    yard.centre_side.cut()
    for value in (1, 2):
        for first in range(0, 800, 100):
            records = [
                {"n": "uptime", "v": value * 1_000 + n, "t": (NOW + n) / 1000} for n in range(first, first + 100)
            ]
            yard.say(SENML, json.dumps(records))
            yard.take()
    yard.gateway.tick()
    yard.centre_side.restore()
    line = NarrowLine(yard, widest=1_500)
    line.work(120)
    assert line.broken >= SPLIT_AFTER
    assert yard.centre.values("pos-1", "uptime") == [(NOW + n, 2_000 + n) for n in range(800)]
    yard.after(10)
    assert yard.buffer.readings < 3  # a heartbeat


def test_a_split_batch_survives_a_crash(yard: Yard) -> None:
    yard.turn()
    yard.centre_side.cut()
    for first in range(0, 1_600, 100):
        records = [{"n": "uptime", "v": 3 * n**2 % 9_973, "t": (NOW + n) / 1000} for n in range(first, first + 100)]
        yard.say(SENML, json.dumps(records))
        yard.take()
    yard.gateway.tick()
    yard.centre_side.restore()
    NarrowLine(yard, widest=1_500).work(40)
    yard.kill()
    yard.start()
    yard.after(60)
    assert len(yard.centre.values("pos-1", "uptime")) == 1_600
    assert yard.buffer.readings < 3  # a heartbeat
