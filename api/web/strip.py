"""A stretch of a facility as a strip: what was so in each slot of it, drawn as few paths.

Height tells the states apart before colour does: failed is the tallest, met stands lower, unknown is as high and
hatched, and where nothing is required there is a thin line. Where a facility was not there yet, nothing is drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from siaga.model.clock import DAY, MINUTE
from siaga.model.intervals import Interval
from siaga.timeline.spans import Span, State

__all__ = ["HEIGHT", "SLOT", "SLOTS", "Stroke", "day_until", "slots", "strokes"]

SLOT = 5 * MINUTE
SLOTS = DAY // SLOT
HEIGHT = 12
_TOP: Mapping[State, int] = {State.FAILED: 0, State.MET: 4, State.UNKNOWN: 4, State.NOT_REQUIRED: 10}


@dataclass(frozen=True, slots=True)
class Stroke:
    """All slots of one state as the path of an SVG, one unit a slot."""

    state: State
    path: str


def day_until(now: int) -> Interval:
    """24 hours in whole slots, the last of which holds the moment before `now`."""
    end = -(-now // SLOT) * SLOT
    return end - DAY, end


def slots(spans: Sequence[Span], window: Interval, now: int, slot: int = SLOT) -> list[State]:
    """The state of each slot (of `slot` ms) of a window: failed if it was so at all, else the longest.

    A failure that the strip hid would be worse than one that it draws a little too wide.
    """
    start, end = window
    times: list[dict[State, int]] = [{} for _ in range(-(-(end - start) // slot))]
    for span in spans:
        low, high = max(span.start, start), min(span.end, now, end)
        while low < high:
            index = (low - start) // slot
            until = min(high, start + (index + 1) * slot)
            times[index][span.state] = times[index].get(span.state, 0) + until - low
            low = until
    return [_shown(here) for here in times]


def strokes(states: Sequence[State], first: int = 0) -> list[Stroke]:
    """What to draw, one path a state. `first`: slots at the beginning that are left empty."""
    paths: dict[State, str] = {}
    at = first
    for state, group in groupby(states[first:]):
        width, top = len(list(group)), _TOP[state]
        paths[state] = paths.get(state, "") + f"M{at} {top}h{width}V{HEIGHT}h-{width}z"
        at += width
    return [Stroke(state, path) for state, path in paths.items()]


def _shown(times: Mapping[State, int]) -> State:
    if State.FAILED in times:
        return State.FAILED
    return max(times, key=lambda state: times[state], default=State.NOT_REQUIRED)
