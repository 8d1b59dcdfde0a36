"""The alert engine's inbox, and its snapshots of villages."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the two tables. A database of before has no snapshot: the engine reads its memory from the store once."""
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


def downgrade() -> None:
    """Drop both."""
    op.drop_table("village_snapshot")
    op.drop_table("inbox")
