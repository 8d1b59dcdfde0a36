"""A buffer's file that is damaged: it is moved aside, what can still be read of it goes into a new one.

A worn SD card spoils single pages. Readings are read from both ends up to the first page that cannot be; they are
sent again under the new buffer's epoch and, having their times, are stored once all the same.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import structlog

from gateway.buffer import Buffer
from siaga.model.observation import Reading
from siaga.model.signals import SIGNALS, SignalType

__all__ = ["replace_damaged"]

log = structlog.get_logger(__name__)

CHUNK = 5_000
"""Readings that are copied in one commit."""
SUFFIXES = ("", "-wal", "-shm")


def replace_damaged(buffer: Buffer) -> int:
    """Move a damaged file aside, over one of before, and begin a new one with what is readable; how many readings.

    Raises:
        BufferUnavailable: the disk takes no new file either.
    """
    aside = buffer.path.with_name(buffer.path.name + ".damaged")
    buffer.let_go()
    for suffix in SUFFIXES:  # all three: without its log a file is older than what was promised
        old, new = Path(f"{buffer.path}{suffix}"), Path(f"{aside}{suffix}")
        new.unlink(missing_ok=True)
        if old.exists():
            old.rename(new)
    buffer.reopen()
    count = 0
    for village, readings in _readable(aside):
        buffer.add(village, readings)
        buffer.commit()
        count += len(readings)
    log.warning("buffer_replaced", damaged=str(aside), salvaged=count)
    return count


def _readable(path: Path) -> Iterator[tuple[str, list[Reading]]]:
    """The readings that a damaged file still gives, in the order in which they came."""
    try:
        db = sqlite3.connect(path)
    except sqlite3.Error:
        return
    try:
        villages = db.execute("SELECT id, code, next_number FROM village").fetchall()
        tracks = {row[0]: (row[1], row[2]) for row in db.execute("SELECT id, device, signal FROM track")}
        for village, code, end in villages:
            from_below = list(_rows(db, village, -1, end, "ASC"))
            reached = from_below[-1][0] if from_below else -1
            from_above = list(_rows(db, village, reached, end, "DESC"))
            rows = [*from_below, *reversed(from_above)]
            for start in range(0, len(rows), CHUNK):
                yield (
                    code,
                    [
                        Reading(*tracks[track], time, _value(tracks[track][1], value))
                        for _, track, time, value in rows[start : start + CHUNK]
                        if track in tracks and type(time) is int and type(value) in (int, float)
                    ],
                )
    except sqlite3.Error:
        return
    finally:
        db.close()


def _rows(
    db: sqlite3.Connection, village: int, above: int, end: int, order: str
) -> Iterator[tuple[int, int, int, float]]:
    """The rows of a village above a number, up to the first that cannot be read."""
    step = 1_000
    position = above if order == "ASC" else end
    where = "number > ? AND number > ?" if order == "ASC" else "number < ? AND number > ?"
    while True:
        rows = []
        try:
            cursor = db.execute(
                f"SELECT number, track, time, value FROM reading WHERE village = ? AND {where}"  # noqa: S608 - constants
                f" ORDER BY number {order} LIMIT ?",
                (village, position, above, step),
            )
            for row in cursor:
                rows.append(row)  # noqa: PERF402 - one by one: the next may be the one that cannot be read
        except sqlite3.Error:
            yield from rows
            return
        yield from rows
        if len(rows) < step:
            return
        position = rows[-1][0]


def _value(signal: str, value: float) -> bool | int | float:
    known = SIGNALS.get(signal)
    return bool(value) if known is not None and known.type is SignalType.BOOL else value
