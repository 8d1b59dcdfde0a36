"""What one member of an installation does for all: whose turn it is. Rows of table `lease`."""

import secrets

import structlog
from sqlalchemy import Engine, or_
from sqlalchemy.exc import SQLAlchemyError

from siaga.database import tables, writing
from siaga.database.upsert import insert
from siaga.model.clock import Clock

__all__ = ["Turn"]

log = structlog.get_logger(__name__)


class Turn:
    """One member's part in some work. Whoever has the turn keeps it by taking it again within `lease` ms.

    Time is the members' own clocks: one that is far ahead must not keep the turn from all others for long, so an end
    that no right clock can have written does not count.
    """

    def __init__(self, engine: Engine, work: str, lease: int, clock: Clock) -> None:
        self._engine, self._work, self._lease, self._clock = engine, work, lease, clock
        self._me = secrets.token_hex(8)

    def take(self) -> bool:
        """Take the turn, or keep it. Returns whether it is this member's."""
        table, now = tables.lease, self._clock.now()
        row = {"holder": self._me, "until": now + self._lease}
        is_free = or_(table.c.holder == self._me, table.c.until <= now, table.c.until > now + 2 * self._lease)
        with writing(self._engine) as connection:
            taken = connection.execute(table.update().where(table.c.name == self._work, is_free).values(row))
            if taken.rowcount == 1:
                return True
            first = insert(connection, table).values(row | {"name": self._work}).on_conflict_do_nothing()
            return connection.execute(first.returning(table.c.name)).first() is not None

    def leave(self) -> None:
        """Give the turn back, if it is this member's, so that another need not wait for its end."""
        table = tables.lease
        try:
            with writing(self._engine) as connection:
                connection.execute(table.delete().where(table.c.name == self._work, table.c.holder == self._me))
        except SQLAlchemyError as problem:
            log.info("turn_ends_by_itself", work=self._work, problem=type(problem).__name__)
