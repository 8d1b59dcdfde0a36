"""States and spans: what a judgement says."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

__all__ = ["PlannedWork", "Span", "State"]


class State(StrEnum):
    """What is known of a facility at an instant."""

    MET = "met"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_REQUIRED = "not_required"


class PlannedWork(NamedTuple):
    """A maintenance window `[start, end)` and when it was declared (wall time), in milliseconds."""

    start: int
    end: int
    declared: int = -(2**62)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch `[start, end)` in one state for one cause; milliseconds. `excused` only where failed or unknown.

    `excused_later`: it is excused by maintenance alone that was declared afterwards.
    """

    start: int
    end: int
    state: State
    cause: str | None = None
    excused: bool = False
    excused_later: bool = False
