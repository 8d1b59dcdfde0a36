"""A second person confirms an attestation, where the district wants that."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. No attestation that there is waits for anybody."""
    op.add_column(
        "attestation",
        sa.Column(
            "needs_review",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="it counts only once a second person confirmed it",
        ),
    )
    op.add_column("attestation", sa.Column("confirmed_at", sa.BigInteger()))
    op.add_column("attestation", sa.Column("confirmed_by", sa.Text()))


def downgrade() -> None:
    """Remove the columns."""
    for column in ("confirmed_by", "confirmed_at", "needs_review"):
        op.drop_column("attestation", column)
