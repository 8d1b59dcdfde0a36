"""The broker as a worker sees it: a `Transport` to receive from, acknowledge to and publish on.

Workers pull, so a worker has no threads and no callbacks, and the same worker runs over a real broker (`siaga.mqtt`)
and in memory (`siaga.broker.memory`), under simulation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Message", "Transport"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message from the broker. `receipt` is what the transport needs to acknowledge it, and means nothing else.

    `kept` says that the broker held it while the session was away: it is late, whatever its sender's clock says.
    """

    topic: str
    payload: bytes
    retain: bool = False
    receipt: object = None
    kept: bool = False


class Transport(Protocol):
    """One session with one broker, QoS 1 in both directions. It reconnects by itself."""

    @property
    def connected(self) -> bool:
        """Whether the session stands now and its subscriptions are granted."""
        ...

    @property
    def connections(self) -> int:
        """How many connections the broker has accepted so far: a number that grew says that this is another one."""
        ...

    @property
    def resumed(self) -> bool:
        """Whether the broker had kept the session when it accepted the present, or the last, connection."""
        ...

    @property
    def problem(self) -> str | None:
        """Why there is no connection, or what the broker does not let pass, as a sentence for people; else None."""
        ...

    def ring(self, bell: Callable[[], None]) -> None:
        """Call `bell`, from any thread, whenever a message arrives or `wake` is called.

        One wait can so serve several transports. A transport has one bell: the last one that it was given.
        """
        ...

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1, now and after every reconnect.

        `$share/GROUP/FILTER` shares the messages with the other members of the group where the broker can; where it
        cannot, it is a subscription to FILTER.
        """
        ...

    def unsubscribe(self, topic_filter: str) -> None:
        """End a subscription."""
        ...

    def receive(self, timeout: float) -> Message | None:
        """The next message, waiting up to `timeout` seconds; `None` when there is none, or when `wake` was called."""
        ...

    def wake(self) -> None:
        """Make a waiting `receive` return at once, and ring the bell. May be called from any thread."""
        ...

    def acknowledge(self, message: Message) -> None:
        """Give the broker its PUBACK: what the message held is safe, it need not be sent again."""
        ...

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand a message to the session with QoS 1. False: not connected or its queue is full; nothing was taken."""
        ...

    def close(self, *, for_good: bool = False) -> None:
        """Send what is queued, say good-bye to the broker (no last will), end the session's threads.

        With `for_good` the broker keeps no session either: it queues nothing for who may not come back, and deals to
        others what they share.
        """
        ...
