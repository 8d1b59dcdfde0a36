"""The timeline: from observations to spans. The one place where a facility's state is decided.

Live state, corrected history, day verdicts, availability and reports all come from `judge`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from siaga.observation import Track, TrackKey
from siaga.sites import Facility, Village

__all__ = ["Evidence", "Interval", "Span", "State", "Window", "judge", "judged_from", "reach"]


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


Interval = tuple[int, int]
"""A half-open stretch of event time, in milliseconds."""
Window = tuple[int, int]
"""The half-open stretch that is asked about, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was observed of one village, as far as a judgement needs it.

    `tracks` holds, for every device and signal, the observations of the judged window and those before it that may
    still hold (`reach`). A track of signal `alive` under an id that is no device is a gateway's. `first` says when each
    signal was first reported, ever: it may be long before the tracks begin. Where it lacks a key, the track's first
    observation is taken.
    """

    tracks: Mapping[TrackKey, Track]
    first: Mapping[TrackKey, int] = field(default_factory=dict)


def reach(village: Village, facility: Facility) -> int:
    """How long an observation can bear on this facility's state: the longest validity or event interval, ms."""
    raise NotImplementedError


def judged_from(village: Village, facility: Facility, evidence: Evidence) -> int | None:
    """From when the facility is judged: its `since`, else its first reading, else (no device can give evidence) `told`.

    `None`: nothing was ever heard of it.
    """
    raise NotImplementedError


def judge(
    village: Village, facility: Facility, evidence: Evidence, window: Window, planned: Sequence[Interval] = ()
) -> list[Span]:
    """The facility's spans over `window`, in order, without gap or overlap, neighbours differing.

    `planned` are maintenance windows that excuse. The window may reach into the future: there the spans say what
    will be if nothing more is heard, so the end of the span at `now` is the next instant at which the state changes
    by itself.
    """
    raise NotImplementedError
