"""Villages, facilities and devices, checked and complete. Durations are ms.

`siaga.sites.file` reads them from the YAML that people write.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

__all__ = ["INTERVALS", "Adapter", "Device", "Facility", "Needs", "Silence", "Village"]

INTERVALS = 3
"""A device may miss two reports: an observation is valid for three of its intervals at most (contract, section 5)."""


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
    """The state that a silent device's evidence counts as, while its gateway is heard."""

    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Device:
    """One device of a facility. `every`: the interval at which it is expected to report, ms."""

    id: str
    adapter: Adapter
    every: int
    address: str | None = None
    map: Mapping[str, str] = field(default_factory=dict)
    invert: frozenset[str] = frozenset()

    @property
    def validity(self) -> int:
        """How long an observation is valid at most, ms: three intervals (contract, section 5)."""
        return INTERVALS * self.every


@dataclass(frozen=True, slots=True)
class Facility:
    """One facility. For a field that is `None`, the indicator's default holds.

    `since`: a local date. `schedule`: the text of the sites file. `grace`, `recovery`: ms. `target`: a share.
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
    """One village.

    `remote`: it runs its own gateway. `offline_after`: ms.
    `told`: when it was first imported, wall time in ms.
    `holidays`: the local dates on which an office is closed, the same for all villages of a sites file.
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
        """Returns a device of the village and its facility; `None` if there is no such device."""
        for facility in self.facilities:
            for device in facility.devices:
                if device.id == device_id:
                    return facility, device
        return None

    @property
    def gateway(self) -> str:
        """The id of siaga's own gateway in this village: `gw`, or the first of `gw-2`, `gw-3`, … that no device has."""
        taken = {device.id for facility in self.facilities for device in facility.devices}
        return next(name for name in ("gw", *(f"gw-{n}" for n in range(2, 1000))) if name not in taken)
