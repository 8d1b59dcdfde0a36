"""What a store will never take, and why: found before it is written, the same for every store."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from siaga.model.observation import Point
from siaga.model.signals import SIGNALS, RefusedValue, Value, check_value

__all__ = ["TIME_MAX", "RefusedPoint", "sift", "united"]

TIME_MAX = 9_223_372_036_854
"""The latest event time a store keeps (year 2262), and negated the earliest: InfluxDB counts nanoseconds in 64 bits."""

_KEY = itemgetter(0, 1, 2)
"""Village, device and time of a point."""


@dataclass(frozen=True, slots=True)
class RefusedPoint:
    """The part of a point that the store does not take (a field of another type, say), and why.

    `point` holds the refused values alone; the others of that point are stored. `for_good`: the fault is the point's,
    and it is never taken. Else a limit of the server stands against it, which somebody can raise: it is to be kept.
    """

    point: Point
    reason: str
    for_good: bool = True


def sift(points: Sequence[Point]) -> tuple[list[Point], list[RefusedPoint]]:
    """The points with what can be stored of each, values as their signals have them; and what is refused.

    A point without values is nothing to store, and is left out without being refused.
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
    """Why no value of the point can be stored, whatever they are."""
    for name in (point.village, point.device):
        if not name or "\\" in name or not name.isprintable():
            return f"{name[:40]!r} is not a name"
    if not -TIME_MAX <= point.time <= TIME_MAX:
        return f"the event time {point.time} ms is outside of what can be stored"
    return None


def united(points: Sequence[Point]) -> Sequence[Point]:
    """The points with those of one device at one time made one: of a signal's several values the last stays."""
    if len(set(map(_KEY, points))) == len(points):
        return points
    by_key: dict[tuple[str, str, int], Point] = {}
    for point in points:
        key = point.village, point.device, point.time
        before = by_key.get(key)
        by_key[key] = point if before is None else point._replace(values=before.values | point.values)
    return list(by_key.values())
