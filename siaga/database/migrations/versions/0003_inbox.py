"""The alert engine's inbox and snapshots; the members of an outage, and held alerts, out of the evidence."""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables and the column, and fill them from the evidence of the alerts there are.

    A database of before has no snapshot: the engine reads its memory from the store once.
    """
    create_inbox()
    create_members()
    move_state()


def create_inbox() -> None:
    """What the engine took, and what it knew."""
    op.create_table(
        "inbox",
        sa.Column("engine", sa.Text, nullable=False, comment="the name of its session with the broker"),
        sa.Column(
            "number", sa.BigInteger, autoincrement=False, nullable=False, comment="the order in which it took them"
        ),
        sa.Column("village", sa.Text, nullable=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False, comment="batch or ack"),
        sa.Column("received", sa.BigInteger, nullable=False, comment="wall time"),
        sa.Column("payload", sa.LargeBinary, nullable=False, comment="as it came"),
        sa.PrimaryKeyConstraint("engine", "number", name="pk_inbox"),
    )
    op.create_index("ix_inbox_engine_village_number", "inbox", ["engine", "village", "number"])
    op.create_table(
        "village_snapshot",
        sa.Column("engine", sa.Text, nullable=False, comment="the name of its session with the broker"),
        sa.Column("village", sa.Text, nullable=False),
        sa.Column("saved", sa.BigInteger, nullable=False, comment="wall time"),
        sa.Column("state", sa.LargeBinary, nullable=False, comment="JSON, packed with zlib: api/alerts/snapshot.py"),
        sa.PrimaryKeyConstraint("engine", "village", name="pk_village_snapshot"),
    )


def create_members() -> None:
    """What was in the evidence alone."""
    op.create_table(
        "alert_member",
        sa.Column("alert", sa.Text, nullable=False),
        sa.Column("village", sa.Text, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False, comment="wall time from which nothing arrived"),
        sa.Column("ended_at", sa.BigInteger, nullable=True, comment="wall time at which something did again"),
        sa.ForeignKeyConstraint(["alert"], ["alert.id"], name="fk_alert_member_alert_alert", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("alert", "village", name="pk_alert_member"),
    )
    op.create_index("ix_alert_member_village", "alert_member", ["village"])
    op.add_column(
        "alert",
        sa.Column(
            "flapping",
            sa.Boolean,
            nullable=False,
            server_default=sa.false(),
            comment="it is held open, as it came and went too often",
        ),
    )


def move_state() -> None:
    """What was read out of the evidence until now: who was lost together, and which open alerts are held."""
    connection = op.get_bind()
    alert = sa.table(
        "alert",
        *(sa.column(name) for name in ("id", "kind", "village", "began_at", "ended_at", "cleared_at", "flapping")),
        sa.column("evidence", DOCUMENT),
    )
    member = sa.table("alert_member", *(sa.column(name) for name in ("alert", "village", "began_at", "ended_at")))
    offline = sa.select(alert).where(alert.c.kind == "village_offline")
    rows = [row for found in connection.execute(offline).mappings().all() for row in members(found)]
    if rows:
        connection.execute(member.insert(), rows)
    others = sa.select(alert.c.id, alert.c.evidence).where(
        alert.c.kind != "village_offline", alert.c.cleared_at.is_(None)
    )
    held = [found.id for found in connection.execute(others).all() if "flapping" in (found.evidence or {})]
    for number in held:
        connection.execute(alert.update().where(alert.c.id == number).values(flapping=True))


def members(alert: sa.RowMapping) -> Iterator[dict[str, object]]:
    """The villages of a `village_offline`, as its evidence shows them; its own, where it shows none."""
    evidence = alert["evidence"]
    children = evidence.get("children") if isinstance(evidence, dict) else None
    shown = {child["village"]: child for child in children or () if isinstance(child, dict) and "village" in child}
    for village, child in shown.items():
        began, ended = milliseconds(child.get("began_at")), milliseconds(child.get("ended_at"))
        yield {
            "alert": alert["id"],
            "village": village,
            "began_at": alert["began_at"] if began is None else began,
            "ended_at": ended,
        }
    if not shown:
        ended_at = alert["ended_at"] if alert["cleared_at"] is not None else None
        began_at, village = alert["began_at"], alert["village"]
        yield {"alert": alert["id"], "village": village, "began_at": began_at, "ended_at": ended_at}


def milliseconds(text: object) -> int | None:
    """An RFC 3339 time as whole milliseconds; `None`: it is none."""
    return round(datetime.fromisoformat(text).timestamp() * 1000) if isinstance(text, str) else None


def downgrade() -> None:
    """Drop them."""
    op.drop_table("alert_member")
    op.drop_column("alert", "flapping")
    op.drop_table("village_snapshot")
    op.drop_table("inbox")
