"""What each device family can say: by default, by the site's `map`. As data, for the gateway's adapters and the judge.

The contract's table of adapters, key by key. A key that the site's `map` names is the site's; the default for it is
gone.
"""

from collections.abc import Mapping
from functools import lru_cache

from siaga.model.signals import SIGNALS
from siaga.model.sites import Adapter, Device

__all__ = ["can_give", "default_keys", "default_signals"]

_EVERYWHERE: dict[Adapter, dict[str, str]] = {
    Adapter.SENML: {name: name for name in SIGNALS},
    Adapter.TASMOTA: {
        "ENERGY.Power": "power",
        "ENERGY.Total": "energy",
        "Wifi.Signal": "rssi",
        "*.Illuminance": "illuminance",
        "LWT": "online",
    },
    Adapter.SHELLY: {
        "power": "power",
        "energy": "energy",
        "battery": "battery",
        "lux": "illuminance",
        "rssi": "rssi",
        "online": "online",
    },
    Adapter.ZIGBEE2MQTT: {
        "occupancy": "presence",
        "illuminance": "illuminance",
        "battery": "battery",
        "power": "power",
        "energy": "energy",
        "availability": "online",
    },
    Adapter.ESPHOME: {"status": "online"},
    Adapter.OPENWRT: {"iwinfo-*/stations": "clients"},
    Adapter.HOMIE: {"$state": "online"},
    Adapter.PROBE: {"internet": "internet"},
}
"""What a family understands in any kind of facility: native key -> signal."""

_IN_KIND: dict[tuple[Adapter, str], dict[str, str]] = {
    (Adapter.TASMOTA, "office_lighting"): {"POWER": "lamp_on", "POWER1": "lamp_on"},
    (Adapter.SHELLY, "office_lighting"): {"relay/0": "lamp_on", "switch:0": "lamp_on"},
    (Adapter.SHELLY, "gate"): {"sensor/state": "gate_open"},
    (Adapter.ZIGBEE2MQTT, "office_lighting"): {"state": "lamp_on"},
    (Adapter.ZIGBEE2MQTT, "gate"): {"contact": "gate_open"},
    (Adapter.PROBE, "free_wifi"): {"reachability": "wifi_up"},
    (Adapter.PROBE, "it_service"): {"reachability": "service_ok", "latency": "latency"},
}
"""What it understands in facilities of one kind only, where the kind says what the key means."""


def default_keys(adapter: Adapter, kind: str) -> Mapping[str, str]:
    """The native keys that an adapter understands without `map` in a facility of this kind, and their signals."""
    return _EVERYWHERE.get(adapter, {}) | _IN_KIND.get((adapter, kind), {})


@lru_cache(maxsize=512)  # one entry for each pair of adapter and kind: it never fills
def default_signals(adapter: Adapter, kind: str) -> frozenset[str]:
    """The signals that an adapter can give without `map` in a facility of this kind."""
    return frozenset(default_keys(adapter, kind).values())


def can_give(device: Device, kind: str) -> frozenset[str]:
    """The signals that a device can give in a facility of this kind, by default or by its `map`."""
    if not device.map:
        return default_signals(device.adapter, kind)
    kept = {signal for key, signal in default_keys(device.adapter, kind).items() if key not in device.map}
    return frozenset(kept | set(device.map.values()))
