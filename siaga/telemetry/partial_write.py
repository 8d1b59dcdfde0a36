"""Finds the refused points of a partial write, by writing again in smaller and smaller parts.

A server that refuses some points says little: it counts the points of one shard, names one field, drops a whole point
because of one field, and may not have finished the other shards. But writing a point again changes nothing. So doubtful
points are split and written again, until every part is either taken or refused as a whole. A point with a refused field
keeps the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from siaga.model.observation import Point
from siaga.telemetry.influx_connection import PartialWrite
from siaga.telemetry.line_protocol import RECEIVED
from siaga.telemetry.refusal import RefusedPoint

__all__ = ["Part", "Settlement"]


class Part(NamedTuple):
    """A point with some of its values. `received`: it includes the field `received`."""

    point: Point
    received: bool = True

    @property
    def single(self) -> bool:
        """Whether it cannot be split: it has one signal, or `received` alone."""
        return len(self.point.values) <= 1

    def has(self, field: str) -> bool:
        """Returns whether the part has that field."""
        return self.received if field == RECEIVED else field in self.point.values

    def without(self, field: str) -> "Part | None":
        """Returns the part without that field; `None` if no signal is left, since `received` alone is useless."""
        if field == RECEIVED:
            return self._replace(received=False) if self.point.values else None
        values = {name: value for name, value in self.point.values.items() if name != field}
        return self._replace(point=self.point._replace(values=values)) if values else None

    def only(self, field: str) -> "Part":
        """Returns the part with that field only. A part with one signal keeps `received`."""
        if field == RECEIVED:
            return Part(self.point._replace(values={}))
        if self.single:
            return self
        return Part(self.point._replace(values={field: self.point.values[field]}), received=False)


def _by_time(part: Part) -> int:
    """Returns the sort key by time: halves by time are soon in one shard, for which the server's answer is exact."""
    return part.point.time


def _by_device(part: Part) -> tuple[str, str]:
    """Returns the sort key by device, since a limit affects whole series."""
    return part.point.village, part.point.device


@dataclass(frozen=True, slots=True)
class Settlement:
    """Completes a partial write. `write`: sends one request, and returns `None` if everything was taken."""

    write: Callable[[Sequence[Part]], PartialWrite | None]

    def settle(self, parts: Sequence[Part]) -> list[RefusedPoint]:
        """Write the parts, splitting them as needed. Returns the points that the server refuses."""
        answer = self.write(parts) if parts else None
        return [] if answer is None else self.after(parts, answer)

    def after(self, parts: Sequence[Part], answer: PartialWrite) -> list[RefusedPoint]:
        """Do the same for parts that were written once, with the server's answer.

        It ends, because every step writes fewer or smaller parts. With a server that names fields and counts points, as
        InfluxDB 1 and 2 do, it takes a few requests; at worst about twice as many as there are refused fields.
        """
        if answer.beyond_retention and 0 < (answer.dropped or 0) < len(parts):
            return self._drop_oldest(parts, answer)
        if answer.field and (split := _split(parts, answer.field)):
            return [refused for half in split for refused in self.settle(half)]
        all_dropped = len(parts) == 1 or (answer.dropped or 0) >= len(parts)
        # Limits (of series, of tag values) and retention concern whole points; other errors may concern one field.
        of_points = answer.series_limit or answer.beyond_retention
        if all_dropped and (of_points or all(part.single for part in parts)):
            return [RefusedPoint(part.point, answer.reason, for_good=not answer.series_limit) for part in parts]
        if len(parts) == 1:
            part = parts[0]
            return [refused for name in part.point.values for refused in self.settle([part.only(name)])]
        ordered = sorted(parts, key=_by_device if answer.series_limit else _by_time)
        middle = len(ordered) // 2
        return self.settle(ordered[:middle]) + self.settle(ordered[middle:])

    def _drop_oldest(self, parts: Sequence[Part], answer: PartialWrite) -> list[RefusedPoint]:
        """Try the oldest points as those dropped by retention, and confirm by writing the others.

        If that fails (a server may also refuse points too far in the future), both halves are settled.
        """
        ordered = sorted(parts, key=_by_time)
        oldest, others = ordered[: answer.dropped], ordered[answer.dropped :]
        if self.write(others) is None:
            return [RefusedPoint(part.point, answer.reason) for part in oldest]
        middle = len(ordered) // 2
        return self.settle(ordered[:middle]) + self.settle(ordered[middle:])


def _split(parts: Sequence[Part], field: str) -> tuple[list[Part], list[Part]] | None:
    """Returns the parts without the field, and the field alone; `None` if this separates nothing."""
    rest = [kept for part in parts if (kept := part.without(field) if part.has(field) else part)]
    alone = [part.only(field) for part in parts if part.has(field)]
    return (rest, alone) if rest and alone else None
