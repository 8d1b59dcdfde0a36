"""What the embedded store keeps in memory of each series: its number, its first and last observation.

The file belongs to one process, so this is exact. It avoids scans for the latest values, the first times, and whether a
point may be stored already.
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
    """One series. Without observations, `first` is `NEVER` and `last` is `-NEVER`."""

    id: int
    first: int = NEVER
    last: int = -NEVER
    value: Value = False
    stored_until: int = -NEVER
    """`last` before the current write."""


@dataclass(slots=True)
class Append:
    """The columns that a write inserts, and the changes in memory once it is durable.

    `late_series`, `late_times`: rows that may exist already. `new`: new series. `changed`: the series after the write.
    """

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
    """All series of the file, by village. Not thread-safe: the store locks."""

    def __init__(self, stored: Iterable[tuple[tuple[str, str, str], Series]] = ()) -> None:
        self._villages: dict[str, dict[TrackKey, Series]] = {}
        self._next = 1
        self.take(dict(stored))

    def of(self, village: str) -> Mapping[TrackKey, Series]:
        """Returns the series of a village by device and signal."""
        return self._villages.get(village, {})

    def all(self) -> Iterable[tuple[tuple[str, str, str], Series]]:
        """Yields every series with its village, device and signal."""
        for village, known in self._villages.items():
            for (device, signal), series in known.items():
                yield (village, device, signal), series

    def take(self, changed: Mapping[tuple[str, str, str], Series]) -> None:
        """Apply the changes of a durable write."""
        for (village, device, signal), series in changed.items():
            self._villages.setdefault(village, {})[device, signal] = series
            self._next = max(self._next, series.id + 1)

    def append(self, points: Sequence[Point]) -> Append:
        """Returns the rows for points, of which no two have the same device and time. Changes nothing here."""
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
    """Returns a row's value with the type of its signal."""
    if number is not None:
        return number
    return bool(whole) if SIGNALS[signal].type is SignalType.BOOL else whole or 0
