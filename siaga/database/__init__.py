"""The SQL database: SQLite by default, PostgreSQL for a district.

`connect(url)` returns the engine, `migrate(engine)` creates or updates its tables, `siaga.database.tables` defines
them. Read with `engine.connect()`. Write with `writing(engine)`, which commits at the end.
"""

from siaga.database.engine import (
    REFUSALS,
    BadDatabaseUrl,
    connect,
    is_read_only,
    take_turns,
    without_deadline,
    writing,
)
from siaga.database.migration import UnknownSchema, migrate

__all__ = [
    "REFUSALS",
    "BadDatabaseUrl",
    "UnknownSchema",
    "connect",
    "is_read_only",
    "migrate",
    "take_turns",
    "without_deadline",
    "writing",
]
