"""A Shelly of the second generation or later: components below a prefix that the owner chose.

`status/COMPONENT` is a whole component, `events/rpc` only the changes. While the clock is not set, `ts` is the uptime
in seconds.
"""

from collections.abc import Mapping

from firmware_sim.dialects.shelly import PUSHES
from firmware_sim.senses import Value
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Packet, Stamp, compact

__all__ = ["ShellyGen2"]

DEFAULTS = {"power": "switch:0", "battery": "devicepower:0", "rssi": "wifi"}


class ShellyGen2:
    """A switch with a meter, or inputs."""

    def __init__(self, device: SimulatedDevice) -> None:
        self._root = device.address
        self._keys = DEFAULTS | {signal: key for key, signal in device.map.items()}
        if device.kind == "office_lighting":
            self._keys.setdefault("lamp_on", "switch:0")
        self._invert = device.invert
        self._watt_hours = 1_250.0
        self._metered = 0

    @property
    def will(self) -> Packet:
        """`false`, retained."""
        return Packet(f"{self._root}/online", b"false", retain=True, values={"online": False})

    def birth(self, stamp: Stamp) -> list[Packet]:
        """Returns `true`, retained, then a notification that it has connected."""
        return [
            Packet(f"{self._root}/online", b"true", retain=True, values={"online": True}),
            self._notify({"mqtt": {"connected": True}}, {}, stamp),
        ]

    def report(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns one notification of all components with a time, then each whole component without a time."""
        parts = self._parts(values)
        if "power" in values and "switch:0" in parts:
            since = self._metered if self._metered <= stamp.uptime else 0  # it booted since the last report
            self._watt_hours += float(values["power"]) * (stamp.uptime - since) / 3_600_000
            self._metered = stamp.uptime
            whole = {"source": "init", "voltage": 229.4, "aenergy": {"total": round(self._watt_hours, 3)}}
            parts["switch:0"] = (parts["switch:0"][0] | whole, parts["switch:0"][1])
            parts["switch:0"][1]["energy"] = round(self._watt_hours, 3) / 1000
        said = {signal: value for _, some in parts.values() for signal, value in some.items()}
        packets = [self._notify({name: part for name, (part, _) in parts.items()}, said, stamp)]
        packets += [
            Packet(f"{self._root}/status/{name}", compact(part), values=some) for name, (part, some) in parts.items()
        ]
        return packets

    def change(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns changes and presses as notifications."""
        packets: list[Packet] = []
        parts = self._parts({name: value for name, value in values.items() if name not in PUSHES})
        if parts:
            said = {signal: value for _, some in parts.values() for signal, value in some.items()}
            packets.append(self._notify({name: part for name, (part, _) in parts.items()}, said, stamp))
        for signal in PUSHES & values.keys() & self._keys.keys():
            event = {"component": self._keys[signal], "id": 0, "event": "single_push", "ts": self._ts(stamp)}
            params = {"ts": self._ts(stamp), "events": [event]}
            packets.append(self._rpc("NotifyEvent", params, {signal: values[signal]}, stamp))
        return packets

    def _parts(self, values: Mapping[str, Value]) -> dict[str, tuple[dict[str, object], dict[str, Value]]]:
        """Returns, by component, its fields and the values in them."""
        parts: dict[str, tuple[dict[str, object], dict[str, Value]]] = {}
        for signal, value in values.items():
            key = self._keys.get(signal)
            if key is None or "." in key:
                continue
            fields, said = parts.setdefault(key, ({"id": int(key[-1])} if key[-1].isdecimal() else {}, {}))
            said[signal] = value
            fields.update(self._fields(key, signal, value))
        return parts

    def _fields(self, key: str, signal: str, value: Value) -> dict[str, object]:
        match signal:
            case "power":
                return {"apower": value}
            case "battery":
                return {"battery": {"V": 2.94, "percent": value}, "external": {"present": False}}
            case "rssi":
                return {"sta_ip": "192.168.1.42", "status": "got ip", "ssid": "kantor-desa", "rssi": round(value)}
        so = value if not isinstance(value, bool) else value is not (signal in self._invert)
        return {"output" if key.startswith("switch") else "state": so}

    def _notify(self, parts: Mapping[str, object], said: Mapping[str, Value], stamp: Stamp) -> Packet:
        return self._rpc("NotifyStatus", {"ts": self._ts(stamp), **parts}, said, stamp)

    def _rpc(self, method: str, params: Mapping[str, object], said: Mapping[str, Value], stamp: Stamp) -> Packet:
        document = {"src": self._root.rsplit("/", 1)[-1], "dst": f"{self._root}/events", "method": method}
        time = stamp.time // 10 * 10 if stamp.set else None
        return Packet(f"{self._root}/events/rpc", compact({**document, "params": params}), values=said, time=time)

    @staticmethod
    def _ts(stamp: Stamp) -> float:
        """Returns the time in seconds with two decimals, as the firmware writes it."""
        return round((stamp.time // 10 * 10 if stamp.set else stamp.uptime) / 1000, 2)
