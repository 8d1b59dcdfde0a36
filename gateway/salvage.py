"""Recovery of a damaged buffer file: it is moved aside, and its readable readings are copied into a new file.

A worn SD card damages single pages. Readings are read from both ends, up to the first unreadable page. They are sent
again under the new buffer's epoch. They carry their times, so the centre still stores each once.
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
"""Readings copied per commit."""
SUFFIXES = ("", "-wal", "-shm")


def replace_damaged(buffer: Buffer) -> int:
    """Move the damaged file aside and copy its readable readings into a new one. Returns how many were copied.

    An earlier damaged file is overwritten.

    Raises:
        BufferUnavailable: the disk does not take a new file either.
    """
    aside = buffer.path.with_name(buffer.path.name + ".damaged")
    buffer.let_go()
    for suffix in SUFFIXES:  # all three: without its log, the file lacks readings that were acknowledged
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
    """Yields the readable readings of a damaged file in chunks, in the order in which they were added."""
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
    """Yields the rows of a village above a number, up to the first unreadable one."""
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
                rows.append(row)  # noqa: PERF402 - one by one, as the next row may be unreadable
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
