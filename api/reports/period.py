"""The period of a report: whole local dates, half-open, by each village's own clock."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from api.words import Explained, Sentence
from siaga.model.intervals import Interval
from siaga.model.local_time import local_moment

__all__ = ["BadPeriod", "Period", "Unit", "between", "holding", "parse_dates", "parse_period"]

_EARLIEST, _LATEST = date(1970, 1, 1), date(2199, 1, 1)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
LONGEST = 366
"""The most days of a report: a leap year."""


class BadPeriod(Explained, ValueError):
    """What was asked for is no period."""


class Unit(StrEnum):
    """What a period is one of."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF = "half"
    YEAR = "year"
    DATES = "dates"
    """From a date to another, as asked."""


@dataclass(frozen=True, slots=True)
class Period:
    """The local dates `[start, end)`. `name` is how the contract writes it, as `2026-W45`."""

    name: str
    unit: Unit
    start: date
    end: date

    def window(self, timezone: str) -> Interval:
        """The period by the clock of a time zone, in milliseconds."""
        return local_moment(self.start, 0, timezone), local_moment(self.end, 0, timezone)

    @property
    def dates(self) -> list[date]:
        """The dates of the period, in order."""
        return [self.start + timedelta(days=number) for number in range((self.end - self.start).days)]

    @property
    def before(self) -> "Period | None":
        """The period of the same unit before this one; of dates, as many dates. `None` before 1970."""
        last = self.start - timedelta(days=1)
        if self.unit is Unit.DATES:
            start = self.start - (self.end - self.start)
            return None if start < _EARLIEST else _dates(start, self.start)
        return None if last < _EARLIEST else holding(self.unit, last)

    @property
    def earlier(self) -> "tuple[Period | None, Period | None]":
        """The periods to compare with: the one before, and the one a year ago where that is another."""
        before, year = self.before, self.a_year_ago
        return before, None if year == before else year

    @property
    def a_year_ago(self) -> "Period | None":
        """The same period of the year before; `None` where there is none, as for 29 February and for week 53."""
        if self.unit is Unit.WEEK:
            year, week, _ = self.start.isocalendar()
            return _one_or_none(f"{year - 1}-W{week:02d}")
        if self.unit is Unit.DATES:
            start, end = _year_before(self.start), _year_before(self.end)
            return None if start is None or end is None or start < _EARLIEST else _dates(start, end)
        start = _year_before(self.start)
        return None if start is None or start < _EARLIEST else holding(self.unit, start)


def parse_period(text: str) -> Period:
    """Returns the period that a name such as `2026-Q4` stands for.

    Raises:
        BadPeriod: it is none.
    """
    for pattern, parse in _FORMS:
        match = pattern.fullmatch(text)
        if match is not None:
            if not _EARLIEST.year <= int(match[1]) < _LATEST.year:  # before it is counted on to the end of the calendar
                raise _bad("asked_too_far", value=_shown(text))
            try:
                period = parse(text, *(int(part) for part in match.groups()))
            except ValueError:
                raise _bad("asked_not_in_calendar", value=_shown(text)) from None
            if period.start < _EARLIEST or period.end > _LATEST:
                raise _bad("asked_too_far", value=_shown(text))
            return period
    raise _bad("asked_no_period", value=_shown(text))


def between(start: date, end: date) -> Period:
    """Returns the period of the dates from `start` to before `end`.

    Raises:
        BadPeriod: `start` is not before `end`, there are more dates than a year has, or they lie too far away.
    """
    if start >= end:
        raise _bad("asked_backwards", start=str(start), end=str(end))
    if (end - start).days > LONGEST:
        raise _bad("asked_too_long", start=str(start), end=str(end), most=str(LONGEST))
    if start < _EARLIEST or end > _LATEST:
        raise _bad("asked_dates_too_far", start=str(start), end=str(end))
    return _dates(start, end)


def parse_dates(start: str, end: str) -> Period:
    """Returns the period from one ISO date to before another.

    Raises:
        BadPeriod: one of them is no date, or as `between`.
    """
    dates = []
    for name, text in (("from", start), ("to", end)):
        if _DATE.fullmatch(text) is None:
            raise _bad(f"asked_{name}_no_date", value=_shown(text))
        try:
            dates.append(date.fromisoformat(text))
        except ValueError:
            raise _bad(f"asked_{name}_not_in_calendar", value=_shown(text)) from None
    return between(*dates)


def _bad(key: str, **values: str) -> BadPeriod:
    return BadPeriod(Sentence(key, values))


def _shown(text: str) -> str:
    return repr(text[:40])


def _dates(start: date, end: date) -> Period:
    return Period(f"{start}/{end}", Unit.DATES, start, end)


def _month_after(year: int, month: int) -> date:
    """The first date of the month `month` of `year`; month 13 is January of the next year."""
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def _day(text: str, year: int, month: int, day: int) -> Period:
    start = date(year, month, day)
    return Period(text, Unit.DAY, start, start + timedelta(days=1))


def _week(text: str, year: int, week: int) -> Period:
    start = date.fromisocalendar(year, week, 1)
    return Period(text, Unit.WEEK, start, start + timedelta(days=7))


def _months(unit: Unit, months: int) -> Callable[..., Period]:
    """Returns what makes a period of so many months out of its year and its number within that year."""

    def parse(text: str, year: int, number: int = 1) -> Period:
        if not 1 <= number <= 12 // months:
            raise ValueError(number)
        first = (number - 1) * months + 1
        return Period(text, unit, _month_after(year, first), _month_after(year, first + months))

    return parse


_FORMS: tuple[tuple[re.Pattern[str], Callable[..., Period]], ...] = (
    (re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII), _day),
    (re.compile(r"(\d{4})-W(\d\d)", re.ASCII), _week),
    (re.compile(r"(\d{4})-(\d\d)", re.ASCII), _months(Unit.MONTH, 1)),
    (re.compile(r"(\d{4})-Q(\d)", re.ASCII), _months(Unit.QUARTER, 3)),
    (re.compile(r"(\d{4})-H(\d)", re.ASCII), _months(Unit.HALF, 6)),
    (re.compile(r"(\d{4})", re.ASCII), _months(Unit.YEAR, 12)),
)


def holding(unit: Unit, day: date) -> Period:
    """Returns the period of a unit that holds a date."""
    year, week, _ = day.isocalendar()
    names = {
        Unit.DAY: f"{day}",
        Unit.WEEK: f"{year:04d}-W{week:02d}",
        Unit.MONTH: f"{day:%Y-%m}",
        Unit.QUARTER: f"{day.year:04d}-Q{(day.month + 2) // 3}",
        Unit.HALF: f"{day.year:04d}-H{(day.month + 5) // 6}",
        Unit.YEAR: f"{day.year:04d}",
    }
    return parse_period(names[unit])


def _one_or_none(text: str) -> Period | None:
    try:
        return parse_period(text)
    except BadPeriod:
        return None


def _year_before(day: date) -> date | None:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return None
