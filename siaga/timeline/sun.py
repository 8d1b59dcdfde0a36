"""Night at a place: while the sun's centre is more than 0.833° below the horizon.

0.833° is the almanacs' figure for the sun's upper edge on the horizon: 16' of radius and 34' of refraction. It includes
refraction, so the elevation is computed geometrically. Times are rounded to whole seconds.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from astral import Observer, SunDirection
from astral.sun import elevation, time_at_elevation

from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.intervals import Interval, merge

__all__ = ["nights"]

HORIZON = -0.833
"""Elevation of the sun's centre at sunset and sunrise, in degrees."""
DEGREE = 4 * MINUTE
"""Time for the sun to pass one degree of longitude, ms."""
HALF_DAY = 12 * HOUR


def nights(latitude: float, longitude: float, start: int, end: int) -> list[Interval]:
    """Returns the nights that overlap `[start, end)`, whole (not cut), in ms. A polar night is one long night."""
    first = datetime.fromtimestamp(start // 1000, tz=UTC).date() - timedelta(days=2)
    last = datetime.fromtimestamp(end // 1000, tz=UTC).date() + timedelta(days=2)
    days = [first + timedelta(days=n) for n in range((last - first).days)]
    found = merge(night for day in days if (night := _night(latitude, longitude, day)) is not None)
    return [night for night in found if night[0] < end and night[1] > start]


@lru_cache(maxsize=65_536)
def _night(latitude: float, longitude: float, day: date) -> Interval | None:
    """Returns the night between the mean solar noons of `day` and the next; `None` if the sun does not set."""
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
    """Returns when the sun crosses the horizon in `[start, end)`; `None` if it does not.

    astral counts days in UTC and may give the crossing of a neighbouring day, so those days are tried, too.
    """
    for shift in (0, 1, -1):
        try:
            moment = time_at_elevation(
                observer, HORIZON, day + timedelta(days=shift), direction, with_refraction=False
            ).timestamp()
        except ValueError:  # the sun does not reach that elevation on that day
            continue
        if start <= round(moment) * 1000 < end:
            return round(moment) * 1000
    return None


def _is_dark(observer: Observer, moment: int) -> bool:
    return elevation(observer, datetime.fromtimestamp(moment / 1000, tz=UTC), with_refraction=False) < HORIZON
