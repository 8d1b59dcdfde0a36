"""What a gateway's siaga is, and when another one of its name was noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column(
        "gateway_state",
        sa.Column("version", sa.Text(), comment="of its siaga, as it says; null: one that does not say it"),
    )
    op.add_column(
        "gateway_state",
        sa.Column("twin_at", sa.BigInteger(), comment="when another gateway of its name was last noticed, wall time"),
    )


def downgrade() -> None:
    """Remove the columns."""
    op.drop_column("gateway_state", "twin_at")
    op.drop_column("gateway_state", "version")
