"""Unknown devices that people want to see no more."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "ignored_device",
        sa.Column("village", sa.Text(), nullable=False, comment="where it was heard"),
        sa.Column("adapter", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False, comment="of a device with our firmware: its id"),
        sa.Column("time", sa.BigInteger(), nullable=False, comment="since when, wall time"),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("village", "adapter", "address", name=op.f("pk_ignored_device")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("ignored_device")
