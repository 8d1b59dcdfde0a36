"""The days of a facility for its strips of 7 and 30 days: how each is drawn, and what it is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from api.web.strip import Stroke, slots, strokes
from api.words import Words
from siaga.model.clock import MINUTE
from siaga.model.indicators import terms
from siaga.model.intervals import Interval
from siaga.model.local_time import local_date
from siaga.model.sites import Facility, Village
from siaga.timeline.spans import Span, State
from siaga.timeline.verdict import JudgedDay, Verdict, failed_runs, judge_days, local_day

__all__ = ["HALF_HOUR", "DayCell", "day_cells", "last_dates", "said"]

HALF_HOUR = 30 * MINUTE
"""The slots of a day among others."""
_STATES = {
    Verdict.MET: State.MET,
    Verdict.MISSED: State.FAILED,
    Verdict.UNJUDGED: State.UNKNOWN,
    Verdict.NOT_REQUIRED: State.NOT_REQUIRED,
}
_NEVER = 2**62


@dataclass(frozen=True, slots=True)
class DayCell:
    """A local day of a facility.

    `state`: as its verdict says; `None`: the facility was not there yet. `words`: its date, what share of it was met,
    and how many failures lasted longer than `grace`. `strokes`: its half hours, if they were asked for.
    """

    date: date
    state: State | None
    words: str
    strokes: Sequence[Stroke] = ()


def last_dates(now: int, timezone: str, count: int) -> list[date]:
    """Returns so many local dates in order, of which the last one runs at `now` (ms)."""
    today = local_date(now, timezone)
    return [today - timedelta(days=n) for n in range(count - 1, -1, -1)]


def day_cells(
    words: Words,
    village: Village,
    facility: Facility,
    spans: Sequence[Span],
    first: int | None,
    dates: Sequence[date],
    now: int,
    *,
    drawn: int = 0,
) -> list[DayCell]:
    """Returns a cell for each of some local dates; none of a facility without an indicator.

    Args:
        words: in which language a day is named.
        village: the facility's.
        facility: whose days.
        spans: of the facility up to `now`, beyond the days as far as failed runs reach.
        first: event time (ms) from which it is judged; `None`: it never was.
        dates: local dates, which follow each other.
        now: wall time, ms.
        drawn: how many of them, the last ones, are drawn by half hours.
    """
    held_to = terms(facility)
    if held_to is None:
        return []
    days = [local_day(village, day) for day in dates]
    outages = [run for run in failed_runs(spans) if run[1] - run[0] > held_to.grace]
    cells = []
    for number, judged in enumerate(judge_days(village, held_to, spans, days, None, now)):
        there = first is not None and judged.day[1] > first
        touching = sum(start < judged.day[1] and end > judged.day[0] for start, end in outages)
        cells.append(
            DayCell(
                dates[number],
                _STATES[judged.judged.verdict] if there else None,
                said(words, dates[number], judged if there else None, touching),
                _drawn(spans, judged.day, first or _NEVER, now) if there and number >= len(days) - drawn else (),
            )
        )
    return cells


def said(words: Words, day: date, judged: JudgedDay | None, outages: int) -> str:
    """Returns a day in words, such as `22 Agu: 75 %, 1 gangguan`; `None`: the facility was not there yet."""
    name = words.day(day)
    if judged is None:
        return words("day_cell", day=name, what=words("day_not_yet"))
    measured = judged.judged.availability
    low, high = measured.availability_low, measured.availability_high
    if low is None or high is None:
        what = words("day_excused" if measured.required else "state_not_required")
    elif measured.met + measured.failed == 0:
        what = words("state_unknown")
    elif low == high:
        what = words.percent(low)
    else:
        what = f"{words.percent(low).removesuffix(_SIGN)}–{words.percent(high)}"
    if outages:
        what = f"{what}, {words.count('day_outages', outages)}"
    return words("day_cell", day=name, what=what)


_SIGN = "\u00a0%"


def _drawn(spans: Sequence[Span], day: Interval, first: int, now: int) -> Sequence[Stroke]:
    states = slots(spans, day, now, HALF_HOUR)
    begun = -(-max(0, min(now, day[1]) - day[0]) // HALF_HOUR)
    return strokes(states[:begun], max(0, (first - day[0]) // HALF_HOUR))
