"""How a device says what it measured: its topics and payloads, in our own SenML firmware or as Tasmota."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from firmware_sim.senses import Value
from firmware_sim.sites import SimulatedDevice

__all__ = ["Dialect", "Packet", "dialect"]

SENML_UNITS = {"battery": "%EL", "power": "W", "rssi": "dBm"}
"""RFC 8428, section 12.1."""


class Packet(NamedTuple):
    """One message of a device. `values` is what it says, for the truth; `timed` whether it carries a time."""

    topic: str
    payload: bytes
    retain: bool = False
    values: Mapping[str, Value] = {}
    timed: bool = False


class Dialect(Protocol):
    """How one device speaks."""

    @property
    def will(self) -> Packet:
        """What the broker says when the device is gone."""
        ...

    def birth(self) -> list[Packet]:
        """What it says first in a session."""
        ...

    def report(self, values: Mapping[str, Value], time: int) -> list[Packet]:
        """A periodic report."""
        ...

    def change(self, values: Mapping[str, Value], time: int) -> list[Packet]:
        """A report because something changed, or happened."""
        ...


def dialect(device: SimulatedDevice, zone: ZoneInfo) -> Dialect:
    """How this device speaks."""
    return _Tasmota(device, zone) if device.adapter == "tasmota" else _SenML(device)


class _SenML:
    """Our own firmware: packs with a base time, its status retained."""

    def __init__(self, device: SimulatedDevice) -> None:
        self._root = f"siaga/v1/{device.village}/{device.id}"

    @property
    def will(self) -> Packet:
        return Packet(f"{self._root}/status", b"offline", retain=True, values={"online": False})

    def birth(self) -> list[Packet]:
        return [Packet(f"{self._root}/status", b"online", retain=True, values={"online": True})]

    def report(self, values: Mapping[str, Value], time: int) -> list[Packet]:
        records = [self._record(name, value) for name, value in values.items()]
        records[0]["bt"] = time / 1000
        payload = json.dumps(records, separators=(",", ":")).encode()
        return [Packet(f"{self._root}/senml", payload, values=values, timed=True)]

    def change(self, values: Mapping[str, Value], time: int) -> list[Packet]:
        return self.report(values, time)

    @staticmethod
    def _record(name: str, value: Value) -> dict[str, object]:
        record: dict[str, object] = {"n": name}
        if name in SENML_UNITS:
            record["u"] = SENML_UNITS[name]
        record["vb" if isinstance(value, bool) else "v"] = value
        return record


class _Tasmota:
    """A Tasmota: LWT, SENSOR and STATE on `tele/`, a relay's RESULT on `stat/`; local time without an offset."""

    def __init__(self, device: SimulatedDevice, zone: ZoneInfo) -> None:
        self._name, self._zone = device.address, zone
        self._keys = {signal: key for key, signal in device.map.items()}
        if device.kind == "office_lighting":
            self._keys.setdefault("lamp_on", "POWER")
        self._invert = device.invert

    @property
    def will(self) -> Packet:
        return Packet(f"tele/{self._name}/LWT", b"Offline", retain=True, values={"online": False})

    def birth(self) -> list[Packet]:
        return [Packet(f"tele/{self._name}/LWT", b"Online", retain=True, values={"online": True})]

    def report(self, values: Mapping[str, Value], time: int) -> list[Packet]:
        state: dict[str, object] = {"Time": self._local(time), "Uptime": "0T00:05:09", "SleepMode": "Dynamic"}
        sensor: dict[str, object] = {"Time": self._local(time)}
        said: dict[str, Value] = {}
        for signal, value in values.items():
            key = self._keys.get(signal)
            if signal == "rssi":
                state["Wifi"] = {"AP": 1, "SSId": "kantor-desa", "RSSI": 64, "Signal": round(value)}
            elif signal == "power":
                sensor["ENERGY"] = {"Total": 12.5, "Yesterday": 0.2, "Today": 0.1, "Power": value, "Voltage": 224}
            elif key is None:
                continue
            elif key.startswith("POWER"):
                state[key] = self._word(signal, value)
            else:
                sensor[key] = self._word(signal, value)
            said[signal] = value
        packets = [Packet(f"tele/{self._name}/STATE", _json(state))]
        if len(sensor) > 1:
            packets.append(Packet(f"tele/{self._name}/SENSOR", _json(sensor)))
        return [*packets[:-1], packets[-1]._replace(values=said, timed=True)]

    def change(self, values: Mapping[str, Value], time: int) -> list[Packet]:
        packets: list[Packet] = []
        for signal, value in values.items():
            if (key := self._keys.get(signal)) is None:
                continue
            word = self._word(signal, value)
            if key.startswith("POWER"):  # a relay says it twice, without a time
                packets.append(Packet(f"stat/{self._name}/RESULT", _json({key: word})))
                packets.append(Packet(f"stat/{self._name}/{key}", word.encode(), values={signal: value}))
            else:  # a switch in SwitchMode 15 says it as telemetry
                payload = _json({"Time": self._local(time), key: word})
                packets.append(Packet(f"tele/{self._name}/SENSOR", payload, values={signal: value}, timed=True))
        return packets

    def _word(self, signal: str, value: Value) -> str:
        return "ON" if bool(value) is not (signal in self._invert) else "OFF"

    def _local(self, time: int) -> str:
        return datetime.fromtimestamp(time // 1000, UTC).astimezone(self._zone).strftime("%Y-%m-%dT%H:%M:%S")


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
