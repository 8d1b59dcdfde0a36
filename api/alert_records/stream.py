"""Telling listeners in this process that alert events were committed.

The events themselves are in table `alert_event`; whoever streams them reads those with an id above the last it sent.
So nothing is lost when a signal comes while nobody waits, and a stream resumes after a restart.
"""

import threading
from collections.abc import Callable

__all__ = ["EventSignal"]


class EventSignal:
    """Rings after every commit of alert events. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, Callable[[], None]] = {}
        self._next = 0

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each commit, in the committing thread. It must return at once. Returns what ends that.

        A web server hands in `lambda: loop.call_soon_threadsafe(event.set)`.
        """
        with self._lock:
            number = self._next
            self._next += 1
            self._listeners[number] = listener

        def unsubscribe() -> None:
            with self._lock:
                self._listeners.pop(number, None)

        return unsubscribe

    def ring(self) -> None:
        """Tell all listeners that there are new events in the table."""
        with self._lock:
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener()
