"""Notifications: who is told of alerts."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from siaga.database.tables.base import Document, Serial, metadata

__all__ = [
    "escalation",
    "notice",
    "notification",
    "notification_item",
    "notification_provider",
]

notice = Table(
    "notice",
    metadata,
    Column("event", BigInteger, primary_key=True, autoincrement=False, comment="the id of the alert's event"),
    Column("alert", Text, ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
    Column("village", Text, nullable=False),
    Column("type", Text, nullable=False, comment="raised, updated or cleared"),
    Column("time", BigInteger, nullable=False),
    Index(None, "village", "time"),
    Index(None, "alert"),
)

notification = Table(
    "notification",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("key", Text, nullable=False, unique=True, comment="of its recipient and what it tells: made once"),
    Column("recipient", Text, nullable=False, comment="PERSON/CHANNEL of the notify file"),
    Column("provider", Text, nullable=False, comment="a digest of where the channel leads; no secret"),
    Column("village", Text, comment="null: it tells of several villages"),
    Column("created", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False, comment="not to be tried before; while it is sent, the end of the lease"),
    Column("lease", Text, comment="a random word of the sender that has it"),
    Column("attempts", Integer, nullable=False),
    Column("state", Text, nullable=False, comment="waiting, sent, dead, or void: nothing was left to tell"),
    Column("settled", BigInteger, comment="when it was sent, given up or found void"),
    Column("problem", Text, comment="why the last attempt failed"),
    Column("subject", Document, comment="what it tells of, where that is no alert: a report, or a note of a morning"),
    Index(None, "recipient"),
    Index(None, "settled"),
    sqlite_autoincrement=True,
)
Index(
    "ix_notification_waiting",
    notification.c.due,
    sqlite_where=notification.c.state == "waiting",
    postgresql_where=notification.c.state == "waiting",
)

notification_item = Table(
    "notification_item",
    metadata,
    Column("notification", BigInteger, ForeignKey("notification.id", ondelete="CASCADE"), primary_key=True),
    Column("alert", Text, ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("what", Text, nullable=False, comment="raised, worse, escalated or cleared"),
    Column("severity", Text, nullable=False, comment="the severity that was told"),
    Column("reason", Text, nullable=False, comment="why this recipient is told"),
    Column("over", Boolean, nullable=False, comment="whether it was told that the alert had cleared"),
    Index(None, "alert"),
)

notification_provider = Table(
    "notification_provider",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("failures", Integer, nullable=False, comment="in a row"),
    Column("free_at", BigInteger, nullable=False, comment="nothing is sent by it before"),
)

escalation = Table(
    "escalation",
    metadata,
    Column("alert", Text, ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("village", Text, nullable=False),
    Column("due", BigInteger, nullable=False, comment="when the next are told if nobody has acknowledged"),
    Column("tell", Document, nullable=False, comment="names of people and groups"),
    Column("by", Document, nullable=False, comment="names of channels; empty: all"),
    Index(None, "due"),
)
