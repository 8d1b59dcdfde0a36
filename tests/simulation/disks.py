"""Disks that fill up, and processes that die at a commit: the gateway's buffer, the database, the telemetry store.

What was committed stays, what was not is gone: SQLite sees to the first two, on real files in memory.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from gateway.buffer import Buffer
from gateway.buffer_file import BufferUnavailable
from siaga.database import connect
from siaga.model.observation import Arrival, Point, Reading, Recalled, Track, TrackKey
from siaga.model.signals import Value
from siaga.telemetry import RefusedPoint, SeriesPoint, StoreUnavailable, Write
from tests.simulation.kernel import Kernel

__all__ = ["Disk", "DiskBuffer", "SimulatedStore", "open_database"]


@dataclass(slots=True)
class Disk:
    """What is wrong with a disk."""

    full: bool = False


class _Door:
    """A connection to a SQLite file behind which the disk may be full, and at which the process may die."""

    def __init__(
        self, inner: sqlite3.Connection, disk: Disk, touch: Callable[[str], None], committed: Callable[[], None]
    ) -> None:
        self._inner, self._disk, self._touch, self._committed = inner, disk, touch, committed

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        if sql == "COMMIT":
            self._touch("before commit")
        if self._disk.full and sql != "ROLLBACK" and not sql.startswith("SELECT"):
            raise sqlite3.OperationalError("database or disk is full")
        cursor = self._inner.execute(sql, *values)  # type: ignore[arg-type] # it hands everything on
        if sql == "COMMIT":
            self._committed()
            self._touch("after commit")
        return cursor

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


class DiskBuffer(Buffer):
    """The gateway's buffer on such a disk. `committed` is told of the readings that a commit made durable."""

    def __init__(
        self,
        path: Path,
        disk: Disk,
        touch: Callable[[str], None],
        make_epoch: Callable[[], str],
        committed: Callable[[str, Reading], None],
    ) -> None:
        self._disk, self._touch, self._told = disk, touch, committed
        self._added: list[tuple[str, Reading]] = []
        super().__init__(path, make_epoch=make_epoch, must_open=False)

    def add(self, village: str, readings: Iterable[Reading]) -> tuple[int, int] | None:
        readings = list(readings)
        self._added += [(village, reading) for reading in readings]
        return super().add(village, readings)

    def roll_back(self) -> None:
        self._added.clear()
        super().roll_back()

    def _are_safe(self) -> None:
        for village, reading in self._added:
            self._told(village, reading)
        self._added.clear()

    def reopen(self) -> None:
        self._added.clear()
        if self._disk.full:
            raise BufferUnavailable("the disk is full")
        super().reopen()
        self._db = cast("sqlite3.Connection", _Door(self._db, self._disk, self._touch, self._are_safe))


def open_database(path: Path, disk: Disk, touch: Callable[[str], None]) -> Engine:
    """The SQL database: away while its disk is full."""
    engine = connect(f"sqlite:///{path}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if disk.full:
            raise OperationalError("BEGIN", None, sqlite3.OperationalError("unable to open database file"))

    @event.listens_for(engine, "commit")
    def commit(connection: Connection) -> None:
        touch("before database commit")

    return engine


@dataclass(slots=True)
class StoreFault:
    """What is wrong with the telemetry store: it is away, or so many of the writes break off."""

    away: bool = False
    flaky: float = 0.0


class SimulatedStore:
    """A telemetry store in memory that keeps the promises of `siaga.telemetry.TelemetryStore`, and may be away.

    A write may fail before it began, after all of it was stored, or in the middle: then its arrivals are stored, and
    some of its points. A cluster shows what it acknowledged up to `shows_after` ms later (0: at once).
    """

    def __init__(self, kernel: Kernel, touch: Callable[[str], None], shows_after: int = 0) -> None:
        self._kernel, self._touch, self._shows_after = kernel, touch, shows_after
        self._hidden: dict[str, dict[TrackKey, dict[int, int]]] = {}
        """When (true time) a reading is shown that is not shown yet."""
        self.fault = StoreFault()
        self.tables: dict[str, dict[TrackKey, dict[int, Value]]] = {}
        self.received: dict[tuple[str, str, int], int] = {}
        self._order: dict[str, dict[TrackKey, list[int]]] = {}
        self._arrivals: list[Arrival] = []
        self._hidden_arrivals: dict[Arrival, int] = {}

    def seen_by(self, touch: Callable[[str], None]) -> "SimulatedStore":
        """The same store, as a process uses it that may die at any of its calls."""
        seen = copy(self)
        seen._touch = touch
        return seen

    def write(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Sequence[RefusedPoint]:
        self._touch("before write")
        self.check()
        fails = self._kernel.chance.random() < self.fault.flaky
        stored = list(points)
        if fails:
            stored = stored[: self._kernel.chance.choice([0, len(stored) // 2, len(stored)])]
        if not fails or stored or self._kernel.chance.random() < 0.5:
            new = [each for each in arrivals if each not in self._arrivals]
            self._arrivals.extend(new)
            if self._shows_after:
                self._hidden_arrivals.update((each, self._shown_at()) for each in new)
        for point in stored:
            self._put(point)
        if fails:
            raise StoreUnavailable("the store broke off in the middle")
        self._touch("after write")
        return []

    def prepare(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Write:
        return lambda: self.write(points, arrivals)

    def _put(self, point: Point) -> None:
        table = self.tables.setdefault(point.village, {})
        order = self._order.setdefault(point.village, {})
        for signal, value in point.values.items():
            key = (point.device, signal)
            if self._shows_after and point.time not in table.get(key, {}):
                self._hidden.setdefault(point.village, {}).setdefault(key, {})[point.time] = self._shown_at()
            table.setdefault(key, {})[point.time] = value
            order.pop(key, None)
        self.received.setdefault(
            (point.village, point.device, point.time), point.received
        )  # written twice, it was there

    def _shown_at(self) -> int:
        return self._kernel.time + self._kernel.chance.randint(0, self._shows_after)

    def has(self, village: str, device: str, signal: str, time: int) -> bool:
        """Whether a reading is stored."""
        return time in self.tables.get(village, {}).get((device, signal), {})

    def times(self, village: str, key: TrackKey) -> list[int]:
        """The event times of a track, in order."""
        order = self._order.setdefault(village, {})
        times = order.get(key)
        if times is None:
            times = order[key] = sorted(self.tables[village][key])
        return times

    def _shown(self, village: str) -> Iterator[tuple[TrackKey, list[int], dict[int, Value]]]:
        """Yields the tracks of a village as they are shown by now: event times in order, and values by time."""
        hidden = self._hidden.get(village, {})
        for key, observations in self.tables.get(village, {}).items():
            times = self.times(village, key)
            if key in hidden:
                hidden[key] = {time: shown for time, shown in hidden[key].items() if shown > self._kernel.time}
                times = [time for time in times if time not in hidden[key]]
                if not hidden[key]:
                    del hidden[key]
            if times:
                yield key, times, observations

    def latest(
        self,
        village: str,
        device: str,
        *,
        known: Mapping[TrackKey, int] | None = None,  # noqa: ARG002 - all of it is at hand
    ) -> Mapping[str, tuple[int, Value]]:
        return {key[1]: said for key, said in self.latest_of_village(village).items() if key[0] == device}

    def latest_of_village(self, village: str) -> Mapping[TrackKey, tuple[int, Value]]:
        self.check()
        return {key: (times[-1], observations[times[-1]]) for key, times, observations in self._shown(village)}

    def first_times(
        self,
        village: str,
        *,
        known: Mapping[TrackKey, int] | None = None,  # noqa: ARG002 - as above
    ) -> Mapping[TrackKey, int]:
        self.check()
        return {key: times[0] for key, times, _ in self._shown(village)}

    def tracks(
        self, village: str, start: int, end: int, *, signals: Collection[str] | None = None, lookback: int = 0
    ) -> Mapping[TrackKey, Track]:
        self.check()
        found = {}
        for key, times, observations in self._shown(village):
            if signals is None or key[1] in signals:
                part = Track(times, times).between(start - lookback, end).times
                if part:
                    found[key] = Track(list(part), [observations[time] for time in part])
        return found

    def recall(
        self,
        villages: Sequence[str],
        start: int,
        end: int,
        *,
        signals: Collection[str] | None = None,
        known: Mapping[str, Mapping[TrackKey, int]] | None = None,  # noqa: ARG002 - as above
    ) -> Mapping[str, Recalled]:
        return {
            village: Recalled(
                self.tracks(village, start, end, signals=signals),
                self.latest_of_village(village),
                self.first_times(village),
            )
            for village in villages
        }

    def series(self, village: str, device: str, signal: str, start: int, end: int, step: int) -> Sequence[SeriesPoint]:
        self.check()
        steps: dict[int, list[float]] = {}
        for time, value in sorted(self.tables.get(village, {}).get((device, signal), {}).items()):
            if start <= time < end:
                steps.setdefault(time // step * step, []).append(float(value))
        return [
            SeriesPoint(time, len(values), min(values), sum(values) / len(values), max(values), values[-1])
            for time, values in sorted(steps.items())
        ]

    def arrivals(self, since: int) -> Sequence[Arrival]:
        self.check()
        now, hidden = self._kernel.time, self._hidden_arrivals
        shown = (each for each in self._arrivals if each.received >= since and hidden.get(each, now) <= now)
        return sorted(shown, key=lambda each: each.received)

    def is_empty(self) -> bool:
        self.check()
        return not self.tables

    def drop_before(self, time: int) -> None:
        for village, table in self.tables.items():
            for key, observations in list(table.items()):
                table[key] = {at: value for at, value in observations.items() if at >= time}
                self._order.get(village, {}).pop(key, None)
                if not table[key]:
                    del table[key]

    def thin(self, before: int) -> None:
        self.drop_before(before)

    def shows_after(self) -> int:
        return self._shows_after

    def kept_for(self) -> int | None:
        return None

    def check(self) -> None:
        if self.fault.away:
            raise StoreUnavailable("the store is away")

    def close(self) -> None:
        return
