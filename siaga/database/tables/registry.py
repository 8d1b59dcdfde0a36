"""Villages, facilities, devices and regions, from the sites files."""

from sqlalchemy import BigInteger, Column, Date, Float, ForeignKey, ForeignKeyConstraint, Index, Integer, Table, Text

from siaga.database.tables.base import Document, metadata

__all__ = [
    "device",
    "facility",
    "holiday",
    "region",
    "registry_version",
    "taken_out",
    "village",
]

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
    Column("changed_at", BigInteger, comment="when its entry was last imported otherwise than before"),
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

holiday = Table(
    "holiday",
    metadata,
    Column("date", Date, primary_key=True),
    Column("name", Text, nullable=False),
)
"""Names of holidays. Which villages are closed on one stands in their documents."""

taken_out = Table(
    "taken_out",
    metadata,
    Column("village", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False, comment="wall time at which it was taken out"),
    Column("document", Document, nullable=False, comment="the village as it was, with this facility alone"),
)
"""Facilities that were taken out of the registry, for reports of the time before."""

registry_version = Table(
    "registry_version",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="1: the only row"),
    Column("version", BigInteger, nullable=False, comment="grows with every import that changed something"),
)
