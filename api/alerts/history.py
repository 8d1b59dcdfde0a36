"""What of a village's history has to be judged again, and the late readings that are in hand for it.

A reading older than memory waits for its batch's acknowledgement. Then the stretch that it can bear on is *dirty*. It
is judged again when no more late data has come for a moment, or when it has waited long enough; newest first, in
chunks, so that a month of shuffled batches is judged a few times and not once a batch.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from siaga.model.clock import DAY, SECOND
from siaga.model.intervals import clip, merge, subtract
from siaga.model.observation import Reading, Track, TrackKey
from siaga.model.signals import Value
from siaga.timeline.judge import Interval

__all__ = ["CHUNK", "BatchId", "History", "combined"]

CHUNK = 2 * DAY
"""The longest stretch judged in one step: some ten thousand readings of a village, well under a second."""
QUIET = 700
"""ms without a new mark after which the dirty stretches are judged."""
PATIENCE = 5 * SECOND
"""ms after which they are judged though more keeps coming; longer where judging takes long."""
VISIBLE_AFTER = 15 * SECOND
"""ms for which readings are kept after their acknowledgement: some stores show what they have only after a while."""
MAX_IN_HAND = 100_000
"""Readings of one village kept for that; what is over is read from the store."""
MAX_WAITING = 5_000
"""Batches of one village that wait with their readings; of what is over it is only known which stretch it bears on."""

BatchId = tuple[str, str, int]
"""Gateway, epoch, seq."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The late readings of a batch that came at wall time `received`, and the stretch that they bear on."""

    received: int
    readings: Sequence[Reading]
    stretch: Interval


@dataclass(slots=True)
class History:
    """The dirty stretches of one village. Times of marks are monotonic ms, stretches are event time.

    `taken` is the one that is being judged: until that is written it is unfinished. `stale_first`: the store may know
    of first reports that nobody here knows of.
    """

    dirty: list[Interval] = field(default_factory=list)
    queue: list[Interval] = field(default_factory=list)
    taken: Interval | None = None
    stale_first: bool = True
    _marked: int = 0
    _first_marked: int | None = None
    _cost: int = 0
    _waiting: dict[BatchId, _Waiting] = field(default_factory=dict)
    _let_go: list[Interval] = field(default_factory=list)
    _in_hand: deque[tuple[int, Sequence[Reading]]] = field(default_factory=deque)
    _held: int = 0

    def wait_for_ack(self, batch: BatchId, late: Sequence[Reading], reach: int, now: int) -> bool:
        """Keep late readings until their batch, which came at wall time `now`, is known to be stored.

        Each bears on the `reach` ms after it. Whether those of another batch had to be let go for them.
        """
        times = [reading.time for reading in late]
        self._waiting[batch] = _Waiting(now, late, (min(times), max(times) + 1 + reach))
        if len(self._waiting) <= MAX_WAITING:
            return False
        longest = self._waiting.pop(next(iter(self._waiting)))
        self._let_go = merge([*self._let_go, longest.stretch])
        return True

    def acknowledged(self, batch: BatchId, monotonic: int) -> Sequence[Reading]:
        """The late readings of a batch that is stored now; what they bear on is marked. They stay in hand."""
        waited = self._waiting.pop(batch, None)
        if waited is None:
            return ()
        self.mark(*waited.stretch, monotonic)
        if self._let_go and not self._waiting:  # they came before all that waited, so they are stored, too
            for stretch in self._let_go:
                self.mark(*stretch, monotonic)
            self._let_go, self.stale_first = [], True
        self._in_hand.append((monotonic, waited.readings))
        self._held += len(waited.readings)
        while self._held > MAX_IN_HAND and len(self._in_hand) > 1:
            self._held -= len(self._in_hand.popleft()[1])
        return waited.readings

    def mark(self, start: int, end: int, monotonic: int, *, now: bool = False) -> None:
        """A stretch has to be judged again; `now`: without waiting for more."""
        if start >= end:
            return
        if now:
            self.queue = merge([*self.queue, (start, end)])
            return
        self.dirty = merge([*self.dirty, (start, end)])
        self._marked = monotonic
        if self._first_marked is None:
            self._first_marked = monotonic

    def waiting_since(self) -> int | None:
        """When, in wall time, the oldest batch came that waits for its acknowledgement."""
        return min((waited.received for waited in self._waiting.values()), default=None)

    def unfinished(self) -> list[Interval]:
        """All that will have to be judged again, for a successor: dirty stretches, and those of waiting readings."""
        waiting = [waited.stretch for waited in self._waiting.values()]
        taken = [self.taken] if self.taken is not None else []
        return merge([*self.dirty, *self.queue, *taken, *waiting, *self._let_go])

    @property
    def marked(self) -> list[Interval]:
        """What has to be judged again."""
        return [*self.dirty, *self.queue]

    @property
    def pending(self) -> bool:
        """Whether anything has to be judged again."""
        return bool(self.dirty or self.queue)

    @property
    def is_finished(self) -> bool:
        """Whether nothing has to be judged again, now or when it is acknowledged."""
        return not (self.dirty or self.queue or self._waiting or self._let_go or self.taken)

    def ready_at(self) -> int | None:
        """When (monotonic ms) the next chunk may be judged; `None`: there is nothing to do."""
        if self.queue:
            return 0
        if self._first_marked is None:
            return None
        return min(self._marked + QUIET, self._first_marked + max(PATIENCE, 4 * self._cost))

    def next_chunk(self, monotonic: int, upto: int) -> Interval | None:
        """Take the newest chunk that may be judged; what lies at or beyond `upto` is not history."""
        if not self.queue:
            ready = self.ready_at()
            if ready is None or ready > monotonic:
                return None
            self.queue, self.dirty, self._first_marked, self._cost = self.dirty, [], None, 0
        self.queue = clip(self.queue, -(2**62), upto)
        if not self.queue:
            return None
        start, end = self.queue[-1]
        chunk = (max(start, end - CHUNK), end)
        self.queue = subtract(self.queue, [chunk])
        self.taken = chunk
        return chunk

    def put_back(self, chunk: Interval) -> None:
        """A chunk could not be judged: it is the next again."""
        self.queue, self.taken = merge([*self.queue, chunk]), None

    def spent(self, milliseconds: int) -> None:
        """Take note of how long a chunk took, so that judging never takes more than a fifth of the time."""
        self._cost += milliseconds

    def in_hand(self, start: int, end: int) -> list[Reading]:
        """The acknowledged late readings of `[start, end)`, in the order in which they came."""
        return [reading for _, batch in self._in_hand for reading in batch if start <= reading.time < end]

    def forget_visible(self, monotonic: int) -> None:
        """Let go of readings that every store shows by now."""
        while self._in_hand and self._in_hand[0][0] < monotonic - VISIBLE_AFTER:
            self._held -= len(self._in_hand.popleft()[1])


def combined(
    stored: Mapping[TrackKey, Track], in_hand: Iterable[Reading], remembered: Mapping[TrackKey, Track]
) -> dict[TrackKey, Track]:
    """One set of tracks from the store, the late readings in hand and the memory; the later of these is the newer."""
    newer: dict[TrackKey, dict[int, Value]] = {}
    for reading in in_hand:
        newer.setdefault((reading.device, reading.signal), {})[reading.time] = reading.value
    for key, track in remembered.items():
        newer.setdefault(key, {}).update(zip(track.times, track.values, strict=True))
    result = dict(stored)
    for key, observations in newer.items():
        old = stored.get(key)
        known = dict(zip(old.times, old.values, strict=True)) if old is not None else {}
        if any(known.get(time) != value or time not in known for time, value in observations.items()):
            result[key] = Track.of(known | observations)
    return result
