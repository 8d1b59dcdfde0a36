"""A timetable of faults, as people write it in YAML.

    faults:
      - {at: 2m, for: 3m, village: "35.10.15.2012", facility: gerbang, fault: gate_closed}
      - {at: 10m, for: 30m, village: "35.10.*", fault: mains_cut, ups: 20m}
      - {at: 1m, for: 40s, every: 10m, village: "35.10.16.2003", device: ap-balai, fault: password_set}
      - {at: "21:00", for: 8h, village: "*", fault: gate_closed}
      - {at: end-20m, for: 1h, uplink: odp-glagah-2, fault: link_cut}

`at` is a time after the start, a local time of each day, or a time before the end (`end-`). `every` repeats the fault.
`village` is a code, or a prefix of codes followed by `*`. `uplink` means all villages that share it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from firmware_sim.faults import Fault, FaultKind
from firmware_sim.sites import BadFile, SimulatedVillage, duration, first_mistake

__all__ = ["At", "Line", "Timetable", "read_at", "read_timetable", "timetable_of"]


@dataclass(frozen=True, slots=True)
class At:
    """When a fault begins. `after`: ms after the start, or before the end if `from_end`. `daily`: a time of day."""

    after: int = 0
    from_end: bool = False
    daily: time | None = None


def read_at(text: object) -> At:
    """Reads `2m`, `21:00` or `end-20m`. YAML reads an unquoted 21:00 as the number 1260 (base 60); that is refused.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(text, int):
        raise ValueError(  # noqa: TRY004 - pydantic turns it into a mistake of the file
            f"{text} is not a time: write durations as 2m, times of day in quotes, as '21:00'"
        )
    words = str(text)
    if clock := re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", words):
        return At(daily=time(int(clock[1]), int(clock[2])))
    if words.startswith("end-"):
        return At(duration(words.removeprefix("end-")), from_end=True)
    return At(duration(words))


Duration = Annotated[int, BeforeValidator(duration)]


class Line(BaseModel):
    """One line of a timetable. Durations in ms."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    at: Annotated[At, BeforeValidator(read_at)]
    lasts: Duration = Field(alias="for")
    fault: FaultKind
    village: str | None = None
    uplink: str | None = None
    facility: str | None = None
    device: str | None = None
    every: Duration | None = None
    ups: Duration | None = None

    def concerns(self, village: SimulatedVillage) -> bool:
        """Returns whether it names this village."""
        if self.uplink is not None and self.uplink != village.uplink:
            return False
        pattern = self.village or "*"
        return village.code.startswith(pattern[:-1]) if pattern.endswith("*") else village.code == pattern


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    faults: list[Line] = []


@dataclass(frozen=True, slots=True)
class Timetable:
    """Lines, each with the villages that it affects. `lasts`: the duration of the whole run, ms."""

    lines: tuple[tuple[Line, tuple[tuple[str, ZoneInfo], ...]], ...] = ()
    lasts: int | None = None

    def faults(self, start: int, end: int) -> list[Fault]:
        """Returns all faults that begin in `[start, end)`, for a run that began at `start`."""
        return [
            Fault(line.fault, begin, begin + line.lasts, code, line.facility, line.device, line.ups)
            for line, villages in self.lines
            for code, zone in villages
            for begin in self._begins(line, zone, start, end)
        ]

    def _begins(self, line: Line, zone: ZoneInfo, start: int, end: int) -> Iterator[int]:
        if line.at.daily is not None:
            yield from (moment for moment in _daily(line.at.daily, zone, start, end) if start <= moment < end)
            return
        if line.at.from_end:
            begin = start + (self.lasts or 0) - line.at.after
            if self.lasts is not None and start <= begin < end:
                yield begin
            return
        begin = start + line.at.after
        while begin < end:
            yield begin
            if line.every is None:
                return
            begin += line.every


def _daily(clock: time, zone: ZoneInfo, start: int, end: int) -> Iterator[int]:
    day = datetime.fromtimestamp(start / 1000, UTC).astimezone(zone).date()
    while True:
        moment = int(datetime.combine(day, clock, zone).timestamp() * 1000)
        if moment >= end:
            return
        yield moment
        day += timedelta(days=1)


def read_timetable(path: Path, villages: Sequence[SimulatedVillage], lasts: int | None = None) -> Timetable:
    """Returns a timetable, checked against the villages.

    Raises:
        BadFile: it cannot be read, or a line has a mistake.
    """
    try:
        table = _File.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError) as problem:
        raise BadFile(f"{path}: cannot be read ({problem})") from problem
    except yaml.YAMLError as problem:
        raise BadFile(f"{path}: is not YAML ({str(problem).splitlines()[0]})") from problem
    except ValidationError as problem:
        raise first_mistake(path, problem) from problem
    return timetable_of(table.faults, path, villages, lasts)


def timetable_of(
    lines: Sequence[Line], path: Path, villages: Sequence[SimulatedVillage], lasts: int | None
) -> Timetable:
    """Returns the lines, each with the villages that it affects.

    Raises:
        BadFile: a line affects nothing, repeats before it is over, or counts from an unknown end.
    """
    resolved = []
    for number, line in enumerate(lines):
        place = f"{path}: faults.{number}"
        fault = Fault(line.fault, 0, 1, "", line.facility, line.device)
        struck = tuple((v.code, v.zone) for v in villages if line.concerns(v) and _strikes(fault, v))
        if not struck:
            where = "/".join(filter(None, (line.village or line.uplink or "*", line.facility, line.device)))
            raise BadFile(f"{place}: {where} has no device that {line.fault} can strike")
        if line.every is not None and line.every <= line.lasts:
            raise BadFile(f"{place}: every: must be longer than the fault lasts")
        if line.at.from_end and lasts is None:
            raise BadFile(f"{place}: at: counts back from the end, and this run has none: say how long it lasts")
        resolved.append((line, struck))
    return Timetable(tuple(resolved), lasts)


def _strikes(fault: Fault, village: SimulatedVillage) -> bool:
    here = Fault(fault.kind, 0, 1, village.code, fault.facility, fault.device)
    return any(here.strikes(device) for device in village.devices)
