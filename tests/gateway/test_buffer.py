"""The buffer, compared with a model of it; and what a kill or a full disk does to it."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.buffer import Buffer, FormedBatch, OnlineState
from gateway.buffer_file import BufferUnavailable
from siaga.model.observation import Reading
from tests.wait import until

VILLAGES = st.sampled_from(["11.01.01.2001", "35.10.15.2012"])
READINGS = st.lists(
    st.one_of(
        st.builds(
            Reading, st.sampled_from("abc"), st.just("gate_open"), st.integers(10**12, 2 * 10**12), st.booleans()
        ),
        st.builds(Reading, st.sampled_from("abc"), st.just("power"), st.integers(10**12, 2 * 10**12), st.floats(-9, 9)),
        st.builds(Reading, st.just("gw"), st.just("uptime"), st.integers(10**12, 2 * 10**12), st.integers(0, 2**62)),
    ),
    max_size=5,
)


class Model(RuleBasedStateMachine):
    """Committed readings survive a crash, others are lost; a batch always holds the same readings."""

    @initialize()
    def make(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "buffer.sqlite"
        self.buffer = Buffer(self.path)
        self.waiting: dict[str, list[Reading]] = {}
        self.flying: dict[FormedBatch, list[Reading]] = {}
        self.seqs: dict[str, int] = {}
        self.epochs: dict[str, str] = {}
        self.latest: dict[tuple[str, str, str], Reading] = {}
        self.keep()

    def keep(self) -> None:
        self.kept = (
            {v: list(r) for v, r in self.waiting.items()},
            dict(self.flying),
            dict(self.seqs),
            dict(self.epochs),
        )

    @rule(village=VILLAGES, readings=READINGS)
    def add(self, village: str, readings: list[Reading]) -> None:
        run = self.buffer.add(village, readings)
        assert (run is None) == (not readings)
        if run is not None:
            assert run[1] - run[0] + 1 == len(readings)
        waiting = self.waiting.setdefault(village, [])
        for reading in readings:
            before = self.latest.get((village, reading.device, reading.signal))
            if before is not None and before.time == reading.time:
                waiting[:] = [each for each in waiting if each is not before]
            own = Reading(*reading)
            self.latest[village, reading.device, reading.signal] = own
            waiting.append(own)
        epoch = self.buffer.epoch(village)
        assert epoch is not None
        assert self.epochs.setdefault(village, epoch) == epoch

    @rule(village=VILLAGES, limit=st.integers(1, 7), backfill=st.booleans())
    def form(self, village: str, limit: int, backfill: bool) -> None:
        fresh = self.buffer.fresh(village) if backfill else 0
        batch = self.buffer.form(village, limit, backfill=backfill)
        if backfill and batch is None:
            return
        if backfill and fresh:
            assert batch is not None
            readings = self.buffer.read(batch)
            self.take(village, batch, readings)
            return
        waiting = self.waiting.get(village, [])
        if not waiting:
            assert batch is None
            return
        assert batch is not None
        readings = self.buffer.read(batch)
        assert readings == waiting[-len(readings) :], "the newest go first"
        assert 1 <= len(readings) <= limit
        self.take(village, batch, readings)

    def take(self, village: str, batch: FormedBatch, readings: list[Reading]) -> None:
        waiting = self.waiting[village]
        start = next(n for n in range(len(waiting), -1, -1) if waiting[n : n + len(readings)] == readings)
        del waiting[start : start + len(readings)]
        self.seqs[village] = self.seqs.get(village, 0) + 1
        assert (batch.seq, batch.epoch) == (self.seqs[village], self.epochs[village])
        self.flying[batch] = readings

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        batch = data.draw(st.sampled_from(list(self.flying)))
        assert self.buffer.acknowledged(batch.village, batch.epoch, batch.seq)
        del self.flying[batch]

    @rule(village=VILLAGES, seq=st.integers(900, 999))
    def acknowledge_what_is_not_there(self, village: str, seq: int) -> None:
        assert not self.buffer.acknowledged(village, self.epochs.get(village, "?"), seq)
        assert not self.buffer.acknowledged(village, "another epoch", 1)

    @rule()
    def commit(self) -> None:
        self.buffer.commit()
        self.keep()

    def back(self) -> None:
        waiting, flying, seqs, epochs = self.kept
        self.waiting = {village: list(readings) for village, readings in waiting.items()}
        self.flying, self.seqs, self.epochs = dict(flying), dict(seqs), dict(epochs)
        self.latest = {}

    @rule()
    def roll_back(self) -> None:
        self.buffer.roll_back()
        self.back()

    @rule()
    def crash(self) -> None:
        self.buffer._db.close()  # SQLite rolls back what was not committed, as after a kill
        self.buffer = Buffer(self.path)
        self.back()

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "buffer"):
            return
        assert {batch: self.buffer.read(batch) for batch in self.buffer.batches()} == self.flying
        in_all = sum(map(len, self.waiting.values())) + sum(map(len, self.flying.values()))
        assert self.buffer.readings == in_all
        for village, readings in self.waiting.items():
            assert self.buffer.unsent(village) >= len(readings)

    def teardown(self) -> None:
        if hasattr(self, "buffer"):
            self.buffer.close()
            self.directory.cleanup()


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "buffer.sqlite"


def test_a_full_buffer_gives_up_the_oldest_of_the_least_important(path: Path) -> None:
    buffer = Buffer(path, max_readings=320)
    for minute in range(100):
        time = 10**12 + minute
        buffer.add("v", [Reading("g", "gate_open", time, True), Reading("g", "rssi", time, -60.0)])
        buffer.add("v", [Reading("gw", "alive", time, True), Reading("g", "power", time, 1.0)])
    buffer.commit()
    left: dict[str, list[int]] = {}
    while (batch := buffer.form("v", 1000)) is not None:
        for reading in buffer.read(batch):
            left.setdefault(reading.signal, []).append(reading.time - 10**12)
    buffer.close()
    assert left["gate_open"] == left["alive"] == left["power"] == list(range(100))
    assert left.get("rssi", []) == list(range(100 - len(left.get("rssi", [])), 100)), "the newest are left"
    assert buffer.thinned == 100 - len(left.get("rssi", []))
    assert buffer.readings <= 320
    assert Buffer(path).thinned == buffer.thinned, "the count outlives the process"


def test_batches_are_not_formed_of_what_is_gone(path: Path) -> None:
    buffer = Buffer(path, max_readings=10)
    buffer.add("v", [Reading("g", "rssi", 10**12 + n, -1.0) for n in range(8)])
    buffer.add("v", [Reading("g", "gate_open", 10**12 + n, True) for n in range(10)])
    batch = buffer.form("v", 100)
    assert batch is not None
    assert {reading.signal for reading in buffer.read(batch)} == {"gate_open"}
    assert buffer.form("v", 100) is None


def test_what_is_known_of_sessions_survives(path: Path) -> None:
    buffer = Buffer(path)
    states = {
        ("v", "a"): OnlineState(True, 5, False),
        ("v", "b"): OnlineState(False, 6, False),
        ("w", "a"): OnlineState(None, 7, True),
    }
    for (village, device), state in states.items():
        buffer.remember(village, device, OnlineState(True, 1, False))
        buffer.remember(village, device, state)
    buffer.close()
    assert Buffer(path).online() == states


def test_a_full_disk_is_said_and_leaves_what_was_safe(path: Path) -> None:
    buffer = Buffer(path)
    buffer.add("v", [Reading("g", "gate_open", 10**12, True)])
    buffer.commit()
    pages = buffer._db.execute("PRAGMA page_count").fetchone()[0]
    buffer._db.execute(f"PRAGMA max_page_count = {pages + 1}")
    many = [Reading(f"d{n}", "power", 10**12 + n, 1.0) for n in range(2000)]
    with pytest.raises(BufferUnavailable, match=r"buffer\.sqlite"):
        buffer.add("v", many)
    assert buffer.readings == 1
    buffer._db.execute("PRAGMA max_page_count = 100000")
    assert buffer.add("v", many) is not None, "with room again it takes the same again"
    buffer.commit()
    batch = buffer.form("v", 3000)
    assert batch is not None
    assert len(buffer.read(batch)) == 2001


def test_a_file_that_is_no_buffer_is_one_sentence(path: Path) -> None:
    path.write_bytes(b"photographs" * 1000)
    with pytest.raises(BufferUnavailable, match="not a database"):
        Buffer(path)


_WRITER = """
import sys
from pathlib import Path
from gateway.buffer import Buffer
from siaga.model.observation import Reading
buffer = Buffer(Path(sys.argv[1]))
number = 0
while True:
    buffer.add("v", [Reading("d", "uptime", 10**12 + number + n, number + n) for n in range(7)])
    number += 7
    formed = buffer.form("v", 10)
    buffer.commit()
    sys.stdout.write(f"{number} {formed.seq if formed else 0}\\n")
    sys.stdout.flush()
"""


def test_kill_at_any_instant_loses_nothing_that_was_committed(path: Path) -> None:
    for _ in range(2):
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        said = ""
        for _ in range(15):
            said = writer.stdout.readline() or said
        os.kill(writer.pid, signal.SIGKILL)
        said = (writer.stdout.read().rstrip("\n").rpartition("\n")[2] or said).strip()
        writer.wait()
        writer.stdout.close()
        numbers, seq = map(int, said.split())
        buffer = Buffer(path)
        batches = buffer.batches()
        while (batch := buffer.form("v", 10_000)) is not None:
            batches.append(batch)
        held = [reading.value for each in batches for reading in buffer.read(each)]
        assert set(range(numbers)) <= set(held), "all that was said to be safe is there"
        assert max(batch.seq for batch in batches) >= seq, "a number that was given is not given again"
        for batch in batches:
            buffer.acknowledged("v", batch.epoch, batch.seq)
        assert buffer.readings == 0
        buffer.close()
        until(lambda: not Path(f"{path}-wal").exists())
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
