"""Complaints: what citizens say is wrong at a facility."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from siaga.database.tables.base import NOT_DUMPED, Serial, metadata

__all__ = [
    "complaint",
    "complaint_day",
    "complaint_photo",
    "complaint_quiet",
]

complaint = Table(
    "complaint",
    metadata,
    Column("number", Serial, primary_key=True, comment="grows with each that is made; never shown"),
    Column("id", Text, nullable=False, unique=True, comment="random; who has it may read state and answer"),
    Column("village", Text, nullable=False),
    Column("facility", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="the kind of the facility at that time"),
    Column("problem", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("way", Text, nullable=False, comment="form or call"),
    Column("draft", Text, comment="the sender's own name for it: sent again it is the same"),
    Column("sender", Text, comment="the address, hashed with its day's secret; null from the next day on"),
    Column("repeats", Integer, nullable=False, comment="how often the same was said again"),
    Column("state", Text, nullable=False, comment="new, seen, closed or rejected"),
    Column("seen_at", BigInteger),
    Column("seen_by", Text),
    Column("ended_at", BigInteger, comment="when it was closed or rejected"),
    Column("ended_by", Text),
    Column("answer", Text),
    Column("erased_at", BigInteger, comment="from then on note, answer and photos are gone"),
    UniqueConstraint("draft"),
    Index(None, "created_at"),
    Index(None, "village", "facility", "created_at"),
    Index(None, "sender", "created_at"),
    sqlite_autoincrement=True,
)
"""Whether one contradicts its facility's sensors is not here: it follows from `span`, which late data corrects."""

complaint_photo = Table(
    "complaint_photo",
    metadata,
    Column("complaint", BigInteger, ForeignKey("complaint.number", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False, comment="from 1"),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("bytes", Integer, nullable=False, comment="how many the JPEG has"),
    Column("sha256", Text, nullable=False, comment="of the JPEG"),
    # Last: a row is read up to the column that is asked for, and what lies before the picture is short
    Column("jpeg", LargeBinary, nullable=False),
)

complaint_day = Table(
    "complaint_day",
    metadata,
    Column("day", Date, primary_key=True, comment="in UTC"),
    Column("secret", Text, nullable=False, comment="hashes addresses, signs forms; deleted after the next day"),
    info=NOT_DUMPED,
)

complaint_quiet = Table(
    "complaint_quiet",
    metadata,
    Column("village", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", BigInteger, nullable=False),
)
"""Villages that take no complaints for a while."""
