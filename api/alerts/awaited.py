"""Batches that the engine took and that the telemetry store has not acknowledged yet.

History is not judged from a store that is known to lack some of it. So the number of each of these batches is kept, and
the stretch of its readings. If readings came too late for memory, the stretch that they bear on is kept, too: it is
judged again once the store has the batch.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from siaga.model.clock import SECOND
from siaga.model.intervals import Interval
from siaga.timeline.span_algebra import FOREVER

__all__ = ["GIVES_UP", "Awaited", "BatchId", "Range"]

BatchId = tuple[str, str, int]
"""Gateway, epoch, seq."""
GIVES_UP = 30 * SECOND
"""ms to wait for the acknowledgement of a batch after later ones of its gateway were acknowledged. It starts again with
each acknowledgement of an earlier batch."""
_MAX_LATE = 500
"""The most ranges of one epoch that are kept apart for their late readings. With more, neighbours are joined."""
_EARLY = 256
"""The most acknowledgements that are remembered because they overtook their batches."""


@dataclass(frozen=True, slots=True)
class Range:
    """Batches of one gateway and epoch, from number `first` to before `end`, taken at wall time `taken` or before.

    `start` and `until`: the stretch of their readings; `late`: the stretch that their late readings bear on.
    """

    first: int
    end: int
    taken: int
    start: int
    until: int
    late: Interval | None = None

    def joined(self, other: "Range") -> "Range":
        """Returns this range with the one that follows it."""
        late = [each for each in (self.late, other.late) if each is not None]
        return Range(
            self.first,
            other.end,
            max(self.taken, other.taken),
            min(self.start, other.start),
            max(self.until, other.until),
            (min(start for start, _ in late), max(end for _, end in late)) if late else None,
        )


class Awaited:
    """The batches of one village whose acknowledgement is awaited."""

    def __init__(self) -> None:
        self._ranges: dict[tuple[str, str], list[Range]] = {}
        self._early: deque[BatchId] = deque(maxlen=_EARLY)
        self._acked_upto: dict[str, int] = {}
        self._moved_at: dict[str, int] = {}

    def take(self, batch: BatchId, now: int, stretch: Interval, late: Interval | None) -> bool:
        """A batch was taken at wall time `now`. Returns False if its acknowledgement had overtaken it."""
        if self._early and batch in self._early:
            self._early.remove(batch)
            return False
        gateway, epoch, seq = batch
        mine = self._ranges.setdefault((gateway, epoch), [])
        one = Range(seq, seq + 1, now, *stretch, late)
        at = bisect_right(mine, seq, key=_first)
        if at and mine[at - 1].end > seq:  # it came again
            mine[at - 1] = replace(mine[at - 1].joined(one), end=mine[at - 1].end)
        else:
            mine.insert(at, one)
        return True

    def acknowledged(self, batch: BatchId, monotonic: int) -> Range | None:
        """A batch is stored. Returns the range that it was in; `None`: it is not awaited."""
        gateway, epoch, seq = batch
        mine = self._ranges.get((gateway, epoch), [])
        at = bisect_right(mine, seq, key=_first) - 1
        if at < 0 or mine[at].end <= seq:
            if batch not in self._early:
                self._early.append(batch)
            return None
        found = mine[at]
        had_passed = self._passed(gateway)
        if found.end - found.first == 1:
            del mine[at]
        else:
            parts = [replace(found, end=seq), replace(found, first=seq + 1)]
            mine[at : at + 1] = [part for part in parts if part.first < part.end]
        if not mine:
            del self._ranges[gateway, epoch]
        was_passed = found.taken < self._acked_upto.get(gateway, 0)
        self._acked_upto[gateway] = max(found.taken, self._acked_upto.get(gateway, 0))
        if was_passed or not had_passed:
            self._moved_at[gateway] = monotonic
        return found

    def _passed(self, gateway: str) -> bool:
        """Whether batches of a gateway are awaited although later ones are stored."""
        upto = self._acked_upto.get(gateway, 0)
        return any(whose == gateway and mine[0].taken < upto for (whose, _), mine in self._ranges.items())

    def gives_up_at(self) -> int | None:
        """Returns when (monotonic) some are given up; `None`: none are."""
        found: int | None = None
        for (gateway, _), mine in self._ranges.items():
            if mine[0].taken < self._acked_upto.get(gateway, 0):
                at = self._moved_at.get(gateway, 0) + GIVES_UP
                found = at if found is None else min(at, found)
        return found

    def give_up(self, monotonic: int) -> list[Range]:
        """Give up those that were passed over for too long. Returns them."""
        gone: list[Range] = []
        for (gateway, epoch), mine in list(self._ranges.items()):
            upto = self._acked_upto.get(gateway)
            if upto is None or self._moved_at.get(gateway, 0) + GIVES_UP > monotonic:
                continue
            gone += [each for each in mine if each.taken < upto]
            mine[:] = [each for each in mine if each.taken >= upto]
            if not mine:
                del self._ranges[gateway, epoch]
        return gone

    def hides(self, start: int, end: int, memory_from: int) -> bool:
        """Whether the store may lack readings of `[start, end)` from before `memory_from`, where memory begins.

        Late readings do not count: what they bear on is judged again when they are stored.
        """
        return any(
            each.late is None and each.start < memory_from and each.start < end and each.until > start
            for mine in self._ranges.values()
            for each in mine
        )

    @property
    def since(self) -> int:
        """From when on (event time) the store may lack readings; `FOREVER`: it lacks none."""
        return min((each.start for mine in self._ranges.values() for each in mine), default=FOREVER)

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def compact(self) -> None:
        """Join neighbours where that loses nothing, and those with late readings where these are too many."""
        for mine in self._ranges.values():
            many = sum(each.late is not None for each in mine) > _MAX_LATE
            joined: list[Range] = []
            for each in mine:
                before = joined[-1] if joined else None
                alike = before is not None and before.end == each.first and (before.late is None) == (each.late is None)
                if before is not None and alike and (each.late is None or many):
                    joined[-1] = before.joined(each)
                else:
                    joined.append(each)
            mine[:] = joined

    # For the snapshot

    def ranges(self) -> list[tuple[str, str, Range]]:
        """Returns all ranges, each with its gateway and epoch."""
        return [(*key, each) for key, mine in sorted(self._ranges.items()) for each in mine]

    def early(self) -> list[BatchId]:
        """Returns the acknowledgements that overtook their batches."""
        return list(self._early)

    def restore(self, ranges: Iterable[tuple[str, str, Range]], early: Iterable[BatchId]) -> None:
        """Take over what a snapshot says."""
        for gateway, epoch, each in ranges:
            self._ranges.setdefault((gateway, epoch), []).append(each)
        self._early.extend(early)


def _first(each: Range) -> int:
    return each.first
