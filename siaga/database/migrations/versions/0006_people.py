"""Accounts of people, their first links, their sessions, and the waits of sign-in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0008"
branch_labels = None
depends_on = None

Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Document = sa.JSON().with_variant(JSONB, "postgresql")


def upgrade() -> None:
    """Add the four tables."""
    op.create_table(
        "person",
        sa.Column("name", sa.Text(), nullable=False, comment="a slug, the same as in the notify file"),
        sa.Column("display_name", sa.Text(), nullable=False, comment="as others read it; empty: the name"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scopes", Document, nullable=False, comment="a list of scopes"),
        sa.Column("language", sa.Text(), comment="id or en; null: as the browser asks"),
        sa.Column("theme", sa.Text(), comment="light or dark; null: as the browser asks"),
        sa.Column("password_hash", sa.Text(), comment="Argon2id in PHC form; null: no password was set yet"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), comment="null: the account can be used"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_person")),
    )
    op.create_table(
        "welcome",
        sa.Column("hash", sa.Text(), nullable=False, comment="SHA-256 of the link's secret, in hexadecimal"),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["person"], ["person.name"], name=op.f("fk_welcome_person_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_welcome")),
    )
    op.create_index(op.f("ix_welcome_person"), "welcome", ["person"])
    op.create_table(
        "session",
        sa.Column("id", Serial, nullable=False, comment="as its owner sees it: no secret"),
        sa.Column("hash", sa.Text(), nullable=False, comment="SHA-256 of the cookie's secret, in hexadecimal"),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False, comment="exact to some minutes"),
        sa.Column("agent", sa.Text(), nullable=False, comment="browser and system, such as Firefox, Android"),
        sa.Column(
            "address", sa.Text(), nullable=False, comment="the network that it began from: its host part is cut off"
        ),
        sa.Column("expires_at", sa.BigInteger(), nullable=False, comment="at the latest"),
        sa.Column("ended_at", sa.BigInteger(), comment="signed out, or ended by its owner or an admin"),
        sa.ForeignKeyConstraint(["person"], ["person.name"], name=op.f("fk_session_person_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("hash", name=op.f("uq_session_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_session_person_address"), "session", ["person", "address"])
    op.create_index(op.f("ix_session_last_seen"), "session", ["last_seen"])
    op.create_table(
        "sign_in_wait",
        sa.Column("key", sa.Text(), nullable=False, comment="a digest of a name, an address, or both"),
        sa.Column("failures", sa.Integer(), nullable=False, comment="wrong passwords, without a pause of an hour"),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=False, comment="no password is looked at before"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_wait")),
    )
    op.create_index(op.f("ix_sign_in_wait_last_at"), "sign_in_wait", ["last_at"])


def downgrade() -> None:
    """Take them away again: nobody can sign in any more."""
    op.drop_table("sign_in_wait")
    op.drop_table("session")
    op.drop_table("welcome")
    op.drop_table("person")
