"""A gateway that could take nothing for a while, with neither disk nor link: what its broker held meanwhile is late.

The broker marks it no more than what it kept for a session that was away, and here the session stood all the time. So
everything is late from then on until nothing came for a few seconds: then the queue at the broker is empty.
"""

from siaga.model.clock import MINUTE, SECOND

__all__ = ["Stall"]

IDLE = 5 * SECOND
"""Without a message for so long the queue at the broker is empty."""
LONGEST = 10 * MINUTE
"""After which it counts as empty in a village where something comes all the time; a queue of 100,000 takes two."""


class Stall:
    """Times in monotonic ms."""

    def __init__(self) -> None:
        self._until = 0
        self._heard = 0

    def note(self, now: int) -> None:
        """Nothing can be taken now, also after a commit."""
        self._until, self._heard = now + LONGEST, now

    def is_late(self, now: int) -> bool:
        """Whether a message that comes now may have waited at the broker."""
        if now >= self._until or now - self._heard > IDLE:
            self._until = 0
            return False
        self._heard = now
        return True
