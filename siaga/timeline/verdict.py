"""The verdict on a day of a facility, in the village's own calendar."""

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
"""For how long after a day a gateway may still come back with what it buffered."""
COVERAGE_PERCENT = 95
"""The coverage that a verdict of `met` needs (contract, section 5)."""


class Verdict(StrEnum):
    """What a day comes to."""

    MET = "met"
    MISSED = "missed"
    UNJUDGED = "unjudged"
    NOT_REQUIRED = "not_required"


@dataclass(frozen=True, slots=True)
class DayVerdict:
    """A day's verdict and what it rests on.

    `longest_failure` is the whole length, in milliseconds, of the longest failed run that touches the day: failed and
    not excused without a break, not cut at midnight; 0 where there is none.
    """

    verdict: Verdict
    availability: Availability
    longest_failure: int

    @property
    def failed(self) -> int:
        """Failed time of the day, excused or not, in milliseconds."""
        return self.availability.failed

    @property
    def unknown(self) -> int:
        """Unknown time of the day, excused or not, in milliseconds."""
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
    """Yields the verdict on each of the local `days`, which come in order.

    `spans`: in order, up to `now` (wall time, ms), and whole failed runs beyond the days. `heard_until`: event time at
    which one of the village's gateways was last heard, ms; `None`: never.
    """
    first = 0
    for day in days:
        while first < len(spans) and spans[first].end <= day[0]:
            first += 1
        last = first
        while last < len(spans) and spans[last].start < day[1]:
            last += 1
        still_to_come = still_required(village, held_to, day, now) if now < day[1] else 0
        judged = judge_day(_with_runs(spans, first, last), day, held_to, still_to_come)
        buffered = (heard_until is None or heard_until < day[1]) and now < day[1] + LATE_DATA
        yield JudgedDay(day, judged, buffered or is_provisional(spans[first:last], day, now))


def _with_runs(spans: Sequence[Span], first: int, last: int) -> Sequence[Span]:
    """The spans `[first, last)`, and the failed ones beside them, which may be of one run with them."""
    while 0 < first < last and _fails(spans[first]) and _fails(spans[first - 1]):
        first -= 1
    while first < last < len(spans) and _fails(spans[last - 1]) and _fails(spans[last]):
        last += 1
    return spans[first:last]


def _fails(span: Span) -> bool:
    return span.state is State.FAILED and not span.excused


def judge_day(spans: Sequence[Span], day: Interval, held_to: Terms, still_to_come: int = 0) -> DayVerdict:
    """Returns the verdict on `day`, from spans that reach beyond it as far as the failed runs that touch it.

    A failure that lasts exactly as long as `grace`, or failures that add up to exactly what the target leaves, are not
    yet too much. `still_to_come`: what the schedule asks of the rest of a day that runs, ms (`still_required`).
    """
    measured = measure(spans, day)
    longest = max((end - start for start, end in failed_runs(spans) if start < day[1] and end > day[0]), default=0)
    failed = measured.failed - measured.excused_failed
    if measured.required == 0:
        verdict = Verdict.NOT_REQUIRED
    elif longest > held_to.grace or (failed and failed > _allowed(held_to.target) * (measured.counted + still_to_come)):
        verdict = Verdict.MISSED
    else:
        enough = measured.counted > 0 and (measured.met + failed) * 100 >= measured.counted * COVERAGE_PERCENT
        verdict = Verdict.MET if enough else Verdict.UNJUDGED
    return DayVerdict(verdict, measured, longest)


@lru_cache(maxsize=1024)
def _allowed(target: float) -> Fraction:
    """The share that may fail. The target is taken as it was written: 1 - 0.9 is less than a tenth in binary."""
    return 1 - Fraction(str(target))


def still_required(village: Village, held_to: Terms, day: Interval, now: int) -> int:
    """Returns how much of a day its schedule asks from now to midnight, ms; 0 for a day that is over."""
    return total(required(parse_schedule(held_to.schedule), village, max(now, day[0]), day[1]))


def failed_runs(spans: Iterable[Span]) -> list[Interval]:
    """The stretches that are failed and not excused without a break, whatever their causes; spans come in order."""
    found: list[Interval] = []
    for span in spans:
        if _fails(span):
            if found and found[-1][1] == span.start:
                found[-1] = (found[-1][0], span.end)
            else:
                found.append((span.start, span.end))
    return found


def is_provisional(spans: Iterable[Span], day: Interval, now: int) -> bool:
    """Whether a day's verdict may still change: it runs, or what a gateway buffered of it may still come."""
    if now < day[1]:
        return True
    return now < day[1] + LATE_DATA and any(
        span.cause == VILLAGE_OFFLINE and span.start < day[1] and span.end > day[0] for span in spans
    )


def local_day(village: Village, day: date) -> Interval:
    """A calendar day of the village: from its midnight to the next, 23 to 25 hours."""
    return local_moment(day, 0, village.timezone), local_moment(day + timedelta(days=1), 0, village.timezone)


def local_days(village: Village, start: int, end: int) -> list[tuple[date, Interval]]:
    """The calendar days of the village that touch `[start, end)`, whole, in order."""
    if start >= end:
        return []
    day, last = local_date(start, village.timezone) - timedelta(days=1), local_date(end, village.timezone)
    days = [day + timedelta(days=n) for n in range((last - day).days + 1)]
    found = [(date_, local_day(village, date_)) for date_ in days]
    return [(date_, interval) for date_, interval in found if interval[0] < end and interval[1] > start]
