"""What the self-probe found, and what the alert engine noted for it: rows of table `engine_state`."""

from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy import Connection

from siaga.database.engine_state import read_values, write_values

__all__ = ["ProbeResult", "note_raised", "raised_at", "read_result", "write_result"]

_RAISED, _RESULT = "self_probe", "self_probe_result"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probe. `at`: when it ended, wall time, ms. Times that were not measured are `None`.

    `stored`: ms until a batch was acknowledged. `raised`: ms until an alert was committed. `problem`: why it failed.
    `heartbeat`: why the outside address was not reached; `None` if it was, or if there is none.
    """

    at: int
    stored: int | None = None
    raised: int | None = None
    problem: str | None = None
    heartbeat: str | None = None


_RESULTS = TypeAdapter(ProbeResult)


def note_raised(connection: Connection, time: int) -> None:
    """Note that the alert of the probe's village was raised at a wall time, ms."""
    write_values(connection, {_RAISED: time})


def raised_at(connection: Connection) -> int:
    """Returns when that was last; 0: never."""
    value = read_values(connection, [_RAISED]).get(_RAISED)
    return value if isinstance(value, int) else 0


def write_result(connection: Connection, result: ProbeResult) -> None:
    """Keep the result of the last probe."""
    write_values(connection, {_RESULT: _RESULTS.dump_python(result, mode="json")})


def read_result(connection: Connection) -> ProbeResult | None:
    """Returns the result of the last probe; `None`: there was none."""
    value = read_values(connection, [_RESULT]).get(_RESULT)
    return None if value is None else _RESULTS.validate_python(value)
