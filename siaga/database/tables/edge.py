"""Refused payloads, unknown devices, the tokens of programs, and what the office tells everybody."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from siaga.database.tables.base import Document, Serial, metadata

__all__ = [
    "ignored_device",
    "public_note",
    "quarantine",
    "quarantine_dropped",
    "token",
    "unknown_device",
]

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("village", Text),
    Column("time", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("bytes", Text, nullable=False, comment="the first of them, readable, hardware addresses masked"),
    Column("label", Text, comment="the reason in one word, as in siaga_refused_total; null: not known"),
    Index(None, "village", "id"),
    sqlite_autoincrement=True,
)

quarantine_dropped = Table(
    "quarantine_dropped",
    metadata,
    Column("village", Text, primary_key=True, comment="empty: payloads of no known village"),
    Column("dropped", BigInteger, nullable=False, comment="how many old rows made room for new ones"),
)

unknown_device = Table(
    "unknown_device",
    metadata,
    Column("village", Text, primary_key=True, comment="one that the gateway serves"),
    Column("gateway", Text, primary_key=True),
    Column("adapter", Text, primary_key=True),
    Column("address", Text, primary_key=True, comment="what a sites file has to say"),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("every", BigInteger, nullable=False, comment="the interval at which it reports, ms"),
    Column("topic", Text, nullable=False, comment="of its newest message"),
    Column("bytes", Text, nullable=False, comment="the first of it, readable, hardware addresses masked"),
    Column("document", Document, nullable=False, comment="native keys with values; signals that need no map, by kind"),
    Index(None, "last"),
)
"""Devices of native families that gateways hear and that are in no sites file: the newest report of each."""

ignored_device = Table(
    "ignored_device",
    metadata,
    Column("village", Text, primary_key=True, comment="where it was heard"),
    Column("adapter", Text, primary_key=True),
    Column("address", Text, primary_key=True, comment="of a device with our firmware: its id"),
    Column("time", BigInteger, nullable=False, comment="since when, wall time"),
    Column("by", Text, nullable=False),
)
"""Unknown devices that are not listed any more."""

public_note = Table(
    "public_note",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="1: there is one"),
    Column("text", Text, nullable=False),
    Column("time", BigInteger, nullable=False, comment="when it was written, wall time"),
    Column("by", Text, nullable=False),
)
"""What the office says on the public page."""

token = Table(
    "token",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("hash", Text, nullable=False, unique=True, comment="SHA-256 of the token, in hexadecimal"),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Document, nullable=False, server_default='["*"]', comment="the villages it sees"),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used", BigInteger),
    Column("revoked_at", BigInteger),
    sqlite_autoincrement=True,
)
