"""How far from the village office somebody stood."""

from math import asin, cos, radians, sin, sqrt

__all__ = ["metres_between"]

EARTH_RADIUS = 6_371_009
"""Metres, the mean of the WGS 84 ellipsoid (IUGG): good to half a per cent anywhere."""


def metres_between(one: tuple[float, float], other: tuple[float, float]) -> int:
    """Returns the distance between two places, each as latitude and longitude in degrees, by the haversine formula."""
    (north, east), (north_2, east_2) = [(radians(latitude), radians(longitude)) for latitude, longitude in (one, other)]
    half = sin((north_2 - north) / 2) ** 2 + cos(north) * cos(north_2) * sin((east_2 - east) / 2) ** 2
    return round(2 * EARTH_RADIUS * asin(min(1.0, sqrt(half))))
