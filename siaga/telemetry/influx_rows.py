"""Rows of InfluxDB's JSON as observations: types follow the signal, for whole floats come as integers."""

from collections.abc import Sequence
from typing import cast

from siaga.model.signals import Signal, SignalType, Value
from siaga.telemetry import StoreUnavailable

__all__ = ["number", "observations"]

_NUMBERS = {bool, int, float}


def observations(signal: Signal, rows: Sequence[Sequence[object]]) -> tuple[Sequence[int], Sequence[Value]]:
    """The times and values of rows `[time, value]`. What somebody else wrote as text into a field is left out."""
    if not rows:
        return (), ()
    times, raw = zip(*rows, strict=True)
    if not {*map(type, raw)} <= _NUMBERS:
        return observations(signal, [row for row in rows if type(row[1]) in _NUMBERS])
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


def number(raw: object) -> float | int:
    """A number of a row; nothing else stands where one is asked for.

    Raises:
        StoreUnavailable: something else does.
    """
    if not isinstance(raw, int | float):
        raise StoreUnavailable(f"InfluxDB answered {str(raw)[:40]!r} where a number was due")
    return raw
