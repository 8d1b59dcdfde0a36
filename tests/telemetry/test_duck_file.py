"""The embedded store and its file: which process owns it, what survives, and its errors."""

import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.observation import Arrival, Point, Track
from siaga.model.signals import Value
from siaga.telemetry import StoreUnavailable, open_store
from siaga.telemetry.duck import DuckStore
from siaga.telemetry.duck_note import MARGIN

T0 = 1_779_840_000_000
VILLAGE = "35.10.15.2012"


def point(time: int, device: str = "gerbang-1", **values: Value) -> Point:
    return Point(VILLAGE, device, T0 + time, T0, values)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a directory" / "telemetry.duckdb"


WRITER = f"""
import sys
from siaga.model.observation import Arrival, Point
from siaga.telemetry import open_store

store = open_store(sys.argv[1])
for batch in range(30):
    times = range({T0} + batch * 1000, {T0} + batch * 1000 + 1000)
    points = [Point("{VILLAGE}", "d", time, {T0}, {{"clients": time % 7, "lamp_on": True}}) for time in times]
    store.write(points, [Arrival("{VILLAGE}", "gw", {T0} + batch, 0, 1)])
    print(batch, flush=True)
sys.stdin.read()
"""


def test_what_a_write_returned_for_survives_a_kill(file: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, f"duckdb:///{file}"], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "17":
                process.send_signal(signal.SIGKILL)  # it may be in the middle of a later write
                break
        done = 17 + len(process.stdout.read().split())
    store = open_store(f"duckdb:///{file}")
    (clients, lamp) = store.tracks(VILLAGE, T0, T0 + DAY).values()
    assert len(clients.times) >= (done + 1) * 1000
    assert len(clients.times) % 1000 == 0, "a write is there whole or not at all"
    assert clients.times == lamp.times
    assert len(store.arrivals(0)) == len(clients.times) // 1000
    store.close()


def test_the_file_belongs_to_one_process(file: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, f"duckdb:///{file}"], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(StoreUnavailable, match=r"in use by another process.*SIAGA_STORE_URL to an InfluxDB"):
            open_store(f"duckdb:///{file}")
        process.kill()
    open_store(f"duckdb:///{file}").close()


def test_the_file_is_opened_once_within_a_process(file: Path) -> None:
    store = open_store(f"duckdb:///{file}")
    with pytest.raises(StoreUnavailable, match="in use"):
        open_store(f"duckdb:///{file}")
    store.close()
    open_store(f"duckdb:///{file}").close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("nothing of the kind " * 1_000)
    with pytest.raises(StoreUnavailable, match=f"{tmp_path}/junk cannot be opened"):
        open_store(f"duckdb:///{tmp_path}/junk")
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_store(f"duckdb:///{tmp_path}/junk/telemetry.duckdb")


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """Limit the size of this process's files to `limit` bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_refuses_the_write_and_loses_nothing(file: Path) -> None:
    store = open_store(f"duckdb:///{file}")
    minutes = range(5_000)
    first = [point(minute * MINUTE, power=minute / 7) for minute in minutes]
    store.write(first)
    more = [point(minute * MINUTE, "other", power=minute / 3) for minute in minutes]
    with full_disk(64 * 1024):
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=r"telemetry\.duckdb cannot be"):
                store.write(more, [Arrival(VILLAGE, "gw", T0, T0, T0)])
    assert store.write(more) == []
    assert store.tracks(VILLAGE, T0, T0 + 5_000 * MINUTE) == {
        ("gerbang-1", "power"): Track([point.time for point in first], [minute / 7 for minute in minutes]),
        ("other", "power"): Track([point.time for point in more], [minute / 3 for minute in minutes]),
    }
    assert store.arrivals(0) == []
    assert store.latest(VILLAGE, "other") == {"power": (more[-1].time, 4_999 / 3)}
    store.close()


def test_a_closed_store_is_unavailable(file: Path) -> None:
    store = open_store(f"duckdb:///{file}")
    store.close()
    store.close()
    for call in (lambda: store.write([point(0, power=1.0)]), lambda: store.latest(VILLAGE, "x"), store.check):
        with pytest.raises(StoreUnavailable, match="has been closed"):
            call()


def test_old_telemetry_is_deleted(file: Path) -> None:
    store = open_store(f"duckdb:///{file}")
    store.write(
        [point(day * DAY, power=float(day)) for day in range(10)] + [point(0, "old", power=1.0)],
        [Arrival(VILLAGE, "gw", T0 + day * DAY, T0, T0) for day in range(10)],
    )
    store.drop_before(T0 + 4 * DAY)
    assert store.first_times(VILLAGE) == {("gerbang-1", "power"): T0 + 4 * DAY}
    assert store.latest(VILLAGE, "old") == {}
    assert [int(value) for value in store.tracks(VILLAGE, 0, T0 + DAY * 99)["gerbang-1", "power"].values] == [
        *range(4, 10)
    ]
    assert len(store.arrivals(0)) == 6
    store.write([point(DAY, "old", power=2.0), point(0, power=3.0)])
    assert store.latest(VILLAGE, "old") == {"power": (T0 + DAY, 2.0)}
    assert store.first_times(VILLAGE)["gerbang-1", "power"] == T0
    store.close()


def test_what_was_thinned_is_gone_but_for_its_summaries(file: Path) -> None:
    store = open_store(f"duckdb:///{file}")
    store.write([point(minute * MINUTE, power=float(minute)) for minute in range(0, 4 * 24 * 60, 5)])
    store.write([point(0, "old", power=1.0)])
    store.thin(T0 + 3 * DAY)
    assert store.first_times(VILLAGE) == {("gerbang-1", "power"): T0 + 3 * DAY}
    assert store.latest(VILLAGE, "old") == {}
    store.write([point(0, "old", power=1.0), point(MINUTE, power=1.0)])  # the same, or more, for hours that are done
    store.thin(T0 + 3 * DAY)
    store.close()
    store = open_store(f"duckdb:///{file}")
    hours = store.series(VILLAGE, "gerbang-1", "power", T0, T0 + 4 * DAY, HOUR)
    assert [each.count for each in hours] == [12] * 96
    assert [each.mean for each in store.series(VILLAGE, "old", "power", T0, T0 + DAY, DAY)] == [1.0]
    store.close()


def test_rewriting_does_not_fill_the_file(file: Path) -> None:
    store = open_store(f"duckdb:///{file}")
    points = [point(minute * MINUTE, power=minute / 7) for minute in range(2_000)]
    for _ in range(5):
        store.write(points)
    store.close()
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM observation").fetchone() == (2_000,)
        assert connection.execute("SELECT count(*) FROM series").fetchone() == (1,)


def state(file: Path, *, by_note: bool) -> list[object]:
    """Returns what an opening finds of each series, with the note or from all observations. The file stays as it is."""
    copy = file.with_suffix(".copy")
    for each in (copy, Path(f"{copy}.wal")):
        each.unlink(missing_ok=True)
    shutil.copy(file, copy)
    if Path(f"{file}.wal").exists():
        shutil.copy(f"{file}.wal", f"{copy}.wal")
    if not by_note:
        with duckdb.connect(str(copy)) as connection:
            connection.execute("DELETE FROM noted; DELETE FROM noted_until")
    store = DuckStore(str(copy))
    latest, first = store.latest_of_village(VILLAGE), store.first_times(VILLAGE)
    store.close()
    return [sorted((key, first[key], *latest[key]) for key in latest), sorted(first)]


WRITES = st.tuples(
    st.just("write"),
    st.lists(
        st.tuples(st.sampled_from(["gerbang-1", "lampu-1"]), st.integers(0, 30), st.floats(0, 100) | st.booleans()),
        min_size=1,
        max_size=4,
    ),
    st.integers(-3, 3),
)
STEPS = st.lists(
    WRITES
    | st.tuples(st.sampled_from(["thin", "drop"]), st.integers(0, 30))
    | st.tuples(st.sampled_from(["note", "open again"])),
    max_size=12,
)


@given(STEPS)
@settings(max_examples=25, deadline=None)
def test_an_opening_finds_by_its_note_what_all_observations_tell(steps: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "telemetry.duckdb"
        store = DuckStore.open(f"duckdb:///{file}")
        received = T0
        for verb, *what in steps:
            match verb, what:
                case "write", [list(readings), int(later)]:
                    received += later * MARGIN // 2
                    store.write(
                        [
                            Point(
                                VILLAGE,
                                device,
                                T0 + hour * HOUR,
                                received,
                                {"power" if isinstance(value, float) else "lamp_on": value},
                            )
                            for device, hour, value in readings
                        ]
                    )
                case "thin", [int(hour)]:
                    store.thin(T0 + hour * HOUR)
                case "drop", [int(hour)]:
                    store.drop_before(T0 + hour * HOUR)
                case "note", _:
                    with store._writing, store._transaction() as connection:
                        store._note(connection)
                case _:
                    store.close()
                    store = DuckStore.open(f"duckdb:///{file}")
            latest, first = store.latest_of_village(VILLAGE), store.first_times(VILLAGE)
            now = [sorted((key, first[key], *latest[key]) for key in latest), sorted(first)]
            assert state(file, by_note=True) == state(file, by_note=False) == now  # as after a kill
        store.close()


def test_an_opening_reads_only_what_came_since_the_note(file: Path) -> None:
    store = DuckStore.open(f"duckdb:///{file}")
    store.write([point(number * MINUTE, power=float(number)) for number in range(1_000)])
    store.close()
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("SELECT count(*) FROM noted").fetchall() == [(1,)]
        connection.execute("UPDATE observation SET received = $1, time = 5", [T0 - 2 * MARGIN])
    store = DuckStore.open(f"duckdb:///{file}")
    assert store.first_times(VILLAGE) == {("gerbang-1", "power"): T0}, "else it would be 5"
    store.close()
