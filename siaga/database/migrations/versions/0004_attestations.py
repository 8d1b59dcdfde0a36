"""Attestations and their photos."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the two tables."""
    op.create_table(
        "attestation",
        sa.Column("number", Serial, nullable=False, comment="grows with each that is made"),
        sa.Column("id", sa.Text(), nullable=False, comment="a random UUID in hexadecimal"),
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("indicator", sa.Text(), nullable=False, comment="a kind of facility"),
        sa.Column("met", sa.Boolean(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False, comment="in the village's own time zone"),
        sa.Column("expires", sa.Date(), nullable=False, comment="the day on which it no longer counts"),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("draft", sa.Text(), comment="the sender's own name for it: sent again it is the same"),
        sa.Column("device_time", sa.BigInteger(), comment="by the clock of the sender's device"),
        sa.Column("distance_m", sa.Integer(), comment="from the village office; the place itself is not kept"),
        sa.Column("withdrawn_at", sa.BigInteger()),
        sa.Column("withdrawn_by", sa.Text()),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_attestation")),
        sa.UniqueConstraint("id", name=op.f("uq_attestation_id")),
        sa.UniqueConstraint("made_by", "draft", name=op.f("uq_attestation_made_by_draft")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_attestation_village_indicator_date"), "attestation", ["village", "indicator", "date"])
    op.create_table(
        "attestation_photo",
        sa.Column("attestation", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False, comment="from 1"),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False, comment="how many the JPEG has"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="of the JPEG: equal pixels have equal ones"),
        sa.Column("source", sa.Text(), comment="camera or file, as the sender says"),
        sa.Column("jpeg", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attestation"],
            ["attestation.number"],
            name=op.f("fk_attestation_photo_attestation_attestation"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("attestation", "n", name=op.f("pk_attestation_photo")),
    )
    op.create_index(op.f("ix_attestation_photo_sha256"), "attestation_photo", ["sha256"])


def downgrade() -> None:
    """Take both away again, with all that people attested."""
    op.drop_table("attestation_photo")
    op.drop_table("attestation")
