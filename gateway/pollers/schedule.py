"""When who is due to be asked. Pure: time and chance come from outside.

Each is asked once in its `every`, a little early by chance, so that the answer before has not aged when the next comes
and a hundred devices do not keep step. Nobody is asked twice at once, and only so many at a time: who is overdue
longest goes first.
"""

import heapq
import random
from collections.abc import Mapping

__all__ = ["Key", "Schedule"]

Key = tuple[str, str]
"""Who is asked: a village and a device of it."""

FIRST_WITHIN = 10_000
"""All are asked for the first time within so many ms, or within their `every` where that is shorter."""
EARLY = 0.1
"""The part of `every` by which one may be early."""


class Schedule:
    """Due times by key, monotonic ms. `chance` spreads them; `at_once` is how many may be asked at the same time."""

    def __init__(self, chance: random.Random, at_once: int) -> None:
        self._chance, self._at_once = chance, at_once
        self._every: dict[Key, int] = {}
        self._due: dict[Key, int] = {}
        self._queue: list[tuple[int, Key]] = []
        self._asked: set[Key] = set()

    def update(self, every: Mapping[Key, int], now: int) -> None:
        """Take over who is to be asked, and how often (ms). Who is asked now stays so until `done`."""
        for key, interval in every.items():
            if self._every.get(key) != interval:
                self._due[key] = now + round(self._chance.uniform(0, min(interval, FIRST_WITHIN)))
        self._every = dict(every)
        self._due = {key: due for key, due in self._due.items() if key in every}
        self._queue = [(due, key) for key, due in self._due.items() if key not in self._asked]
        heapq.heapify(self._queue)

    def take(self, now: int) -> list[Key]:
        """Who is to be asked now; each is `done` later. The next is due from now on, whenever that is."""
        taken = []
        while self._queue and self._queue[0][0] <= now and len(self._asked) < self._at_once:
            _, key = heapq.heappop(self._queue)
            self._asked.add(key)
            every = self._every[key]
            self._due[key] = now + every - round(self._chance.uniform(0, EARLY * every))
            taken.append(key)
        return taken

    def done(self, key: Key, not_before: int = 0) -> None:
        """The answer has come: it can be asked again when it is due, and `not_before` a time."""
        self._asked.discard(key)
        if key in self._due:
            self._due[key] = max(self._due[key], not_before)
            heapq.heappush(self._queue, (self._due[key], key))

    def late(self, now: int) -> int:
        """How long the first of those who wait has been waiting, ms."""
        return max(0, now - self._queue[0][0]) if self._queue else 0

    def deadline(self) -> int | None:
        """When the next can be asked; `None`: nobody, or not before one of those asked now is done."""
        return self._queue[0][0] if self._queue and len(self._asked) < self._at_once else None
