"""The implementation of `migrate`, in its own module, because only it needs Alembic."""

from pathlib import Path

import alembic.command
import alembic.config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from siaga.database.engine import take_turns, without_deadline, writing
from siaga.database.migration import UnknownSchema

__all__ = ["upgrade"]


def upgrade(engine: Engine) -> None:
    """Apply the missing migrations, if any, all in one transaction.

    A second process waits for the first: on PostgreSQL with an advisory lock, on SQLite with its write lock.

    Raises:
        UnknownSchema: the database has a migration that this version does not know.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with writing(engine) as connection:
        take_turns(connection, "migrate")
        if _is_current(connection, config):
            return
        without_deadline(connection)
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


def _is_current(connection: Connection, config: alembic.config.Config) -> bool:
    present = set(MigrationContext.configure(connection).get_current_heads())
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    if present - known:
        raise UnknownSchema(
            f"the database has schema {', '.join(sorted(present - known))}, which this version of siaga does not know: "
            "it was written by a newer one"
        )
    return present == set(script.get_heads())
