"""The first schema: registry, spans, alerts, quarantine, tokens."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make all tables."""
    create_registry()
    create_derived()
    create_alerts()
    create_notifications()
    create_edge()


def downgrade() -> None:
    """Drop them all."""
    op.drop_table("notification_item")
    op.drop_table("notification_provider")
    op.drop_table("notification")
    op.drop_table("notice")
    op.drop_table("escalation")
    op.drop_table("device")
    op.drop_table("facility")
    op.drop_table("alert_event")
    op.drop_table("alert_comment")
    op.drop_table("alert_action")
    op.drop_table("village_state")
    op.drop_table("village")
    op.drop_table("token")
    op.drop_table("span")
    op.drop_table("registry_version")
    op.drop_table("quarantine_dropped")
    op.drop_table("quarantine")
    op.drop_table("maintenance")
    op.drop_table("gateway_state")
    op.drop_table("first_report")
    op.drop_table("engine_state")
    op.drop_table("day")
    op.drop_table("alert")


def create_registry() -> None:
    """Villages, facilities and devices, and the registry's version."""
    op.create_table(
        "village",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("document", DOCUMENT, nullable=False, comment="the whole village; the other columns are for queries"),
        sa.Column("told", sa.BigInteger(), nullable=False, comment="when siaga was first told of it"),
        sa.Column("position", sa.Integer(), nullable=False, comment="its place in the sites file"),
        sa.PrimaryKeyConstraint("code", name="pk_village"),
    )
    op.create_table(
        "facility",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["village"], ["village.code"], name="fk_facility_village_village", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("village", "id", name="pk_facility"),
    )
    op.create_index("ix_facility_kind", "facility", ["kind"], unique=False)
    op.create_table(
        "device",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("facility", sa.Text(), nullable=False),
        sa.Column("adapter", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["village", "facility"],
            ["facility.village", "facility.id"],
            name="fk_device_village_facility_facility",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("village", "id", name="pk_device"),
    )
    op.create_index("ix_device_village_facility", "device", ["village", "facility"], unique=False)
    op.create_table(
        "registry_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="1: the only row"),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="grows with every import that changed something"),
        sa.PrimaryKeyConstraint("id", name="pk_registry_version"),
    )
    op.execute("INSERT INTO registry_version (id, version) VALUES (1, 0)")


def create_derived() -> None:
    """What is derived from telemetry."""
    op.create_table(
        "first_report",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("village", "device", "signal", name="pk_first_report"),
    )
    op.create_table(
        "span",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("facility", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=True, comment="null while it runs"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("excused", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("village", "facility", "start", name="pk_span"),
    )
    op.create_index(
        "ix_span_open",
        "span",
        ["state"],
        unique=False,
        sqlite_where=sa.text('"end" IS NULL'),
        postgresql_where=sa.text('"end" IS NULL'),
    )
    op.create_index("ix_span_village_facility_end", "span", ["village", "facility", "end"], unique=False)
    op.create_table(
        "day",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("facility", sa.Text(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False, comment="in the village's own time zone"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "digest", sa.Text(), nullable=False, comment="of the day's spans: it tells a change from a repetition"
        ),
        sa.PrimaryKeyConstraint("village", "facility", "date", name="pk_day"),
    )
    op.create_table(
        "village_state",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False, comment="online or offline"),
        sa.Column("since", sa.BigInteger(), nullable=True, comment="wall time from which the link has been so"),
        sa.Column(
            "last_arrival", sa.BigInteger(), nullable=True, comment="wall time at which its gateway was last heard"
        ),
        sa.Column(
            "judged_until", sa.BigInteger(), nullable=True, comment="event time up to which its spans are written"
        ),
        sa.PrimaryKeyConstraint("village", name="pk_village_state"),
    )
    op.create_table(
        "gateway_state",
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True, comment="online or offline, as its last will says"),
        sa.Column("status_at", sa.BigInteger(), nullable=True),
        sa.Column("last_arrival", sa.BigInteger(), nullable=True),
        sa.Column("last_alive", sa.BigInteger(), nullable=True, comment="event time of its last heartbeat"),
        sa.PrimaryKeyConstraint("village", "gateway", name="pk_gateway_state"),
    )
    op.create_table(
        "engine_state",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_engine_state"),
    )


def create_alerts() -> None:
    """Alerts, their events, comments and actions, and maintenance."""
    op.create_table(
        "alert",
        sa.Column("id", sa.Text(), nullable=False, comment="a random UUID in hexadecimal"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("facility", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True, comment="also a gateway"),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False, comment="event time"),
        sa.Column("raised_at", sa.BigInteger(), nullable=False, comment="wall time"),
        sa.Column("ended_at", sa.BigInteger(), nullable=True, comment="event time"),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True, comment="wall time"),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("assignee", sa.Text(), nullable=True),
        sa.Column("snoozed_until", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("evidence", DOCUMENT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False, comment="grows with every change: the ETag"),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
    )
    op.create_index("ix_alert_raised_at_id", "alert", ["raised_at", "id"], unique=False)
    op.create_index("ix_alert_village_raised_at_id", "alert", ["village", "raised_at", "id"], unique=False)
    op.create_index(
        "uq_alert_open",
        "alert",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("cleared_at IS NULL"),
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "alert_event",
        sa.Column("id", SERIAL, nullable=False, comment="the id of the server-sent event"),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False, comment="raised, updated or cleared"),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("document", DOCUMENT, nullable=False, comment="the alert as the API showed it then"),
        sa.ForeignKeyConstraint(["alert"], ["alert.id"], name="fk_alert_event_alert_alert", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_event_alert", "alert_event", ["alert"], unique=False)
    op.create_table(
        "alert_comment",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alert"], ["alert.id"], name="fk_alert_comment_alert_alert", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_comment"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_comment_alert", "alert_comment", ["alert"], unique=False)
    op.create_table(
        "alert_action",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False, comment="acknowledge, assign, comment, snooze"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("detail", DOCUMENT, nullable=True),
        sa.ForeignKeyConstraint(["alert"], ["alert.id"], name="fk_alert_action_alert_alert", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_action"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alert_action_alert", "alert_action", ["alert"], unique=False)
    op.create_table(
        "maintenance",
        sa.Column("id", sa.Text(), nullable=False, comment="a random UUID in hexadecimal"),
        sa.Column("village", sa.Text(), nullable=True, comment="null: all villages of the uplink"),
        sa.Column("facility", sa.Text(), nullable=True, comment="null: the whole village"),
        sa.Column("uplink", sa.Text(), nullable=True),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("rrule", sa.Text(), nullable=True, comment="how it recurs (RFC 5545); null: once"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_by", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_maintenance"),
    )
    op.create_index("ix_maintenance_village_end", "maintenance", ["village", "end"], unique=False)


def create_notifications() -> None:
    """What is to be told of alerts, to whom, and by when."""
    op.create_table(
        "notice",
        sa.Column("event", sa.BigInteger(), autoincrement=False, nullable=False, comment="the id of the alert's event"),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False, comment="raised, updated or cleared"),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["alert"], ["alert.id"], name="fk_notice_alert_alert", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("event", name="pk_notice"),
    )
    op.create_index("ix_notice_village_time", "notice", ["village", "time"], unique=False)
    op.create_index("ix_notice_alert", "notice", ["alert"], unique=False)
    op.create_table(
        "notification",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="of its recipient and what it tells: made once"),
        sa.Column("recipient", sa.Text(), nullable=False, comment="PERSON/CHANNEL of the notify file"),
        sa.Column("provider", sa.Text(), nullable=False, comment="a digest of where the channel leads; no secret"),
        sa.Column("village", sa.Text(), nullable=True, comment="null: it tells of several villages"),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column(
            "due",
            sa.BigInteger(),
            nullable=False,
            comment="not to be tried before; while it is sent, the end of the lease",
        ),
        sa.Column("lease", sa.Text(), nullable=True, comment="a random word of the sender that has it"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="waiting, sent, dead, or void: nothing was left to tell"),
        sa.Column("settled", sa.BigInteger(), nullable=True, comment="when it was sent, given up or found void"),
        sa.Column("problem", sa.Text(), nullable=True, comment="why the last attempt failed"),
        sa.PrimaryKeyConstraint("id", name="pk_notification"),
        sa.UniqueConstraint("key", name="uq_notification_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notification_recipient", "notification", ["recipient"], unique=False)
    op.create_index("ix_notification_settled", "notification", ["settled"], unique=False)
    op.create_index(
        "ix_notification_waiting",
        "notification",
        ["due"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "notification_item",
        sa.Column("notification", sa.BigInteger(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False, comment="raised, worse, escalated or cleared"),
        sa.Column("severity", sa.Text(), nullable=False, comment="the severity that was told"),
        sa.Column("reason", sa.Text(), nullable=False, comment="why this recipient is told"),
        sa.Column("over", sa.Boolean(), nullable=False, comment="whether it was told that the alert had cleared"),
        sa.ForeignKeyConstraint(
            ["notification"],
            ["notification.id"],
            name="fk_notification_item_notification_notification",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["alert"], ["alert.id"], name="fk_notification_item_alert_alert", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("notification", "alert", name="pk_notification_item"),
    )
    op.create_index("ix_notification_item_alert", "notification_item", ["alert"], unique=False)
    op.create_table(
        "notification_provider",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("free_at", sa.BigInteger(), nullable=False, comment="nothing is sent by it before"),
        sa.PrimaryKeyConstraint("provider", name="pk_notification_provider"),
    )
    op.create_table(
        "escalation",
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("village", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False, comment="when the next are told if nobody has acknowledged"),
        sa.Column("tell", DOCUMENT, nullable=False, comment="names of people and groups"),
        sa.Column("by", DOCUMENT, nullable=False, comment="names of channels; empty: all"),
        sa.ForeignKeyConstraint(["alert"], ["alert.id"], name="fk_escalation_alert_alert", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("alert", "rule", "step", name="pk_escalation"),
    )
    op.create_index("ix_escalation_due", "escalation", ["due"], unique=False)


def create_edge() -> None:
    """The quarantine and the tokens."""
    op.create_table(
        "quarantine",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("village", sa.Text(), nullable=True),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("bytes", sa.Text(), nullable=False, comment="the first of them, readable, hardware addresses masked"),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_quarantine_village_id", "quarantine", ["village", "id"], unique=False)
    op.create_table(
        "quarantine_dropped",
        sa.Column("village", sa.Text(), nullable=False, comment="empty: payloads of no known village"),
        sa.Column("dropped", sa.BigInteger(), nullable=False, comment="how many old rows made room for new ones"),
        sa.PrimaryKeyConstraint("village", name="pk_quarantine_dropped"),
    )
    op.create_table(
        "token",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False, comment="SHA-256 of the token, in hexadecimal"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_token"),
        sa.UniqueConstraint("hash", name="uq_token_hash"),
        sqlite_autoincrement=True,
    )
