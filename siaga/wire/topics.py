"""The topics of the wire: made and read in this one place."""

import re
from dataclasses import dataclass

__all__ = [
    "BATCHES",
    "DEVICE_SENML",
    "DEVICE_STATUS",
    "GATEWAY_HEALTH",
    "GATEWAY_STATUS",
    "PREFIX",
    "REFUSED",
    "DeviceTopic",
    "ForeignTopic",
    "GatewayTopic",
    "Topic",
    "ack_topic",
    "batch_topic",
    "gateway_status_topic",
    "health_topic",
    "is_slug",
    "is_village_code",
    "parse_topic",
    "refused_topic",
    "senml_topic",
    "status_topic",
]

PREFIX = "siaga/v1/"
"""What all of siaga's own topics begin with."""

BATCHES = "siaga/v1/+/gateway/+/batch"
"""Filter: the batches of all gateways."""
GATEWAY_STATUS = "siaga/v1/+/gateway/+/status"
"""Filter: births and last wills of all gateways."""
GATEWAY_HEALTH = "siaga/v1/+/gateway/+/health"
"""Filter: what gateways say of their buffers and of their devices' clocks."""
REFUSED = "siaga/v1/+/gateway/+/refused"
"""Filter: samples of what gateways refused."""
DEVICE_SENML = "siaga/v1/{village}/+/senml"
"""Filter, to be formatted with a village: the SenML packs of its devices."""
DEVICE_STATUS = "siaga/v1/{village}/+/status"
"""Filter, to be formatted with a village: births and last wills of its devices."""

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
# Province, regency, district, village: two, two, two and four digits (Kemendagri)
_VILLAGE = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{4}", re.ASCII)
_DEVICE_CHANNELS = frozenset({"senml", "status"})
_GATEWAY_CHANNELS = frozenset({"batch", "ack", "status", "refused", "health"})


class ForeignTopic(ValueError):
    """A topic that is none of siaga's, or not formed as they are; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class DeviceTopic:
    """`siaga/v1/{village}/{device}/{channel}`; `channel` is `senml` or `status`."""

    village: str
    device: str
    channel: str


@dataclass(frozen=True, slots=True)
class GatewayTopic:
    """`siaga/v1/{village}/gateway/{gateway}/{channel}`: `batch`, `ack`, `status`, `refused` or `health`."""

    village: str
    gateway: str
    channel: str


Topic = DeviceTopic | GatewayTopic


def is_slug(text: str) -> bool:
    """Whether this can be the id of a facility, a device or a gateway."""
    return _SLUG.fullmatch(text) is not None


def is_village_code(text: str) -> bool:
    """Whether this has the form of a village's code, such as `35.10.15.2012`."""
    return _VILLAGE.fullmatch(text) is not None


def senml_topic(village: str, device: str) -> str:
    """Where a device of ours publishes its SenML packs."""
    return f"siaga/v1/{village}/{device}/senml"


def status_topic(village: str, device: str) -> str:
    """Where a device of ours publishes its birth and last will."""
    return f"siaga/v1/{village}/{device}/status"


def batch_topic(village: str, gateway: str) -> str:
    """Where a gateway publishes its batches."""
    return f"siaga/v1/{village}/gateway/{gateway}/batch"


def ack_topic(village: str, gateway: str) -> str:
    """Where the centre acknowledges a gateway's batches."""
    return f"siaga/v1/{village}/gateway/{gateway}/ack"


def gateway_status_topic(village: str, gateway: str) -> str:
    """Where a gateway publishes its birth and last will, retained."""
    return f"siaga/v1/{village}/gateway/{gateway}/status"


def health_topic(village: str, gateway: str) -> str:
    """Where a gateway says how full its buffer is and whose clocks it does not trust, retained."""
    return f"siaga/v1/{village}/gateway/{gateway}/health"


def refused_topic(village: str, gateway: str) -> str:
    """Where a gateway publishes samples of what it refused."""
    return f"siaga/v1/{village}/gateway/{gateway}/refused"


def parse_topic(topic: str) -> Topic:
    """What a topic under `siaga/v1/` is for.

    Raises:
        ForeignTopic: it is none of siaga's topics, or its village, device or gateway is no such name.
    """
    match topic.split("/", 6):
        case ["siaga", "v1", village, "gateway", gateway, channel] if channel in _GATEWAY_CHANNELS:
            return GatewayTopic(_village(village), _slug("gateway", gateway), channel)
        case ["siaga", "v1", village, device, channel] if channel in _DEVICE_CHANNELS:
            return DeviceTopic(_village(village), _slug("device", device), channel)
    raise ForeignTopic(f"{topic[:100]!r} is no topic of siaga's")


def _village(text: str) -> str:
    if not is_village_code(text):
        raise ForeignTopic(f"{text[:40]!r} is not the code of a village such as 35.10.15.2012")
    return text


def _slug(what: str, text: str) -> str:
    if not is_slug(text):
        raise ForeignTopic(f"{text[:70]!r} is not the id of a {what}: up to 64 of a-z, 0-9, _ and -")
    return text
