"""How complete a village's memory (`siaga.timeline.recent`) is, and what is to be read from the store to complete it.

A village that is restored from its snapshot and its inbox is complete: nothing is asked for. The store is read where
there is no snapshot, and where the log has a hole: the broker lost the engine's session, or a batch was stored that
never came.
"""

from dataclasses import dataclass

from siaga.model.clock import MINUTE, SECOND
from siaga.timeline.span_algebra import FOREVER
from siaga.wire.batch import LIVE_EDGE

__all__ = ["OVERLAP", "Recall"]

OVERLAP = LIVE_EDGE + MINUTE
"""How far before the last known moment the engine looks again: what was in flight then may not have been judged."""
_RELOAD_EVERY = 10 * SECOND
"""The shortest time between two reads of one village's memory."""
_HOLE_LASTS = 10 * MINUTE
"""ms after the last batch that was stored and never came, until no more of them are expected."""


@dataclass(slots=True)
class Recall:
    """How complete one village's memory is, and the read that is due. Wall times in ms.

    `is_read`: the village is judged from it. Some evidence may be missing all the same, of event times from `asked` on,
    which the read under way asks for, and from `missed` on, which the next one has to ask for (`FOREVER`: none).
    `wanted`: it is to be read, not before `wanted_at` (monotonic). `hole_from`: batches published from then on may
    never have come, though the store may yet get them; `hole_seen` (monotonic): when one of them was last stored.
    `unheard_before`: what a device said last before this may be in such a batch.
    """

    hole_seen: int = 0
    is_read: bool = False
    asked: int = FOREVER
    missed: int = FOREVER
    wanted: bool = True
    wanted_at: int = 0
    hole_from: int | None = None
    unheard_before: int = 0
    _asked_at: int = 0
    """When the last read was asked for, monotonic."""
    _stored: bool = False
    """Whether a batch was stored since the hole."""

    @property
    def missing_since(self) -> int:
        """From when on evidence may be missing; `FOREVER`: none is."""
        return min(self.asked, self.missed)

    def miss(self, since: int) -> None:
        """Evidence of event times from `since` on may be missing. The next read asks for it."""
        self.missed = min(since, self.missed)

    def want(self, monotonic: int = 0, missed_from: int = FOREVER) -> None:
        """Have it read; evidence of event times from `missed_from` on may be missing."""
        self.wanted, self.wanted_at = True, max(self.wanted_at, monotonic)
        self.miss(missed_from)

    def want_again(self, monotonic: int) -> None:
        """The store did not answer: have it read at `monotonic`."""
        self.wanted, self.wanted_at = True, monotonic

    def is_due(self, monotonic: int) -> bool:
        """Whether it is to be read now."""
        return self.wanted and self.wanted_at <= monotonic

    def ask(self, monotonic: int) -> None:
        """A read begins. Evidence that turns out to be missing from now on is for the next read."""
        self.wanted, self.wanted_at, self._asked_at = False, monotonic + _RELOAD_EVERY, monotonic
        self.asked, self.missed = self.missing_since, FOREVER

    def answered(self, now: int) -> int:
        """It was read at wall time `now`. Returns from when on evidence was missing."""
        if self._stored:
            self.unheard_before = 0
        elif not self.is_read or self.hole_from is not None:
            self.unheard_before = max(self.unheard_before, now)
        found, self.asked, self.is_read = self.asked, FOREVER, True
        return found

    def read_again(self, shows_after: int) -> None:
        """It was read from a store that shows what is durable only so many ms later: it may lack what was stored in the
        hole shortly before it was asked for. That will be there once it is read again."""
        shown_at = self.hole_seen + shows_after
        if self._asked_at < shown_at:
            self.want(shown_at)

    def go_without(self, now: int) -> None:
        """The store does not answer: the village is judged from what comes from `now` on. It is still to be read."""
        self.wanted, self.unheard_before, self.is_read = True, now, True

    def forget(self) -> None:
        """What is kept is another selection now: nothing is judged from it until it was read."""
        self.wanted, self.is_read = True, False

    def restore(self, hole_from: int | None, unheard_before: int, missing_since: int | None, *, is_read: bool) -> None:
        """Take over what a snapshot says."""
        self.hole_from, self.unheard_before = hole_from, unheard_before
        self.missed = FOREVER if missing_since is None else missing_since
        self.is_read = is_read
        self.wanted = not is_read or missing_since is not None

    # Holes in the log

    def lost(self, since: int, now: int, monotonic: int) -> None:
        """What was published from event time `since` until wall time `now` may never have come."""
        self.hole_from = since if self.hole_from is None else min(since, self.hole_from)
        self.hole_seen, self._stored = monotonic, False
        self.unheard_before = max(self.unheard_before, now)
        self.want(monotonic, since - OVERLAP)

    def stored_unseen(self, now: int, monotonic: int) -> None:
        """A batch was stored that never came."""
        self.hole_seen = monotonic
        since = now if self.hole_from is None else min(now, self.hole_from)
        self.want(monotonic, since - OVERLAP)
        self.wanted_at = max(self.wanted_at, monotonic + SECOND)  # more of them may follow at once

    def stored(self, monotonic: int) -> None:
        """A batch that came was stored: the store has what was published before."""
        self._stored = True
        if not self.wanted and self.asked == FOREVER:
            self.unheard_before = 0
        if monotonic - self.hole_seen > _HOLE_LASTS:
            self.hole_from = None
