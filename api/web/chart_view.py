"""A signal over time on a page: a picture, its values where one points at it, and the same as a table. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.web.chart import chart_line
from api.web.chart_table import chart_rows
from api.web.chart_values import Run, chart_runs
from api.web.readings import reading_values
from api.words import Words
from siaga.model.clock import DAY
from siaga.model.intervals import Interval
from siaga.model.signals import Signal, SignalType
from siaga.telemetry import SeriesPoint

__all__ = ["ChartView", "Drawn", "chart_view"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a chart is of. `key`: tells it from the others of its page; `note`: what stands beside its title."""

    key: str
    title: str
    note: str
    window: Interval
    step: int
    zone: str


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart in words. `low`, `high`: at its bottom and top; `axis`: times below it."""

    drawn: Drawn
    path: str
    low: str
    high: str
    described: str
    axis: Sequence[str]
    rows: Sequence[tuple[str, str]]
    runs: Sequence[Run]


def chart_view(
    words: Words, meaning: Signal, points: Sequence[SeriesPoint], drawn: Drawn, now: int
) -> ChartView | None:
    """Returns the chart of a signal; `None`: nothing was measured in its window."""
    boolean = meaning.type in (SignalType.BOOL, SignalType.EVENT)
    line = chart_line(points, drawn.window, drawn.step, boolean=boolean)
    if line is None:
        return None
    low, high, last = reading_values(words, meaning, (line.low, line.high, points[-1].last))
    start, end = drawn.window
    is_day = end - start <= DAY
    edges = [start + number * (end - start) // 2 for number in range(3)]
    return ChartView(
        drawn,
        line.path,
        low,
        high,
        words("chart_said", signal=drawn.title, low=low, high=high, last=last),
        [words.clock_time(at, drawn.zone) if is_day else words.time(at, now, drawn.zone, zone=False) for at in edges],
        chart_rows(words, meaning, points, drawn.window, drawn.zone, now),
        chart_runs(words, meaning, points, drawn.window, drawn.step),
    )
