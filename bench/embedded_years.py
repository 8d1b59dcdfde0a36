"""The embedded store (DuckDB) with a district's telemetry: size, opening, what is read and written, a month's rebuild.

200 villages with 20 devices each, three signals a minute, are 6.3 billion readings a year: too many for a measurement.
So two files are made, in the order in which a district's readings would have come. One has all villages for three days:
a village's readings lie as far apart in it as in a file of any length. The other has one village for five years, beside
its gateway's heartbeats: as many readings as a district has in nine days. What grows with the rows is told per row.

python -m bench embedded_years --villages 20 --days 1 --years 1      is smaller. It needs 2 GB of disk.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import duckdb

from bench.figure import Figure, at_most
from bench.load import DEVICES, SIGNALS_A_POINT, Load
from bench.processes import resident_mb
from siaga.database import connect, migrate
from siaga.database.registry import Registry
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock
from siaga.run.rebuild import rebuild
from siaga.run.settings import Settings
from siaga.telemetry.duck import DuckStore

__all__ = ["ALONE", "run"]

ALONE = True
"""It takes some minutes and much disk, so it is run where it is named."""
START = 1_764_000_000_000
MONTH = 30
A_MINUTE = DEVICES * SIGNALS_A_POINT
AT_ONCE = 20_000_000
"""Rows of one INSERT."""
OPENS_WITHIN = 1.0
"""Seconds, however many years the file holds."""
YEARLY = 365 * 24 * 60 * A_MINUTE
"""Readings of a village in a year."""

Made = TypeVar("Made")

_SERIES = """
INSERT INTO series SELECT i + 1, $2[i // 60 + 1], 'gerbang-' || (i // 3 % 20),
['gate_open', 'battery', 'rssi'][i % 3 + 1] FROM range($1) t(i)
"""
# A gate that is shut for a minute now and then, a battery that runs down, a radio that is never quite the same
_ROWS = """
INSERT INTO observation SELECT s + 1, moment, moment + 400 + (hash(m * 31 + s // 60) % 300)::BIGINT,
CASE WHEN s % 3 = 0 THEN (hash(m + s) % 288 <> 0)::BIGINT END,
CASE WHEN s % 3 = 1 THEN 60 + ((m // 30 + s) % 400) / 10.0
     WHEN s % 3 = 2 THEN -40.0 - (hash(m + s * 7) % 20)::DOUBLE END
FROM (SELECT i // $1 AS m, i % $1 AS s, $2 + i // $1 * 60000 + (i % $1 // 3 % 20) * 3000 + i % $1 // 60 AS moment
      FROM range($3, $4) t(i))
"""
_BEATS = """
INSERT INTO observation SELECT $1, $2 + i * 30000, $2 + i * 30000 + 200, 1, NULL FROM range($3) t(i)
"""


def run(options: Sequence[str] = ()) -> list[Figure]:
    parser = argparse.ArgumentParser("python -m bench embedded_years")
    parser.add_argument("--villages", type=int, default=200, help="of the district")
    parser.add_argument("--days", type=int, default=3, help="of the district")
    parser.add_argument("--years", type=float, default=5, help="of the one village")
    asked = parser.parse_args(options)
    with tempfile.TemporaryDirectory() as name:
        district = _measure(Path(name) / "district.duckdb", asked.villages, asked.days, "the district")
        village = _measure(Path(name) / "village.duckdb", 1, round(asked.years * 365), "the village")
    with tempfile.TemporaryDirectory() as name:
        return [*district, *village, _rebuild(Path(name))]


def _measure(path: Path, villages: int, days: int, what: str) -> list[Figure]:
    rows = _fill(path, villages, days)
    size = path.stat().st_size / rows
    five = 5 * 200 * YEARLY * size / 1e9
    without, _ = _taken(lambda: _open(path, forget=True).close())
    opened, store = _taken(lambda: _open(path))
    load, end = Load(villages, START), START + days * DAY
    village = load.code(villages // 2)
    reading, found = _taken(lambda: store.tracks(village, max(START, end - MONTH * DAY), end))
    readings = sum(len(track.times) for track in found.values())
    chart, _ = _taken(lambda: store.series(village, "gerbang-3", "battery", START, end, 6 * HOUR))
    minute = days * 24 * 60
    points = list(load.points(minute, minute + max(1, 30 * 200 // villages)))[:120_000]
    writing, _ = _taken(lambda: [store.write(points[at : at + 10_000]) for at in range(0, len(points), 10_000)])
    late = [point._replace(received=point.received + HOUR) for point in points[:10_000]]
    again, _ = _taken(lambda: store.write(late))
    store.close()
    note = f"{rows:,} readings"
    return [
        Figure(f"{what}: a reading", size, "bytes", note=f"{note}; a district over five years: {five:,.0f} GB"),
        at_most("  opening", opened, "s", OPENS_WITHIN, f"{resident_mb(os.getpid()):,.0f} MB resident in all"),
        Figure("  opening without the note, which an earlier siaga did not make", without, "s"),
        Figure("  a village's readings of a month", reading, "s", note=f"{readings:,} of them"),
        Figure("  a chart of one signal over all of it", chart, "s"),
        Figure("  written", len(points) * SIGNALS_A_POINT / writing, "readings/s", note="10,000 points at a time"),
        Figure("  written again an hour later, 10,000 points", again, "s"),
    ]


def _fill(path: Path, villages: int, days: int) -> int:
    """Make a file as the store itself would have it. Returns its readings."""
    _open(path).close()
    load, width = Load(villages, START), villages * A_MINUTE
    rows = width * days * 24 * 60
    with duckdb.connect(str(path)) as connection:
        connection.execute(_SERIES, [width, [load.code(number) for number in range(villages)]])
        for first in range(0, rows, AT_ONCE):
            connection.execute(_ROWS, [width, START, first, min(first + AT_ONCE, rows)])
    return rows


def _open(path: Path, *, forget: bool = False) -> DuckStore:
    if forget:
        with duckdb.connect(str(path)) as connection:
            connection.execute("DELETE FROM noted")
            connection.execute("DELETE FROM noted_until")
    return DuckStore.open(f"duckdb:///{path}")


def _rebuild(directory: Path) -> Figure:
    """`siaga rebuild` of a village with a month of readings: read, judged, written."""
    path, load = directory / "telemetry.duckdb", Load(1, START)
    _fill(path, 1, MONTH)
    with duckdb.connect(str(path)) as connection:
        beat = A_MINUTE + 1
        connection.execute("INSERT INTO series VALUES ($1, $2, 'gw', 'alive')", [beat, load.code(0)])
        connection.execute(_BEATS, [beat, START, MONTH * DAY // (30 * SECOND)])
    settings = Settings(data_dir=directory)
    engine = connect(settings.database)
    migrate(engine)
    Registry(engine).replace(load.sites(), START)
    engine.dispose()
    clock = ManualClock(START + MONTH * DAY + MINUTE)
    began = time.process_time()
    took, _ = _taken(lambda: rebuild(settings, threading.Event(), clock))
    engine = connect(settings.database)
    with engine.connect() as connection_:
        spans = connection_.exec_driver_sql("SELECT count(*) FROM span").scalar_one()
    engine.dispose()
    note = f"{spans:,} spans; {time.process_time() - began:.1f} s of processor"
    return Figure("a rebuild of a village's month, one facility with 20 devices", took, "s", note=note)


def _taken(work: Callable[[], Made]) -> tuple[float, Made]:
    began = time.perf_counter()
    made = work()
    return time.perf_counter() - began, made
