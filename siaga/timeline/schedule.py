"""Schedules: when a facility has to meet its indicator.

A schedule is `24h`, `night` (sunset to sunrise at the village), `office` (Monday to Friday 08:00-15:00, except the
village's holidays) or a list of windows such as `Mon-Sat 18:00-06:00`, in local time. Days may wrap (`Sat-Mon`) and be
listed (`Mon,Wed,Fri`). Windows may overlap. A window over midnight belongs to the day on which it begins.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from siaga.model.intervals import Interval, clip, merge
from siaga.model.local_time import MINUTES_OF_A_DAY, local_date, local_moment
from siaga.model.sites import Village
from siaga.timeline.sun import nights

__all__ = ["Schedule", "WeeklyWindow", "parse_schedule", "required"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"(?P<days>[A-Za-z,\s-]+?)\s+(?P<start>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2})")
_EXAMPLE = "write 24h, night, office or windows such as Mon-Sat 18:00-06:00"


@dataclass(frozen=True, slots=True)
class WeeklyWindow:
    """A window that begins on some days of the week.

    `days`: 0 is Monday. `start`, `end`: minutes after local midnight; an `end` over 1440 is in the next day.
    `on_holidays`: whether it also begins on holidays.
    """

    days: frozenset[int]
    start: int
    end: int
    on_holidays: bool = True


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule: the union of its parts."""

    always: bool = False
    night: bool = False
    windows: tuple[WeeklyWindow, ...] = ()


_NAMED = {
    "24h": Schedule(always=True),
    "night": Schedule(night=True),
    "office": Schedule(windows=(WeeklyWindow(frozenset(range(5)), 8 * 60, 15 * 60, on_holidays=False),)),
}


@lru_cache(maxsize=1024)
def parse_schedule(text: str | tuple[str, ...]) -> Schedule:
    """Returns the schedule that a site or an indicator names.

    Raises:
        ValueError: it is no schedule; the message is one sentence for people.
    """
    entries = (text,) if isinstance(text, str) else text
    if not entries:
        raise ValueError(f"an empty list is not a schedule; {_EXAMPLE}")
    parts = [_NAMED.get(entry.strip().lower()) or Schedule(windows=(_window(entry),)) for entry in entries]
    return Schedule(
        always=any(part.always for part in parts),
        night=any(part.night for part in parts),
        windows=tuple(window for part in parts for window in part.windows),
    )


def required(schedule: Schedule, village: Village, start: int, end: int) -> list[Interval]:
    """Returns when the schedule requires the indicator within `[start, end)`, ms: in order, without overlap."""
    if start >= end:
        return []
    if schedule.always:
        return [(start, end)]
    asked: list[Interval] = []
    if schedule.night:
        asked += nights(village.latitude, village.longitude, start, end)
    if schedule.windows:
        asked += _weekly(schedule.windows, village, start, end)
    return clip(merge(asked), start, end)


def _weekly(windows: tuple[WeeklyWindow, ...], village: Village, start: int, end: int) -> list[Interval]:
    """Returns the windows of the local days of `[start, end)`, and of the day before, which may reach into it."""
    timezone = village.timezone
    day = local_date(start, timezone) - timedelta(days=1)
    last = local_date(end, timezone)
    asked: list[Interval] = []
    while day <= last:
        weekday = day.weekday()
        asked += [
            (local_moment(day, window.start, timezone), local_moment(day, window.end, timezone))
            for window in windows
            if weekday in window.days and (window.on_holidays or day not in village.holidays)
        ]
        day += timedelta(days=1)
    return asked


def _window(entry: str) -> WeeklyWindow:
    match = _WINDOW.fullmatch(entry.strip())
    if match is None:
        raise ValueError(f"{entry!r} is not a schedule; {_EXAMPLE}")
    start, end = _minute(match["start"], entry), _minute(match["end"], entry)
    if start == MINUTES_OF_A_DAY:
        raise ValueError(f"{entry!r} begins at 24:00; write the next day and 00:00")
    if start == end:
        raise ValueError(f"{entry!r} begins and ends at the same time; write 00:00-24:00 for a whole day")
    return WeeklyWindow(_days(match["days"], entry), start, end if end > start else end + MINUTES_OF_A_DAY)


def _minute(text: str, entry: str) -> int:
    hour, minute = (int(part) for part in text.split(":"))
    if minute > 59 or hour * 60 + minute > MINUTES_OF_A_DAY:
        raise ValueError(f"{entry!r}: {text} is not a time of day between 00:00 and 24:00")
    return hour * 60 + minute


def _days(text: str, entry: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        ends = [name.strip().lower() for name in part.split("-")]
        if len(ends) > 2 or not set(ends) <= set(DAYS):
            raise ValueError(
                f"{entry!r}: {part.strip()!r} is not a day or a range of days such as Fri, Mon-Sat or Sat-Mon"
            )
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        days.update((first + step) % 7 for step in range((last - first) % 7 + 1))
    return frozenset(days)
