"""What one process does for all: it holds a row until a time, and the others wait for that."""

from sqlalchemy import Engine, or_

from siaga.database import tables, writing
from siaga.database.upsert import insert

__all__ = ["hold", "let_go"]


def hold(engine: Engine, name: str, holder: str, now: int, until: int) -> bool:
    """Hold a lease until a time, or go on holding it; whether that is so. Times in ms of wall time."""
    table = tables.lease
    row = {"holder": holder, "until": until}
    with writing(engine) as connection:
        free = (table.c.name == name) & or_(table.c.holder == holder, table.c.until <= now)
        if connection.execute(table.update().where(free).values(row)).rowcount == 1:
            return True
        first = insert(connection, table).values(row | {"name": name}).on_conflict_do_nothing()
        return connection.execute(first.returning(table.c.name)).first() is not None


def let_go(engine: Engine, name: str, holder: str) -> None:
    """Let go of a lease, so that another need not wait."""
    table = tables.lease
    with writing(engine) as connection:
        connection.execute(table.delete().where(table.c.name == name, table.c.holder == holder))
