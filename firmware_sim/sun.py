"""Sunset and sunrise, for lamps with a twilight switch. Accurate to a few minutes, as such a switch is."""

from math import acos, asin, cos, degrees, pi, radians, sin, tan

__all__ = ["dark_hours"]

DAY = 86_400_000
J2000 = 946_728_000_000
"""Noon of 1 January 2000, in Unix milliseconds."""


def dark_hours(latitude: float, longitude: float, day: int) -> tuple[int, int]:
    """Returns sunset and the next sunrise, ms. `day`: the day on which the night begins, days since 1970 (UTC).

    It uses the low-precision formulas of the Astronomical Almanac (section C), for the sun's centre at 0.833° below the
    horizon. If the sun does not rise that day, the night lasts from noon to noon. If it does not set, the night is
    empty, at midnight.
    """
    noon = day * DAY + DAY // 2 - round(longitude / 360 * DAY)
    declination, equation = _sun((noon - J2000) / DAY)
    noon -= round(equation * 60_000)
    cosine = (sin(radians(-0.833)) - sin(radians(latitude)) * sin(declination)) / (
        cos(radians(latitude)) * cos(declination)
    )
    half_day = acos(max(-1.0, min(1.0, cosine))) / (2 * pi)
    return noon + round(half_day * DAY), noon + DAY - round(half_day * DAY)


def _sun(days: float) -> tuple[float, float]:
    """Returns the sun's declination (radians) and the equation of time (minutes), `days` after J2000."""
    mean_longitude = radians((280.460 + 0.9856474 * days) % 360)
    anomaly = radians((357.528 + 0.9856003 * days) % 360)
    longitude = mean_longitude + radians(1.915) * sin(anomaly) + radians(0.020) * sin(2 * anomaly)
    obliquity = radians(23.439 - 0.0000004 * days)
    declination = asin(sin(obliquity) * sin(longitude))
    half = tan(obliquity / 2) ** 2
    right_ascension = longitude - half * sin(2 * longitude) + half * half / 2 * sin(4 * longitude)
    difference = degrees(mean_longitude - right_ascension)
    return declination, 4 * ((difference + 180) % 360 - 180)
