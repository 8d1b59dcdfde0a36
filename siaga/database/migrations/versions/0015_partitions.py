"""Villages are dealt to partitions, each led by one alert engine: leases; inbox and snapshots go by village."""

import json
import zlib
from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
STATE = sa.table("engine_state", sa.column("key", sa.Text), sa.column("value", DOCUMENT))
SNAPSHOT = sa.table(
    "village_snapshot",
    sa.column("village", sa.Text),
    sa.column("saved", sa.BigInteger),
    sa.column("state", sa.LargeBinary),
)
SHARED = ("since", "devices", "facilities", "unfinished")
"""What of a snapshot holds also for another engine than the one that saved it."""


def upgrade() -> None:
    """Make the tables. What the engine heard last had taken and knew becomes what partition 0 of 1 has."""
    connection = op.get_bind()
    create_leases()
    values = {row.key: row.value for row in connection.execute(sa.select(STATE.c.key, STATE.c.value))}
    name, heard = heard_last(values)
    others = shared_by_others(connection, name)
    others |= {
        key.removeprefix("village/"): (0, shared(value))
        for key, value in values.items()
        if key.startswith("village/") and isinstance(value, dict)
    }
    rebuild_tables(name)
    known = set(connection.execute(sa.select(SNAPSHOT.c.village)).scalars())
    rows = [
        {"village": village, "saved": saved, "state": state}
        for village, (saved, state) in others.items()
        if village not in known
    ]
    if rows:
        connection.execute(SNAPSHOT.insert(), rows)
    for key in values:
        if key.startswith(("heard/", "village/")) or key in ("arrivals_since", "maintenance"):
            connection.execute(STATE.delete().where(STATE.c.key == key))
    kept = {"heard/0": heard, "maintenance/0": values.get("maintenance"), "alerts_session": name}
    new = [{"key": key, "value": value} for key, value in kept.items() if value is not None]
    if new:
        connection.execute(STATE.insert(), new)


def create_leases() -> None:
    """One partition, led by nobody yet."""
    lease = op.create_table(
        "engine_lease",
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("partitions", sa.Integer(), nullable=False, comment="how many there are: the same in all rows"),
        sa.Column("epoch", sa.BigInteger(), nullable=False, comment="grows each time somebody takes the lease"),
        sa.Column(
            "holder", sa.Text(), nullable=False, comment="the name that a process reserves in its data directory"
        ),
        sa.Column("until", sa.BigInteger(), nullable=False, comment="by the clock of the database, ms; 0: released"),
        sa.Column(
            "deaf",
            sa.Boolean(),
            nullable=False,
            comment="the holder has lost the broker: who has not may take the lease",
        ),
        sa.PrimaryKeyConstraint("partition", name=op.f("pk_engine_lease")),
    )
    op.bulk_insert(lease, [{"partition": 0, "partitions": 1, "epoch": 0, "holder": "", "until": 0, "deaf": False}])
    op.create_table(
        "village_partition",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), comment="null: the next engine may watch it"),
        sa.Column(
            "let_go_at", sa.BigInteger(), comment="wall time until which an engine heard it that watches it no more"
        ),
        sa.PrimaryKeyConstraint("village", name=op.f("pk_village_partition")),
    )


def heard_last(values: Mapping[str, object]) -> tuple[str | None, object]:
    """Returns the session's name of the engine that was heard last, and what it had heard; `None`: there was none."""
    found = [
        (value["until"], key.removeprefix("heard/"), value)
        for key, value in values.items()
        if key.startswith("heard/") and key != "heard/rebuild" and isinstance(value, dict)
    ]
    if found:
        _, name, heard = max(found, key=lambda each: each[:2])
        return name, heard
    arrivals = values.get("arrivals_since")
    return None, {"until": arrivals, "settled": False} if isinstance(arrivals, int) else None


def shared(snapshot: Mapping[str, object]) -> bytes:
    """Returns the snapshot of an engine that knows only what holds for any engine."""
    return zlib.compress(json.dumps({key: snapshot[key] for key in SHARED if key in snapshot}).encode(), 1)


def shared_by_others(connection: sa.Connection, name: str | None) -> dict[str, tuple[int, bytes]]:
    """Returns what engines of other names have saved of each village, with when; the newest counts."""
    old = sa.table("village_snapshot", sa.column("engine"), *(sa.column(each.name, each.type) for each in SNAPSHOT.c))
    query = sa.select(old).where(old.c.engine != (name or "")).order_by(old.c.saved)
    rows = connection.execute(query).all()
    return {row.village: (row.saved, shared(json.loads(zlib.decompress(row.state)))) for row in rows}


def rebuild_tables(name: str | None) -> None:
    """Leave out the column with the engine's name, and the rows of other engines."""
    inbox = (
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column(
            "number", sa.BigInteger(), autoincrement=False, nullable=False, comment="the order in which they were taken"
        ),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False, comment="batch or ack"),
        sa.Column("received", sa.BigInteger(), nullable=False, comment="wall time"),
        sa.Column("payload", sa.LargeBinary(), nullable=False, comment="as it came"),
        sa.PrimaryKeyConstraint("village", "number", name=op.f("pk_inbox")),
    )
    snapshot = (
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("saved", sa.BigInteger(), nullable=False, comment="wall time"),
        sa.Column("state", sa.LargeBinary(), nullable=False, comment="JSON, packed with zlib: api/alerts/snapshot.py"),
        sa.PrimaryKeyConstraint("village", name=op.f("pk_village_snapshot")),
    )
    connection = op.get_bind()
    for table, columns in (("inbox", inbox), ("village_snapshot", snapshot)):
        names = ", ".join(each.name for each in columns if isinstance(each, sa.Column))
        # the constraint's name is free only once the old table is gone
        kept = f"CREATE TABLE {table}_kept AS SELECT {names} FROM {table} WHERE engine = :name"  # noqa: S608 - our own
        connection.execute(sa.text(kept).bindparams(sa.bindparam("name", name or "", literal_execute=True)))
        op.drop_table(table)
        op.create_table(table, *columns)
        op.execute(sa.text(f"INSERT INTO {table} ({names}) SELECT {names} FROM {table}_kept"))  # noqa: S608 - as above
        op.drop_table(f"{table}_kept")


def downgrade() -> None:
    """Refuse: an older siaga would not find what the engine took."""
    raise NotImplementedError("schema 0015 cannot be undone: restore a backup instead")
