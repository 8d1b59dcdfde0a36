"""The sites file as the simulator reads it: which devices there are, and how each speaks.

A reading of its own, not siaga's: what is simulated must not share a mistake with what is tested. It takes a file that
siaga takes, and is stricter only about what it needs.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

__all__ = ["BadFile", "SimulatedDevice", "SimulatedVillage", "duration", "first_mistake", "read_sites"]

UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
SIMULATED = {
    "gate": ("senml", "tasmota"),
    "office_lighting": ("senml", "tasmota"),
    "free_wifi": ("senml",),
    "night_guard": ("senml",),
    "power": ("senml",),
}
"""The kinds of facility whose devices are simulated, and the adapters of each."""


class BadFile(ValueError):
    """A sites file or timetable that cannot be used; one sentence that names the file, the place and the value."""


def duration(text: object) -> int:
    """Milliseconds of `90s`, `5m`, `2h`, `30d`."""
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
    devices: list[_Device] = []


class _Village(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)
    code: str
    name: str = ""
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    timezone: str = "Asia/Jakarta"
    gateway: str | None = None
    facilities: list[_Facility] = []


class _Sites(BaseModel):
    villages: list[_Village]


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """One device. `report_every` is milliseconds; `map` and `invert` say how its native keys are understood."""

    village: str
    facility: str
    kind: str
    id: str
    adapter: str
    address: str
    report_every: int
    map: dict[str, str]
    invert: frozenset[str]

    @property
    def key(self) -> tuple[str, str]:
        """Village and id: what names it."""
        return self.village, self.id


@dataclass(frozen=True, slots=True)
class SimulatedVillage:
    """One village with the devices that can be simulated, and the names of those that cannot."""

    code: str
    name: str
    latitude: float
    longitude: float
    zone: ZoneInfo
    remote: bool
    devices: tuple[SimulatedDevice, ...]
    left_out: tuple[str, ...]


def first_mistake(path: Path, error: ValidationError) -> BadFile:
    """The first mistake that pydantic found, as one sentence."""
    mistake = error.errors()[0]
    place = ".".join(str(part) for part in mistake["loc"])
    return BadFile(f"{path}: {place}: {mistake['msg'].removeprefix('Value error, ')}")


def read_sites(path: Path, report_every: int | None = None) -> tuple[SimulatedVillage, ...]:
    """The villages of a sites file. `report_every` (ms) makes all devices report more often than `every` says.

    Raises:
        BadFile: it cannot be read, or holds a mistake.
    """
    try:
        sites = _Sites.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as problem:
        raise BadFile(f"{path}: cannot be read ({problem})") from problem
    except yaml.YAMLError as problem:
        raise BadFile(f"{path}: is not YAML ({str(problem).splitlines()[0]})") from problem
    except ValidationError as problem:
        raise first_mistake(path, problem) from problem
    return tuple(_village(path, village, report_every) for village in sites.villages)


def _village(path: Path, village: _Village, report_every: int | None) -> SimulatedVillage:
    try:
        zone = ZoneInfo(village.timezone)
    except (OSError, ValueError) as problem:  # ZoneInfoNotFoundError is a KeyError only by name
        raise BadFile(f"{path}: {village.code}: timezone: {village.timezone!r} is not known") from problem
    devices, left_out = [], []
    for facility in village.facilities:
        for device in facility.devices:
            if device.adapter not in SIMULATED.get(facility.kind, ()):
                left_out.append(f"{village.code}/{device.id}")
                continue
            devices.append(
                SimulatedDevice(
                    village=village.code,
                    facility=facility.id,
                    kind=facility.kind,
                    id=device.id,
                    adapter=device.adapter,
                    address=device.address or device.id,
                    report_every=min(device.every, report_every or device.every),
                    map=device.map,
                    invert=frozenset(device.invert),
                )
            )
    return SimulatedVillage(
        code=village.code,
        name=village.name or village.code,
        latitude=village.lat,
        longitude=village.lon,
        zone=zone,
        remote=village.gateway == "remote",
        devices=tuple(devices),
        left_out=tuple(left_out),
    )
