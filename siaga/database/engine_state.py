"""What the alert engine notes by key: table `engine_state`."""

from collections.abc import Iterable, Mapping

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, select

from siaga.database import tables
from siaga.database.upsert import upsert
from siaga.model.readiness import UnreadPast

__all__ = ["mains_key", "read_past", "read_values", "waits_key", "write_past", "write_values"]

# Made once: that takes as long as to execute it
_VALUES = select(tables.engine_state).where(tables.engine_state.c.key.in_(bindparam("keys", expanding=True)))

_PAST = TypeAdapter(UnreadPast)


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


def write_past(connection: Connection, partition: int, past: UnreadPast) -> None:
    """Set what of the past the engine of a partition does not know."""
    write_values(connection, {_past_key(partition): _PAST.dump_python(past, mode="json")})


def read_past(connection: Connection, partitions: int) -> UnreadPast:
    """Returns what of the past the engines of all partitions do not know."""
    found = read_values(connection, map(_past_key, range(partitions))).values()
    each = [_PAST.validate_python(value) for value in found]
    return UnreadPast(
        {village: stretches for one in each for village, stretches in one.stretches.items()},
        next((one.problem for one in each if one.problem is not None), None),
        {village: stretches for one in each for village, stretches in one.judging.items()},
    )


def _past_key(partition: int) -> str:
    return f"past/{partition}"
