"""What is wrong with this siaga itself, as it was last told: rows of table `engine_state`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy import Connection

from siaga.database.engine_state import read_values, write_values

__all__ = ["Fault", "Told", "read_told", "write_told"]

_KEY = "faults"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong. `said` and `values`: the sentence of the catalogues. `since`: when it was told, ms."""

    id: str
    said: str
    values: Mapping[str, str]
    since: int


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of, and not mended yet. `looked_at`: when that was looked at last, wall time, ms."""

    looked_at: int = 0
    faults: Sequence[Fault] = ()


_TOLD = TypeAdapter(Told)


def read_told(connection: Connection) -> Told:
    """Returns what was told last."""
    value = read_values(connection, [_KEY]).get(_KEY)
    return Told() if value is None else _TOLD.validate_python(value)


def write_told(connection: Connection, told: Told) -> None:
    """Note what was told."""
    write_values(connection, {_KEY: _TOLD.dump_python(told, mode="json")})
