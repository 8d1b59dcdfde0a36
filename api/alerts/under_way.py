"""Batches that the engine took and the telemetry store may not have yet, and what a successor is left of them.

The broker forgets a batch for the engine once that took it; in the store it is once the centre said so. In between,
for hours with a store that is away, only the engine's memory has it. A successor that went by the store would see a
past with holes in it, and call silent what had spoken. So the engine leaves, beside its spans, the last word of every
signal: its successor keeps what was judged before, goes on from those last words, and judges the time of the holes
again when the store has no more of them.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from api.alerts.history import BatchId
from api.alerts.spans import FOREVER
from siaga.model.clock import MINUTE, SECOND
from siaga.model.intervals import Interval, merge, subtract

__all__ = ["GIVES_UP", "SETTLE", "Inheritance", "Range", "UnderWay"]

SETTLE = 30 * SECOND
"""Once the centre stores batches of a village again: how long none of those that were missing has to come."""
GIVES_UP = 10 * MINUTE
"""The same where the centre stores again, but nothing of this village."""
_MAX_RANGES = 200
"""Of one gateway; what is over is forgotten, the oldest first. One that works leaves one."""
_EARLY = 256

Range = tuple[str, str, int, int]
"""Gateway, epoch, first number, and the one after the last."""


class UnderWay:
    """The numbers of the batches of one village that were taken and not called stored, by gateway and epoch."""

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._young: dict[tuple[str, str], list[Interval]] = {}
        self._old: dict[tuple[str, str], list[Interval]] = {}
        for gateway, epoch, first, end in ranges:
            self._old.setdefault((gateway, epoch), []).append((first, end))
        self._outlived: set[tuple[str, str]] = set()
        self._early: deque[BatchId] = deque(maxlen=_EARLY)

    def __bool__(self) -> bool:
        return bool(self._young or self._old)

    @property
    def lasting(self) -> bool:
        """Whether some are under way for longer than from one `age` to the next."""
        return bool(self._old)

    def add(self, batch: BatchId) -> None:
        """A batch was taken; one whose acknowledgement overtook it is stored already."""
        if batch in self._early:
            return
        gateway, epoch, seq = batch
        known = self._young.setdefault((gateway, epoch), [])
        if known and known[-1][1] == seq:
            known[-1] = (known[-1][0], seq + 1)
        else:
            known[:] = merge([*known, (seq, seq + 1)])[-_MAX_RANGES:]

    def remove(self, batch: BatchId) -> bool:
        """A batch is stored; whether it was among them. An older buffer of its gateway sends nothing any more."""
        gateway, epoch, seq = batch
        found = False
        for ranges in (self._young, self._old):
            known = ranges.get((gateway, epoch))
            if known is None or not any(first <= seq < end for first, end in known):
                continue
            found = True
            known[:] = subtract(known, [(seq, seq + 1)])
            if not known:
                del ranges[gateway, epoch]
        if not found:
            self._early.append(batch)
        for other in self._old:
            if other[0] == gateway and other[1] != epoch:
                self._outlived.add(other)
        return found

    def age(self) -> None:
        """Some time has passed: what is under way now is there for longer the next time."""
        for outlived in self._outlived:
            self._old.pop(outlived, None)
        self._outlived.clear()
        for key, known in self._young.items():
            self._old[key] = merge([*self._old.get(key, []), *known])[-_MAX_RANGES:]
        self._young.clear()

    def ranges(self) -> list[Range]:
        """All of them."""
        found = {key: list(known) for key, known in self._old.items()}
        for key, known in self._young.items():
            found[key] = merge([*found.get(key, []), *known])
        return [(*key, first, end) for key, known in found.items() for first, end in known]


@dataclass(slots=True)
class Inheritance:
    """What an engine took over of a predecessor that knew more than the store.

    `until`: before this (event time) the predecessor's spans stay; `missing`: the batches that the store lacked;
    `since`: from when on evidence came that waits to be judged; `moved_at`: when (monotonic) something of the village
    was last stored that mattered; `over`: the store lacks nothing any more, and memory is read from it again.
    """

    until: int
    missing: UnderWay
    since: int = FOREVER
    moved_at: int | None = None
    over: bool = False

    def accounted(self, batch: BatchId, monotonic: int) -> None:
        """A batch came again, all of it to memory: it is missing no more."""
        if self.missing.remove(batch) and self.moved_at is not None:
            self.moved_at = monotonic

    def stored(self, batch: BatchId, monotonic: int) -> None:
        """The centre called a batch of the village stored."""
        if self.missing.remove(batch) or self.moved_at is None:
            self.moved_at = monotonic

    def over_at(self, stores_since: int | None) -> int | None:
        """When (monotonic) nothing more is waited for; `stores_since`: since when the centre stores anything."""
        if self.over:
            return None
        if not self.missing:
            return 0
        if self.moved_at is not None:
            return self.moved_at + SETTLE
        return None if stores_since is None else stores_since + GIVES_UP
