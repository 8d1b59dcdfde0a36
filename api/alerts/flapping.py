"""Flapping: an alert that comes and goes is held open, and says so.

A subject that was raised `OFTEN` times within an hour stays open until its cause has been over for `CALM`. A link is
named and not held: while `village_offline` is open no other alert of the village is raised. Nor is what its site wants
to be told of at once: a grace under a minute.
"""

from collections import deque

from siaga.model.clock import HOUR, MINUTE

__all__ = ["CALM", "OFTEN", "WITHIN", "Raises"]

OFTEN = 4
"""A failure and its recovery take seven minutes at least by default: four of them leave no half hour of peace."""
WITHIN = HOUR
CALM = 30 * MINUTE
"""Twice what four alerts an hour are apart."""


class Raises:
    """When alerts were raised in the last hour, by kind and subject; wall times in ms."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], deque[int]] = {}

    def note(self, kind: str, subject: str, at: int) -> None:
        """An alert was raised. Now and then forgets subjects that have been calm."""
        self._times.setdefault((kind, subject), deque(maxlen=60)).append(at)
        if len(self._times) % 1000 == 0:
            self._times = {key: times for key, times in self._times.items() if times[-1] > at - WITHIN}

    def within(self, kind: str, subject: str, now: int) -> int:
        """How often it was raised in the hour before now."""
        return sum(at > now - WITHIN for at in self._times.get((kind, subject), ()))
