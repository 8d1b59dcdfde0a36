"""What of a village's history has to be judged again, and the late readings that are kept for it.

A reading older than memory waits for its batch's acknowledgement. Then the stretch that it bears on is *dirty*. That is
judged again when no more late data has come for a moment, or when it has waited long enough. Newest first and in
chunks, so a month of shuffled batches is judged a few times, and not once a batch.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from api.alerts.awaited import Awaited, BatchId
from siaga.model.clock import DAY, SECOND
from siaga.model.intervals import Interval, clip, merge, subtract
from siaga.model.observation import Reading
from siaga.timeline.span_algebra import FOREVER

__all__ = ["CHUNK", "History"]

CHUNK = 2 * DAY
"""The longest stretch judged in one step: some ten thousand readings of a village, well under a second."""
QUIET = 700
"""ms without a new mark after which the dirty stretches are judged."""
PATIENCE = 5 * SECOND
"""ms after which they are judged although more comes; longer where judging takes long."""
VISIBLE_AFTER = 15 * SECOND
"""ms for which readings are kept after their acknowledgement: some stores show data only after a while."""
MAX_IN_HAND = 100_000
"""The most readings of one village that are kept; the others are read from the store."""


@dataclass(slots=True)
class History:
    """The dirty stretches of one village, and the batches that the store may not have (`awaited`).

    Times of marks are monotonic ms, stretches are event time. `taken` is the stretch that is being judged: until that
    is written it is unfinished. `stale_first`: the store may know of first reports that the engine does not know.
    """

    awaited: Awaited = field(default_factory=Awaited)
    dirty: list[Interval] = field(default_factory=list)
    queue: list[Interval] = field(default_factory=list)
    taken: Interval | None = None
    stale_first: bool = True
    _marked: int = 0
    _first_marked: int | None = None
    _cost: int = 0
    _unseen: list[tuple[int, Interval]] = field(default_factory=list)
    _late: dict[BatchId, Sequence[Reading]] = field(default_factory=dict)
    _in_hand: deque[tuple[int, Sequence[Reading]]] = field(default_factory=deque)
    _held: int = 0

    # Batches, and what the store has of them

    def take(
        self, batch: BatchId, now: int, monotonic: int, stretch: Interval, late: Sequence[Reading], reach: int
    ) -> bool:
        """Await the acknowledgement of a batch that was taken at wall time `now`.

        What its `late` readings bear on, up to `reach` after them, is judged again once the store has them. Returns
        True if late readings of other batches had to be let go.
        """
        bears_on, let_go = None, False
        if late:
            times = [reading.time for reading in late]
            bears_on = (min(times), max(times) + 1 + reach)
            let_go = self._keep(batch, late)
        is_awaited = self.awaited.take(batch, now, stretch, bears_on)
        if not is_awaited and bears_on is not None:
            self._hand_over(batch, monotonic)
            self.mark(*bears_on, monotonic)
        return let_go

    def acknowledged(self, batch: BatchId, monotonic: int) -> Sequence[Reading] | None:
        """The store has a batch: what its late readings bear on has to be judged again.

        Returns these readings, as far as they were kept; `None`: the batch was not awaited.
        """
        found = self.awaited.acknowledged(batch, monotonic)
        if found is None:
            return None
        late = self._hand_over(batch, monotonic)
        if found.late is None:
            return ()
        if late:
            self.mark(*found.late, monotonic)
        elif found.end - found.first == 1:  # else others of the range are still awaited
            self.mark_unseen(*found.late, monotonic)
        return late

    def give_up(self, monotonic: int) -> bool:
        """Wait no more for acknowledgements that were passed over: the store has the batches by now, or never will.

        Returns True if there were any.
        """
        gone = self.awaited.give_up(monotonic)
        for batch in gone:
            if batch.late is not None:
                self.mark_unseen(*batch.late, monotonic)
        return bool(gone)

    def is_lacking(self, reach: int, memory_from: int) -> bool:
        """Returns True if the store is known to lack some of what is to be judged again, and memory has lost it.

        Memory begins at `memory_from`; observations bear on what comes up to `reach` after them.
        """
        hides = self.awaited.hides
        return bool(self.awaited) and any(hides(start - reach, end, memory_from) for start, end in self.marked)

    def _keep(self, batch: BatchId, late: Sequence[Reading]) -> bool:
        """Keep late readings until their batch is stored. Returns True if others had to be let go for them."""
        self._held -= len(self._late.pop(batch, ()))
        self._late[batch] = late
        self._held += len(late)
        let_go = False
        while self._held > MAX_IN_HAND and len(self._late) > 1:
            self._held -= len(self._late.pop(next(iter(self._late))))
            let_go = True
        return let_go

    def _hand_over(self, batch: BatchId, monotonic: int) -> Sequence[Reading]:
        """Returns the late readings of a stored batch, as far as they were kept; they stay in hand for a while."""
        late = self._late.pop(batch, ())
        if late:
            self._in_hand.append((monotonic, late))
        while self._held > MAX_IN_HAND and len(self._in_hand) > 1:
            self._held -= len(self._in_hand.popleft()[1])
        return late

    # What is to be judged again

    def mark_unseen(self, start: int, end: int, monotonic: int) -> None:
        """A stretch has to be judged again for readings that only the store has. It may not show them yet."""
        self.stale_first = True
        self.mark(start, end, monotonic)
        self._unseen.append((monotonic + VISIBLE_AFTER, (start, end)))

    def mark(self, start: int, end: int, monotonic: int, *, now: bool = False) -> None:
        """A stretch has to be judged again; `now`: without waiting for more late data."""
        if start >= end:
            return
        if now:
            self.queue = merge([*self.queue, (start, end)])
            return
        self.dirty = merge([*self.dirty, (start, end)])
        self._marked = monotonic
        if self._first_marked is None:
            self._first_marked = monotonic

    def unfinished(self) -> list[Interval]:
        """Returns all that has to be judged again, for the snapshot."""
        taken = [self.taken] if self.taken is not None else []
        return merge([*self.dirty, *self.queue, *taken, *(stretch for _, stretch in self._unseen)])

    @property
    def marked(self) -> list[Interval]:
        """What has to be judged again."""
        return [*self.dirty, *self.queue]

    @property
    def pending(self) -> bool:
        """Whether anything has to be judged again."""
        return bool(self.dirty or self.queue or self._unseen)

    @property
    def is_open(self) -> bool:
        """Whether anything has to be judged again, or is awaited in vain."""
        return self.pending or self.awaited.gives_up_at() is not None

    def ready_at(self) -> int | None:
        """When (monotonic ms) the next chunk may be judged; `None`: there is nothing to do."""
        if self.queue:
            return 0
        if self._first_marked is None:
            return min((due for due, _ in self._unseen), default=None)
        return min(self._marked + QUIET, self._first_marked + max(PATIENCE, 4 * self._cost))

    def next_chunk(self, monotonic: int, upto: int, since: int = -FOREVER) -> Interval | None:
        """Take the newest chunk that may be judged, if there is one.

        What lies at or beyond `upto` is not history. What lies before `since` cannot be judged any more.
        """
        for due, stretch in [each for each in self._unseen if each[0] <= monotonic]:
            self._unseen.remove((due, stretch))
            self.mark(*stretch, monotonic, now=True)
        if not self.queue:
            ready = self.ready_at()
            if ready is None or ready > monotonic:
                return None
            self.queue, self.dirty, self._first_marked, self._cost = self.dirty, [], None, 0
        self.queue = clip(self.queue, since, upto)
        if not self.queue:
            return None
        start, end = self.queue[-1]
        chunk = (max(start, end - CHUNK), end)
        self.queue = subtract(self.queue, [chunk])
        self.taken = chunk
        return chunk

    def put_back(self, chunk: Interval, *, read_first: bool) -> None:
        """A chunk could not be judged: it is the next again. `read_first`: its question was for first reports, too."""
        self.queue, self.taken = merge([*self.queue, chunk]), None
        self.stale_first |= read_first

    def drop(self) -> None:
        """The chunk that was taken needs no judgement any more."""
        self.taken = None

    def judged(self, milliseconds: int, monotonic: int) -> None:
        """A chunk was judged and written, in some ms. By these, judging never takes more than a fifth of the time."""
        self.taken = None
        self._cost += milliseconds
        self._forget_visible(monotonic)

    def first_reports_read(self) -> bool:
        """The store is asked for first reports. Returns True if it may know of some that the engine does not."""
        stale, self.stale_first = self.stale_first, False
        return stale

    def expect_first_reports(self) -> None:
        """The store may know of first reports that the engine does not know."""
        self.stale_first = True

    def restore(self, unfinished: Iterable[Interval]) -> None:
        """Take over what a snapshot says."""
        self.queue = list(unfinished)

    def in_hand(self, start: int, end: int) -> list[Reading]:
        """Returns the acknowledged late readings of `[start, end)`, in the order in which they came."""
        return [reading for _, batch in self._in_hand for reading in batch if start <= reading.time < end]

    def held(self, start: int) -> list[Reading]:
        """Returns the late readings from `start` on whose batches the store has not acknowledged, as they came."""
        return [reading for batch in self._late.values() for reading in batch if reading.time >= start]

    def _forget_visible(self, monotonic: int) -> None:
        """Drop readings that every store shows by now."""
        while self._in_hand and self._in_hand[0][0] < monotonic - VISIBLE_AFTER:
            self._held -= len(self._in_hand.popleft()[1])
