"""The messages of gateways and of the centre about one village, as the engine reads them."""

from collections.abc import Container
from dataclasses import dataclass

from siaga.wire.batch import Batch, BatchId, UnreadableBatch, decode_ack, decode_batch
from siaga.wire.health import Health, UnreadableHealth, read_health
from siaga.wire.json_text import UnreadableJson, read_json
from siaga.wire.topics import GatewayTopic

__all__ = ["AckTaken", "BatchTaken", "HealthSaid", "MessageTaken", "StatusSaid", "UnreadableMessage", "read_message"]


class UnreadableMessage(ValueError):
    """A message of which nothing can be taken."""


@dataclass(frozen=True, slots=True)
class BatchTaken:
    """A batch of a gateway."""

    gateway: str
    batch: Batch


@dataclass(frozen=True, slots=True)
class AckTaken:
    """The centre's acknowledgement of a batch."""

    gateway: str
    batch: BatchId


@dataclass(frozen=True, slots=True)
class StatusSaid:
    """What a gateway's session says: `online`, or `offline`, its last will. A retained one may be of long ago."""

    gateway: str
    status: str
    is_retained: bool


@dataclass(frozen=True, slots=True)
class HealthSaid:
    """What a gateway says of itself and its devices."""

    gateway: str
    health: Health


MessageTaken = BatchTaken | AckTaken | StatusSaid | HealthSaid


def read_message(
    topic: GatewayTopic, payload: bytes, devices: Container[str], now: int, *, is_retained: bool
) -> MessageTaken:
    """Returns what a message says.

    Args:
        topic: whose it is, and which of the four.
        payload: its bytes.
        devices: those that the village has; readings of others are refused.
        now: wall time, ms.
        is_retained: whether the broker kept it, for any time.

    Raises:
        UnreadableMessage: nothing can be taken of it.
    """
    try:
        match topic.channel:
            case "batch":
                return BatchTaken(topic.gateway, decode_batch(payload, topic.village, now, devices))
            case "ack":
                return AckTaken(topic.gateway, decode_ack(payload))
            case "health":
                return HealthSaid(topic.gateway, read_health(payload))
            case "status":
                document, _ = read_json(payload)
                status = document.get("state") if isinstance(document, dict) else None
                if status in ("online", "offline"):
                    return StatusSaid(topic.gateway, str(status), is_retained)
    except (UnreadableBatch, UnreadableHealth, UnreadableJson) as error:
        raise UnreadableMessage(str(error)) from None
    raise UnreadableMessage(f"{topic.channel} of {topic.gateway} says nothing that is known")
