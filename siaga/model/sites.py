"""Villages, facilities and devices as everything inside siaga knows them.

The YAML file that people write is read by `siaga.sites.file`; these are what it means, checked and complete.
Durations are milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

__all__ = ["Adapter", "Device", "Facility", "Needs", "Silence", "Village"]


class Adapter(StrEnum):
    """The device families that the gateway translates."""

    SENML = "senml"
    TASMOTA = "tasmota"
    SHELLY = "shelly"
    ZIGBEE2MQTT = "zigbee2mqtt"
    ESPHOME = "esphome"
    OPENWRT = "openwrt"
    HOMIE = "homie"
    LORAWAN = "lorawan"
    JSON = "json"
    PROBE = "probe"
    SNMP = "snmp"


class Needs(StrEnum):
    """Which of a facility's devices must meet the indicator."""

    ANY = "any"
    ALL = "all"


class Silence(StrEnum):
    """What a silent device's evidence is taken for while its gateway is heard."""

    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Device:
    """One device of a facility. `every` is how often it is expected to report."""

    id: str
    adapter: Adapter
    every: int
    address: str | None = None
    map: Mapping[str, str] = field(default_factory=dict)
    invert: frozenset[str] = frozenset()

    @property
    def validity(self) -> int:
        """How long one of its observations holds at most: three reporting intervals."""
        return 3 * self.every


@dataclass(frozen=True, slots=True)
class Facility:
    """One facility. What is `None` is the indicator's own; `schedule` is the text as the sites file has it.

    `since` is a date in the village's own time zone.
    """

    id: str
    kind: str
    name: str
    devices: tuple[Device, ...] = ()
    since: date | None = None
    needs: Needs = Needs.ANY
    grace: int | None = None
    recovery: int | None = None
    target: float | None = None
    schedule: str | tuple[str, ...] | None = None
    silence: Silence | None = None


@dataclass(frozen=True, slots=True)
class Village:
    """One village. `remote` says that it runs a gateway of its own; `told` is when siaga was first told of it.

    `holidays` are those of its sites file, the same for all its villages: dates on which an office is closed.
    """

    code: str
    name: str
    latitude: float
    longitude: float
    timezone: str
    facilities: tuple[Facility, ...] = ()
    remote: bool = False
    offline_after: int = 300_000
    uplink: str | None = None
    told: int = 0
    holidays: frozenset[date] = frozenset()

    def device(self, device_id: str) -> tuple[Facility, Device] | None:
        """A device of the village and the facility it belongs to."""
        for facility in self.facilities:
            for device in facility.devices:
                if device.id == device_id:
                    return facility, device
        return None

    @property
    def gateway(self) -> str:
        """The id that siaga's own gateway of this village takes: `gw`, or the next that no device has."""
        taken = {device.id for facility in self.facilities for device in facility.devices}
        return next(name for name in ("gw", *(f"gw-{n}" for n in range(2, 1000))) if name not in taken)
