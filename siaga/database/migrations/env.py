"""What Alembic runs: the migrations, on the connection that `siaga.database.migrate` holds the lock with."""

from alembic import context
from sqlalchemy import Connection

from siaga.database.tables import metadata

connection = context.config.attributes["connection"]
if not isinstance(connection, Connection):
    raise TypeError("migrations run on the connection of siaga.database.migrate")
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
