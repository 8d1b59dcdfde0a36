"""The poll schedule: which device is due when. Pure: time and randomness are arguments.

Each device is polled once per `every`, slightly early with jitter: the last answer must not expire before the next one,
and a hundred devices must not be polled in step. A device has at most one question in flight, and the number in flight
is bounded. The most overdue device goes first.
"""

import heapq
import random
from collections.abc import Mapping

__all__ = ["Key", "Schedule"]

Key = tuple[str, str]
"""Village and device."""

FIRST_WITHIN = 10_000
"""All devices are polled for the first time within so many ms, or within `every` if that is shorter."""
EARLY = 0.1
"""The largest jitter, as a part of `every`."""


class Schedule:
    """Due times by key, monotonic ms. `chance`: the source of jitter. `at_once`: devices in flight at most."""

    def __init__(self, chance: random.Random, at_once: int) -> None:
        self._chance, self._at_once = chance, at_once
        self._every: dict[Key, int] = {}
        self._due: dict[Key, int] = {}
        self._queue: list[tuple[int, Key]] = []
        self._asked: set[Key] = set()

    def update(self, every: Mapping[Key, int], now: int) -> None:
        """Replace the devices and their intervals (ms). A device in flight stays so until `done`."""
        for key, interval in every.items():
            if self._every.get(key) != interval:
                self._due[key] = now + round(self._chance.uniform(0, min(interval, FIRST_WITHIN)))
        self._every = dict(every)
        self._due = {key: due for key, due in self._due.items() if key in every}
        self._queue = [(due, key) for key, due in self._due.items() if key not in self._asked]
        heapq.heapify(self._queue)

    def take(self, now: int) -> list[Key]:
        """Returns the devices to poll now; the caller calls `done` for each. The next poll is counted from now."""
        taken = []
        while self._queue and self._queue[0][0] <= now and len(self._asked) < self._at_once:
            _, key = heapq.heappop(self._queue)
            self._asked.add(key)
            every = self._every[key]
            self._due[key] = now + every - round(self._chance.uniform(0, EARLY * every))
            taken.append(key)
        return taken

    def done(self, key: Key, not_before: int = 0) -> None:
        """Note an answer: the device may be polled again when it is due, but not before `not_before`."""
        self._asked.discard(key)
        if key in self._due:
            self._due[key] = max(self._due[key], not_before)
            heapq.heappush(self._queue, (self._due[key], key))

    def late(self, now: int) -> int:
        """Returns how long the most overdue device has waited, ms."""
        return max(0, now - self._queue[0][0]) if self._queue else 0

    def deadline(self) -> int | None:
        """Returns when the next device can be polled, monotonic ms; `None` if none waits, or too many are in flight."""
        return self._queue[0][0] if self._queue and len(self._asked) < self._at_once else None
