"""Complaints of citizens, with their photos."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "complaint",
        sa.Column("number", Serial, nullable=False, comment="grows with each that is made; never shown"),
        sa.Column("id", sa.Text(), nullable=False, comment="random; who has it may read state and answer"),
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("facility", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="the kind of the facility at that time"),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False, comment="form or call"),
        sa.Column("draft", sa.Text(), comment="the sender's own name for it: sent again it is the same"),
        sa.Column("sender", sa.Text(), comment="the address, hashed with its day's secret; null from the next day on"),
        sa.Column("repeats", sa.Integer(), nullable=False, comment="how often the same was said again"),
        sa.Column("state", sa.Text(), nullable=False, comment="new, seen, closed or rejected"),
        sa.Column("seen_at", sa.BigInteger()),
        sa.Column("seen_by", sa.Text()),
        sa.Column("ended_at", sa.BigInteger(), comment="when it was closed or rejected"),
        sa.Column("ended_by", sa.Text()),
        sa.Column("answer", sa.Text()),
        sa.Column("erased_at", sa.BigInteger(), comment="from then on note, answer and photos are gone"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_complaint")),
        sa.UniqueConstraint("id", name=op.f("uq_complaint_id")),
        sa.UniqueConstraint("draft", name=op.f("uq_complaint_draft")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_complaint_created_at"), "complaint", ["created_at"])
    op.create_index(
        op.f("ix_complaint_village_facility_created_at"), "complaint", ["village", "facility", "created_at"]
    )
    op.create_index(op.f("ix_complaint_sender_created_at"), "complaint", ["sender", "created_at"])
    op.create_table(
        "complaint_photo",
        sa.Column("complaint", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False, comment="from 1"),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False, comment="how many the JPEG has"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of the JPEG"),
        sa.Column("jpeg", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["complaint"],
            ["complaint.number"],
            name=op.f("fk_complaint_photo_complaint_complaint"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("complaint", "n", name=op.f("pk_complaint_photo")),
    )
    op.create_table(
        "complaint_day",
        sa.Column("day", sa.Date(), nullable=False, comment="in UTC"),
        sa.Column(
            "secret",
            sa.Text(),
            nullable=False,
            comment="hashes addresses, signs forms; deleted after the next day",
        ),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_complaint_day")),
    )
    op.create_table(
        "complaint_quiet",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("village", name=op.f("pk_complaint_quiet")),
    )


def downgrade() -> None:
    """Remove the tables, with all that citizens said."""
    for table in ("complaint_quiet", "complaint_day", "complaint_photo", "complaint"):
        op.drop_table(table)
