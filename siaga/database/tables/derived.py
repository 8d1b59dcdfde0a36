"""Data derived from telemetry, and what the engine needs to continue: its inbox and its snapshots."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, LargeBinary, Table, Text, false

from siaga.database.tables.base import Document, metadata

__all__ = [
    "dark",
    "day",
    "engine_lease",
    "engine_state",
    "first_report",
    "gateway_state",
    "inbox",
    "span",
    "village_partition",
    "village_snapshot",
    "village_state",
]

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
    Index(None, "village", "end"),
)
Index("ix_span_open", span.c.state, sqlite_where=span.c.end.is_(None), postgresql_where=span.c.end.is_(None))

dark = Table(
    "dark",
    metadata,
    Column("village", Text, primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("end", BigInteger, nullable=False),
    Index(None, "village", "end"),
)
"""When the gateway of a village did not run, in a schedule or not, up to its newest heartbeat. Event time."""

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
    Column("version", Text, comment="of its siaga, as it says; null: one that does not say it"),
    Column("twin_at", BigInteger, comment="when another gateway of its name was last noticed, wall time"),
)

engine_state = Table(
    "engine_state",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Document, nullable=False),
)

engine_lease = Table(
    "engine_lease",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("partitions", Integer, nullable=False, comment="how many there are: the same in all rows"),
    Column("epoch", BigInteger, nullable=False, comment="grows each time somebody takes the lease"),
    Column("holder", Text, nullable=False, comment="the name that a process reserves in its data directory"),
    Column("until", BigInteger, nullable=False, comment="by the clock of the database, ms; 0: released"),
    Column("deaf", Boolean, nullable=False, comment="the holder has lost the broker: who has not may take the lease"),
)
"""Which process leads each partition of the villages: `siaga/database/leases.py`."""

village_partition = Table(
    "village_partition",
    metadata,
    Column("village", Text, primary_key=True),
    Column("partition", Integer, comment="null: the next engine may watch it"),
    Column("let_go_at", BigInteger, comment="wall time until which an engine heard it that watches it no more"),
)
"""Which partition's engine watches a village now, where there are several partitions."""

inbox = Table(
    "inbox",
    metadata,
    Column("village", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="the order in which they were taken"),
    Column("gateway", Text, nullable=False),
    Column("channel", Text, nullable=False, comment="batch or ack"),
    Column("received", BigInteger, nullable=False, comment="wall time"),
    Column("payload", LargeBinary, nullable=False, comment="as it came"),
)
"""Messages that an alert engine took since the village's snapshot. Its successor replays them."""

village_snapshot = Table(
    "village_snapshot",
    metadata,
    Column("village", Text, primary_key=True),
    Column("saved", BigInteger, nullable=False, comment="wall time"),
    Column("state", LargeBinary, nullable=False, comment="JSON, packed with zlib: api/alerts/snapshot.py"),
)
