"""Answers that are the same for everybody: made at most every so often, one at a time, however many ask for them."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from siaga.model.clock import Clock

__all__ = ["PATIENCE", "Busy", "Kept"]

PATIENCE = 3.0
"""Seconds that a request waits while other answers are made: the threads are few, and the API needs them too."""
_MOST_KEPT = 200
"""Answers kept: some for each village that somebody looks at."""

Answer = TypeVar("Answer")


class Busy(Exception):
    """The answer cannot be made in time; the same request may succeed later."""


class Kept(Generic[Answer]):
    """Answers by a key. Safe to use from several threads. `fresh_for`: ms until one is made again."""

    def __init__(self, clock: Clock, fresh_for: int) -> None:
        self._clock, self._fresh_for = clock, fresh_for
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[int, Answer]] = {}

    def get(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """Returns the answer of this key, made again when it is too old.

        One is made at a time: whoever comes meanwhile gets the one before, or waits a little.

        Raises:
            Busy: there is none before, and the others take too long.
        """
        kept = self._kept.get(key)
        if kept is not None and self._clock.monotonic() - kept[0] < self._fresh_for:
            return kept[1]
        if not self._lock.acquire(timeout=PATIENCE if kept is None else 0):
            if kept is None:
                raise Busy("the answer before is not made yet")
            return kept[1]
        try:
            now = self._clock.monotonic()
            kept = self._kept.get(key)
            if kept is not None and now - kept[0] < self._fresh_for:
                return kept[1]
            answer = make()
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = (now, answer)
            return answer
        finally:
            self._lock.release()
