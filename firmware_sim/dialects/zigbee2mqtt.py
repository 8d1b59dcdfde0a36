"""Zigbee2MQTT: one bridge with one session for all contacts, plugs and buttons behind it.

Only the bridge has a last will. If it has not heard a device for a while, it publishes the device's `availability`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from firmware_sim.senses import Value
from firmware_sim.sites import SimulatedDevice, SimulatedVillage
from firmware_sim.wire import Packet, Stamp, compact

__all__ = ["Zigbee2mqtt", "Zigbee2mqttBridge", "base_topic"]

DEFAULTS = {"illuminance": "illuminance", "battery": "battery", "power": "power", "energy": "energy"}
IN_KIND = {"gate": {"gate_open": "contact"}, "office_lighting": {"lamp_on": "state"}, "night_guard": {}}
ACTIONS = frozenset({"checkin", "cleaned"})


def base_topic(village: SimulatedVillage) -> str:
    """Returns the bridge's base topic: `zigbee2mqtt` on a village's own broker, else one with the village's code."""
    return "zigbee2mqtt" if village.remote else f"z2m-{village.code}"


class Zigbee2mqtt:
    """One device behind the bridge. Each report and each change contains its whole state."""

    will = None

    def __init__(self, device: SimulatedDevice, base: str) -> None:
        self._root = f"{base}/{device.address}"
        self._keys = DEFAULTS | IN_KIND.get(device.kind, {}) | {signal: key for key, signal in device.map.items()}
        self._invert = device.invert
        self._state: dict[str, object] = {}
        self._said: dict[str, Value] = {}

    def availability(self, *, online: bool) -> Packet:
        """Returns the availability of the device, retained."""
        payload = compact({"state": "online" if online else "offline"})
        return Packet(f"{self._root}/availability", payload, retain=True, values={"online": online})

    def birth(self, stamp: Stamp) -> list[Packet]:  # noqa: ARG002 - the interface
        """Returns the packets of a bridge that starts: the device's last known state, and its availability."""
        remembered = Packet(self._root, compact({**self._state, "linkquality": 118}))
        return [remembered, self.availability(online=True)]

    def report(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns all values of the device."""
        said = {signal: value for signal, value in values.items() if self._key(signal) and signal not in ACTIONS}
        for signal, value in said.items():
            self._state[self._keys[signal]] = self._native(signal, value)
        self._said |= said
        return [self._say(self._state, self._said, stamp)]

    def change(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns the whole state after a change; an action alone, followed by its end."""
        packets = []
        if changed := {s: v for s, v in values.items() if s not in ACTIONS and self._key(s)}:
            packets += self.report(changed, stamp)
        for signal in ACTIONS & values.keys() & self._keys.keys():
            packets.append(self._say({self._keys[signal]: "single"}, {signal: values[signal]}, stamp))
            packets.append(self._say({self._keys[signal]: ""}, {}, stamp))
        return packets

    def _key(self, signal: str) -> str | None:
        key = self._keys.get(signal)
        return None if key is None or "." in key else key

    def _say(self, state: Mapping[str, object], values: Mapping[str, Value], stamp: Stamp) -> Packet:
        moment = datetime.fromtimestamp(stamp.time / 1000, UTC)
        seen = {"last_seen": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
        payload = compact({**state, "linkquality": 118, **(seen if stamp.set else {})})
        return Packet(self._root, payload, values=dict(values), time=stamp.time if stamp.set else None)

    def _native(self, signal: str, value: Value) -> object:
        if not isinstance(value, bool):
            return value
        so = value is not (signal in self._invert)
        if signal == "gate_open" and self._keys[signal] == "contact":
            return not so  # a contact that is true is closed
        return ("ON" if so else "OFF") if self._keys[signal].startswith("state") else so


class Zigbee2mqttBridge:
    """The bridge itself."""

    def __init__(self, base: str, devices: Sequence[SimulatedDevice]) -> None:
        self._base, self._devices = base, devices

    @property
    def will(self) -> Packet:
        """`offline`, retained: it counts for all its devices."""
        return Packet(f"{self._base}/bridge/state", compact({"state": "offline"}), retain=True)

    def birth(self, stamp: Stamp) -> list[Packet]:  # noqa: ARG002 - the interface
        """Returns `online`, its info, and the list of its devices."""
        inventory = [
            {"ieee_address": f"0x{number:016x}", "friendly_name": device.address, "type": "EndDevice"}
            for number, device in enumerate(self._devices, 0x00124B0025000000)
        ]
        return [
            Packet(f"{self._base}/bridge/state", compact({"state": "online"}), retain=True),
            Packet(f"{self._base}/bridge/info", compact({"version": "2.1.1", "log_level": "info"}), retain=True),
            Packet(f"{self._base}/bridge/devices", compact(inventory), retain=True),
        ]

    def report(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:  # noqa: ARG002 - the interface
        """Returns nothing."""
        return []

    def change(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:  # noqa: ARG002 - the interface
        """Returns nothing."""
        return []
