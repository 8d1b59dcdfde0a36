"""A worker's access to a broker: a `Transport` receives, acknowledges and publishes.

Workers pull, so a worker has no threads and no callbacks, and the same worker runs over a real broker (`siaga.mqtt`)
and in memory (`siaga.broker.memory`), under simulation.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

__all__ = ["Message", "Transport"]


class Message(NamedTuple):
    """A message from the broker. A tuple, because a collector makes tens of thousands per second.

    `receipt`: the transport's own data to acknowledge it. `kept`: the broker held it during a disconnect, so
    it is late, whatever its sender's clock says.
    """

    topic: str
    payload: bytes
    retain: bool = False
    receipt: object = None
    kept: bool = False


class Transport(Protocol):
    """One session with one broker, QoS 1 in both directions. It reconnects by itself, unless it was made `held`."""

    @property
    def connected(self) -> bool:
        """Returns whether the session is connected now, and the subscriptions are granted, but for unawaited ones."""
        ...

    @property
    def connections(self) -> int:
        """Returns how many connections the broker has accepted so far. A higher number means a new connection."""
        ...

    @property
    def resumed(self) -> bool:
        """Returns whether the broker had kept the session when it accepted the current, or last, connection."""
        ...

    @property
    def problem(self) -> str | None:
        """Returns why there is no connection, or what the broker refuses, as a sentence for people; else `None`."""
        ...

    def connect(self) -> None:
        """Allow one connection, if there is none. Only a transport that was made `held` waits for it.

        So a worker can store that its session may be lost, before the broker can begin a new one.
        """
        ...

    def ring(self, bell: Callable[[], None]) -> None:
        """Call `bell`, from any thread, whenever a message arrives or `wake` is called.

        So one wait can serve several transports. A transport has one bell: the last one that was set.
        """
        ...

    def subscribe(self, topic_filter: str, *, awaited: bool = True) -> None:
        """Subscribe with QoS 1, now and after every reconnect. `awaited`: `connected` is False until it is granted.

        `$share/GROUP/FILTER` shares the messages with the other members of the group. If the broker has no shared
        subscriptions, it is a subscription to FILTER.
        """
        ...

    def unsubscribe(self, topic_filter: str) -> None:
        """End a subscription."""
        ...

    def receive(self, timeout: float) -> Message | None:
        """Wait up to `timeout` seconds. Returns the next message; `None` if there is none, or `wake` was called."""
        ...

    def wake(self) -> None:
        """Make a waiting `receive` return at once, and ring the bell. May be called from any thread."""
        ...

    def acknowledge(self, message: Message) -> None:
        """Send the broker the PUBACK: the message is processed durably, and need not be sent again."""
        ...

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Queue a message with QoS 1. Returns False, without queueing it, if not connected or the queue is full."""
        ...

    def close(self, *, for_good: bool = False) -> None:
        """Send what is queued, disconnect (the broker sends no last will), and end the session's threads.

        `for_good`: the broker also deletes the session. It then queues nothing for a client that may never return, and
        gives shared messages to the other members.
        """
        ...
