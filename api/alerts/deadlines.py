"""When each subject has to be looked at next: a heap, so that nothing is scanned."""

import heapq
from collections.abc import Hashable, Iterator
from itertools import count
from typing import Generic, TypeVar

__all__ = ["Deadlines"]

S = TypeVar("S", bound=Hashable)


class Deadlines(Generic[S]):
    """Subjects by the time at which they are due, in milliseconds.

    A subject stands in the heap once at the time that counts: an earlier deadline replaces a later one, and the
    replaced entry is skipped when its time comes. A later one is ignored: when the earlier comes, the look finds that
    there is nothing to do yet and asks again. So a device that goes on reporting costs no heap operation.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, S]] = []
        self._due: dict[S, int] = {}
        self._order = count()  # equal times come in the order in which they were asked for

    def ask(self, subject: S, time: int | None) -> None:
        """Have the subject looked at, at `time` or before; `None`: no need."""
        if time is None:
            return
        due = self._due.get(subject)
        if due is None or due > time:
            self._due[subject] = time
            heapq.heappush(self._heap, (time, next(self._order), subject))

    def due(self, now: int) -> Iterator[S]:
        """The subjects whose time has come, each once, taken from the heap."""
        while self._heap and self._heap[0][0] <= now:
            time, _, subject = heapq.heappop(self._heap)
            if self._due.get(subject) == time:
                del self._due[subject]
                yield subject

    def next(self) -> int | None:
        """When something is due next; it may be a time that has been replaced."""
        return self._heap[0][0] if self._heap else None
