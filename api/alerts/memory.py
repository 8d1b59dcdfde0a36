"""How complete a village's memory is, and what has to be read from the telemetry store to complete it.

A village that is restored from its snapshot and its inbox is complete: nothing is asked for. The store is read where
there is no snapshot, and where the log has a hole: the broker lost the engine's session, or a batch was stored that
never came.
"""

from dataclasses import dataclass
from enum import Enum

from api.alerts.spans import FOREVER
from siaga.model.clock import MINUTE, SECOND
from siaga.wire.batch import LIVE_EDGE

__all__ = ["OVERLAP", "Memory", "State"]

OVERLAP = LIVE_EDGE + MINUTE
"""How far before the last known moment is looked again: what was under way then may not have been judged."""
_RELOAD_EVERY = 10 * SECOND
"""How often one village's memory is read again at most."""
_HOLE_LASTS = 10 * MINUTE
"""ms after the last batch that was stored and never came, until no more of them are expected."""


class State(Enum):
    """How complete it is."""

    UNREAD = "nothing is known: there was no snapshot, and the store has not answered yet"
    COMPLETE = "all evidence from the memory's start on is there"
    REREADING = "some may be missing, from `missing_since` on, until the store has answered"


@dataclass(slots=True)
class Memory:
    """The state of one village's memory, and the reading that is due or under way. Wall times in ms.

    `loaded`: the village is judged from it. `wanted`: it is to be read, not before `wanted_at` (monotonic).
    `missed_from`: evidence of event times from here on may be missing; `asked_from`: the same of what is being read.
    `hole_from`: batches published from then on may never have come, though the store may yet get them;
    `hole_seen` (monotonic): when one of them was last stored. `unheard_before`: what a device said last before this
    may be in such a batch.
    """

    loaded: bool = False
    wanted: bool = True
    wanted_at: int = 0
    missed_from: int = FOREVER
    asked_from: int = FOREVER
    hole_from: int | None = None
    hole_seen: int = 0
    unheard_before: int = 0
    _stored: bool = False

    @property
    def state(self) -> State:
        """What can be said of it in one word."""
        if not self.loaded:
            return State.UNREAD
        return State.COMPLETE if self.missing_since == FOREVER and not self.wanted else State.REREADING

    @property
    def missing_since(self) -> int:
        """From when on evidence may be missing; `FOREVER`: none is."""
        return min(self.missed_from, self.asked_from)

    def want(self, monotonic: int, missed_from: int = FOREVER) -> None:
        """Have it read; evidence of event times from `missed_from` on may be missing."""
        self.wanted, self.wanted_at = True, max(self.wanted_at, monotonic)
        self.missed_from = min(self.missed_from, missed_from)

    def want_again(self, monotonic: int) -> None:
        """The store did not answer: have it read at `monotonic`."""
        self.wanted, self.wanted_at = True, monotonic

    def is_due(self, monotonic: int) -> bool:
        """Whether it is to be read now."""
        return self.wanted and self.wanted_at <= monotonic

    def ask(self, monotonic: int) -> None:
        """It is being read. What is missed from here on is not in the answer: another one will have to say it."""
        self.wanted, self.wanted_at = False, monotonic + _RELOAD_EVERY
        self.asked_from, self.missed_from = self.missing_since, FOREVER

    def answered(self, now: int) -> int:
        """It was read at wall time `now`. Returns from when on evidence was missing."""
        since, self.asked_from = self.asked_from, FOREVER
        if self._stored:
            self.unheard_before = 0
        elif not self.loaded or self.hole_from is not None:
            self.unheard_before = max(self.unheard_before, now)
        return since

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
        if not self.wanted and self.asked_from == FOREVER:
            self.unheard_before = 0
        if monotonic - self.hole_seen > _HOLE_LASTS:
            self.hole_from = None
