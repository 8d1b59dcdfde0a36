"""The three strips of a facility: a day with its nights, the last 7 days, and the last 30."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from api.web.day_cells import DayCell, day_cells, last_dates
from api.web.facility_view import described
from api.web.strip import SLOT, Stroke, day_until, slots, strokes
from api.words import Words
from siaga.model.clock import HOUR
from siaga.model.indicators import terms
from siaga.model.intervals import Interval
from siaga.model.sites import Facility, Village
from siaga.timeline.availability import measure
from siaga.timeline.schedule import parse_schedule
from siaga.timeline.spans import Span
from siaga.timeline.sun import nights
from siaga.timeline.verdict import local_day

__all__ = ["DAYS", "WEEK", "DayStrip", "Past", "Strips", "day_strip", "strips_of"]

DAYS, WEEK = 30, 7
_NEVER = 2**62


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a facility: its spans of the last days up to now, and from when it is judged (ms)."""

    spans: Sequence[Span]
    first: int | None


@dataclass(frozen=True, slots=True)
class DayStrip:
    """A day. `width`: its slots. `nights`: where the sun is down, as start and width in slots; none where the schedule
    does not ask for it. `sun`: sunset and sunrise in words. `axis`: times below it. `notes`: stretches that somebody
    wrote about, in slots.
    """

    strokes: Sequence[Stroke]
    width: int
    nights: Sequence[tuple[float, float]]
    sun: str
    axis: Sequence[str]
    described: str
    notes: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True, slots=True)
class Strips:
    """The strips of a facility. `week`: the last cells of `month`, drawn by half hours."""

    day: DayStrip
    month: Sequence[DayCell]

    @property
    def week(self) -> Sequence[DayCell]:
        """The last 7 days."""
        return self.month[-WEEK:]


def strips_of(
    words: Words, village: Village, facility: Facility, past: Past, now: int, notes: Sequence[Interval] = ()
) -> Strips | None:
    """Returns the strips of a facility up to `now` (ms); `None`: it has no indicator."""
    if terms(facility) is None:
        return None
    dates = last_dates(now, village.timezone, DAYS)
    return Strips(
        day_strip(words, village, facility, past, now, notes=notes),
        day_cells(words, village, facility, past.spans, past.first, dates, now, drawn=WEEK),
    )


def day_strip(
    words: Words,
    village: Village,
    facility: Facility,
    past: Past,
    now: int,
    day: date | None = None,
    notes: Sequence[Interval] = (),
) -> DayStrip:
    """Returns a local day of a facility; without one, the last 24 hours. `notes`: stretches with annotations."""
    window = day_until(now) if day is None else local_day(village, day)
    until = min(now, window[1])
    states = slots(past.spans, window, until)
    begun = max(0, -(-(until - window[0]) // SLOT))
    empty = min(begun, max(0, ((past.first or _NEVER) - window[0]) // SLOT))
    dark = _nights(village, facility, window)
    zone, hour = village.timezone, 6 * HOUR
    axis = [words.clock_time(at, zone) for at in range(window[0], window[1] + 1, hour)]
    stretch = words("last_day") if day is None else words.day(day)
    return DayStrip(
        strokes(states[:begun], empty),
        (window[1] - window[0]) // SLOT,
        _placed(dark, window),
        _sun(words, dark, window, zone),
        axis,
        described(words, stretch, measure(past.spans, (window[0], max(window[0], until // SLOT * SLOT)))),
        _placed([one for one in notes if one[0] < window[1] and one[1] > window[0]], window),
    )


def _placed(stretches: Sequence[Interval], window: Interval) -> list[tuple[float, float]]:
    """Returns where stretches lie in a window: start and width in slots."""
    return [
        ((max(start, window[0]) - window[0]) / SLOT, (min(end, window[1]) - max(start, window[0])) / SLOT)
        for start, end in stretches
    ]


def _nights(village: Village, facility: Facility, window: Interval) -> list[Interval]:
    held_to = terms(facility)
    if held_to is None or not parse_schedule(held_to.schedule).night:
        return []
    return nights(village.latitude, village.longitude, *window)


def _sun(words: Words, dark: Sequence[Interval], window: Interval, zone: str) -> str:
    """Returns when the sun sets and rises in a window; empty: it does not, or nobody asks."""
    edges = sorted([(start, "sun_set") for start, _ in dark] + [(end, "sun_rise") for _, end in dark])
    shown = [(at, key) for at, key in edges if window[0] <= at < window[1]]
    return ", ".join(
        words("sun_set" if key == "sun_set" else "sun_rise", time=words.clock_time(at, zone)) for at, key in shown
    )
