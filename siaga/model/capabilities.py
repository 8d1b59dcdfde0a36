"""The signals that each device family can give, by default or by the site's `map`. Adapters and the judge use it.

It is the contract's table of adapters as data (section 3). A key in the site's `map` replaces the default of that key.
"""

from collections.abc import Mapping
from functools import lru_cache

from siaga.model.signals import SIGNALS
from siaga.model.sites import Adapter, Device

__all__ = ["can_give", "default_keys", "default_signals", "kinds_with_defaults"]

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
"""Native key -> signal, for any kind of facility."""

_IN_KIND: dict[tuple[Adapter, str], dict[str, str]] = {
    (Adapter.TASMOTA, "office_lighting"): {"POWER": "lamp_on", "POWER1": "lamp_on"},
    (Adapter.SHELLY, "office_lighting"): {"relay/0": "lamp_on", "switch:0": "lamp_on"},
    (Adapter.SHELLY, "gate"): {"sensor/state": "gate_open"},
    (Adapter.ZIGBEE2MQTT, "office_lighting"): {"state": "lamp_on"},
    (Adapter.ZIGBEE2MQTT, "gate"): {"contact": "gate_open"},
    (Adapter.PROBE, "free_wifi"): {"reachability": "wifi_up"},
    (Adapter.PROBE, "it_service"): {"reachability": "service_ok", "latency": "latency"},
}
"""Native key -> signal, for one kind of facility only, which decides the meaning of the key."""


def default_keys(adapter: Adapter, kind: str) -> Mapping[str, str]:
    """Returns the default native keys of an adapter in a facility of this kind, and their signals."""
    return _EVERYWHERE.get(adapter, {}) | _IN_KIND.get((adapter, kind), {})


def kinds_with_defaults(adapter: Adapter) -> tuple[str, ...]:
    """Returns the kinds of facilities in which an adapter gives keys a meaning that they have in no other."""
    return tuple(kind for one, kind in _IN_KIND if one is adapter)


@lru_cache(maxsize=512)  # larger than the number of pairs of adapter and kind
def default_signals(adapter: Adapter, kind: str) -> frozenset[str]:
    """Returns the signals that an adapter can give without `map` in a facility of this kind."""
    return frozenset(default_keys(adapter, kind).values())


def can_give(device: Device, kind: str) -> frozenset[str]:
    """Returns the signals that a device can give in a facility of this kind, by default or by its `map`."""
    if not device.map:
        return default_signals(device.adapter, kind)
    kept = {signal for key, signal in default_keys(device.adapter, kind).items() if key not in device.map}
    return frozenset(kept | set(device.map.values()))
