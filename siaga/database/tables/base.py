"""What all tables share."""

from sqlalchemy import JSON, BigInteger, Integer, MetaData
from sqlalchemy.dialects.postgresql import JSONB

__all__ = ["NOT_DUMPED", "Document", "Serial", "metadata"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

NOT_DUMPED = {"dumped": False}
"""`info` of a table whose rows stand in no backup: they would outlive what deletes them."""

Serial = BigInteger().with_variant(Integer, "sqlite")
"""Ids that only grow; SQLite counts up in columns of its own `INTEGER` alone."""
Document = JSON().with_variant(JSONB, "postgresql")
"""JSON as the API shows it, or as a whole that nobody queries into."""
