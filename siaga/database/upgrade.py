"""The implementation of `migrate`, in its own module, because only it needs Alembic."""

from pathlib import Path

import alembic.command
import alembic.config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from siaga.database.engine import take_turns, without_deadline, writing
from siaga.database.migration import UnknownSchema

__all__ = ["upgrade"]


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Apply the missing migrations up to a revision, if any, all in one transaction.

    A second process waits for the first: on PostgreSQL with an advisory lock, on SQLite with its write lock.

    Raises:
        UnknownSchema: the database has a migration that this version does not know, or the revision is none.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with writing(engine) as connection:
        take_turns(connection, "migrate")
        script = ScriptDirectory.from_config(config)
        known = {one.revision for one in script.walk_revisions()}
        present = set(MigrationContext.configure(connection).get_current_heads())
        wanted = set(script.get_heads()) if revision == "head" else {revision}
        unknown = (present | wanted) - known
        if unknown:
            raise UnknownSchema(
                f"the database has schema {', '.join(sorted(unknown))}, which this version of siaga does not know: "
                "it was written by a newer one"
            )
        if present == wanted:
            return
        without_deadline(connection)
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, revision)
