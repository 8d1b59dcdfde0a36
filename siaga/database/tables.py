"""The tables of the SQL database, the same in SQLite and PostgreSQL.

All times are whole milliseconds of Unix time. Telemetry is not here; what is derived from it (spans, days, first
reports) can be deleted and is rebuilt from the telemetry store. A change here needs its migration beside it: a test
compares the two.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.dialects.postgresql import JSONB

__all__ = [
    "alert",
    "alert_action",
    "alert_comment",
    "alert_event",
    "alert_member",
    "attestation",
    "attestation_photo",
    "day",
    "device",
    "engine_state",
    "escalation",
    "facility",
    "first_report",
    "gateway_state",
    "inbox",
    "maintenance",
    "metadata",
    "notice",
    "notification",
    "notification_item",
    "notification_provider",
    "quarantine",
    "quarantine_dropped",
    "region",
    "registry_version",
    "span",
    "token",
    "village",
    "village_snapshot",
    "village_state",
]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Serial = BigInteger().with_variant(Integer, "sqlite")
"""Ids that only grow; SQLite counts up in columns of its own `INTEGER` alone."""
Document = JSON().with_variant(JSONB, "postgresql")
"""JSON as the API shows it, or as a whole that nobody queries into."""

# --- The registry: what the sites files said -------------------------------------------------------------------------

village = Table(
    "village",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("latitude", Float, nullable=False),
    Column("longitude", Float, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("document", Document, nullable=False, comment="the whole village; the other columns are for queries"),
    Column("told", BigInteger, nullable=False, comment="when siaga was first told of it"),
    Column("position", Integer, nullable=False, comment="its place in the sites file"),
)

facility = Table(
    "facility",
    metadata,
    Column("village", Text, ForeignKey("village.code", ondelete="CASCADE"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Index(None, "kind"),
)

device = Table(
    "device",
    metadata,
    Column("village", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("facility", Text, nullable=False),
    Column("adapter", Text, nullable=False),
    ForeignKeyConstraint(["village", "facility"], ["facility.village", "facility.id"], ondelete="CASCADE"),
    Index(None, "village", "facility"),
)

region = Table(
    "region",
    metadata,
    Column("code", Text, primary_key=True, comment="the leading part that the codes of its villages share"),
    Column("name", Text, nullable=False),
)

registry_version = Table(
    "registry_version",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="1: the only row"),
    Column("version", BigInteger, nullable=False, comment="grows with every import that changed something"),
)

# --- Derived from telemetry: may be deleted, is rebuilt --------------------------------------------------------------

first_report = Table(
    "first_report",
    metadata,
    Column("village", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("signal", Text, primary_key=True),
    Column("time", BigInteger, nullable=False),
)

span = Table(
    "span",
    metadata,
    Column("village", Text, primary_key=True),
    Column("facility", Text, primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("end", BigInteger, comment="null while it runs"),
    Column("state", Text, nullable=False),
    Column("cause", Text),
    Column("excused", Boolean, nullable=False),
    Column(
        "excused_later",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="by maintenance alone, declared afterwards",
    ),
    Index(None, "village", "facility", "end"),
)
Index("ix_span_open", span.c.state, sqlite_where=span.c.end.is_(None), postgresql_where=span.c.end.is_(None))

day = Table(
    "day",
    metadata,
    Column("village", Text, primary_key=True),
    Column("facility", Text, primary_key=True),
    Column("date", Date, primary_key=True, comment="in the village's own time zone"),
    Column("revision", Integer, nullable=False),
    Column("digest", Text, nullable=False, comment="of the day's spans: it tells a change from a repetition"),
)

village_state = Table(
    "village_state",
    metadata,
    Column("village", Text, primary_key=True),
    Column("link", Text, nullable=False, comment="online or offline"),
    Column("since", BigInteger, comment="wall time from which the link has been so"),
    Column("last_arrival", BigInteger, comment="wall time at which its gateway was last heard"),
    Column("judged_until", BigInteger, comment="event time up to which its spans are written"),
)

gateway_state = Table(
    "gateway_state",
    metadata,
    Column("village", Text, primary_key=True),
    Column("gateway", Text, primary_key=True),
    Column("status", Text, comment="online or offline, as its last will says"),
    Column("status_at", BigInteger),
    Column("last_arrival", BigInteger),
    Column("last_alive", BigInteger, comment="event time of its last heartbeat"),
)

engine_state = Table(
    "engine_state",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Document, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("engine", Text, primary_key=True, comment="the name of its session with the broker"),
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="the order in which it took them"),
    Column("village", Text, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("channel", Text, nullable=False, comment="batch or ack"),
    Column("received", BigInteger, nullable=False, comment="wall time"),
    Column("payload", LargeBinary, nullable=False, comment="as it came"),
    Index(None, "engine", "village", "number"),
)
"""What an alert engine took from its broker since the village's snapshot: replayed by the next engine of that name."""

village_snapshot = Table(
    "village_snapshot",
    metadata,
    Column("engine", Text, primary_key=True, comment="the name of its session with the broker"),
    Column("village", Text, primary_key=True),
    Column("saved", BigInteger, nullable=False, comment="wall time"),
    Column("state", LargeBinary, nullable=False, comment="JSON, packed with zlib: api/alerts/snapshot.py"),
)

# --- Alerts -----------------------------------------------------------------------------------------------------------

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

# --- Attestations: what people saw with their own eyes ---------------------------------------------------------------

attestation = Table(
    "attestation",
    metadata,
    Column("number", Serial, primary_key=True, comment="grows with each that is made"),
    Column("id", Text, nullable=False, unique=True, comment="a random UUID in hexadecimal"),
    Column("village", Text, nullable=False),
    Column("indicator", Text, nullable=False, comment="a kind of facility"),
    Column("met", Boolean, nullable=False),
    Column("date", Date, nullable=False, comment="in the village's own time zone"),
    Column("expires", Date, nullable=False, comment="the day on which it no longer counts"),
    Column("note", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("draft", Text, comment="the sender's own name for it: sent again it is the same"),
    Column("device_time", BigInteger, comment="by the clock of the sender's device"),
    Column("distance_m", Integer, comment="from the village office; the place itself is not kept"),
    Column("withdrawn_at", BigInteger),
    Column("withdrawn_by", Text),
    UniqueConstraint("made_by", "draft"),
    Index(None, "village", "indicator", "date"),
    sqlite_autoincrement=True,
)

attestation_photo = Table(
    "attestation_photo",
    metadata,
    Column("attestation", BigInteger, ForeignKey("attestation.number", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False, comment="from 1"),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("bytes", Integer, nullable=False, comment="how many the JPEG has"),
    Column("sha256", Text, nullable=False, comment="of the JPEG: equal pixels have equal ones"),
    Column("source", Text, comment="camera or file, as the sender says"),
    # Last: a row is read up to the column that is asked for, and what lies before the picture is short
    Column("jpeg", LargeBinary, nullable=False),
    Index(None, "sha256"),
)

# --- Notifications: who is told of alerts -----------------------------------------------------------------------------

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

# --- The edge ---------------------------------------------------------------------------------------------------------

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("village", Text),
    Column("time", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("bytes", Text, nullable=False, comment="the first of them, readable, hardware addresses masked"),
    Index(None, "village", "id"),
    sqlite_autoincrement=True,
)

quarantine_dropped = Table(
    "quarantine_dropped",
    metadata,
    Column("village", Text, primary_key=True, comment="empty: payloads of no known village"),
    Column("dropped", BigInteger, nullable=False, comment="how many old rows made room for new ones"),
)

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
