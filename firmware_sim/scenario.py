"""Scenarios: which villages, how long, which faults. They are YAML: those of the library have names, others are files.

    title: A week of rain
    lasts: 7d
    seed: 11
    villages: {generate: 4, district: "35.10.72", every: 5m, uplinks: 2}    # or  sites: sites.yaml
    faults:
      - {at: 26h, for: 3h, uplink: odp-1, fault: link_cut}
    rates:
      - {fault: mains_cut, between: 20h, repair: 40m}
    citizens:
      - {at: 30h, village: "35.10.72.2001", facility: gerbang, problem: gate_closed, people: 3, within: 10m}

The same scenario with the same seed gives the same run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from firmware_sim.citizens import Visit
from firmware_sim.faults import Fault, FaultKind, Rate, random_faults
from firmware_sim.sites import BadFile, SimulatedVillage, duration, first_mistake, villages_of
from firmware_sim.timetable import At, Line, Timetable, read_at, timetable_of
from firmware_sim.villages import KINDS, Made, sites_of

__all__ = ["LIBRARY", "Scenario", "library", "load"]

LIBRARY = Path(__file__).with_name("scenarios")
MOST_PEOPLE = 10
"""Citizens of one line: more of one address at one facility within an hour are refused (docs/complaints.md)."""
NOTES = (
    "",
    "Sejak pagi",
    "Tadi malam juga begitu",
    "Saya sudah datang dua kali",
    "Tolong dicek",
    "Tidak ada petugas",
    "Ibu saya pulang lagi",
    "Sudah dua hari",
    "Bukan pertama kali",
    "Mohon segera",
)
"""What they add, each something else: what says the same is one complaint."""


def _same(text: object) -> str:
    """Returns a duration as it was written, after checking it."""
    duration(text)
    return str(text)


Duration = Annotated[int, BeforeValidator(duration)]
AsWritten = Annotated[str, BeforeValidator(_same)]


class _Villages(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    generate: int = Field(ge=1, le=9_000)
    district: str = Field(pattern=r"^\d{2}\.\d{2}\.\d{2}$")
    every: AsWritten = "5m"
    grace: AsWritten | None = None
    recovery: AsWritten | None = None
    offline_after: AsWritten | None = None
    kinds: list[str] = list(KINDS)
    mixed: bool = True
    remote: bool = False
    uplinks: int = 0


class _Rate(BaseModel):
    model_config = ConfigDict(extra="forbid")
    fault: FaultKind
    between: Duration = Field(gt=0)
    repair: Duration = Field(gt=0)


class _Citizens(BaseModel):
    """So many people complain of one facility, evenly spread over a time that begins at `at`."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    at: Annotated[At, BeforeValidator(read_at)]
    village: str
    facility: str
    problem: str
    people: int = Field(1, ge=1, le=MOST_PEOPLE)
    within: Duration = 0

    def visits(self, start: int, lasts: int) -> Iterator[Visit]:
        """Yields who comes in a run of this length, ms."""
        begin = start + (lasts - self.at.after if self.at.from_end else self.at.after)
        for number in range(self.people):
            at = begin + self.within * number // self.people
            note = NOTES[number % len(NOTES)]
            if start <= at <= start + lasts:
                yield Visit(at, self.village, self.facility, self.problem, note)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    about: str = ""
    lasts: Duration
    seed: int = 1
    sites: str | None = None
    villages: _Villages | None = None
    faults: list[Line] = []
    rates: list[_Rate] = []
    citizens: list[_Citizens] = []


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario, ready to run. `sites`: the content of the sites file that siaga has to import. `lasts`: ms."""

    name: str
    title: str
    about: str
    lasts: int
    seed: int
    sites: object
    villages: tuple[SimulatedVillage, ...]
    timetable: Timetable
    rates: tuple[Rate, ...]
    citizens: tuple[_Citizens, ...] = ()

    @property
    def sites_yaml(self) -> str:
        """The sites file as YAML text."""
        return yaml.safe_dump(self.sites, sort_keys=False, allow_unicode=True)

    def faults(self, start: int) -> list[Fault]:
        """Returns all faults of a run that begins at `start` (ms)."""
        end = start + self.lasts
        by_chance = [
            fault
            for village in self.villages
            if self.rates
            for fault in random_faults(village, start, end, self.seed, self.rates)
        ]
        return self.timetable.faults(start, end) + by_chance

    def visits(self, start: int) -> list[Visit]:
        """Returns all citizens who complain in a run that begins at `start` (ms)."""
        return [visit for line in self.citizens for visit in line.visits(start, self.lasts)]


def library() -> list[str]:
    """Returns the names of the scenarios that come with siaga."""
    return sorted(path.stem for path in LIBRARY.glob("*.yaml"))


def load(name: str, *, sites: Path | None = None, seed: int | None = None, lasts: int | None = None) -> Scenario:
    """Returns a scenario of the library by its name, or of a file.

    Args:
        sites: the sites file of other villages to run it in.
        lasts: another duration, ms.

    Raises:
        BadFile: there is no such scenario, or it has a mistake.
    """
    path = LIBRARY / f"{name}.yaml" if name in library() else Path(name)
    if not path.exists():
        raise BadFile(f"{name}: no such scenario: write a file's name or one of {', '.join(library())}")
    file = _read(path)
    content = _sites(file, path, sites)
    villages = villages_of(content, sites or path)
    length = lasts or file.lasts
    lines = _that_strike(file.faults, villages) if sites else file.faults
    return Scenario(
        name=path.stem,
        title=file.title,
        about=file.about,
        lasts=length,
        seed=file.seed if seed is None else seed,
        sites=content,
        villages=villages,
        timetable=timetable_of(lines, path, villages, length),
        rates=tuple(Rate(rate.fault, rate.between, rate.repair) for rate in file.rates),
        citizens=tuple(_who_come(file.citizens, path, villages, others=sites is not None)),
    )


def _read(path: Path) -> _File:
    try:
        return _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as problem:
        raise BadFile(f"{path}: cannot be read ({problem})") from problem
    except yaml.YAMLError as problem:
        raise BadFile(f"{path}: is not YAML ({str(problem).splitlines()[0]})") from problem
    except ValidationError as problem:
        raise first_mistake(path, problem) from problem


def _sites(file: _File, path: Path, sites: Path | None) -> object:
    source = sites or (path.parent / file.sites if file.sites else None)
    if source is None:
        if file.villages is None:
            raise BadFile(f"{path}: names no villages: write sites: FILE or villages: {{generate: 4, …}}")
        made = file.villages
        return sites_of(Made(count=made.generate, **made.model_dump(exclude={"generate"})))
    try:
        return yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise BadFile(f"{source}: cannot be read ({problem})") from problem
    except yaml.YAMLError as problem:
        raise BadFile(f"{source}: is not YAML ({str(problem).splitlines()[0]})") from problem


def _who_come(
    lines: Sequence[_Citizens], path: Path, villages: Sequence[SimulatedVillage], *, others: bool
) -> Iterator[_Citizens]:
    """Yields the lines whose facility there is. `others`: in villages of the user, one without it is not a mistake.

    Raises:
        BadFile: a line names no facility, or a time of day.
    """
    known = {(village.code, facility.id) for village in villages for facility in village.facilities}
    for number, line in enumerate(lines):
        place = f"{path}: citizens.{number}"
        if line.at.daily is not None:
            raise BadFile(f"{place}: at: is a time after the start, or before the end (end-20m)")
        if (line.village, line.facility) in known:
            yield line
        elif not others:
            raise BadFile(f"{place}: there is no facility {line.village}/{line.facility}")


def _that_strike(lines: Sequence[Line], villages: Sequence[SimulatedVillage]) -> list[Line]:
    """Returns the lines that affect a device. In a user's own villages, a line without one is not a mistake."""
    return [
        line
        for line in lines
        for fault in [Fault(line.fault, 0, 1, "", line.facility, line.device)]
        if any(
            line.concerns(v) and Fault(fault.kind, 0, 1, v.code, fault.facility, fault.device).strikes(device)
            for v in villages
            for device in v.devices
        )
    ]
