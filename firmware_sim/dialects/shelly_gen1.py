"""A Shelly of the first generation: a topic for each value below `shellies/ID`, and all values in `info`.

The simulated door sensor stays awake, as on mains or USB power. With a battery it would sleep between reports.
"""

from collections.abc import Mapping

from firmware_sim.dialects.shelly import PUSHES
from firmware_sim.senses import Value
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Packet, Stamp, compact

__all__ = ["ShellyGen1"]

DEFAULTS = {"lamp_on": "relay/0", "power": "relay/0/power", "battery": "sensor/battery", "illuminance": "sensor/lux"}


class ShellyGen1:
    """A relay with a meter, a door sensor, or a button at an input."""

    def __init__(self, device: SimulatedDevice) -> None:
        self._root = f"shellies/{device.address}"
        self._kind = device.kind
        self._keys = DEFAULTS | {signal: key for key, signal in device.map.items()}
        if device.kind == "gate":
            self._keys.setdefault("gate_open", "sensor/state")
        self._invert = device.invert
        self._presses = 0
        self._watt_minutes = 0.0
        self._metered = 0

    @property
    def will(self) -> Packet:
        """`false`, retained."""
        return Packet(f"{self._root}/online", b"false", retain=True, values={"online": False})

    def birth(self, stamp: Stamp) -> list[Packet]:
        """Returns `true`, retained, and `info` with the device's own data."""
        info = {
            "wifi_sta": {"connected": True, "ssid": "kantor-desa", "ip": "192.168.1.41", "rssi": -61},
            "cloud": {"enabled": False, "connected": False},
            "mqtt": {"connected": True},
            "time": "",
            "unixtime": stamp.time // 1000 if stamp.set else 0,
            "serial": stamp.boots,
            "has_update": False,
            "uptime": stamp.uptime // 1000,
        }
        time = stamp.time // 1000 * 1000 if stamp.set else None
        return [
            Packet(f"{self._root}/online", b"true", retain=True, values={"online": True}),
            Packet(f"{self._root}/info", compact(info), values={"rssi": -61.0}, time=time),
        ]

    def report(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns each value on its topic, without a time."""
        packets = self._values(values)
        if "power" in values and "lamp_on" in self._keys and self._kind == "office_lighting":
            since = self._metered if self._metered <= stamp.uptime else 0  # it booted since the last report
            self._watt_minutes += float(values["power"]) * (stamp.uptime - since) / 60_000
            self._metered = stamp.uptime
            energy = int(self._watt_minutes)
            packets.append(
                Packet(f"{self._root}/relay/0/energy", str(energy).encode(), values={"energy": energy / 60_000})
            )
        if self._button is not None:  # repeated with each report; the counter shows that it is the same press
            packets.append(self._event("S" if self._presses else "", {}))
        return packets

    def change(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:  # noqa: ARG002 - the interface
        """Returns the changed topics, and a press of the button."""
        packets = self._values({name: value for name, value in values.items() if name not in PUSHES})
        for signal in PUSHES & values.keys():
            self._presses += 1
            packets.append(self._event("S", {signal: values[signal]}))
        return packets

    @property
    def _button(self) -> str | None:
        return next((self._keys[signal] for signal in PUSHES if signal in self._keys), None)

    def _event(self, word: str, values: Mapping[str, Value]) -> Packet:
        payload = compact({"event": word, "event_cnt": self._presses})
        return Packet(f"{self._root}/{self._button}", payload, values=values)

    def _values(self, values: Mapping[str, Value]) -> list[Packet]:
        said = ((self._keys.get(signal), signal, value) for signal, value in values.items())
        return [
            Packet(f"{self._root}/{key}", self._word(key, signal, exact).encode(), values={signal: exact})
            for key, signal, value in said
            if key is not None and "." not in key
            for exact in [_whole(value) if key.startswith("sensor/") else value]
        ]

    def _word(self, key: str, signal: str, value: Value) -> str:
        if not isinstance(value, bool):
            return f"{value:.0f}" if key.startswith("sensor/") else f"{value:.2f}"
        so = value is not (signal in self._invert)
        if key == "sensor/state":
            return "open" if so else "close"
        return ("on" if so else "off") if key.startswith(("relay/", "light/")) else str(int(so))


def _whole(value: Value) -> Value:
    """Returns the value as the sensors report it: battery and light are whole numbers."""
    return value if isinstance(value, bool) else float(round(value))
