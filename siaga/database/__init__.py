"""The SQL database: SQLite by default, PostgreSQL for a district.

`connect(url)` gives the engine, `migrate(engine)` its tables, `siaga.database.tables` their names. Read with
`engine.connect()`; change with `writing(engine)`, which commits at the end.
"""

from siaga.database.engine import BadDatabaseUrl, connect, is_read_only, take_turns, without_deadline, writing
from siaga.database.migration import UnknownSchema, migrate

__all__ = [
    "BadDatabaseUrl",
    "UnknownSchema",
    "connect",
    "is_read_only",
    "migrate",
    "take_turns",
    "without_deadline",
    "writing",
]
