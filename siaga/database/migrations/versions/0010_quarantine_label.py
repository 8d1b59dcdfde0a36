"""The quarantine keeps the reason in one word too."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. What is there keeps its sentence alone."""
    comment = "the reason in one word, as in siaga_refused_total; null: not known"
    op.add_column("quarantine", sa.Column("label", sa.Text(), comment=comment))


def downgrade() -> None:
    """Remove the column."""
    op.drop_column("quarantine", "label")
