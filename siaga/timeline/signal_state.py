"""What one signal of one device says over time: by validity, last wills, events, and from its first report on.

*Runs* are stretches during which a signal says true or false; between them it is not known. *Steps* turn runs into what
is said from each moment on, over a whole window, with `UNASKED` where the signal does not take part.
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
"""Said of a signal that does not take part: its device has not reported it yet, or another stands for it."""

Said = Ternary | Literal["unasked"]
Run = tuple[int, int, bool]
"""A stretch `[start, end)` in milliseconds, and what is said in it."""
Step = tuple[int, Said]
"""What is said from a moment on, until the next step."""


def last_wills(online: Track | None, start: int, end: int) -> list[int]:
    """When, in `[start, end)`, the device was said to be offline."""
    if online is None:
        return []
    part = online.between(start, end)
    return [time for time, value in zip(part.times, part.values, strict=True) if not value]


def runs(times: Sequence[int], said: Sequence[Value], validity: int, wills: Sequence[int]) -> list[Run]:
    """What a signal says: each observation until the next, at most for its validity, and not beyond a last will.

    A last will at the very instant of an observation does not touch it: it makes unknown what was observed before.
    A month of a facility has 43,200 observations, most of them like the one before: what is done for each runs in C.
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
    """When a device is heard around `[start, end)`: for its validity from each of these tracks' observations."""
    times: list[int] = []
    for track in tracks:
        times += track.between(start - validity + 1, end).times
    times.sort()
    return stretches(times, validity)


def event_runs(events: Sequence[int], interval: int, heard_in: Sequence[Interval]) -> list[Run]:
    """What an event signal says: true for `interval` from each event, else false while its device is heard."""
    happened = stretches(events, interval)
    said: list[Run] = [(start, end, True) for start, end in happened]
    said += [(start, end, False) for start, end in subtract(heard_in, happened)]
    said.sort()
    return said


def steps(said: Iterable[Run], asked: Interval, window: Interval) -> list[Step]:
    """The runs as steps over a window, of which the first is at its start; `UNASKED` outside of `asked`."""
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
