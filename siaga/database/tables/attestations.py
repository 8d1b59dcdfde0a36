"""Attestations: what people saw with their own eyes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from siaga.database.tables.base import Serial, metadata

__all__ = [
    "attestation",
    "attestation_photo",
]

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
    Column(
        "needs_review",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="it counts only once a second person confirmed it",
    ),
    Column("confirmed_at", BigInteger),
    Column("confirmed_by", Text),
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
