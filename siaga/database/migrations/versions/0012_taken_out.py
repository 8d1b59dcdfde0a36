"""Facilities that are taken out of the registry stay in reports of before."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table. What was taken out before is not known any more."""
    op.create_table(
        "taken_out",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="wall time at which it was taken out"),
        sa.Column(
            "document",
            sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
            nullable=False,
            comment="the village as it was, with this facility alone",
        ),
        sa.PrimaryKeyConstraint("village", "id", name=op.f("pk_taken_out")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("taken_out")
