"""From which event time on the telemetry store still has all readings. What is older cannot be judged again."""

from sqlalchemy import Connection

from siaga.database.engine_state import read_values, write_values
from siaga.timeline.span_algebra import FOREVER

__all__ = ["move_readings_from", "readings_from"]

_KEY = "readings_from"


def readings_from(connection: Connection) -> int:
    """Returns the event time, ms, before which readings may be gone; `-FOREVER`: none are."""
    value = read_values(connection, [_KEY]).get(_KEY)
    return value if isinstance(value, int) else -FOREVER


def move_readings_from(connection: Connection, time: int) -> None:
    """Note, before it happens, that readings from before an event time will be gone. It never goes back."""
    if time > readings_from(connection):
        write_values(connection, {_KEY: time})
