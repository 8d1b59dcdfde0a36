"""Our own firmware: SenML packs with a base time, and a retained status. Without a set clock, packs have no time."""

from collections.abc import Mapping

from firmware_sim.senses import Value
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Packet, Stamp, compact

__all__ = ["SenML"]

UNITS = {"battery": "%EL", "power": "W", "rssi": "dBm", "illuminance": "lx", "uptime": "s"}
"""RFC 8428, section 12.1."""
LIES_FROM = 600_000
"""A device whose NTP never answered sends its wrong time after this uptime, ms."""


class SenML:
    """Gate, lamp, access point, guard's button, toilet or mains, with our own firmware."""

    def __init__(self, device: SimulatedDevice) -> None:
        self._root = f"siaga/v1/{device.village}/{device.id}"

    @property
    def will(self) -> Packet:
        """`offline`, retained."""
        return Packet(f"{self._root}/status", b"offline", retain=True, values={"online": False})

    def birth(self, stamp: Stamp) -> list[Packet]:  # noqa: ARG002 - the interface
        """Returns `online`, retained."""
        return [Packet(f"{self._root}/status", b"online", retain=True, values={"online": True})]

    def report(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns all values and the uptime, as one pack."""
        return self._pack({**values, "uptime": stamp.uptime // 1000}, stamp)

    def change(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        """Returns the changed values, as one pack."""
        return self._pack(values, stamp)

    def _pack(self, values: Mapping[str, Value], stamp: Stamp) -> list[Packet]:
        records = [self._record(name, value) for name, value in values.items()]
        if stamp.set or stamp.uptime > LIES_FROM:
            records[0]["bt"] = stamp.time / 1000
        return [Packet(f"{self._root}/senml", compact(records), values=values, time=stamp.time if stamp.set else None)]

    @staticmethod
    def _record(name: str, value: Value) -> dict[str, object]:
        record: dict[str, object] = {"n": name}
        if name in UNITS:
            record["u"] = UNITS[name]
        record["vb" if isinstance(value, bool) else "v"] = value
        return record
