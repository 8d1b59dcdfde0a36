"""Day verdicts of a facility, for local calendar days of the village."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from siaga.timeline.availability import Availability, Lengths, lengths
from siaga.timeline.facility_state import VILLAGE_OFFLINE
from siaga.timeline.schedule import parse_schedule, required
from siaga.timeline.spans import Span

__all__ = [
    "LATE_DATA",
    "DayCount",
    "DayVerdict",
    "JudgedDay",
    "Verdict",
    "count_days",
    "failed_runs",
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


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many of some days have which verdict, and how many of them all are provisional."""

    verdicts: Mapping[Verdict, int]
    provisional: int


def judge_days(
    village: Village,
    held_to: Terms,
    spans: Sequence[Span],
    days: Sequence[Interval],
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
    found = _found(village, held_to, spans, failed_runs(spans), days, heard_until, now)
    for day, (verdict, measured, longest, provisional) in zip(days, found, strict=True):
        yield JudgedDay(day, DayVerdict(verdict, Availability(*measured), longest), provisional)


def count_days(
    village: Village,
    held_to: Terms,
    spans: Sequence[Span],
    runs: Sequence[Interval],
    days: Sequence[Interval],
    heard_until: int | None,
    now: int,
) -> DayCount:
    """Returns how many of the local `days` have which verdict. As `judge_days`; `runs`: the spans' `failed_runs`."""
    verdicts = dict.fromkeys(Verdict, 0)
    provisional = 0
    for verdict, _, _, open_ in _found(village, held_to, spans, runs, days, heard_until, now):
        verdicts[verdict] += 1
        provisional += open_
    return DayCount(verdicts, provisional)


def judge_day(spans: Sequence[Span], day: Interval, held_to: Terms, still_to_come: int = 0) -> DayVerdict:
    """Returns the verdict on `day`.

    A failure of exactly `grace`, or failures that add up to exactly what the target allows, do not miss the day.

    Args:
        spans: in order, and beyond the day as far as failed runs reach.
        still_to_come: how much of the rest of a running day is required, ms (`still_required`).
    """
    (measured,) = lengths(spans, (day,))
    longest = max((end - start for start, end in failed_runs(spans) if start < day[1] and end > day[0]), default=0)
    return DayVerdict(_verdict(measured, longest, held_to, still_to_come), Availability(*measured), longest)


def _found(
    village: Village,
    held_to: Terms,
    spans: Sequence[Span],
    runs: Sequence[Interval],
    days: Sequence[Interval],
    heard_until: int | None,
    now: int,
) -> Iterator[tuple[Verdict, Lengths, int, bool]]:
    """Yields of each day its verdict, what it comes to, its longest failed run and whether it is provisional.

    Like `lengths` it goes along everything once.
    """
    offline = [(span.start, span.end) for span in spans if span.cause == VILLAGE_OFFLINE]
    run = away = 0
    for day, measured in zip(days, lengths(spans, days), strict=True):
        start, end = day
        longest = 0
        while run < len(runs) and runs[run][0] < end:
            if runs[run][1] > start:
                longest = max(longest, runs[run][1] - runs[run][0])
            if runs[run][1] > end:
                break  # it reaches into the next day
            run += 1
        while away < len(offline) and offline[away][1] <= start:
            away += 1
        still_to_come = still_required(village, held_to, day, now) if now < end else 0
        unheard = heard_until is None or heard_until < end or (away < len(offline) and offline[away][0] < end)
        provisional = now < end or (unheard and now < end + LATE_DATA)
        yield _verdict(measured, longest, held_to, still_to_come), measured, longest, provisional


def _verdict(measured: Lengths, longest: int, held_to: Terms, still_to_come: int) -> Verdict:
    met, failed, unknown, excused_failed, excused_unknown, _ = measured
    if met + failed + unknown == 0:
        return Verdict.NOT_REQUIRED
    failed -= excused_failed
    counted = met + failed + unknown - excused_unknown
    if longest > held_to.grace or (failed and _over(failed, held_to.target, counted + still_to_come)):
        return Verdict.MISSED
    enough = counted > 0 and (met + failed) * 100 >= counted * COVERAGE_PERCENT
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
