"""Alerts, what people did about them, and planned maintenance."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, false

from siaga.database.tables.base import Document, Serial, metadata

__all__ = [
    "alert",
    "alert_action",
    "alert_comment",
    "alert_event",
    "alert_member",
    "annotation",
    "maintenance",
]

alert = Table(
    "alert",
    metadata,
    Column("id", Text, primary_key=True, comment="a random UUID in hexadecimal"),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("village", Text, nullable=False),
    Column("facility", Text),
    Column("device", Text, comment="also a gateway"),
    Column("subject", Text, nullable=False),
    Column("began_at", BigInteger, nullable=False, comment="event time"),
    Column("raised_at", BigInteger, nullable=False, comment="wall time"),
    Column("ended_at", BigInteger, comment="event time"),
    Column("cleared_at", BigInteger, comment="wall time"),
    Column("acknowledged_at", BigInteger),
    Column("acknowledged_by", Text),
    Column("assignee", Text),
    Column("snoozed_until", BigInteger),
    Column("cause", Text),
    Column("evidence", Document, nullable=False),
    Column(
        "flapping",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="it is held open, as it came and went too often",
    ),
    Column("revision", Integer, nullable=False, comment="grows with every change: the ETag"),
    Index(None, "raised_at", "id"),
    Index(None, "village", "raised_at", "id"),
)
Index(
    "uq_alert_open",
    alert.c.kind,
    alert.c.subject,
    unique=True,
    sqlite_where=alert.c.cleared_at.is_(None),
    postgresql_where=alert.c.cleared_at.is_(None),
)

alert_member = Table(
    "alert_member",
    metadata,
    Column("alert", Text, ForeignKey("alert.id", ondelete="CASCADE"), primary_key=True),
    Column("village", Text, primary_key=True),
    Column("began_at", BigInteger, nullable=False, comment="wall time from which nothing arrived"),
    Column("ended_at", BigInteger, comment="wall time at which something did again"),
    Index(None, "village"),
)
"""The villages of each `village_offline`: several, where they share an uplink and were lost together."""

alert_event = Table(
    "alert_event",
    metadata,
    Column("id", Serial, primary_key=True, comment="the id of the server-sent event"),
    Column("alert", Text, ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
    Column("type", Text, nullable=False, comment="raised, updated or cleared"),
    Column("time", BigInteger, nullable=False),
    Column("document", Document, nullable=False, comment="the alert as the API showed it then"),
    Index(None, "alert"),
    sqlite_autoincrement=True,
)

alert_comment = Table(
    "alert_comment",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("alert", Text, ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
    Column("author", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Index(None, "alert"),
    sqlite_autoincrement=True,
)

alert_action = Table(
    "alert_action",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("alert", Text, ForeignKey("alert.id", ondelete="CASCADE"), nullable=False),
    Column("action", Text, nullable=False, comment="acknowledge, assign, comment, snooze"),
    Column("actor", Text, nullable=False),
    Column("time", BigInteger, nullable=False),
    Column("detail", Document),
    Index(None, "alert"),
    sqlite_autoincrement=True,
)

annotation = Table(
    "annotation",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("village", Text, nullable=False),
    Column("facility", Text, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_by", Text),
    Column("deleted_at", BigInteger),
    Index(None, "village", "facility", "end"),
    sqlite_autoincrement=True,
)
"""What people wrote about a stretch of a facility. It changes no state and no figure."""

maintenance = Table(
    "maintenance",
    metadata,
    Column("id", Text, primary_key=True, comment="a random UUID in hexadecimal"),
    Column("village", Text, comment="null: all villages of the uplink"),
    Column("facility", Text, comment="null: the whole village"),
    Column("uplink", Text),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("rrule", Text, comment="how it recurs (RFC 5545); null: once"),
    Column("reason", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_by", Text),
    Column("deleted_at", BigInteger),
    Index(None, "village", "end"),
)
