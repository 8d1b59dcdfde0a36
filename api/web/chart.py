"""A signal over time as the path of an SVG: made here, so that it needs no script and prints."""

from collections.abc import Sequence
from dataclasses import dataclass

from siaga.model.intervals import Interval
from siaga.telemetry import SeriesPoint

__all__ = ["GAP", "HEIGHT", "WIDTH", "Line", "chart_line", "place"]

WIDTH, HEIGHT = 288, 48
"""Units of the drawing, which is stretched to the width of the page."""
_MARGIN = 2
GAP = 3
"""Steps without a reading after which the line breaks: what was not measured is not drawn."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its path, and the values at its bottom and top."""

    path: str
    low: float
    high: float


def place(time: int, window: Interval) -> float:
    """Returns where a time (ms) stands in the drawing, from 0 to `WIDTH`."""
    start, end = window
    return round(max(0, min(WIDTH, (time - start) / (end - start) * WIDTH)), 1)


def chart_line(points: Sequence[SeriesPoint], window: Interval, step: int, *, boolean: bool) -> Line | None:
    """Returns the line of a series in a window whose points are `step` ms apart; `None`: there is no point.

    A boolean goes from 0 to 1 in steps; a number is drawn at its mean, scaled to what it reached.
    """
    if not points:
        return None
    low = 0.0 if boolean else min(point.minimum for point in points)
    high = 1.0 if boolean else max(point.maximum for point in points)
    span = (high - low) or 1.0
    parts, before = [], None
    for point in points:
        value = point.last if boolean else point.mean
        x, y = place(point.time, window), round(HEIGHT - _MARGIN - (value - low) / span * (HEIGHT - 2 * _MARGIN), 1)
        if before is None or point.time - before > GAP * step:
            parts.append(f"M{x:g} {y:g}")
        elif boolean:
            parts.append(f"H{x:g}V{y:g}")
        else:
            parts.append(f"L{x:g} {y:g}")
        before = point.time
    parts.append("h0.8")
    return Line("".join(parts), low, high)
