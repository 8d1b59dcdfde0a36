"""How a language writes numbers, shares, durations and times."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_day_names
from babel.numbers import format_decimal

from api.words.language import Language
from siaga.model.clock import DAY, HOUR, MINUTE

__all__ = ["Formats", "without_desa"]

_NO_BREAK = "\u00a0"


@lru_cache(maxsize=4096)
def _number(number: int, locale: str) -> str:
    """Returns a whole number with its thousands parted. A list says the same small numbers hundreds of times."""
    return format_decimal(number, locale=locale)


def without_desa(name: str) -> str:
    """Returns a village's name for a sentence that says `Desa` before it: many are registered as "Desa Tamansuruh"."""
    rest = name[len("desa ") :].strip() if name.lower().startswith("desa ") else ""
    return rest or name


class Formats:
    """The numbers and times of one language. `say` returns the sentence of a key: the patterns are in the catalogue,
    and the names of months are Babel's."""

    def __init__(self, language: Language, say: Callable[..., str]) -> None:
        self._locale = language.value
        self._say = say

    def number(self, number: int) -> str:
        """A whole number, its thousands parted."""
        return _number(number, self._locale)

    def decimal(self, value: float, places: int = 2) -> str:
        """A number with so many decimals at most."""
        return format_decimal(value, f"#,##0.{'#' * places}", locale=self._locale)

    def percent(self, share: float) -> str:
        """A share of 0 to 1 as a percentage with two decimals at most, cut and not rounded: 0.98996 is 98,99 %."""
        # By the digits that the float is written with: 0.29 is a little less than 29 %
        cut = (Decimal(repr(share)) * 100).quantize(Decimal("0.01"), ROUND_FLOOR)
        return f"{format_decimal(cut, '#,##0.##', locale=self._locale)}{_NO_BREAK}%"

    def size(self, count: int, *, most: bool = False) -> str:
        """So many bytes, in kB or MB: `1,2 MB`. Rounded up, and a bound (`most`) down, so what is over it looks so."""
        rounded = count if most else count + 999
        if rounded < 1_000_000:
            return f"{self.number(rounded // 1000)}{_NO_BREAK}kB"
        rounded = count if most else count + 99_999
        return f"{self.decimal(rounded // 100_000 / 10, 1)}{_NO_BREAK}MB"

    def duration(self, milliseconds: int) -> str:
        """A duration in its two largest units, such as `1 jam 5 menit`; minutes are the smallest."""
        if milliseconds < MINUTE:
            return self._say("duration_moment")
        parts = {"d": milliseconds // DAY, "h": milliseconds % DAY // HOUR, "m": milliseconds % HOUR // MINUTE}
        if parts["d"]:
            del parts["m"]
        return " ".join(self._say(f"duration_{unit}", n=self.number(n)) for unit, n in parts.items() if n)

    def time(self, time: int, now: int, timezone: str, *, zone: bool = True) -> str:
        """A time (ms) by the village's clock: with its date where that is not today's."""
        there = ZoneInfo(timezone)
        local, today = (datetime.fromtimestamp(at / 1000, UTC).astimezone(there) for at in (time, now))
        form = clock = self._say("format_clock")
        if local.date() != today.date():
            form = f"d MMM {clock}" if local.year == today.year else f"d MMM y {clock}"
        text = format_datetime(local, form, locale=self._locale)
        return f"{text} {local.tzname()}" if zone else text

    def day(self, day: date) -> str:
        """A date without its year, such as `22 Agu`."""
        return format_date(day, "d MMM", locale=self._locale)

    def weekday(self, day: int) -> str:
        """The short name of a day of the week; 0 is Monday."""
        return str(get_day_names("abbreviated", locale=self._locale)[day])

    def clock_time(self, time: int, timezone: str) -> str:
        """The hour and minute of a time (ms) by the village's clock."""
        local = datetime.fromtimestamp(time / 1000, UTC).astimezone(ZoneInfo(timezone))
        return format_datetime(local, self._say("format_clock"), locale=self._locale)

    def month(self, day: date) -> str:
        """The month of a date in words, with its year."""
        return format_date(day, "MMMM y", locale=self._locale)

    def short_month(self, day: date) -> str:
        """The short name of a date's month; of January with its year."""
        return format_date(day, "MMM y" if day.month == 1 else "MMM", locale=self._locale)

    def date(self, day: date) -> str:
        """A date with the month in words."""
        return format_date(day, "d MMMM y", locale=self._locale)
