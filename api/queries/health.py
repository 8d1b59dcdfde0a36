"""What the database says of siaga itself: its own version, and when the newest batch arrived."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, text

from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.scope import Scopes

__all__ = ["DatabaseNow", "database_now"]


@dataclass(frozen=True, slots=True)
class DatabaseNow:
    """`server`: its kind and version. `revision`: the newest migration.

    `last_arrival`: when the newest batch came, wall time, ms; `None`: none did. `online`: of `villages` so many.
    """

    server: str
    revision: str
    last_arrival: int | None
    online: int
    villages: int


def database_now(connection: Connection, scopes: Scopes) -> DatabaseNow:
    """Returns what the database says of siaga, and of the links of the villages of some scopes."""
    village, state = tables.village, tables.village_state
    joined = village.outerjoin(state, state.c.village == village.c.code)
    online = func.count().filter(state.c.link == "online")
    query = select(func.max(state.c.last_arrival), online, func.count()).select_from(joined)
    last, heard, all_ = connection.execute(query.where(within(village.c.code, scopes))).one()
    is_sqlite = connection.dialect.name == "sqlite"
    version = connection.execute(text("SELECT sqlite_version()" if is_sqlite else "SHOW server_version")).scalar_one()
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    name = "SQLite" if is_sqlite else "PostgreSQL"
    return DatabaseNow(f"{name} {version}", str(revision), last, heard, all_)
