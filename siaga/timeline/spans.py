"""States and spans: what a judgement says."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Span", "State"]


class State(StrEnum):
    """What is known of a facility at an instant."""

    MET = "met"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_REQUIRED = "not_required"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch `[start, end)` in one state for one cause; milliseconds. `excused` only where failed or unknown."""

    start: int
    end: int
    state: State
    cause: str | None = None
    excused: bool = False
