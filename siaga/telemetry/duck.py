"""The embedded telemetry store: one DuckDB file, for `siaga up` on one machine.

It is a long table without an index. Rows are appended in bulk, and compressed to about five bytes per observation. Only
a row that is not newer than its series' last one may exist already. Those are found by a scan, which the file's min/max
metadata shortens. Measured with 8 million rows: 300,000 observations appended per second, 50,000 late ones in 0.2 s, a
tenth of the size of the same table with a primary key.
"""

import threading
import time as clock
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import duckdb

from siaga.model.clock import DAY, HOUR
from siaga.model.observation import Arrival, Point, Recalled, Track, TrackKey
from siaga.model.signals import SIGNALS, SignalType, Value
from siaga.telemetry import RefusedPoint, SeriesPoint, StoreUnavailable, Write
from siaga.telemetry.duck_note import NOTED, forget_note, note_series, read_series, without
from siaga.telemetry.duck_series import NEVER, Append, KnownSeries, Series
from siaga.telemetry.gathering import Gathering
from siaga.telemetry.refusal import sift, united

__all__ = ["DuckStore"]

MEMORY_LIMIT = "128MB"
"""DuckDB's memory limit. All of `siaga up` stays under 500 MB."""
THREADS = 2
NOTE_EVERY = 3600.0
"""Seconds after which the first and last observations are written down again."""
ROWS = 20_000
"""Rows of one INSERT or one fetch. They are held twice, in Python and in DuckDB."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
    id INTEGER NOT NULL, village VARCHAR NOT NULL, device VARCHAR NOT NULL, signal VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS observation (
    series INTEGER NOT NULL, time BIGINT NOT NULL, received BIGINT NOT NULL, whole BIGINT, number DOUBLE
);
CREATE TABLE IF NOT EXISTS arrival (
    village VARCHAR NOT NULL, gateway VARCHAR NOT NULL, received BIGINT NOT NULL, first BIGINT NOT NULL,
    last BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS hourly (
    series INTEGER NOT NULL, hour BIGINT NOT NULL, count BIGINT NOT NULL, minimum DOUBLE NOT NULL, mean DOUBLE NOT NULL,
    maximum DOUBLE NOT NULL, last DOUBLE NOT NULL
);
"""
# `hourly` has what is left of observations that retention deleted.
# `whole` has booleans, events and integers; `number` has floats. Times are ms.

_ADD_SERIES = """
INSERT INTO series SELECT unnest($1::INTEGER[]), unnest($2::VARCHAR[]), unnest($3::VARCHAR[]), unnest($4::VARCHAR[])
"""
_DELETE_LATE = """
DELETE FROM observation USING (SELECT unnest($1::INTEGER[]) AS series, unnest($2::BIGINT[]) AS time) AS late
WHERE observation.series = late.series AND observation.time = late.time AND observation.time BETWEEN $3 AND $4
"""
_APPEND = """
INSERT INTO observation SELECT unnest($1::INTEGER[]), unnest($2::BIGINT[]), unnest($3::BIGINT[]),
unnest($4::BIGINT[]), unnest($5::DOUBLE[])
"""
_NOTE = """
INSERT INTO arrival SELECT DISTINCT new.* FROM (
    SELECT unnest($1::VARCHAR[]) AS village, unnest($2::VARCHAR[]) AS gateway, unnest($3::BIGINT[]) AS received,
    unnest($4::BIGINT[]) AS first, unnest($5::BIGINT[]) AS last) AS new
ANTI JOIN arrival USING (village, gateway, received, first, last)
"""
_WITHIN = """
SELECT series, time, whole, number FROM observation
WHERE series IN (SELECT unnest($1::INTEGER[])) AND time >= $2 AND time < $3
"""
_STEPS = """
SELECT time - ((time % $4) + $4) % $4 AS step, sum(count)::BIGINT, min(minimum), sum(mean * count) / sum(count),
max(maximum), arg_max(last, time)
FROM (SELECT time, 1 AS count, value AS minimum, value AS mean, value AS maximum, value AS last
      FROM (SELECT time, coalesce(number, whole::DOUBLE) AS value FROM observation
            WHERE series = $1 AND time >= $2 AND time < $3)
      UNION ALL
      SELECT hour, count, minimum, mean, maximum, last FROM hourly WHERE series = $1 AND hour >= $2 AND hour < $3)
GROUP BY step ORDER BY step
"""
_SUMMARISE = """
INSERT INTO hourly SELECT new.* FROM (
    SELECT series, time - ((time % $3) + $3) % $3 AS hour, count(*) AS count, min(value) AS minimum,
    avg(value) AS mean, max(value) AS maximum, arg_max(value, time) AS last
    FROM (SELECT series, time, coalesce(number, whole::DOUBLE) AS value FROM observation WHERE time >= $1 AND time < $2)
    GROUP BY ALL) AS new
ANTI JOIN hourly USING (series, hour)
"""
# What comes for an hour that has its summary already is not added: it may be the same readings again.


TABLES = ("series", "observation", "arrival", "hourly")
"""What a copy consists of: a Parquet file for each. One that was made before there were summaries lacks `hourly`."""


class DuckStore:
    """A `TelemetryStore` in a file that only this object may use. One writer at a time, with concurrent readers."""

    def __init__(self, path: str) -> None:
        self._path = path
        # A unique configuration makes DuckDB refuse a second opening, even within this process. Otherwise the series
        # in memory would not be exact.
        self._config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "threads": THREADS,
            "custom_user_agent": f"siaga/{uuid.uuid4()}",
        }
        self._writing = threading.Lock()
        self._knowing = threading.Lock()
        self._known = KnownSeries()
        self._received = -NEVER
        """The latest received time in the file."""
        self._mark: int | None = None
        """What was received from this time on is not in the note; `None` if there is no note."""
        self._noted_at = clock.monotonic()
        self._exact = True
        """Whether the series in memory agree with the file: not while observations are being deleted day by day."""
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._closed = False

    @classmethod
    def open(cls, url: str) -> "DuckStore":
        """Returns the store of `duckdb:///PATH`, creating it if necessary. A fourth slash makes the path absolute.

        Raises:
            ValueError: the URL has no path.
            StoreUnavailable: the file is in use, or cannot be opened or created.
        """
        path = url.removeprefix("duckdb:///")
        if path == url or not path:
            raise ValueError("the store URL has no path: expected duckdb:///PATH, with a fourth slash if absolute")
        store = cls(path)
        with store._writing:
            store._open()
        return store

    def _open(self) -> duckdb.DuckDBPyConnection:
        """Returns the connection. Opens it at first, and after a fatal failure. The caller holds `_writing`."""
        if self._connection is not None:
            return self._connection
        if self._closed:
            raise StoreUnavailable(f"the telemetry file {self._path} has been closed")
        try:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            connection = duckdb.connect(self._path, config=self._config)
        except (duckdb.Error, OSError) as error:
            raise self._unavailable("opened", error) from error
        try:
            connection.execute(_SCHEMA + NOTED)
            self._learn(connection)
        except duckdb.Error as error:
            connection.close()
            raise self._unavailable("opened", error) from error
        self._connection = connection
        return connection

    def _learn(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Load the state of each series from the file into memory."""
        known, self._received, self._mark = read_series(connection)
        self._exact = True
        with self._knowing:
            self._known = known

    def _note(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write down the state of each series, for the next opening. Within a transaction."""
        if not self._exact:
            return
        self._mark = note_series(connection, self._known, self._received)
        self._noted_at = clock.monotonic()

    def _forget_before(self, connection: duckdb.DuckDBPyConnection, time: int) -> None:
        """Follow the deletion of all observations before a time. Within its transaction."""
        changed = without(connection, self._known, time)
        with self._knowing:
            self._known.take(changed)
        self._exact = True
        self._note(connection)

    def _unavailable(self, verb: str, error: Exception) -> StoreUnavailable:
        said = " ".join(str(error).split())[:300]
        if "Conflicting lock" in said or "different configuration" in said:
            return StoreUnavailable(
                f"the telemetry file {self._path} is in use by another process or service: the embedded store belongs "
                f"to one; for several, set SIAGA_STORE_URL to an InfluxDB ({said})"
            )
        return StoreUnavailable(f"the telemetry file {self._path} cannot be {verb}: {said}")

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Run a transaction: all writes in it are durable afterwards, or none. The caller holds `_writing`."""
        connection = self._open()
        try:
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        except duckdb.Error as error:
            # After a failed commit (full disk), DuckDB may not work any more. So after any failure, the next call
            # opens the file again, which replays the WAL.
            self._connection = None
            connection.close()
            raise self._unavailable("written", error) from error
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yields a cursor that sees what is committed, concurrently with the writer."""
        connection = self._connection
        if connection is None:
            with self._writing:
                connection = self._open()
        try:
            with connection.cursor() as cursor:
                yield cursor
        except duckdb.Error as error:
            if isinstance(error, duckdb.FatalException):  # DuckDB does not work until the file is opened again
                with self._writing:
                    if self._connection is connection:
                        self._connection = None
                        connection.close()
            raise self._unavailable("read", error) from error

    def write(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Sequence[RefusedPoint]:
        """See `TelemetryStore.write`."""
        return self.prepare(points, arrivals)()

    def prepare(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Write:
        """See `TelemetryStore.prepare`."""
        sound, refused = sift(united(points))
        return partial(self._append, sound, arrivals, refused)

    def _append(
        self, sound: Sequence[Point], arrivals: Sequence[Arrival], refused: Sequence[RefusedPoint]
    ) -> Sequence[RefusedPoint]:
        with self._writing:
            with self._transaction() as connection:
                rows = self._known.append(sound)
                outdated = self._mark is not None and min(rows.received, default=NEVER) < self._mark
                if outdated:  # an opening would not see these rows
                    forget_note(connection)
                _append(connection, rows)
                if arrivals:
                    connection.execute(_NOTE, [list(column) for column in zip(*arrivals, strict=True)])
            with self._knowing:
                self._known.take(rows.changed)
            if outdated:
                self._mark = None
            self._received = max(self._received, max(rows.received, default=-NEVER))
            if clock.monotonic() - self._noted_at >= NOTE_EVERY:
                with self._transaction() as connection:
                    self._note(connection)
        return refused

    def latest(
        self,
        village: str,
        device: str,
        *,
        known: Mapping[TrackKey, int] | None = None,  # noqa: ARG002 - in memory nothing is far away
    ) -> Mapping[str, tuple[int, Value]]:
        """See `TelemetryStore.latest`."""
        return {name: at for (of, name), at in self.latest_of_village(village).items() if of == device}

    def latest_of_village(self, village: str) -> Mapping[TrackKey, tuple[int, Value]]:
        """See `TelemetryStore.latest_of_village`."""
        return {key: (series.last, series.value) for key, series in self._stored(village).items()}

    def first_times(
        self,
        village: str,
        *,
        known: Mapping[TrackKey, int] | None = None,  # noqa: ARG002 - as above
    ) -> Mapping[TrackKey, int]:
        """See `TelemetryStore.first_times`."""
        return {key: series.first for key, series in self._stored(village).items()}

    def _stored(self, village: str) -> dict[TrackKey, Series]:
        """Returns the series of a village that have observations."""
        with self._reading(), self._knowing:
            return {key: series for key, series in self._known.of(village).items() if series.first <= series.last}

    def tracks(
        self,
        village: str,
        start: int,
        end: int,
        *,
        signals: Collection[str] | None = None,
    ) -> Mapping[TrackKey, Track]:
        """See `TelemetryStore.tracks`."""
        wanted = {
            series.id: key
            for key, series in self._stored(village).items()
            if (signals is None or key[1] in signals) and series.first < end and series.last >= start
        }
        if not wanted or start >= end:
            return {}
        found: dict[int, Gathering] = {}
        with self._reading() as cursor:
            _gather(cursor.execute(_WITHIN, [list(wanted), start, end]), wanted, found)
        return {wanted[number]: gathering.track() for number, gathering in found.items()}

    def recall(
        self,
        villages: Sequence[str],
        start: int,
        end: int,
        *,
        signals: Collection[str] | None = None,
        known: Mapping[str, Mapping[TrackKey, int]] | None = None,  # noqa: ARG002 - as above
    ) -> Mapping[str, Recalled]:
        """See `TelemetryStore.recall`."""
        return {
            village: Recalled(
                self.tracks(village, start, end, signals=signals),
                self.latest_of_village(village),
                self.first_times(village),
            )
            for village in villages
        }

    def series(self, village: str, device: str, signal: str, start: int, end: int, step: int) -> Sequence[SeriesPoint]:
        """See `TelemetryStore.series`."""
        with self._reading() as cursor:
            with self._knowing:
                series = self._known.of(village).get((device, signal))
            if series is None:
                return []
            return [SeriesPoint(*row) for row in cursor.execute(_STEPS, [series.id, start, end, step]).fetchall()]

    def arrivals(self, since: int) -> Sequence[Arrival]:
        """See `TelemetryStore.arrivals`."""
        with self._reading() as cursor:
            rows = cursor.execute("SELECT * FROM arrival WHERE received >= $1 ORDER BY received", [since]).fetchall()
        return [Arrival(*row) for row in rows]

    def is_empty(self) -> bool:
        """See `TelemetryStore.is_empty`."""
        with self._reading() as cursor:
            return not cursor.execute("SELECT 1 FROM observation LIMIT 1").fetchall()

    def drop_before(self, time: int) -> None:
        """See `TelemetryStore.drop_before`. It deletes now; DuckDB's next checkpoint frees the space in the file."""
        with self._writing, self._transaction() as connection:
            connection.execute("DELETE FROM observation WHERE time < $1", [time])
            connection.execute("DELETE FROM hourly WHERE hour < $1", [time])
            connection.execute("DELETE FROM arrival WHERE received < $1", [time])
            self._forget_before(connection, time)

    def thin(self, before: int) -> None:
        """See `TelemetryStore.thin`. It goes day by day, so that a write waits no longer than for one day."""
        before -= before % HOUR
        with self._reading() as cursor:
            earliest = cursor.execute("SELECT min(time) FROM observation WHERE time < $1", [before]).fetchall()[0][0]
        for start in range(before if earliest is None else earliest - earliest % DAY, before, DAY):
            day = [start, min(start + DAY, before)]
            with self._writing, self._transaction() as connection:
                self._exact, self._mark = False, None
                forget_note(connection)
                connection.execute(_SUMMARISE, [*day, HOUR])
                connection.execute("DELETE FROM observation WHERE time >= $1 AND time < $2", day)
        with self._writing, self._transaction() as connection:
            connection.execute("DELETE FROM arrival WHERE received < $1", [before])
            self._forget_before(connection, before)

    def shows_after(self) -> int:
        """See `TelemetryStore.shows_after`."""
        return 0

    def kept_for(self) -> int | None:
        """See `TelemetryStore.kept_for`. Only `thin` deletes."""
        return None

    def copy(self, directory: Path) -> None:
        """Write a copy of all that is stored at one moment into an existing directory, while others go on to write.

        Raises:
            StoreUnavailable: the store cannot be read, or the directory not be written.
        """
        with self._reading() as cursor:
            cursor.execute("BEGIN")
            for table in TABLES:
                target = str(directory / f"{table}.parquet").replace("'", "''")
                cursor.execute(f"COPY {table} TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
            cursor.execute("COMMIT")

    def load(self, directory: Path) -> int:
        """Take over a copy into this store, which must be empty. Returns the number of observations.

        Raises:
            StoreUnavailable: the copy cannot be read, or the store is not empty.
        """
        with self._writing, self._transaction() as connection:
            if connection.execute("SELECT count(*) FROM series").fetchall() != [(0,)]:
                raise StoreUnavailable(f"the telemetry file {self._path} is not empty")
            for table in TABLES:
                source = directory / f"{table}.parquet"
                if table == "hourly" and not source.exists():
                    continue  # it was made by a siaga that had no retention
                if not source.exists():
                    raise StoreUnavailable(f"the copy holds no {source.name}, which every copy of the store has")
                connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM read_parquet($1)", [str(source)])  # noqa: S608
            self._learn(connection)
            return int(connection.execute("SELECT count(*) FROM observation").fetchall()[0][0])

    def check(self) -> None:
        """See `TelemetryStore.check`."""
        with self._reading() as cursor:
            cursor.execute("SELECT count(*) FROM series").fetchall()

    def close(self) -> None:
        """See `TelemetryStore.close`. Waits for a running write."""
        with self._writing:
            self._closed = True
            if self._connection is not None:
                with suppress(StoreUnavailable), self._transaction() as connection:
                    self._note(connection)
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _append(connection: duckdb.DuckDBPyConnection, rows: Append) -> None:
    """Insert the rows, replacing those of the same series and time."""
    if rows.new:
        connection.execute(_ADD_SERIES, [list(column) for column in zip(*rows.new, strict=True)])
    if rows.late_times:
        earliest, latest = min(rows.late_times), max(rows.late_times)
        connection.execute(_DELETE_LATE, [rows.late_series, rows.late_times, earliest, latest])
    columns = rows.series, rows.times, rows.received, rows.whole, rows.number
    for start in range(0, len(rows.times), ROWS):
        connection.execute(_APPEND, [column[start : start + ROWS] for column in columns])


def _gather(answer: duckdb.DuckDBPyConnection, wanted: Mapping[int, TrackKey], found: dict[int, Gathering]) -> None:
    """Add the rows (`series, time, whole, number`) to their tracks."""
    flags = {number for number, (_, signal) in wanted.items() if SIGNALS[signal].type is SignalType.BOOL}
    while rows := answer.fetchmany(ROWS):
        for series, time, whole, number in rows:
            gathering = found.get(series)
            if gathering is None:
                gathering = found[series] = Gathering()
            gathering.times.append(time)
            gathering.values.append(number if whole is None else whole == 1 if series in flags else whole)
