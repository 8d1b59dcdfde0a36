"""What the embedded store notes of each series, so that an opening need not read years of observations.

The note has the first and last observation of each series, of all that was received before a mark. An opening adds what
was received since, which the file finds by its min/max metadata. Whoever stores something with an earlier received time
deletes the note in the same transaction. Without a note, an opening reads everything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from siaga.model.clock import DAY, MINUTE
from siaga.model.signals import SIGNALS, Value
from siaga.telemetry.duck_series import NEVER, KnownSeries, Series, typed

__all__ = ["MARGIN", "NOTED", "forget_note", "note_series", "read_series", "without"]

MARGIN = 10 * MINUTE
"""Received times before the latest one that are behind the mark, ms: writes are not in the order of them."""

NOTED = """
CREATE TABLE IF NOT EXISTS noted (
    series INTEGER NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL, whole BIGINT, number DOUBLE
);
CREATE TABLE IF NOT EXISTS noted_until (received BIGINT NOT NULL);
"""
_LOAD = """
SELECT series.id, village, device, signal, noted.first, noted.last, noted.whole, noted.number,
new.first, new.last, new.whole, new.number
FROM series LEFT JOIN noted ON noted.series = series.id LEFT JOIN (
    SELECT series, min(time) AS first, max(time) AS last, arg_max(whole, time) AS whole, arg_max(number, time) AS number
    FROM observation WHERE received >= $1 GROUP BY series) AS new ON new.series = series.id
"""
_NOTE = """
INSERT INTO noted SELECT unnest($1::INTEGER[]), unnest($2::BIGINT[]), unnest($3::BIGINT[]), unnest($4::BIGINT[]),
unnest($5::DOUBLE[])
"""
_FIRST_WITHIN = "SELECT series, min(time) FROM observation WHERE time >= $1 AND time < $2 GROUP BY series"

_End = int | float | None


def read_series(connection: duckdb.DuckDBPyConnection) -> tuple[KnownSeries, int, int | None]:
    """Returns the state of each series, a time up to which all was received, and the mark; `None`: there is no note."""
    mark: int | None = connection.execute("SELECT max(received) FROM noted_until").fetchall()[0][0]
    since = -NEVER if mark is None else mark
    known = KnownSeries(
        ((village, device, signal), _series_of(number, signal, ends[:4], ends[4:]))
        for number, village, device, signal, *ends in connection.execute(_LOAD, [since]).fetchall()
        if signal in SIGNALS
    )
    (latest,) = connection.execute("SELECT max(received) FROM observation WHERE received >= $1", [since]).fetchall()[0]
    return known, since if latest is None else latest, mark


def note_series(connection: duckdb.DuckDBPyConnection, known: KnownSeries, received: int) -> int | None:
    """Write the note within a transaction, in place of the one before. `received`: the latest received time.

    Returns its mark; `None` if there is nothing to note.
    """
    forget_note(connection)
    rows = [
        (series.id, series.first, series.last, *_columns_of(series.value))
        for _, series in known.all()
        if series.first <= series.last
    ]
    if not rows:
        return None
    connection.execute(_NOTE, [list(column) for column in zip(*rows, strict=True)])
    connection.execute("INSERT INTO noted_until VALUES ($1)", [received - MARGIN])
    return received - MARGIN


def forget_note(connection: duckdb.DuckDBPyConnection) -> None:
    """Delete the note within a transaction."""
    connection.execute("DELETE FROM noted")
    connection.execute("DELETE FROM noted_until")


def without(
    connection: duckdb.DuckDBPyConnection, known: KnownSeries, time: int
) -> Mapping[tuple[str, str, str], Series]:
    """Returns the series that change when all observations before a time are gone, as they then are.

    It looks for the new first observations in windows of growing width. Most series have one in the first.
    """
    changed = {key: replace(series) for key, series in known.all() if series.first < time}
    left = {series.id: series for series in changed.values() if series.last >= time}
    start, width = time, DAY
    while left and start <= max(series.last for series in left.values()):
        for number, first in connection.execute(_FIRST_WITHIN, [start, start + width]).fetchall():
            if number in left:
                left.pop(number).first = first
        start, width = start + width, 4 * width
    return {key: Series(series.id) if series.last < time else series for key, series in changed.items()}


def _series_of(number: int, signal: str, *ends: Sequence[_End]) -> Series:
    """Returns a series from what is noted and what came since; each is first, last, and the columns of the last."""
    series = Series(number)
    for first, last, whole, value in ends:
        if first is None or last is None:
            continue
        series.first = min(series.first, int(first))
        if last >= series.last:
            series.last, series.value = int(last), typed(signal, None if whole is None else int(whole), value)
    return series


def _columns_of(value: Value) -> tuple[int | None, float | None]:
    return (None, value) if type(value) is float else (int(value), None)
