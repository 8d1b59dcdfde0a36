"""An engine that takes villages over reads the end of their spans, and not all that was ever judged of them."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index(op.f("ix_span_village_end"), "span", ["village", "end"])


def downgrade() -> None:
    """Remove the index."""
    op.drop_index(op.f("ix_span_village_end"), "span")
