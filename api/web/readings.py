"""The name of a signal and its values, in words."""

from collections.abc import Iterable, Iterator

from api.words import Words
from siaga.model.clock import SECOND
from siaga.model.signals import SIGNALS, Signal, SignalType, Value

__all__ = ["reading_name", "reading_value", "reading_values"]

_UNITS = {"%EL": "%", "count": "", "B": "B"}
"""SenML's units as people write them; the others stand as they are."""


def reading_name(words: Words, signal: str) -> str:
    """Returns what people call a signal; one that siaga does not know is called by its own name."""
    return words(f"reading_{signal}") if signal in SIGNALS else signal


def reading_value(words: Words, signal: Signal, value: Value) -> str:
    """Returns a value with its unit."""
    if signal.type is SignalType.EVENT:
        return words("value_event" if value else "value_no")
    if signal.type is SignalType.BOOL:
        return words("value_yes" if value else "value_no")
    if signal.name == "uptime":
        return words.duration(round(value * SECOND))
    unit = _UNITS.get(signal.unit or "", signal.unit or "")
    return f"{words.decimal(value)}\u00a0{unit}".strip()


def reading_values(words: Words, signal: Signal, values: Iterable[float]) -> Iterator[str]:
    """Yields numbers of a chart as values of its signal."""
    boolean = signal.type in (SignalType.BOOL, SignalType.EVENT)
    for value in values:
        yield reading_value(words, signal, bool(value) if boolean else value)
