"""An OpenWrt access point with collectd's MQTT plugin: `time:value` and a NUL on each topic, and no last will.

A script with collectd's exec plugin reports what collectd does not know (is the radio up, is its SSID open). The site's
map names its keys. Everything is periodic: collectd does not report changes.
"""

from collections.abc import Mapping

from firmware_sim.senses import Value
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Packet, Stamp

__all__ = ["Openwrt"]

FIVE_GHZ = 0.4
"""The share of clients on the second radio: our own guess."""


class Openwrt:
    """A router with the host name of its collectd as address."""

    will = None

    def __init__(self, device: SimulatedDevice) -> None:
        self._root = device.address if "/" in device.address else f"collectd/{device.address}"
        self._keys = {signal: key for key, signal in device.map.items()}

    def birth(self, stamp: Stamp) -> list[Packet]:  # noqa: ARG002 - the interface
        """Returns nothing: collectd publishes no birth."""
        return []

    def report(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns one packet per value, all with the same time."""
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
                # With a common time, only the sum of both is stored. Without one, the first value is stored, too.
                alone: dict[str, Value] = {} if stamp.set else {signal: first}
                packets.append(self._say("iwinfo-wlan0/stations", str(first), alone, stamp))
                packets.append(self._say("iwinfo-wlan1/stations", str(second), {signal: value}, stamp))
        return packets

    def change(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:  # noqa: ARG002 - the interface
        """Returns nothing."""
        return []

    @staticmethod
    def _number(key: str, value: Value) -> str:
        """Returns the text of a value. A ping is a round-trip time in ms, or `nan` without an answer."""
        if key.startswith("ping"):
            return "23.41" if value else "nan"
        return str(int(value)) if isinstance(value, bool) else f"{value}"

    def _say(self, part: str, text: str, values: Mapping[str, Value], stamp: Stamp) -> Packet:
        payload = f"{stamp.time / 1000:.3f}:{text}\0".encode()
        return Packet(f"{self._root}/{part}", payload, values=values, time=stamp.time if stamp.set else None)
