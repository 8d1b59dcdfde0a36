"""What the alert engine notes by key: table `engine_state`."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, select

from siaga.database import tables
from siaga.database.upsert import upsert

__all__ = ["mains_key", "read_values", "waits_key", "write_values"]

# Made once: that takes as long as to execute it
_VALUES = select(tables.engine_state).where(tables.engine_state.c.key.in_(bindparam("keys", expanding=True)))


def mains_key(village: str) -> str:
    """Returns the key of the list of a village's facilities that are without mains power now."""
    return f"mains/{village}"


def waits_key(village: str) -> str:
    """Returns the key of the list of a village's alerts that are neither raised nor cleared yet, with the reasons."""
    return f"waits/{village}"


def read_values(connection: Connection, keys: Iterable[str]) -> dict[str, object]:
    """Returns the values of the keys that are there."""
    return {row.key: row.value for row in connection.execute(_VALUES, {"keys": list(keys)})}


def write_values(connection: Connection, values: Mapping[str, object]) -> None:
    """Set values."""
    upsert(connection, tables.engine_state, [{"key": key, "value": value} for key, value in values.items()], ("key",))
