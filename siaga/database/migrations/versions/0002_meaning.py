"""The names of regions; what maintenance excuses that was declared afterwards."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of regions, and to spans whether they were excused later: none was until now."""
    op.create_table(
        "region",
        sa.Column("code", sa.Text(), nullable=False, comment="the leading part that the codes of its villages share"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_region")),
    )
    op.add_column(
        "span",
        sa.Column(
            "excused_later",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="by maintenance alone, declared afterwards",
        ),
    )


def downgrade() -> None:
    """Take both away again."""
    op.drop_column("span", "excused_later")
    op.drop_table("region")
