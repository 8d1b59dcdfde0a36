"""Browsers that take push messages, and the key by which push services know this siaga."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "push_subscription",
        sa.Column("id", serial, nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False, comment="where the browser's push service takes messages"),
        sa.Column("p256dh", sa.Text(), nullable=False, comment="the browser's public key, in base64url (RFC 8291)"),
        sa.Column("auth", sa.Text(), nullable=False, comment="the secret that the browser shares, in base64url"),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("session", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False, comment="of the pages in that browser"),
        sa.Column("agent", sa.Text(), nullable=False, comment="browser and system, such as Firefox, Android"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"], ["person.name"], name=op.f("fk_push_subscription_person_person"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session"], ["session.id"], name=op.f("fk_push_subscription_session_session"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_subscription")),
        sa.UniqueConstraint("endpoint", name=op.f("uq_push_subscription_endpoint")),
        sqlite_autoincrement=True,
    )
    for column in ("person", "session"):
        op.create_index(op.f(f"ix_push_subscription_{column}"), "push_subscription", [column], unique=False)
    op.create_table(
        "push_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="1: the only row"),
        sa.Column(
            "private", sa.Text(), nullable=False, comment="the key by which push services know this siaga (RFC 8292)"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_key")),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("push_key")
    for column in ("session", "person"):
        op.drop_index(op.f(f"ix_push_subscription_{column}"), table_name="push_subscription")
    op.drop_table("push_subscription")
