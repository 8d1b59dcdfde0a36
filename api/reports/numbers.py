"""How a document for people writes numbers and times: decimal comma, 24-hour clock, cut and not rounded."""

from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal

from api.reports.figures import Share
from api.reports.period import Period, Unit
from api.words import WORDS, Language
from siaga.model.times import local

__all__ = ["NOTHING", "NO_BREAK", "Numbers"]

NOTHING = "–"
"""What stands where there is no value."""
NO_BREAK = "\u00a0"
_ROMAN = ("I", "II", "III", "IV")


class Numbers:
    """The numbers of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._words = words = WORDS[language]
        self._point = words("number_point")
        self._units = words("number_hour"), words("number_minute"), words("number_second")
        self._date, self._clock = words("number_date"), words("number_clock")

    def percent(self, share: Share) -> str:
        """A share with two decimals, cut: 98.996 % is 98,99 %. A share of nothing is a dash."""
        return NOTHING if not share.whole else self._percent(share.part * 10_000 // share.whole)

    def target(self, target: Fraction | None) -> str:
        """A target as it was set."""
        if target is None:
            return NOTHING
        return f"{format_decimal(float(target * 100), '0.####', locale=self.language.value)}{NO_BREAK}%"

    def change(self, before: Share, now: Share) -> str:
        """By how many percentage points two cut percentages differ, with its sign."""
        if not before.whole or not now.whole:
            return NOTHING
        points = now.part * 10_000 // now.whole - before.part * 10_000 // before.whole
        sign = "+" if points > 0 else "−" if points < 0 else "±"
        return f"{sign}{abs(points) // 100}{self._point}{abs(points) % 100:02d}"

    def _percent(self, hundredths: int) -> str:
        return f"{hundredths // 100}{self._point}{hundredths % 100:02d}{NO_BREAK}%"

    def rate(self, rate: Fraction) -> str:
        """How many times, with two decimals, cut."""
        hundredths = int(rate * 100)
        return f"{hundredths // 100}{self._point}{hundredths % 100:02d}"

    def count(self, number: int) -> str:
        """A whole number, its thousands parted."""
        return format_decimal(number, locale=self.language.value)

    def duration(self, milliseconds: int | Fraction | None) -> str:
        """Hours and minutes, cut towards zero; what is under a minute in whole seconds. `None` is a dash."""
        if milliseconds is None:
            return NOTHING
        hour, minute, second = self._units
        seconds = int(abs(Fraction(milliseconds))) // 1000
        sign = "−" if milliseconds < 0 and seconds else ""
        if seconds < 60:
            return f"{sign}{seconds}{NO_BREAK}{second}"
        hours, minutes = seconds // 3600, seconds % 3600 // 60
        if not hours:
            return f"{sign}{minutes}{NO_BREAK}{minute}"
        return f"{sign}{self.count(hours)}{NO_BREAK}{hour} {minutes:02d}{NO_BREAK}{minute}"

    def date(self, day: date) -> str:
        """A date with the month in words."""
        return format_date(day, "d MMMM y", locale=self.language.value)

    def time(self, time: int, timezone: str) -> str:
        """A time (ms) by the clock of a time zone, to the minute."""
        there = local(time, timezone)
        return f"{there:{self._date}}{NO_BREAK}{there:{self._clock}}"

    def exact(self, time: int, timezone: str) -> str:
        """A time (ms) by the clock of a time zone, to the second, with the zone's short name."""
        there = datetime.fromtimestamp(time // 1000, ZoneInfo(timezone))
        return f"{self.date(there.date())} {there:{self._words('number_clock_exact')}} {there:%Z}"

    def dates(self, period: Period) -> str:
        """The first and the last date of a period."""
        first, last = period.start, period.end - timedelta(days=1)
        return self.date(first) if first == last else f"{self.date(first)} – {self.date(last)}"

    def whole_period(self, period: Period) -> str:
        """What a period is called in words, with its first and last date."""
        named, dates = self.period(period), self.dates(period)
        return named if dates in named else f"{named} ({dates})"

    def period(self, period: Period) -> str:
        """What a period is called in words."""
        words, start, year = self._words, period.start, str(period.start.year)
        match period.unit:
            case Unit.MONTH:
                return format_date(start, "MMMM y", locale=self.language.value)
            case Unit.WEEK:
                week_year, week, _ = start.isocalendar()
                named = words("number_week", number=str(week), year=str(week_year))
                return f"{named} ({self.dates(period)})"
            case Unit.QUARTER:
                return words("number_quarter", number=_ROMAN[(start.month - 1) // 3], year=year)
            case Unit.HALF:
                return words("number_half", number=_ROMAN[(start.month - 1) // 6], year=year)
            case Unit.YEAR:
                return words("number_year", year=year)
            case Unit.DAY | Unit.DATES:
                return self.dates(period)
