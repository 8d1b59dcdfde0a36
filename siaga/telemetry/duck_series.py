"""What the embedded store keeps in memory of each series: its number, its first and its last observation.

The file belongs to one process, so this is exact; it answers what would else need a scan: the latest values, the first
times, and whether a point may be stored already.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from siaga.model.observation import Point, TrackKey
from siaga.model.signals import SIGNALS, SignalType, Value
from siaga.telemetry.refusal import TIME_MAX

__all__ = ["Append", "KnownSeries", "Series", "typed"]

NEVER = TIME_MAX + 1


@dataclass(slots=True)
class Series:
    """One series. `first` is `NEVER` and `last` is `-NEVER` when nothing is stored of it (any more)."""

    id: int
    first: int = NEVER
    last: int = -NEVER
    value: Value = False
    stored_until: int = -NEVER
    """Where the stored part ended before the write at hand."""


@dataclass(slots=True)
class Append:
    """The columns of what a write adds, and what it changes in memory once it is durable."""

    series: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    whole: list[int | None] = field(default_factory=list)
    number: list[float | None] = field(default_factory=list)
    late_series: list[int] = field(default_factory=list)
    late_times: list[int] = field(default_factory=list)
    new: list[tuple[int, str, str, str]] = field(default_factory=list)
    changed: dict[tuple[str, str, str], Series] = field(default_factory=dict)


class KnownSeries:
    """All series of the file, by village. Not locked: the store does that."""

    def __init__(self, stored: Iterable[tuple[tuple[str, str, str], Series]] = ()) -> None:
        self._villages: dict[str, dict[TrackKey, Series]] = {}
        self._next = 1
        self.take(dict(stored))

    def of(self, village: str) -> Mapping[TrackKey, Series]:
        """The series of a village by device and signal."""
        return self._villages.get(village, {})

    def take(self, changed: Mapping[tuple[str, str, str], Series]) -> None:
        """What a write has changed and made durable."""
        for (village, device, signal), series in changed.items():
            self._villages.setdefault(village, {})[device, signal] = series
            self._next = max(self._next, series.id + 1)

    def append(self, points: Sequence[Point]) -> Append:
        """The rows for points, no two of one device and time among them; changes nothing here."""
        rows, number = Append(), self._next
        for village, device, time, received, values in points:
            known = self._villages.get(village, {})
            for name, value in values.items():
                key = village, device, name
                series = rows.changed.get(key)
                if series is None:
                    stored = known.get((device, name))
                    if stored is None:
                        series = Series(number)
                        rows.new.append((number, village, device, name))
                        number += 1
                    else:
                        series = replace(stored, stored_until=stored.last)
                    rows.changed[key] = series
                if time <= series.stored_until:
                    rows.late_series.append(series.id)
                    rows.late_times.append(time)
                if time >= series.last:
                    series.last, series.value = time, value
                series.first = min(series.first, time)
                rows.series.append(series.id)
                rows.times.append(time)
                rows.received.append(received)
                if type(value) is float:
                    rows.whole.append(None)
                    rows.number.append(value)
                else:
                    rows.whole.append(int(value))
                    rows.number.append(None)
        return rows


def typed(signal: str, whole: int | None, number: float | None) -> Value:
    """A row's value as its signal has it."""
    if number is not None:
        return number
    return bool(whole) if SIGNALS[signal].type is SignalType.BOOL else whole or 0
