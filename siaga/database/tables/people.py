"""People: their accounts, first links, who is signed in, who has to wait, and the browsers that take push messages."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from siaga.database.tables.base import Document, Serial, metadata

__all__ = ["person", "push_key", "push_subscription", "session", "sign_in_wait", "welcome"]

person = Table(
    "person",
    metadata,
    Column("name", Text, primary_key=True, comment="a slug, the same as in the notify file"),
    Column("display_name", Text, nullable=False, comment="as others read it; empty: the name"),
    Column("role", Text, nullable=False),
    Column("scopes", Document, nullable=False, comment="a list of scopes"),
    Column("language", Text, comment="id or en; null: as the browser asks"),
    Column("theme", Text, comment="light or dark; null: as the browser asks"),
    Column("password_hash", Text, comment="Argon2id in PHC form; null: no password was set yet"),
    Column("created_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger, comment="null: the account can be used"),
)

welcome = Table(
    "welcome",
    metadata,
    Column("hash", Text, primary_key=True, comment="SHA-256 of the link's secret, in hexadecimal"),
    Column("person", Text, ForeignKey("person.name", ondelete="CASCADE"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Index(None, "person"),
)
"""Links that set a password, each of them once."""

session = Table(
    "session",
    metadata,
    Column("id", Serial, primary_key=True, comment="as its owner sees it: no secret"),
    Column("hash", Text, nullable=False, unique=True, comment="SHA-256 of the cookie's secret, in hexadecimal"),
    Column("person", Text, ForeignKey("person.name", ondelete="CASCADE"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False, comment="exact to some minutes"),
    Column("agent", Text, nullable=False, comment="browser and system, such as Firefox, Android"),
    Column("address", Text, nullable=False, comment="the network that it began from: its host part is cut off"),
    Column("expires_at", BigInteger, nullable=False, comment="at the latest"),
    Column("ended_at", BigInteger, comment="signed out, or ended by its owner or an admin"),
    Index(None, "person", "address"),
    Index(None, "last_seen"),
    sqlite_autoincrement=True,
)

sign_in_wait = Table(
    "sign_in_wait",
    metadata,
    Column("key", Text, primary_key=True, comment="a digest of a name, an address, or both"),
    Column("failures", Integer, nullable=False, comment="wrong passwords, without a pause of an hour"),
    Column("last_at", BigInteger, nullable=False),
    Column("free_at", BigInteger, nullable=False, comment="no password is looked at before"),
    Index(None, "last_at"),
)

push_subscription = Table(
    "push_subscription",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("endpoint", Text, nullable=False, unique=True, comment="where the browser's push service takes messages"),
    Column("p256dh", Text, nullable=False, comment="the browser's public key, in base64url (RFC 8291)"),
    Column("auth", Text, nullable=False, comment="the secret that the browser shares, in base64url"),
    Column("person", Text, ForeignKey("person.name", ondelete="CASCADE"), nullable=False),
    Column("session", BigInteger, ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    Column("language", Text, nullable=False, comment="of the pages in that browser"),
    Column("agent", Text, nullable=False, comment="browser and system, such as Firefox, Android"),
    Column("created_at", BigInteger, nullable=False),
    Column("renewed_at", BigInteger, nullable=False),
    Index(None, "person"),
    Index(None, "session"),
    sqlite_autoincrement=True,
)
"""Browsers that take push messages for who has signed in there, as long as that session lasts."""

push_key = Table(
    "push_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="1: the only row"),
    Column("private", Text, nullable=False, comment="the key by which push services know this siaga (RFC 8292)"),
)
