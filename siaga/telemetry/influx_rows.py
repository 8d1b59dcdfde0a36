"""Converts rows of InfluxDB's JSON into observations. The signal decides the type: whole floats come as integers."""

from collections.abc import Iterable, Sequence
from typing import cast

from siaga.model.signals import Signal, SignalType, Value
from siaga.telemetry import SeriesPoint, StoreUnavailable
from siaga.telemetry.influx_answers import Series

__all__ = ["number", "observations", "rows", "steps", "steps_of_flag", "steps_united"]

_NUMBERS = {bool, int, float}


def observations(signal: Signal, found: Sequence[Sequence[object]]) -> tuple[Sequence[int], Sequence[Value]]:
    """Returns times and values of rows `[time, value]`. Text that another program wrote into the field is left out."""
    if not found:
        return (), ()
    times, raw = zip(*found, strict=True)
    if not {*map(type, raw)} <= _NUMBERS:
        return observations(signal, [row for row in found if type(row[1]) in _NUMBERS])
    numbers = cast("tuple[Value, ...]", raw)
    return cast("tuple[int, ...]", times), _typed(signal.type, numbers)


def _typed(kind: SignalType, values: tuple[Value, ...]) -> Sequence[Value]:
    match kind:
        case SignalType.BOOL:
            return [*map(bool, values)]
        case SignalType.FLOAT:
            return [*map(float, values)]
        case SignalType.EVENT:
            return [int(value != 0) for value in values]
        case SignalType.INT:
            return [*map(int, values)]


def rows(series: Series, columns: int) -> Sequence[Sequence[object]]:
    """Returns the rows of a series with so many columns.

    Raises:
        StoreUnavailable: it has another number of columns, so it is not the answer to this query.
    """
    if len(series.columns) != columns:
        raise StoreUnavailable(f"InfluxDB answered columns {series.columns} where {columns} were due")
    return series.values


def number(raw: object) -> float | int:
    """Returns a value of a row that has to be a number.

    Raises:
        StoreUnavailable: it is not a number.
    """
    if not isinstance(raw, int | float):
        raise StoreUnavailable(f"InfluxDB answered {str(raw)[:40]!r} where a number was due")
    return raw


def steps(answer: Iterable[tuple[int, Series]]) -> list[SeriesPoint]:
    """Returns the steps of a number, from rows of time, count, minimum, mean, maximum, last."""
    return [
        SeriesPoint(int(number(row[0])), int(number(row[1])), *(float(number(value)) for value in row[2:6]))
        for _, part in answer
        for row in rows(part, 6)
    ]


def steps_of_flag(answer: Iterable[tuple[int, Series]]) -> list[SeriesPoint]:
    """Returns the steps of a boolean, from rows of time, count and last, and rows of time and count of true values."""
    counts: dict[int, tuple[int, bool]] = {}
    true: dict[int, int] = {}
    for index, part in answer:
        for row in rows(part, 3 if index == 0 else 2):
            time, count = int(number(row[0])), int(number(row[1]))
            if index == 0:
                counts[time] = count, bool(row[2])
            else:
                true[time] = count
    return [
        SeriesPoint(
            time,
            count,
            minimum=float(true.get(time, 0) == count),
            mean=true.get(time, 0) / count,
            maximum=float(time in true),
            last=float(last),
        )
        for time, (count, last) in counts.items()
    ]


def steps_united(points: Iterable[SeriesPoint]) -> list[SeriesPoint]:
    """Returns the points in order of time, with adjacent points of one step merged."""
    united: list[SeriesPoint] = []
    for point in points:
        if not united or united[-1].time != point.time:
            united.append(point)
            continue
        before = united[-1]
        count = before.count + point.count
        mean = (before.mean * before.count + point.mean * point.count) / count
        united[-1] = SeriesPoint(
            point.time,
            count,
            min(before.minimum, point.minimum),
            mean,
            max(before.maximum, point.maximum),
            point.last,
        )
    return united
