"""The values of a chart as a table: what a line on a phone does not tell. Pure."""

from collections.abc import Sequence
from itertools import groupby

from api.web.readings import reading_value, reading_values
from api.words import Words
from siaga.model.intervals import Interval
from siaga.model.signals import Signal, SignalType
from siaga.telemetry import SeriesPoint

__all__ = ["ROWS", "chart_rows"]

ROWS = 24
"""Rows of a table at most."""


def chart_rows(
    words: Words, meaning: Signal, points: Sequence[SeriesPoint], window: Interval, zone: str, now: int
) -> list[tuple[str, str]]:
    """Returns times and values: of a boolean its last changes, of an event when it was last, of a number its range.

    A number has a row for each 24th of the window in which something was measured.
    """
    if meaning.type in (SignalType.BOOL, SignalType.EVENT):
        pairs = zip([None, *points], points, strict=False)
        told = [
            point
            for before, point in pairs
            if meaning.type is SignalType.EVENT or before is None or before.last != point.last
        ]
        return [
            (words.time(point.time, now, zone), reading_value(words, meaning, bool(point.last)))
            for point in told[-ROWS:]
        ]
    length = (window[1] - window[0]) / ROWS
    found = []
    for number, group in groupby(points, key=lambda point: int((point.time - window[0]) // length)):
        mine = list(group)
        low, high = min(one.minimum for one in mine), max(one.maximum for one in mine)
        said = list(dict.fromkeys(reading_values(words, meaning, (low, high))))
        found.append((words.time(round(window[0] + number * length), now, zone), " – ".join(said)))
    return found
