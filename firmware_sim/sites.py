"""Reads the sites file for the simulator: which devices there are, and the family of each.

It does not use siaga's own reader, so that the simulation and the tested code cannot share a mistake. It accepts the
files that siaga accepts, and is stricter only about what it needs.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

__all__ = [
    "ALWAYS",
    "NIGHT",
    "OFFICE",
    "BadFile",
    "SimulatedDevice",
    "SimulatedFacility",
    "SimulatedVillage",
    "duration",
    "first_mistake",
    "read_sites",
    "villages_of",
]

UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
SIMULATED = {
    "gate": ("senml", "tasmota", "shelly", "zigbee2mqtt", "esphome"),
    "office_lighting": ("senml", "tasmota", "shelly", "zigbee2mqtt", "esphome"),
    "free_wifi": ("senml", "openwrt", "esphome"),
    "night_guard": ("senml", "tasmota", "shelly", "zigbee2mqtt", "esphome"),
    "toilet": ("senml", "esphome"),
    "power": ("senml", "esphome"),
}
"""Kind of facility -> the adapters whose devices can be simulated there."""
MAPPED_ONLY = frozenset({"esphome", "openwrt"})
"""Families without default keys. A device without a `map` is left out."""
NIGHT, OFFICE, ALWAYS = "night", "office", "24h"
SCHEDULES = {"office_lighting": NIGHT, "toilet": OFFICE}
"""The default schedules that are not `24h`, by kind (contract, section 5)."""


SILENCES = {"free_wifi": "failed"}
"""The defaults of `silence` that are not `unknown`, by kind (contract, section 5)."""


class BadFile(ValueError):
    """A sites file or timetable has a mistake. The message names the file, the place and the value."""


def duration(text: object) -> int:
    """Returns a duration such as `90s`, `5m`, `2h` or `30d`, in ms.

    Raises:
        ValueError: it is no duration.
    """
    match = re.fullmatch(r"(\d{1,9})(ms|s|m|h|d)", str(text))
    if not match:
        raise ValueError(f"{str(text)[:40]!r} is not a duration such as 30s, 5m or 2h")
    return int(match[1]) * UNITS[match[2]]


Duration = Annotated[int, BeforeValidator(duration)]


class _Device(BaseModel):
    id: str
    adapter: str
    address: str | None = None
    every: Duration = 60_000
    map: dict[str, str] = {}
    invert: list[str] = []


class _Facility(BaseModel):
    id: str
    kind: str
    needs: Literal["any", "all"] = "any"
    grace: Duration = 5 * 60_000
    recovery: Duration = 2 * 60_000
    target: float = 0.99
    schedule: str | list[str] | None = None
    silence: Literal["failed", "unknown"] | None = None
    devices: list[_Device] = []


class _Village(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)
    code: str
    name: str = ""
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    timezone: str = "Asia/Jakarta"
    gateway: str | None = None
    offline_after: Duration = 5 * 60_000
    uplink: str | None = None
    facilities: list[_Facility] = []


class _Holiday(BaseModel):
    date: date


class _Sites(BaseModel):
    villages: list[_Village]
    holidays: list[_Holiday] = []


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """One device.

    `every`: the interval at which siaga expects reports, ms. `report_every`: the interval at which it reports, ms.
    `map`, `invert`: how its native keys are read.
    """

    village: str
    facility: str
    kind: str
    id: str
    adapter: str
    address: str
    every: int
    report_every: int
    map: dict[str, str]
    invert: frozenset[str]

    @property
    def key(self) -> tuple[str, str]:
        """Village and id."""
        return self.village, self.id


@dataclass(frozen=True, slots=True)
class SimulatedFacility:
    """One facility with its requirements (by default the contract's), and its devices.

    `grace`, `recovery`: ms. `target`: a share. `silence`: the state that a silent device gives it.
    """

    id: str
    kind: str
    needs: str
    grace: int
    recovery: int
    target: float
    schedule: str
    silence: str
    devices: tuple[SimulatedDevice, ...]


@dataclass(frozen=True, slots=True)
class SimulatedVillage:
    """One village.

    `remote`: it has its own gateway. `offline_after`: ms.
    `facilities`: those with devices that can be simulated. `left_out`: the devices that cannot.
    `holidays`: days on which the office is closed.
    """

    code: str
    name: str
    latitude: float
    longitude: float
    zone: ZoneInfo
    remote: bool
    offline_after: int
    uplink: str | None
    facilities: tuple[SimulatedFacility, ...]
    left_out: tuple[str, ...]
    holidays: frozenset[date] = frozenset()

    @property
    def devices(self) -> tuple[SimulatedDevice, ...]:
        """All devices of all facilities."""
        return tuple(device for facility in self.facilities for device in facility.devices)


def first_mistake(path: Path, error: ValidationError) -> BadFile:
    """Returns the first mistake that pydantic found, as one sentence."""
    mistake = error.errors()[0]
    place = ".".join(str(part) for part in mistake["loc"])
    return BadFile(f"{path}: {place}: {mistake['msg'].removeprefix('Value error, ')}")


def read_sites(path: Path, report_every: int | None = None) -> tuple[SimulatedVillage, ...]:
    """Returns the villages of a sites file. `report_every`: the longest interval at which devices report, ms.

    Raises:
        BadFile: it cannot be read, or has a mistake.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise BadFile(f"{path}: cannot be read ({problem})") from problem
    except yaml.YAMLError as problem:
        raise BadFile(f"{path}: is not YAML ({str(problem).splitlines()[0]})") from problem
    return villages_of(content, path, report_every)


def villages_of(content: object, path: Path, report_every: int | None = None) -> tuple[SimulatedVillage, ...]:
    """Returns the villages of a parsed sites file. `path`: the file that error messages name.

    Raises:
        BadFile: it has a mistake.
    """
    try:
        sites = _Sites.model_validate(content)
    except ValidationError as problem:
        raise first_mistake(path, problem) from problem
    holidays = frozenset(holiday.date for holiday in sites.holidays)
    return tuple(_village(path, village, report_every, holidays) for village in sites.villages)


def _village(path: Path, village: _Village, report_every: int | None, holidays: frozenset[date]) -> SimulatedVillage:
    try:
        zone = ZoneInfo(village.timezone)
    except (OSError, ValueError) as problem:  # ZoneInfoNotFoundError is a KeyError only by name
        raise BadFile(f"{path}: {village.code}: timezone: {village.timezone!r} is not known") from problem
    facilities, left_out = [], []
    for facility in village.facilities:
        some = tuple(_device(village.code, facility, device, report_every) for device in facility.devices)
        can = tuple(device for device in some if _simulated(device) and _known_schedule(facility))
        left_out += [f"{village.code}/{device.id}" for device in some if device not in can]
        if can:
            facilities.append(_facility(facility, can))
    return SimulatedVillage(
        code=village.code,
        name=village.name or village.code,
        latitude=village.lat,
        longitude=village.lon,
        zone=zone,
        remote=village.gateway == "remote",
        offline_after=village.offline_after,
        uplink=village.uplink,
        facilities=tuple(facilities),
        left_out=tuple(left_out),
        holidays=holidays,
    )


def _known_schedule(facility: _Facility) -> bool:
    """Returns whether the truth supports the facility's schedule. It does not support lists of windows."""
    return facility.schedule in (None, ALWAYS, NIGHT, OFFICE)


def _simulated(device: SimulatedDevice) -> bool:
    known = device.adapter in SIMULATED.get(device.kind, ())
    return known and (bool(device.map) or device.adapter not in MAPPED_ONLY)


def _facility(facility: _Facility, devices: tuple[SimulatedDevice, ...]) -> SimulatedFacility:
    return SimulatedFacility(
        id=facility.id,
        kind=facility.kind,
        needs=facility.needs,
        grace=facility.grace,
        recovery=facility.recovery,
        target=facility.target,
        schedule=str(facility.schedule or SCHEDULES.get(facility.kind, ALWAYS)),
        silence=facility.silence or SILENCES.get(facility.kind, "unknown"),
        devices=devices,
    )


def _device(village: str, facility: _Facility, device: _Device, report_every: int | None) -> SimulatedDevice:
    return SimulatedDevice(
        village=village,
        facility=facility.id,
        kind=facility.kind,
        id=device.id,
        adapter=device.adapter,
        address=device.address or device.id,
        every=device.every,
        report_every=min(device.every, report_every or device.every),
        map=device.map,
        invert=frozenset(device.invert),
    )
