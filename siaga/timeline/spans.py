"""States and spans: the result of a judgement."""

from enum import StrEnum
from typing import NamedTuple

__all__ = ["PlannedWork", "Span", "State"]


class State(StrEnum):
    """The state of a facility at an instant."""

    MET = "met"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_REQUIRED = "not_required"


class PlannedWork(NamedTuple):
    """A maintenance window `[start, end)`, and when it was declared (wall time); ms."""

    start: int
    end: int
    declared: int = -(2**62)


class Span(NamedTuple):
    """A period `[start, end)` (ms) in one state for one cause.

    `excused`: only if failed or unknown. `excused_later`: the only excuse is maintenance that was declared afterwards.
    A tuple, because a report reads a hundred thousand of them: a frozen dataclass takes four times as long to make.
    """

    start: int
    end: int
    state: State
    cause: str | None = None
    excused: bool = False
    excused_later: bool = False

    @property
    def fails(self) -> bool:
        """Failed, and not excused: what counts against the facility."""
        return self.state is State.FAILED and not self.excused
