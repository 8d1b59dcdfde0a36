"""Day verdicts of a facility, for local calendar days of the village."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from siaga.model.clock import DAY
from siaga.model.indicators import Terms
from siaga.model.intervals import Interval, total
from siaga.model.local_time import local_date, local_moment
from siaga.model.sites import Village
from siaga.timeline.availability import Availability, measure
from siaga.timeline.facility_state import VILLAGE_OFFLINE
from siaga.timeline.schedule import parse_schedule, required
from siaga.timeline.spans import Span, State

__all__ = [
    "LATE_DATA",
    "DayVerdict",
    "JudgedDay",
    "Verdict",
    "failed_runs",
    "is_provisional",
    "judge_day",
    "judge_days",
    "local_day",
    "local_days",
    "still_required",
]

LATE_DATA = 90 * DAY
"""How long after a day a gateway may still send buffered data, ms."""
COVERAGE_PERCENT = 95
"""The coverage that a verdict of `met` requires, per cent (contract, section 5)."""


class Verdict(StrEnum):
    """The verdict on a day."""

    MET = "met"
    MISSED = "missed"
    UNJUDGED = "unjudged"
    NOT_REQUIRED = "not_required"


@dataclass(frozen=True, slots=True)
class DayVerdict:
    """A day's verdict and its basis.

    `longest_failure`: the length of the longest failed run that overlaps the day, ms; 0 without one. A failed run is
    failed and not excused without a break. It is not cut at midnight.
    """

    verdict: Verdict
    availability: Availability
    longest_failure: int

    @property
    def failed(self) -> int:
        """Failed time of the day, excused or not, ms."""
        return self.availability.failed

    @property
    def unknown(self) -> int:
        """Unknown time of the day, excused or not, ms."""
        return self.availability.unknown


@dataclass(frozen=True, slots=True)
class JudgedDay:
    """A local day with its verdict. `provisional`: it may still change."""

    day: Interval
    judged: DayVerdict
    provisional: bool


def judge_days(
    village: Village,
    held_to: Terms,
    spans: Sequence[Span],
    days: Iterable[Interval],
    heard_until: int | None,
    now: int,
) -> Iterator[JudgedDay]:
    """Yields the verdict on each of the local `days`, in order.

    Args:
        spans: in order, up to `now`, and beyond the days as far as failed runs reach.
        days: in order.
        heard_until: event time at which a gateway of the village was last heard, ms; `None` if never.
        now: wall time, ms.
    """
    first, run, runs = 0, 0, failed_runs(spans)
    for day in days:
        while run < len(runs) and runs[run][1] <= day[0]:
            run += 1
        while first < len(spans) and spans[first].end <= day[0]:
            first += 1
        last = first
        while last < len(spans) and spans[last].start < day[1]:
            last += 1
        touching = spans[first:last]
        if last - first == 1 and (run == len(runs) or runs[run][0] >= day[1]):
            one = touching[0]
            length = min(one.end, day[1]) - max(one.start, day[0])
            judged = _of_one(one.state, one.excused, one.excused_later, length)
        else:
            still_to_come = still_required(village, held_to, day, now) if now < day[1] else 0
            judged = _judged(touching, runs[run:], day, held_to, still_to_come)
        buffered = (heard_until is None or heard_until < day[1]) and now < day[1] + LATE_DATA
        yield JudgedDay(day, judged, buffered or is_provisional(touching, day, now))


def judge_day(spans: Sequence[Span], day: Interval, held_to: Terms, still_to_come: int = 0) -> DayVerdict:
    """Returns the verdict on `day`.

    A failure of exactly `grace`, or failures that add up to exactly what the target allows, do not miss the day.

    Args:
        spans: in order, and beyond the day as far as failed runs reach.
        still_to_come: how much of the rest of a running day is required, ms (`still_required`).
    """
    return _judged(spans, failed_runs(spans), day, held_to, still_to_come)


def _judged(
    spans: Sequence[Span], runs: Sequence[Interval], day: Interval, held_to: Terms, still_to_come: int
) -> DayVerdict:
    """Returns the verdict on `day` of the spans that touch it and of whole failed runs (`failed_runs`)."""
    measured = measure(spans, day)
    longest = 0
    for start, end in runs:
        if start >= day[1]:
            break
        if end > day[0]:
            longest = max(longest, end - start)
    failed = measured.failed - measured.excused_failed
    over = failed > 0 and _over(failed, held_to.target, measured.counted + still_to_come)
    return DayVerdict(_verdict(measured, missed=longest > held_to.grace or over), measured, longest)


@lru_cache(maxsize=4096)
def _of_one(state: State, excused: bool, excused_later: bool, length: int) -> DayVerdict:
    """Returns the verdict on a day of one span that does not count as failed: no target and no grace bear on it."""
    measured = measure([Span(0, length, state, None, excused, excused_later)], (0, length))
    return DayVerdict(_verdict(measured, missed=False), measured, 0)


def _verdict(measured: Availability, *, missed: bool) -> Verdict:
    if measured.required == 0:
        return Verdict.NOT_REQUIRED
    if missed:
        return Verdict.MISSED
    known = measured.met + measured.failed - measured.excused_failed
    enough = measured.counted > 0 and known * 100 >= measured.counted * COVERAGE_PERCENT
    return Verdict.MET if enough else Verdict.UNJUDGED


def _over(failed: int, target: float, counted: int) -> bool:
    """Returns whether that much failed time of the counted time is more than the target allows, ms."""
    allowed = _allowed(target)
    return failed * allowed.denominator > allowed.numerator * counted


@lru_cache(maxsize=1024)
def _allowed(target: float) -> Fraction:
    """Returns the share that may fail, exactly as in decimal: in binary floating point, 1 - 0.9 is less than 0.1."""
    return 1 - Fraction(str(target))


def still_required(village: Village, held_to: Terms, day: Interval, now: int) -> int:
    """Returns how much time from now to midnight is required, ms; 0 for a day that is over."""
    return total(required(parse_schedule(held_to.schedule), village, max(now, day[0]), day[1]))


def failed_runs(spans: Iterable[Span]) -> list[Interval]:
    """Returns the periods that are failed and not excused without a break, whatever the causes. `spans`: in order."""
    found: list[Interval] = []
    for span in spans:
        if span.fails:
            if found and found[-1][1] == span.start:
                found[-1] = (found[-1][0], span.end)
            else:
                found.append((span.start, span.end))
    return found


def is_provisional(spans: Iterable[Span], day: Interval, now: int) -> bool:
    """Returns whether a day's verdict may still change: the day runs, or buffered data may still arrive for it."""
    if now < day[1]:
        return True
    return now < day[1] + LATE_DATA and any(
        span.cause == VILLAGE_OFFLINE and span.start < day[1] and span.end > day[0] for span in spans
    )


def local_day(village: Village, day: date) -> Interval:
    """Returns a local calendar day of the village, from midnight to midnight: 23 to 25 hours."""
    return local_moment(day, 0, village.timezone), local_moment(day + timedelta(days=1), 0, village.timezone)


def local_days(village: Village, start: int, end: int) -> list[tuple[date, Interval]]:
    """Returns the local calendar days that overlap `[start, end)`, whole, in order."""
    if start >= end:
        return []
    day, last = local_date(start, village.timezone) - timedelta(days=1), local_date(end, village.timezone)
    days = [day + timedelta(days=n) for n in range((last - day).days + 1)]
    found = [(date_, local_day(village, date_)) for date_ in days]
    return [(date_, interval) for date_, interval in found if interval[0] < end and interval[1] > start]
