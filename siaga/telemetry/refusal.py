"""Finds what no store will ever take, before it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from siaga.model.observation import Point
from siaga.model.signals import SIGNALS, RefusedValue, Value, check_value

__all__ = ["TIME_MAX", "RefusedPoint", "sift", "united"]

TIME_MAX = 9_223_372_036_854
"""The latest event time that can be stored, ms (year 2262); negated, the earliest. InfluxDB has 64-bit nanoseconds."""

_KEY = itemgetter(0, 1, 2)
"""Village, device and time of a point."""


@dataclass(frozen=True, slots=True)
class RefusedPoint:
    """A part of a point that the store refuses, for example a field with another type.

    `point`: with the refused values only; its other values are stored.
    `for_good`: the point itself is at fault, and will never be taken. If False, it hit a limit of the server, which can
    be raised, so it must be kept.
    """

    point: Point
    reason: str
    for_good: bool = True


def sift(points: Sequence[Point]) -> tuple[list[Point], list[RefusedPoint]]:
    """Returns the valid points, with values of their signals' types, and the refused ones.

    A point without values is left out, but not refused.
    """
    sound: list[Point] = []
    refused: list[RefusedPoint] = []
    for point in points:
        if reason := _flaw(point):
            refused.append(RefusedPoint(point, reason))
            continue
        values: dict[str, Value] = {}
        for name, value in point.values.items():
            signal = SIGNALS.get(name)
            try:
                if signal is None:
                    raise RefusedValue(f"{name[:40]!r} is not a signal")  # noqa: TRY301 - one way of refusing a value
                values[name] = check_value(signal, value)
            except RefusedValue as error:
                refused.append(RefusedPoint(point._replace(values={name: value}), str(error)))
        if values:
            sound.append(point._replace(values=values))
    return sound, refused


def _flaw(point: Point) -> str | None:
    """Returns why the whole point cannot be stored; `None` if it can."""
    for name in (point.village, point.device):
        if not name or "\\" in name or not name.isprintable():
            return f"{name[:40]!r} is not a name"
    if not -TIME_MAX <= point.time <= TIME_MAX:
        return f"the event time {point.time} ms is outside of what can be stored"
    return None


def united(points: Sequence[Point]) -> Sequence[Point]:
    """Returns the points with those of one device at one time merged. Of several values of a signal, the last stays."""
    if len(set(map(_KEY, points))) == len(points):
        return points
    by_key: dict[tuple[str, str, int], Point] = {}
    for point in points:
        key = point.village, point.device, point.time
        before = by_key.get(key)
        by_key[key] = point if before is None else point._replace(values=before.values | point.values)
    return list(by_key.values())
