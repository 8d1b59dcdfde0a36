"""What one member of an installation does for all: whose turn it is. Rows of table `engine_state`."""

import uuid
from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy import Engine

from siaga.database import take_turns, writing
from siaga.database.engine_state import read_values, write_values
from siaga.model.clock import Clock

__all__ = ["Turn"]


@dataclass(frozen=True, slots=True)
class _Held:
    by: str
    until: int


_HELD = TypeAdapter(_Held)


class Turn:
    """One member's part in some work. Who has the turn keeps it while it takes it again within `lease` ms."""

    def __init__(self, engine: Engine, work: str, lease: int, clock: Clock) -> None:
        self._engine, self._key, self._lease, self._clock = engine, f"turn/{work}", lease, clock
        self._me = uuid.uuid4().hex

    def take(self) -> bool:
        """Take the turn, or keep it. Returns whether it is this member's."""
        now = self._clock.now()
        with writing(self._engine) as connection:
            take_turns(connection, "turn")
            value = read_values(connection, [self._key]).get(self._key)
            if value is not None:
                held = _HELD.validate_python(value)
                if held.by != self._me and now < held.until:
                    return False
            write_values(connection, {self._key: {"by": self._me, "until": now + self._lease}})
        return True
