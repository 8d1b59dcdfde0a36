"""Holidays have names."""

from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table. The holidays that villages have get a name that says no more than that."""
    op.create_table(
        "holiday",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("date", name=op.f("pk_holiday")),
    )
    documents = op.get_bind().execute(sa.select(sa.column("document", sa.JSON())).select_from(sa.table("village")))
    lists = (document.get("holidays") for (document,) in documents if isinstance(document, dict))
    days = sorted({str(day) for each in lists if isinstance(each, list) for day in each})
    holiday = sa.table("holiday", sa.column("date", sa.Date()), sa.column("name", sa.Text()))
    if days:
        op.bulk_insert(holiday, [{"date": date.fromisoformat(day), "name": "Hari libur"} for day in days])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("holiday")
