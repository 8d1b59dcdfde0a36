"""An OpenWrt access point with collectd's MQTT plugin: `time:value` a topic, a NUL behind it, and no last will.

What collectd does not know by itself (whether the radio is up, its SSID open) a script says by its exec plugin; the
site's map names the keys. Everything is periodic: collectd does not report changes.
"""

from collections.abc import Mapping

from firmware_sim.senses import Value
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Packet, Stamp

__all__ = ["Openwrt"]

FIVE_GHZ = 0.4
"""The share of clients on the second radio: our own guess."""


class Openwrt:
    """A router found by the host name of its collectd."""

    will = None

    def __init__(self, device: SimulatedDevice) -> None:
        self._root = device.address if "/" in device.address else f"collectd/{device.address}"
        self._keys = {signal: key for key, signal in device.map.items()}

    def birth(self, stamp: Stamp) -> list[Packet]:  # noqa: ARG002 - the interface
        """collectd says nothing of its own coming and going."""
        return []

    def report(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """One topic a value, all with one time."""
        packets = [
            self._say("load/load", "0.12:0.08:0.05", {}, stamp),
            self._say("memory/memory-free", "61214720", {}, stamp),
        ]
        if "uptime" in self._keys:
            seconds = stamp.uptime // 1000
            packets.append(self._say(self._keys["uptime"], str(seconds), {"uptime": seconds}, stamp))
        for signal, value in values.items():
            key = self._keys.get(signal)
            if key is not None and ":" not in key:
                packets.append(self._say(key, self._number(key, value), {signal: value}, stamp))
            elif signal == "clients":
                second = int(int(value) * FIVE_GHZ)
                first = int(value) - second
                # With one time for both, the sum of both is what stays; without, the first is known by itself too
                alone: dict[str, Value] = {} if stamp.set else {signal: first}
                packets.append(self._say("iwinfo-wlan0/stations", str(first), alone, stamp))
                packets.append(self._say("iwinfo-wlan1/stations", str(second), {signal: value}, stamp))
        return packets

    def change(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:  # noqa: ARG002 - the interface
        """Never."""
        return []

    @staticmethod
    def _number(key: str, value: Value) -> str:
        """A ping has a round trip in ms, or `nan` where nothing came back; a script's gauge is 0 or 1."""
        if key.startswith("ping"):
            return "23.41" if value else "nan"
        return str(int(value)) if isinstance(value, bool) else f"{value}"

    def _say(self, part: str, text: str, values: Mapping[str, Value], stamp: Stamp) -> Packet:
        payload = f"{stamp.time / 1000:.3f}:{text}\0".encode()
        return Packet(f"{self._root}/{part}", payload, values=values, time=stamp.time if stamp.set else None)
