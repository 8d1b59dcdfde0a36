"""Devices of native families that gateways hear and that are in no sites file."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

Document = sa.JSON().with_variant(JSONB, "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "unknown_device",
        sa.Column("village", sa.Text(), nullable=False, comment="one that the gateway serves"),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("adapter", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False, comment="what a sites file has to say"),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("every", sa.BigInteger(), nullable=False, comment="the interval at which it reports, ms"),
        sa.Column("topic", sa.Text(), nullable=False, comment="of its newest message"),
        sa.Column("bytes", sa.Text(), nullable=False, comment="the first of it, readable, hardware addresses masked"),
        sa.Column(
            "document", Document, nullable=False, comment="native keys with values; signals that need no map, by kind"
        ),
        sa.PrimaryKeyConstraint("village", "gateway", "adapter", "address", name=op.f("pk_unknown_device")),
    )
    op.create_index(op.f("ix_unknown_device_last"), "unknown_device", ["last"], unique=False)


def downgrade() -> None:
    """Drop the table."""
    op.drop_index(op.f("ix_unknown_device_last"), table_name="unknown_device")
    op.drop_table("unknown_device")
