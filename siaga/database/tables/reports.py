"""Issued reports: kept as they were sent, with their files; and what has to be done for them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from siaga.database.tables.base import Document, Serial, metadata

__all__ = ["lease", "report", "report_file", "report_order", "report_run", "report_scope", "rewritten"]

report = Table(
    "report",
    metadata,
    Column("number", Serial, primary_key=True, comment="grows with each that is issued"),
    Column("id", Text, nullable=False, unique=True, comment="random: who has it holds the report, or its code"),
    Column("key", Text, nullable=False, unique=True, comment="of its order, or of what it revises: issued once"),
    Column("period", Text, nullable=False, comment="its name, as 2026-11"),
    Column("scopes", Document, nullable=False),
    Column("language", Text, nullable=False),
    Column("cut", BigInteger, nullable=False, comment="what lies after it is not counted; all revisions have one"),
    Column("window_start", BigInteger, nullable=False, comment="the earliest begin of the period in its villages"),
    Column("window_end", BigInteger, nullable=False, comment="the latest end, or the cut"),
    Column("revision", Integer, nullable=False, comment="from 1"),
    Column("provisional", Boolean, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("factors", Document, nullable=False, comment="what people wrote, by indicator"),
    Column("summary", Document, nullable=False, comment="what a message about it says"),
    Column("changes", Document, nullable=False, comment="figures that differ from the revision before"),
    Column("changes_left_out", Integer, nullable=False),
    Column("supersedes", Text, unique=True, comment="the id of the revision before"),
    Column("superseded_by", Text),
    Column("schedule", Text, comment="null: somebody issued it"),
    Column("told_at", BigInteger, comment="when the messages of its schedule were written"),
    Column("check_at", BigInteger, comment="when to compare it with what is known; null: nothing has changed"),
    sqlite_autoincrement=True,
)
Index(
    "ix_report_check",
    report.c.check_at,
    sqlite_where=report.c.check_at.is_not(None),
    postgresql_where=report.c.check_at.is_not(None),
)
Index(
    "ix_report_untold",
    report.c.number,
    sqlite_where=report.c.schedule.is_not(None) & report.c.told_at.is_(None),
    postgresql_where=report.c.schedule.is_not(None) & report.c.told_at.is_(None),
)

report_scope = Table(
    "report_scope",
    metadata,
    Column("report", BigInteger, ForeignKey("report.number", ondelete="CASCADE"), primary_key=True),
    Column("scope", Text, primary_key=True),
)
"""What a report tells of: who may not see all of it does not see the report."""

report_file = Table(
    "report_file",
    metadata,
    Column("report", BigInteger, ForeignKey("report.number", ondelete="CASCADE"), primary_key=True),
    Column("format", Text, primary_key=True),
    Column("bytes", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    # Last: a row is read up to the column that is asked for, and what lies before the file is short
    Column("content", LargeBinary, nullable=False),
)

report_order = Table(
    "report_order",
    metadata,
    Column("key", Text, primary_key=True, comment="of who ordered what: the same is ordered once"),
    Column("report", Text, nullable=False, comment="the id that the report will have"),
    Column("asked", Document, nullable=False, comment="period, scopes, language, factors, who, schedule"),
    Column("ordered_at", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False, comment="not to be made before; while it is made, the end of the lease"),
    Column("lease", Text, comment="a random word of who makes it"),
    Column("attempts", Integer, nullable=False),
    Column("problem", Text, comment="why the last attempt failed"),
    Index(None, "due"),
)
"""A report that is to be issued; the row goes in the transaction in which the report comes."""

report_run = Table(
    "report_run",
    metadata,
    Column("schedule", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("due", BigInteger, nullable=False),
    Column("claimed_at", BigInteger, nullable=False),
    Column("done_at", BigInteger, comment="when its messages were written"),
)
"""One schedule and one period; made once. A schedule that was seen for the first time has a row of period `since`."""

rewritten = Table(
    "rewritten",
    metadata,
    Column("village", Text, primary_key=True),
    Column("facility", Text, primary_key=True, comment="empty: the village's entry in the sites file has changed"),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
)
"""The stretch of each facility that was judged otherwise than before since reports were last compared with it."""

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True, comment="of what one process does for all"),
    Column("holder", Text, nullable=False, comment="a random word"),
    Column("until", BigInteger, nullable=False),
)
