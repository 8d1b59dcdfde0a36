"""A Tasmota: LWT, INFO, SENSOR and STATE on `tele/`, a relay's RESULT on `stat/`; local time without an offset."""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from firmware_sim.senses import Value
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Packet, Stamp, compact

__all__ = ["Tasmota"]

EVENTS = frozenset({"checkin", "cleaned"})


class Tasmota:
    """A relay, a switch, a button or a meter, by the site's map and the defaults of its kind."""

    def __init__(self, device: SimulatedDevice, zone: ZoneInfo) -> None:
        self._name, self._zone = device.address, zone
        self._keys = {signal: key for key, signal in device.map.items()}
        if device.kind == "office_lighting":
            self._keys.setdefault("lamp_on", "POWER")
        self._invert = device.invert

    @property
    def will(self) -> Packet:
        """`Offline`, retained."""
        return Packet(f"tele/{self._name}/LWT", b"Offline", retain=True, values={"online": False})

    def birth(self, stamp: Stamp) -> list[Packet]:
        """Returns `Online`, retained, and the INFO messages of each start."""
        reason = "Power On" if stamp.boots == 1 else "Software/System restart"
        return [
            Packet(f"tele/{self._name}/LWT", b"Online", retain=True, values={"online": True}),
            Packet(f"tele/{self._name}/INFO1", compact({"Info1": {"Module": "Generic", "Version": "14.2.0(tasmota)"}})),
            Packet(f"tele/{self._name}/INFO3", compact({"Info3": {"RestartReason": reason, "BootCount": stamp.boots}})),
        ]

    def report(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns STATE with relays and Wi-Fi, then SENSOR with switches and meters, as with each `TelePeriod`."""
        local = self._local(stamp)
        seconds = stamp.uptime // 1000
        uptime = f"{seconds // 86400}T{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        state: dict[str, object] = {"Time": local, "Uptime": uptime, "UptimeSec": seconds, "SleepMode": "Dynamic"}
        sensor: dict[str, object] = {"Time": local}
        said: tuple[dict[str, Value], dict[str, Value]] = {}, {}
        for signal, value in values.items():
            key = self._keys.get(signal)
            if signal == "rssi":
                state["Wifi"] = {"AP": 1, "SSId": "kantor-desa", "RSSI": 64, "Signal": round(value), "LinkCount": 1}
                said[0][signal] = round(value)
            elif signal == "power" and key is None:
                sensor["ENERGY"] = {"Total": 12.5, "Yesterday": 0.2, "Today": 0.1, "Power": value, "Voltage": 224}
                said[1].update({signal: value, "energy": 12.5})
            elif key is not None and "." not in key:
                relay = key.startswith("POWER")
                (state if relay else sensor)[key] = self._word(signal, value)
                said[0 if relay else 1][signal] = value
        time = stamp.time // 1000 * 1000 if stamp.set else None
        packets = [Packet(f"tele/{self._name}/STATE", compact(state), values=said[0], time=time)]
        if len(sensor) > 1:
            packets.append(Packet(f"tele/{self._name}/SENSOR", compact(sensor), values=said[1], time=time))
        return packets

    def change(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns changes: a relay's twice, a button's once, a switch's with a time (SwitchMode 15)."""
        packets: list[Packet] = []
        for signal, value in values.items():
            if (key := self._keys.get(signal)) is None or "." in key:
                continue
            word = self._word(signal, value)
            if key.startswith("POWER"):
                packets.append(Packet(f"stat/{self._name}/RESULT", compact({key: word}), values={signal: value}))
                packets.append(Packet(f"stat/{self._name}/{key}", word.encode(), values={signal: value}))
            elif signal in EVENTS:
                packets.append(
                    Packet(f"stat/{self._name}/RESULT", compact({key: {"Action": "SINGLE"}}), values={signal: value})
                )
            else:
                payload = compact({"Time": self._local(stamp), key: word})
                time = stamp.time // 1000 * 1000 if stamp.set else None
                packets.append(Packet(f"tele/{self._name}/SENSOR", payload, values={signal: value}, time=time))
        return packets

    def _word(self, signal: str, value: Value) -> str:
        return "ON" if bool(value) is not (signal in self._invert) else "OFF"

    def _local(self, stamp: Stamp) -> str:
        """Returns the local time as text. Until the first NTP answer, a Tasmota counts from 1970 in UTC."""
        moment = datetime.fromtimestamp(stamp.time // 1000, UTC)
        return (moment.astimezone(self._zone) if stamp.set else moment).strftime("%Y-%m-%dT%H:%M:%S")
