"""When it is night at a place: from the sun's centre sinking 0.833° below the horizon to its rising above that.

0.833° is the almanacs' figure for the upper edge touching the horizon (16' of radius and 34' of refraction), so the
height is taken geometrically: refraction is in the number already. Moments are rounded to whole seconds.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from astral import Observer, SunDirection
from astral.sun import elevation, time_at_elevation

from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.intervals import Interval, merge

__all__ = ["nights"]

HORIZON = -0.833
"""Degrees: where the sun's centre stands at sunset and sunrise."""
DEGREE = 4 * MINUTE
"""How long the sun takes for a degree of longitude."""
HALF_DAY = 12 * HOUR


def nights(latitude: float, longitude: float, start: int, end: int) -> list[Interval]:
    """The nights that touch `[start, end)`, whole (not cut), in milliseconds; a polar night is one long one."""
    first = datetime.fromtimestamp(start // 1000, tz=UTC).date() - timedelta(days=2)
    last = datetime.fromtimestamp(end // 1000, tz=UTC).date() + timedelta(days=2)
    days = [first + timedelta(days=n) for n in range((last - first).days)]
    found = merge(night for day in days if (night := _night(latitude, longitude, day)) is not None)
    return [night for night in found if night[0] < end and night[1] > start]


@lru_cache(maxsize=65_536)
def _night(latitude: float, longitude: float, day: date) -> Interval | None:
    """The dark part between the mean solar noons of `day` and of the next; `None` where the sun does not set."""
    noon = round(datetime.combine(day, time(12), UTC).timestamp()) * 1000 - round(longitude * DEGREE)
    midnight, next_noon = noon + HALF_DAY, noon + DAY
    observer = Observer(latitude, longitude)
    sunset = _crossing(observer, day, SunDirection.SETTING, noon, midnight)
    if sunset is None:
        sunset = noon if _is_dark(observer, noon) else midnight
    sunrise = _crossing(observer, day, SunDirection.RISING, midnight, next_noon)
    if sunrise is None:
        sunrise = next_noon if _is_dark(observer, next_noon) else midnight
    return (sunset, sunrise) if sunset < sunrise else None


def _crossing(observer: Observer, day: date, direction: SunDirection, start: int, end: int) -> int | None:
    """When the sun crosses the horizon in `[start, end)`; `None` where it does not.

    astral counts its days by UTC with a turn of its own, so the neighbouring days are asked too.
    """
    for shift in (0, 1, -1):
        try:
            moment = time_at_elevation(
                observer, HORIZON, day + timedelta(days=shift), direction, with_refraction=False
            ).timestamp()
        except ValueError:  # the sun does not come to that height on that day
            continue
        if start <= round(moment) * 1000 < end:
            return round(moment) * 1000
    return None


def _is_dark(observer: Observer, moment: int) -> bool:
    return elevation(observer, datetime.fromtimestamp(moment / 1000, tz=UTC), with_refraction=False) < HORIZON
