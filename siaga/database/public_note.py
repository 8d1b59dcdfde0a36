"""The sentence that the office writes on the public page."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, select

from siaga.database import tables, take_turns, writing

__all__ = ["LONGEST_NOTE", "PublicNote", "read_note", "write_note"]

LONGEST_NOTE = 300
"""Characters of it: it is a sentence or two."""
_ONE = 1


@dataclass(frozen=True, slots=True)
class PublicNote:
    """What the office says. `time`: when it was written, wall time in ms. `by`: who wrote it, for admins alone."""

    text: str
    time: int
    by: str


def read_note(connection: Connection) -> PublicNote | None:
    """Returns what the office says; `None`: nothing."""
    table = tables.public_note
    row = connection.execute(select(table.c.text, table.c.time, table.c.by)).one_or_none()
    return None if row is None else PublicNote(row.text, row.time, row.by)


def write_note(engine: Engine, text: str, by: str, now: int, seen: int | None) -> bool:
    """Put a sentence in the place of the one that was written at `seen`; none: nothing is said any more.

    Returns False, and changes nothing, where another one stands there. Wall times, ms.
    """
    table = tables.public_note
    with writing(engine) as connection:
        take_turns(connection, "public_note")
        if connection.execute(select(table.c.time)).scalar() != seen:
            return False
        connection.execute(table.delete())
        if text:
            connection.execute(table.insert().values(id=_ONE, text=text, time=now, by=by))
        return True
