"""Issued reports, what is ordered of them, and what was judged otherwise since."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Add the tables, and a column to villages and to messages."""
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False, comment="of what one process does for all"),
        sa.Column("holder", sa.Text(), nullable=False, comment="a random word"),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "report",
        sa.Column("number", SERIAL, nullable=False, comment="grows with each that is issued"),
        sa.Column("id", sa.Text(), nullable=False, comment="random: who has it holds the report, or its code"),
        sa.Column("key", sa.Text(), nullable=False, comment="of its order, or of what it revises: issued once"),
        sa.Column("period", sa.Text(), nullable=False, comment="its name, as 2026-11"),
        sa.Column("scopes", DOCUMENT, nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column(
            "cut", sa.BigInteger(), nullable=False, comment="what lies after it is not counted; all revisions have one"
        ),
        sa.Column(
            "window_start", sa.BigInteger(), nullable=False, comment="the earliest begin of the period in its villages"
        ),
        sa.Column("window_end", sa.BigInteger(), nullable=False, comment="the latest end, or the cut"),
        sa.Column("revision", sa.Integer(), nullable=False, comment="from 1"),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("factors", DOCUMENT, nullable=False, comment="what people wrote, by indicator"),
        sa.Column("summary", DOCUMENT, nullable=False, comment="what a message about it says"),
        sa.Column("changes", DOCUMENT, nullable=False, comment="figures that differ from the revision before"),
        sa.Column("changes_left_out", sa.Integer(), nullable=False),
        sa.Column("supersedes", sa.Text(), comment="the id of the revision before"),
        sa.Column("superseded_by", sa.Text()),
        sa.Column("schedule", sa.Text(), comment="null: somebody issued it"),
        sa.Column("told_at", sa.BigInteger(), comment="when the messages of its schedule were written"),
        sa.Column(
            "check_at", sa.BigInteger(), comment="when to compare it with what is known; null: nothing has changed"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_report")),
        sa.UniqueConstraint("id", name=op.f("uq_report_id")),
        sa.UniqueConstraint("key", name=op.f("uq_report_key")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_report_supersedes")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_report_check",
        "report",
        ["check_at"],
        sqlite_where=sa.text("check_at IS NOT NULL"),
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.create_index(
        "ix_report_untold",
        "report",
        ["number"],
        sqlite_where=sa.text("schedule IS NOT NULL AND told_at IS NULL"),
        postgresql_where=sa.text("schedule IS NOT NULL AND told_at IS NULL"),
    )
    op.create_table(
        "report_order",
        sa.Column("key", sa.Text(), nullable=False, comment="of who ordered what: the same is ordered once"),
        sa.Column("report", sa.Text(), nullable=False, comment="the id that the report will have"),
        sa.Column("asked", DOCUMENT, nullable=False, comment="period, scopes, language, factors, who, schedule"),
        sa.Column("ordered_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "due",
            sa.BigInteger(),
            nullable=False,
            comment="not to be made before; while it is made, the end of the lease",
        ),
        sa.Column("lease", sa.Text(), comment="a random word of who makes it"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), comment="why the last attempt failed"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_report_order")),
    )
    op.create_index(op.f("ix_report_order_due"), "report_order", ["due"])
    op.create_table(
        "report_run",
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), comment="when its messages were written"),
        sa.PrimaryKeyConstraint("schedule", "period", name=op.f("pk_report_run")),
    )
    op.create_table(
        "rewritten",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column(
            "facility", sa.Text(), nullable=False, comment="empty: the village's entry in the sites file has changed"
        ),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("village", "facility", name=op.f("pk_rewritten")),
    )
    op.create_table(
        "report_file",
        sa.Column("report", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report"], ["report.number"], name=op.f("fk_report_file_report_report"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("report", "format", name=op.f("pk_report_file")),
    )
    op.create_table(
        "report_scope",
        sa.Column("report", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report"], ["report.number"], name=op.f("fk_report_scope_report_report"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("report", "scope", name=op.f("pk_report_scope")),
    )
    op.add_column(
        "notification",
        sa.Column(
            "subject", DOCUMENT, comment="what it tells of, where that is no alert: a report, or a note of a morning"
        ),
    )
    op.add_column(
        "village",
        sa.Column("changed_at", sa.BigInteger(), comment="when its entry was last imported otherwise than before"),
    )


def downgrade() -> None:
    """Drop them, with all reports that were issued."""
    op.drop_column("village", "changed_at")
    op.drop_column("notification", "subject")
    op.drop_table("report_scope")
    op.drop_table("report_file")
    op.drop_table("rewritten")
    op.drop_table("report_run")
    op.drop_table("report_order")
    op.drop_table("report")
    op.drop_table("lease")
