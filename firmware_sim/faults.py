"""What goes wrong, where and when: a timetable that people write, or chance with a seed.

A timetable is YAML; `at` counts from the start of the simulation, `every` repeats:

    faults:
      - {at: 2m, for: 3m, village: "35.10.15.2012", facility: gerbang, fault: gate_closed}
      - {at: 10m, for: 30m, village: "35.10.15.2012", fault: mains_cut}
      - {at: 1m, for: 40s, every: 10m, village: "35.10.16.2003", device: ap-balai, fault: password_set}
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from firmware_sim.sites import BadFile, SimulatedDevice, SimulatedVillage, duration, first_mistake

__all__ = ["Fault", "FaultKind", "Timetable", "random_faults", "read_timetable"]


class FaultKind(StrEnum):
    """What can go wrong."""

    GATE_CLOSED = "gate_closed"
    LAMP_BURNT = "lamp_burnt"
    LAMP_OFF = "lamp_off"
    AP_OFF = "ap_off"
    PASSWORD_SET = "password_set"  # noqa: S105 - the name of a fault
    NO_INTERNET = "no_internet"
    GUARD_ASLEEP = "guard_asleep"
    DEVICE_HANG = "device_hang"
    MAINS_CUT = "mains_cut"
    LINK_CUT = "link_cut"


STRIKES = {
    FaultKind.GATE_CLOSED: "gate",
    FaultKind.LAMP_BURNT: "office_lighting",
    FaultKind.LAMP_OFF: "office_lighting",
    FaultKind.AP_OFF: "free_wifi",
    FaultKind.PASSWORD_SET: "free_wifi",
    FaultKind.NO_INTERNET: "free_wifi",
    FaultKind.GUARD_ASLEEP: "night_guard",
}
"""The kind of facility that a fault strikes; those not named strike a device, or a whole village."""
WHOLE_VILLAGE = (FaultKind.MAINS_CUT, FaultKind.LINK_CUT)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault during `[start, end)`, milliseconds. Without a facility and device: wherever it can strike."""

    kind: FaultKind
    start: int
    end: int
    village: str
    facility: str | None = None
    device: str | None = None

    def strikes(self, device: SimulatedDevice) -> bool:
        """Whether it concerns this device (whatever the time)."""
        return (
            self.village == device.village
            and self.facility in (None, device.facility)
            and self.device in (None, device.id)
            and STRIKES.get(self.kind, device.kind) == device.kind
        )


Duration = Annotated[int, BeforeValidator(duration)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    at: Duration
    lasts: Duration = Field(alias="for")
    fault: FaultKind
    village: str
    facility: str | None = None
    device: str | None = None
    every: Duration | None = None


class _Timetable(BaseModel):
    model_config = ConfigDict(extra="forbid")
    faults: list[_Line] = []


@dataclass(frozen=True, slots=True)
class Timetable:
    """The lines of a timetable, to be laid out from a start."""

    lines: tuple[_Line, ...] = ()

    def faults(self, start: int, end: int) -> list[Fault]:
        """All faults that begin in `[start, end)`, with `at` counted from `start`."""
        return [fault for line in self.lines for fault in _lay_out(line, start, end)]


def _lay_out(line: _Line, start: int, end: int) -> Iterator[Fault]:
    begin = start + line.at
    while begin < end:
        yield Fault(line.fault, begin, begin + line.lasts, line.village, line.facility, line.device)
        if line.every is None:
            return
        begin += line.every


def read_timetable(path: Path, villages: Sequence[SimulatedVillage]) -> Timetable:
    """A timetable, checked against the villages it names.

    Raises:
        BadFile: it cannot be read, or a line of it can strike nothing.
    """
    try:
        table = _Timetable.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError) as problem:
        raise BadFile(f"{path}: cannot be read ({problem})") from problem
    except yaml.YAMLError as problem:
        raise BadFile(f"{path}: is not YAML ({str(problem).splitlines()[0]})") from problem
    except ValidationError as problem:
        raise first_mistake(path, problem) from problem
    for number, line in enumerate(table.faults):
        fault = Fault(line.fault, 0, 1, line.village, line.facility, line.device)
        if not any(fault.strikes(device) for village in villages for device in village.devices):
            place = "/".join(filter(None, (line.village, line.facility, line.device)))
            raise BadFile(f"{path}: faults.{number}: {place} has no device that {line.fault} can strike")
        if line.every is not None and line.every <= line.lasts:
            raise BadFile(f"{path}: faults.{number}: every: must be longer than the fault lasts")
    return Timetable(tuple(table.faults))


MEAN_BETWEEN = {
    FaultKind.GATE_CLOSED: 9,
    FaultKind.LAMP_OFF: 12,
    FaultKind.AP_OFF: 7,
    FaultKind.PASSWORD_SET: 25,
    FaultKind.NO_INTERNET: 8,
    FaultKind.GUARD_ASLEEP: 10,
    FaultKind.MAINS_CUT: 11,
    FaultKind.LINK_CUT: 8,
}
"""Mean days between two faults of a kind in one village: our own guess of an ordinary village, to look at."""
MEAN_HOURS = {FaultKind.PASSWORD_SET: 20.0, FaultKind.MAINS_CUT: 1.5, FaultKind.LINK_CUT: 2.5, FaultKind.LAMP_OFF: 30.0}
"""Mean hours that a fault lasts; `OTHERWISE` for the others."""
OTHERWISE = 3.0
DAY, HOUR = 86_400_000, 3_600_000


def random_faults(village: SimulatedVillage, start: int, end: int, seed: int) -> list[Fault]:
    """Faults of one village by chance, in `[start, end)`: the same seed gives the same faults."""
    faults = []
    for kind, days in MEAN_BETWEEN.items():
        chance = random.Random(f"{seed}/{village.code}/{kind}")  # noqa: S311 - a simulation that repeats
        time = start + chance.expovariate(1 / (days * DAY))
        while time < end:
            lasts = 60_000 + chance.expovariate(1 / (MEAN_HOURS.get(kind, OTHERWISE) * HOUR))
            fault = Fault(kind, int(time), min(int(time + lasts), end), village.code)
            struck = [device for device in village.devices if fault.strikes(device)]
            if struck and kind not in WHOLE_VILLAGE:
                fault = Fault(kind, fault.start, fault.end, village.code, facility=chance.choice(struck).facility)
            if struck:
                faults.append(fault)
            time += lasts + chance.expovariate(1 / (days * DAY))
    return sorted(faults, key=lambda fault: (fault.start, fault.kind))
