"""Which points of a partial write were refused: found by writing again in smaller and smaller parts.

A server that refuses some points of a request says little: it counts those of one shard, names one field, drops the
whole point for one of its fields, and may not have finished the other shards. But a point that is written again
changes nothing. So whatever is in doubt is written again, split, until every part is either taken whole or refused
whole. A point that loses a field keeps the others.
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
    """A point with some of its values, and whether the field `received` goes with them."""

    point: Point
    received: bool = True

    @property
    def single(self) -> bool:
        """Whether no smaller part is worth trying: one signal, or `received` alone."""
        return len(self.point.values) <= 1

    def has(self, field: str) -> bool:
        """Whether the part writes that field."""
        return self.received if field == RECEIVED else field in self.point.values

    def without(self, field: str) -> "Part | None":
        """The part without that field; None where no signal is left (nor is `received` alone, which says nothing)."""
        if field == RECEIVED:
            return self._replace(received=False) if self.point.values else None
        values = {name: value for name, value in self.point.values.items() if name != field}
        return self._replace(point=self.point._replace(values=values)) if values else None

    def only(self, field: str) -> "Part":
        """That field of it alone. A signal that stands alone already keeps `received`."""
        if field == RECEIVED:
            return Part(self.point._replace(values={}))
        if self.single:
            return self
        return Part(self.point._replace(values={field: self.point.values[field]}), received=False)


def _by_time(part: Part) -> int:
    """Shards cover stretches of time: halves by time soon lie in one shard, whose answer is exact."""
    return part.point.time


def _by_device(part: Part) -> tuple[str, str]:
    """A limit cuts off whole series."""
    return part.point.village, part.point.device


@dataclass(frozen=True, slots=True)
class Settlement:
    """Brings a partial write to an end. `write` is one request; None is its answer when everything was taken."""

    write: Callable[[Sequence[Part]], PartialWrite | None]

    def settle(self, parts: Sequence[Part]) -> list[RefusedPoint]:
        """Write the parts; on return all that can be stored is, and the rest is answered."""
        answer = self.write(parts) if parts else None
        return [] if answer is None else self.after(parts, answer)

    def after(self, parts: Sequence[Part], answer: PartialWrite) -> list[RefusedPoint]:
        """The same when the parts were written once and the server answered.

        Every step writes fewer or smaller parts than the one before, so it ends: after a few requests where the
        server names and counts as InfluxDB 1 and 2 do, at worst after about twice as many as there are refused fields.
        """
        if answer.beyond_retention and 0 < (answer.dropped or 0) < len(parts):
            return self._drop_oldest(parts, answer)
        if answer.field and (split := _split(parts, answer.field)):
            return [refused for half in split for refused in self.settle(half)]
        all_dropped = len(parts) == 1 or (answer.dropped or 0) >= len(parts)
        # A limit (of series, of tag values) and retention speak of whole points; anything else may be about one field.
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
        """A retention policy mostly cuts at one time, so what was dropped is the oldest. Writing the others proves it.

        Where it does not (a server may also refuse what is too far ahead), both sides are settled by halves.
        """
        ordered = sorted(parts, key=_by_time)
        oldest, others = ordered[: answer.dropped], ordered[answer.dropped :]
        if self.write(others) is None:
            return [RefusedPoint(part.point, answer.reason) for part in oldest]
        middle = len(ordered) // 2
        return self.settle(ordered[:middle]) + self.settle(ordered[middle:])


def _split(parts: Sequence[Part], field: str) -> tuple[list[Part], list[Part]] | None:
    """What does not have the field and the field alone, or None where that separates nothing."""
    rest = [kept for part in parts if (kept := part.without(field) if part.has(field) else part)]
    alone = [part.only(field) for part in parts if part.has(field)]
    return (rest, alone) if rest and alone else None
