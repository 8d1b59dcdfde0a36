"""Flapping: an alert that comes and goes is held open, and says so.

An alert that was raised `OFTEN` times in an hour stays open until its cause has been over for `CALM`. Two are marked
but not held: `village_offline`, as no other alert of the village is raised while it is open; and the failure of a
facility with a grace under a minute, whose site wants to know at once.
"""

from collections import deque

from siaga.model.clock import HOUR, MINUTE

__all__ = ["CALM", "OFTEN", "WITHIN", "Raises"]

OFTEN = 4
"""By default a failure and its recovery take at least seven minutes. Four in an hour leave no calm half hour."""
WITHIN = HOUR
CALM = 30 * MINUTE
"""Twice the distance of four alerts an hour."""


class Raises:
    """When alerts were raised in the last hour, by kind and subject; wall times in ms."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], deque[int]] = {}

    def note(self, kind: str, subject: str, at: int) -> None:
        """Note that an alert was raised. Now and then forget subjects that have been calm."""
        self._times.setdefault((kind, subject), deque(maxlen=60)).append(at)
        if len(self._times) % 1000 == 0:
            self._times = {key: times for key, times in self._times.items() if times[-1] > at - WITHIN}

    def within(self, kind: str, subject: str, now: int) -> int:
        """Returns how often it was raised in the last hour."""
        return sum(at > now - WITHIN for at in self._times.get((kind, subject), ()))
