"""The scopes of tokens."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Document = sa.JSON().with_variant(JSONB, "postgresql")


def upgrade() -> None:
    """Add the column; the tokens that there are see everything, as before."""
    column = sa.Column("scopes", Document, nullable=False, server_default='["*"]', comment="the villages it sees")
    op.add_column("token", column)


def downgrade() -> None:
    """Take it away again: every token sees everything then."""
    op.drop_column("token", "scopes")
