"""The device families that the gateway translates, each with the same interface."""

from collections.abc import Mapping

from gateway.adapters.esphome import Esphome
from gateway.adapters.homie import Homie
from gateway.adapters.interface import Adapter, Implausible, Installed, Observed, Repeats, Topics, Translation
from gateway.adapters.json import Json
from gateway.adapters.lorawan import Lorawan
from gateway.adapters.openwrt import Openwrt
from gateway.adapters.senml import Senml
from gateway.adapters.shelly import Shelly
from gateway.adapters.tasmota import Tasmota
from gateway.adapters.zigbee2mqtt import Zigbee2mqtt
from siaga.model.sites import Adapter as Family
from siaga.mqtt.transport import Message
from siaga.wire.refusal import mask

__all__ = [
    "ADAPTERS",
    "NOBODY",
    "Adapter",
    "Implausible",
    "Installed",
    "Observed",
    "Repeats",
    "Topics",
    "Translation",
    "may_be_of",
    "own_name",
    "sender_of",
]

ADAPTERS: Mapping[Family, Adapter] = {
    Family.SENML: Senml(),
    Family.LORAWAN: Lorawan(),
    Family.TASMOTA: Tasmota(),
    Family.SHELLY: Shelly(),
    Family.HOMIE: Homie(),
    Family.OPENWRT: Openwrt(),
    Family.ESPHOME: Esphome(),
    Family.ZIGBEE2MQTT: Zigbee2mqtt(),
    Family.JSON: Json(),
}
"""The families by their name in the sites file. Those with the most specific topics come first: a topic that fits the
shapes of several belongs to the first."""

NOBODY = frozenset({"homeassistant", "spBv1.0"})
"""First levels that belong to no device: Home Assistant's discovery, Sparkplug."""

_OWNERS = {root: family for family, adapter in ADAPTERS.items() for root in adapter.topics.roots}


def may_be_of(family: Family, topic: str) -> bool:
    """Returns whether a topic may belong to this family, by its first level. The adapter's `keys` finds the device.

    A family with `any_root` takes no first level that belongs to another family or to no device.
    """
    if not ADAPTERS[family].topics.any_root:
        return True
    root = topic.partition("/")[0]
    return root not in NOBODY and _OWNERS.get(root, family) is family


def sender_of(message: Message) -> tuple[Family, str] | None:
    """Returns the family and the address of the device that may have sent a message, by the form of its topic alone.

    Where the topic does not name the device, the payload does; it may be anything.
    """
    root = message.topic.partition("/")[0]
    if root in NOBODY:
        return None
    for family, adapter in ADAPTERS.items():
        if _OWNERS.get(root, family) is not family:
            continue
        for shape in adapter.topics.shapes:
            if (match := shape.fullmatch(message.topic)) is None:
                continue
            address = match["address"] if "address" in shape.groupindex else next(iter(adapter.keys(message)), None)
            return None if address is None else (family, address)
    return None


def own_name(family: Family, address: str) -> bool:
    """Returns whether an address is a device's own name, and cannot be the hardware address of somebody's phone.

    Some firmware names a device after its own hardware address, each in one form.
    """
    form = ADAPTERS[family].topics.serial
    return all(mask(level) == level or (form and form.fullmatch(level)) for level in address.split("/"))
