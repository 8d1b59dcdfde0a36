"""What a chart says at each of its points, for who points at one. Pure."""

from collections.abc import Sequence

from api.web.chart import GAP
from api.web.readings import reading_value, reading_values
from api.words import Words
from siaga.model.intervals import Interval
from siaga.model.signals import Signal, SignalType
from siaga.telemetry import SeriesPoint

__all__ = ["Run", "chart_runs"]

Run = tuple[int, int, str]
"""The first and the last step of a window that have one value, and that value in words."""


def chart_runs(words: Words, meaning: Signal, points: Sequence[SeriesPoint], window: Interval, step: int) -> list[Run]:
    """Returns what was measured in a window whose points are `step` ms apart, by runs of steps with the same value.

    Where nothing was measured for so long that the line breaks, a run ends.
    """
    found: list[Run] = []
    for point in points:
        at, value = (point.time - window[0]) // step, _value(words, meaning, point)
        if found and found[-1][2] == value and at - found[-1][1] <= GAP:
            found[-1] = (found[-1][0], at, value)
        else:
            found.append((at, at, value))
    return found


def _value(words: Words, meaning: Signal, point: SeriesPoint) -> str:
    """Returns the value of a step: of a number its mean, and what it reached where that differs."""
    low, high = reading_values(words, meaning, (point.minimum, point.maximum))
    if meaning.type in (SignalType.BOOL, SignalType.EVENT):
        return low if low == high else f"{low} – {high}"
    mean = reading_value(words, meaning, point.mean)
    return mean if low == high else f"{mean} ({low} – {high})"
