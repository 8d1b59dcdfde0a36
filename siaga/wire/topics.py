"""The topics of the wire: built and parsed here only."""

import re
from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "BATCHES",
    "DEVICE_SENML",
    "DEVICE_STATUS",
    "GATEWAY_HEALTH",
    "GATEWAY_SITES",
    "GATEWAY_STATUS",
    "PREFIX",
    "REFUSED",
    "DeviceTopic",
    "ForeignTopic",
    "GatewayTopic",
    "Topic",
    "ack_topic",
    "as_slug",
    "batch_topic",
    "gateway_status_topic",
    "health_topic",
    "is_slug",
    "is_village_code",
    "parse_topic",
    "refused_topic",
    "senml_topic",
    "sites_topic",
    "status_topic",
]

PREFIX = "siaga/v1/"
"""The prefix of siaga's own topics."""

BATCHES = "siaga/v1/+/gateway/+/batch"
"""Filter: the batches of all gateways."""
GATEWAY_STATUS = "siaga/v1/+/gateway/+/status"
"""Filter: births and last wills of all gateways."""
GATEWAY_HEALTH = "siaga/v1/+/gateway/+/health"
"""Filter: the health messages of all gateways."""
GATEWAY_SITES = "siaga/v1/+/gateway/+/sites"
"""Filter: what the centre tells all gateways of their sites."""
REFUSED = "siaga/v1/+/gateway/+/refused"
"""Filter: samples of gateways' refusals."""
DEVICE_SENML = "siaga/v1/{village}/+/senml"
"""Filter, a format string with `village`: the SenML packs of its devices."""
DEVICE_STATUS = "siaga/v1/{village}/+/status"
"""Filter, a format string with `village`: births and last wills of its devices."""

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
# Province, regency, district, village: two, two, two and four digits (Kemendagri)
_VILLAGE = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{4}", re.ASCII)
_DEVICE_CHANNELS = frozenset({"senml", "status"})
_GATEWAY_CHANNELS = frozenset({"batch", "ack", "status", "refused", "health", "sites"})
# The usual topic, read in one step
_OF_GATEWAY = re.compile(
    rf"siaga/v1/({_VILLAGE.pattern})/gateway/({_SLUG.pattern})/({'|'.join(sorted(_GATEWAY_CHANNELS))})", re.ASCII
)


class ForeignTopic(ValueError):
    """A topic is not one of siaga's, or is malformed. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class DeviceTopic:
    """`siaga/v1/{village}/{device}/{channel}`; `channel` is `senml` or `status`."""

    village: str
    device: str
    channel: str


class GatewayTopic(NamedTuple):
    """`siaga/v1/{village}/gateway/{gateway}/{channel}`: `batch`, `ack`, `status`, `refused`, `health` or `sites`."""

    village: str
    gateway: str
    channel: str


Topic = DeviceTopic | GatewayTopic


def is_slug(text: str) -> bool:
    """Returns whether this can be the id of a facility, a device or a gateway."""
    return _SLUG.fullmatch(text) is not None


def as_slug(text: str) -> str:
    """Returns an id that resembles a text; empty if nothing of it can stand in an id."""
    return re.sub("[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:64].rstrip("-_")


def is_village_code(text: str) -> bool:
    """Returns whether this has the form of a village's code, such as `35.10.15.2012`."""
    return _VILLAGE.fullmatch(text) is not None


def senml_topic(village: str, device: str) -> str:
    """Returns the topic of the SenML packs of a device with our firmware."""
    return f"siaga/v1/{village}/{device}/senml"


def status_topic(village: str, device: str) -> str:
    """Returns the topic of birth and last will of a device with our firmware."""
    return f"siaga/v1/{village}/{device}/status"


def batch_topic(village: str, gateway: str) -> str:
    """Returns the topic of a gateway's batches."""
    return f"siaga/v1/{village}/gateway/{gateway}/batch"


def ack_topic(village: str, gateway: str) -> str:
    """Returns the topic of acknowledgements to a gateway."""
    return f"siaga/v1/{village}/gateway/{gateway}/ack"


def gateway_status_topic(village: str, gateway: str) -> str:
    """Returns the topic of a gateway's birth and last will (retained)."""
    return f"siaga/v1/{village}/gateway/{gateway}/status"


def health_topic(village: str, gateway: str) -> str:
    """Returns the topic of a gateway's health message (retained)."""
    return f"siaga/v1/{village}/gateway/{gateway}/health"


def sites_topic(village: str, gateway: str) -> str:
    """Returns the topic on which the centre tells a gateway its part of the sites file (retained)."""
    return f"siaga/v1/{village}/gateway/{gateway}/sites"


def refused_topic(village: str, gateway: str) -> str:
    """Returns the topic of samples of a gateway's refusals."""
    return f"siaga/v1/{village}/gateway/{gateway}/refused"


def parse_topic(topic: str) -> Topic:
    """Returns a topic under `siaga/v1/`, parsed.

    Raises:
        ForeignTopic: it is not one of siaga's topics, or the name of its village, device or gateway is not valid.
    """
    usual = _OF_GATEWAY.fullmatch(topic)
    if usual is not None:
        return GatewayTopic(*usual.groups())
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
