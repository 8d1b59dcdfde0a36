"""Detects late messages after a stall: a gateway with neither disk nor link takes nothing, so its broker queues.

The broker does not mark a message that waited in its queue, and the session was never away. So every message after a
stall counts as late, until none has arrived for a few seconds: the queue is empty then.
"""

from siaga.model.clock import MINUTE, SECOND

__all__ = ["Stall"]

IDLE = 5 * SECOND
"""After this pause without a message, the broker's queue is empty."""
LONGEST = 10 * MINUTE
"""After this time the queue counts as empty even without a pause. A queue of 100,000 messages takes two minutes."""


class Stall:
    """Whether messages may be late because of a stall. Times in monotonic ms."""

    def __init__(self) -> None:
        self._until = 0
        self._heard = 0

    def note(self, now: int) -> None:
        """Note a stall: even after a commit, no message can be taken."""
        self._until, self._heard = now + LONGEST, now

    def is_late(self, now: int) -> bool:
        """Returns whether a message that arrives now may have waited in the broker's queue."""
        if now >= self._until or now - self._heard > IDLE:
            self._until = 0
            return False
        self._heard = now
        return True
