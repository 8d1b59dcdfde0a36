"""The state of one signal of one device over time: by validity, last wills, events, and its first report.

A *run* is a period in which a signal is true or false. Between runs it is unknown. *Steps* are the same as values from
a moment on, over a whole window, with `UNASKED` where the signal does not take part.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import compress, count
from operator import ne
from typing import Final, Literal

from siaga.model.intervals import Interval, gaps, stretches, subtract
from siaga.model.observation import Track
from siaga.model.signals import Value
from siaga.timeline.logic import Ternary

__all__ = ["UNASKED", "Run", "Said", "Step", "event_runs", "heard", "last_wills", "runs", "steps"]

UNASKED: Final = "unasked"
"""The value of a signal that does not take part: its device has not reported it yet, or another replaces it."""

Said = Ternary | Literal["unasked"]
Run = tuple[int, int, bool]
"""A period `[start, end)` in ms, and the value in it."""
Step = tuple[int, Said]
"""A moment (ms), and the value from then until the next step."""


def last_wills(online: Track | None, start: int, end: int) -> list[int]:
    """Returns the times in `[start, end)` at which the device was reported offline."""
    if online is None:
        return []
    part = online.between(start, end)
    return [time for time, value in zip(part.times, part.values, strict=True) if not value]


def runs(times: Sequence[int], said: Sequence[Value], validity: int, wills: Sequence[int]) -> list[Run]:
    """Returns the runs of a signal. Each observation holds until the next, a last will, or the end of its validity.

    A last will does not affect an observation at the same instant, only earlier ones. A month of a facility has 43,200
    observations, most equal to the one before, so the work per observation is done by functions in C.
    """
    if not times:
        return []
    cut: dict[int, int] = {}
    for will in wills:
        index = bisect_left(times, will) - 1
        if index >= 0 and will < times[index] + validity:
            cut.setdefault(index, will)
    ends = set(compress(count(), map(ne, said[1:], said)))
    ends.update(gaps(times, validity))
    found: list[Run] = []
    first, last = 0, len(times) - 1
    for index in sorted(ends | cut.keys() | {last}):
        end = cut.get(index, times[index] + validity)
        if index < last and times[index + 1] < end:
            end = times[index + 1]
        found.append((times[first], end, bool(said[index])))
        first = index + 1
    return found


def heard(tracks: Iterable[Track], validity: int, start: int, end: int) -> list[Interval]:
    """Returns when a device is heard around `[start, end)`: for `validity` from each observation of the tracks."""
    times: list[int] = []
    for track in tracks:
        times += track.between(start - validity + 1, end).times
    times.sort()
    return stretches(times, validity)


def event_runs(events: Sequence[int], interval: int, heard_in: Sequence[Interval]) -> list[Run]:
    """Returns the runs of an event signal: true for `interval` from each event, else false in `heard_in`."""
    happened = stretches(events, interval)
    said: list[Run] = [(start, end, True) for start, end in happened]
    said += [(start, end, False) for start, end in subtract(heard_in, happened)]
    said.sort()
    return said


def steps(said: Iterable[Run], asked: Interval, window: Interval) -> list[Step]:
    """Returns the runs as steps over a window. The first is at its start. Outside `asked` they are `UNASKED`."""
    start, end = window
    begin, finish = max(start, asked[0]), min(end, asked[1])
    if begin >= finish:
        return [(start, UNASKED)]
    found: list[Step] = [(start, UNASKED)] if begin > start else []
    known_until = begin
    for low, high, value in said:
        if high <= begin:
            continue
        if low >= finish:
            break
        if low > known_until:
            found.append((known_until, None))
        found.append((max(low, begin), value))
        known_until = high
    if known_until < finish:
        found.append((known_until, None))
    if finish < end:
        found.append((finish, UNASKED))
    return found
