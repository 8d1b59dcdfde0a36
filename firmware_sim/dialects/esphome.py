"""An ESPHome node: birth and last will on `status`; each entity has a topic with plain text, retained.

The site's map says which entities exist.
"""

from collections.abc import Mapping

from firmware_sim.senses import Value
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Packet, Stamp, compact

__all__ = ["Esphome"]


class Esphome:
    """A node with the entities of its map: `binary_sensor/gerbang/state`, `light/…`, `sensor/…`, `event/…`."""

    def __init__(self, device: SimulatedDevice) -> None:
        self._root = device.address
        self._keys = {signal: key for key, signal in device.map.items()}
        self._invert = device.invert

    @property
    def will(self) -> Packet:
        """`offline`, retained."""
        return Packet(f"{self._root}/status", b"offline", retain=True, values={"online": False})

    def birth(self, stamp: Stamp) -> list[Packet]:
        """Returns `online`, retained, and a line of its log."""
        line = f"[I][app:{100 + stamp.boots % 100:03}]: setup() finished successfully!"
        return [
            Packet(f"{self._root}/status", b"online", retain=True, values={"online": True}),
            Packet(f"{self._root}/debug", line.encode()),
        ]

    def report(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns each entity, and the uptime as a sensor."""
        return [
            *self.change(values, stamp),
            Packet(f"{self._root}/sensor/uptime/state", str(stamp.uptime // 1000).encode(), retain=True),
        ]

    def change(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:  # noqa: ARG002 - the interface
        """Returns the entities that changed. Events are not retained."""
        packets = []
        for signal, value in values.items():
            if (key := self._keys.get(signal)) is None:
                continue
            happened = key.startswith("event/")
            payload = compact({"event_type": "1"}) if happened else self._text(key, signal, value)
            packets.append(Packet(f"{self._root}/{key}", payload, retain=not happened, values={signal: value}))
        return packets

    def _text(self, key: str, signal: str, value: Value) -> bytes:
        if not isinstance(value, bool):
            return f"{value:.1f}".encode() if isinstance(value, float) else str(value).encode()
        word = "ON" if value is not (signal in self._invert) else "OFF"
        return compact({"color_mode": "onoff", "state": word}) if key.startswith("light/") else word.encode()
