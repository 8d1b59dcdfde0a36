"""The sentence of the office on the public page."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "public_note",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="1: there is one"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False, comment="when it was written, wall time"),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_note")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("public_note")
