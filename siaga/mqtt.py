"""The broker as a worker sees it: a `Transport` to receive from, acknowledge to and publish on.

`Transport` is what workers are written against; `MqttTransport` is the real one, on paho-mqtt. Workers pull, so a
worker has no threads and no callbacks, and the same worker runs on an in-memory transport under simulation.
"""

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Message", "Transport"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message from the broker. `receipt` is what the transport needs to acknowledge it, and means nothing else."""

    topic: str
    payload: bytes
    retain: bool = False
    receipt: object = None


class Transport(Protocol):
    """One session with one broker, QoS 1 in both directions. It reconnects by itself."""

    @property
    def connected(self) -> bool:
        """Whether the session stands now and its subscriptions are granted."""
        ...

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe with QoS 1, now and after every reconnect."""
        ...

    def unsubscribe(self, topic_filter: str) -> None:
        """End a subscription."""
        ...

    def receive(self, timeout: float) -> Message | None:
        """The next message, waiting up to `timeout` seconds; `None` when there is none, or when `wake` was called."""
        ...

    def wake(self) -> None:
        """Make a waiting `receive` return at once. May be called from any thread."""
        ...

    def acknowledge(self, message: Message) -> None:
        """Give the broker its PUBACK: what the message held is safe, it need not be sent again."""
        ...

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand a message to the session with QoS 1. False: not connected or its queue is full; nothing was taken."""
        ...

    def close(self) -> None:
        """Send what is queued, say good-bye to the broker (no last will), end the session's threads."""
        ...
