"""Reads the truth file of `siaga simulate` (docs/simulate.md): JSON lines with Unix seconds, converted to ms."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = [
    "BadTruth",
    "Gone",
    "KnownComplaint",
    "KnownFacility",
    "KnownFault",
    "KnownSpan",
    "KnownTruth",
    "KnownVillage",
    "Report",
    "read_truth",
]


SLACK, WAY = 2_000, 250
"""The delay of a report, ms: firmware reads its inputs once a second; and the transit time, by the real clock."""
NOTICED, SHORTEST = 35_000, 2_500
"""Time until a broker notices a dead session, ms: one and a half keep-alives of 20 s. With a fast clock the keep-alives
are shorter, down to MQTT's shortest, one second."""


class BadTruth(ValueError):
    """A file is not a truth file. The message is one sentence with the line."""


class _Run(BaseModel):
    scenario: str = ""
    seed: int
    start: float
    end: float
    live: bool
    speed: float = 1
    sent_from: float
    sent_until: float


class _Village(BaseModel):
    village: str
    offline_after: float
    played: bool


class _Device(BaseModel):
    id: str
    every: float


class _Facility(BaseModel):
    village: str
    facility: str
    kind: str
    needs: str
    grace: float
    recovery: float
    target: float
    evidence: list[str]
    silence: Literal["failed", "unknown"]
    devices: list[_Device]


class _Span(BaseModel):
    village: str
    facility: str
    start: float
    end: float
    state: str
    cause: str | None
    excused: bool = False
    unknowable: str | None = None
    silent: bool = False


class _Fault(BaseModel):
    village: str
    device: str | None
    facility: str | None
    fault: str
    start: float
    end: float


class _Report(BaseModel):
    model_config = ConfigDict(strict=False)
    village: str
    device: str
    time: float
    timed: bool = True
    values: dict[str, bool | int | float]
    acknowledged: bool


class _Gone(BaseModel):
    village: str
    device: str
    time: float
    will: bool = True


class _Complaint(BaseModel):
    village: str
    facility: str
    problem: str
    time: float
    id: str | None
    sensors: str | None


class _Heard(BaseModel):
    village: str
    start: float
    end: float
    acknowledged: bool = True


@dataclass(frozen=True, slots=True)
class KnownSpan:
    """The true state of a facility in `[start, end)`, ms."""

    start: int
    end: int
    state: str
    cause: str | None
    excused: bool
    unknowable: str | None
    silent: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A device's report. `acknowledged`: it must be stored; otherwise it may be. `timed`: it had a time."""

    time: int
    values: Mapping[str, bool | int | float]
    timed: bool
    acknowledged: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """A session that ended without a disconnect. `told_by`: by when its last will is out, ms; `None` without one."""

    time: int
    told_by: int | None


@dataclass(frozen=True, slots=True)
class KnownFacility:
    """A facility.

    `grace`, `recovery`: ms. `devices`: their intervals, ms. `spans`: its true states.
    `fails_in_silence`: a silent device counts as failed.
    """

    village: str
    id: str
    kind: str
    needs: str
    grace: int
    recovery: int
    target: float
    evidence: frozenset[str]
    devices: Mapping[str, int]
    fails_in_silence: bool = False
    spans: list[KnownSpan] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name in the API."""
        return f"{self.village}/{self.id}"


@dataclass(frozen=True, slots=True)
class KnownFault:
    """A fault. `facility`, `device`: `None` for all."""

    kind: str
    village: str
    facility: str | None
    device: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class KnownComplaint:
    """A citizen's complaint.

    `time`: when it was answered, ms. `id`: by which it was taken; `None`: it was not. `sensors`: the state that the
    facility's devices reported then; `None`: that is uncertain.
    """

    facility: str
    problem: str
    time: int
    id: str | None
    sensors: str | None


@dataclass(frozen=True, slots=True)
class KnownVillage:
    """A village.

    `played`: its gateway was simulated. `heard`: when that was heard, event time in ms.
    `perhaps_heard`: when it was heard if its unacknowledged heartbeats arrived.
    """

    code: str
    offline_after: int
    played: bool
    heard: list[tuple[int, int]] = field(default_factory=list)
    perhaps_heard: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class KnownTruth:
    """One run.

    `live`: it was sent as it happened. `sent_from`, `sent_until`: when it was sent, wall time in ms.
    `speed`: how many times faster than real time its clock ran.
    `gone`: by device, when its session ended without a disconnect, or its last will was published.
    """

    scenario: str
    seed: int
    start: int
    end: int
    live: bool
    speed: float
    sent_from: int
    sent_until: int
    villages: Mapping[str, KnownVillage]
    facilities: Sequence[KnownFacility]
    faults: Sequence[KnownFault]
    reports: Mapping[tuple[str, str], Sequence[Report]]
    gone: Mapping[tuple[str, str], Sequence[Gone]]
    complaints: Sequence[KnownComplaint] = ()

    @property
    def slack(self) -> int:
        """How much later than a change its report may arrive, ms: the reading of inputs, and the transit."""
        return SLACK + round(WAY * self.speed) if self.live else SLACK


def read_truth(path: Path) -> KnownTruth:
    """Returns the truth of a file. An incomplete last line is ignored.

    Raises:
        BadTruth: it cannot be read, a line is not valid, or it does not describe its run.
    """
    reading = _Reading()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadTruth(f"{path}: cannot be read ({problem})") from None
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            break
        try:
            reading.take(json.loads(line))
        except (ValueError, ValidationError, KeyError, TypeError) as problem:
            raise BadTruth(f"{path} line {number}: is no line of a truth ({str(problem).splitlines()[0]})") from None
    if reading.run is None:
        raise BadTruth(f"{path}: says of no run when it was: it was not written to its end")
    return reading.done(reading.run)


class _Reading:
    def __init__(self) -> None:
        self.run: _Run | None = None
        self._villages: dict[str, KnownVillage] = {}
        self._facilities: dict[tuple[str, str], KnownFacility] = {}
        self._spans: list[_Span] = []
        self._faults: list[KnownFault] = []
        self._reports: dict[tuple[str, str], list[Report]] = {}
        self._complaints: list[KnownComplaint] = []
        self._wills: dict[tuple[str, str], list[Gone]] = {}
        self._gone: dict[tuple[str, str], list[_Gone]] = {}

    def take(self, line: Mapping[str, object]) -> None:
        match line["type"]:
            case "run":
                self.run = _Run.model_validate(line)
            case "village":
                village = _Village.model_validate(line)
                after = _ms(village.offline_after)
                self._villages[village.village] = KnownVillage(village.village, after, village.played)
            case "heard":
                heard = _Heard.model_validate(line)
                village_ = self._villages[heard.village]
                stretches = village_.heard if heard.acknowledged else village_.perhaps_heard
                stretches.append((_ms(heard.start), _ms(heard.end)))
            case "facility":
                self._facility(_Facility.model_validate(line))
            case "span":
                self._spans.append(_Span.model_validate(line))
            case "fault":
                f = _Fault.model_validate(line)
                self._faults.append(KnownFault(f.fault, f.village, f.facility, f.device, _ms(f.start), _ms(f.end)))
            case "complaint":
                c = _Complaint.model_validate(line)
                name = f"{c.village}/{c.facility}"
                self._complaints.append(KnownComplaint(name, c.problem, _ms(c.time), c.id, c.sensors))
            case "gone":
                g = _Gone.model_validate(line)
                self._gone.setdefault((g.village, g.device), []).append(g)
            case "report":
                r = _Report.model_validate(line)
                report = Report(_ms(r.time), r.values, r.timed, r.acknowledged)
                self._reports.setdefault((r.village, r.device), []).append(report)
                if r.values.get("online") is False:
                    self._wills.setdefault((r.village, r.device), []).append(Gone(report.time, report.time))

    def _facility(self, f: _Facility) -> None:
        self._facilities[f.village, f.facility] = KnownFacility(
            village=f.village,
            id=f.facility,
            kind=f.kind,
            needs=f.needs,
            grace=_ms(f.grace),
            recovery=_ms(f.recovery),
            target=f.target,
            evidence=frozenset(f.evidence),
            devices={device.id: _ms(device.every) for device in f.devices},
            fails_in_silence=f.silence == "failed",
        )

    def done(self, run: _Run) -> KnownTruth:
        for s in self._spans:
            known = self._facilities.get((s.village, s.facility))
            if known is not None:
                span = KnownSpan(_ms(s.start), _ms(s.end), s.state, s.cause, s.excused, s.unknowable, s.silent)
                known.spans.append(span)
        return KnownTruth(
            scenario=run.scenario,
            seed=run.seed,
            start=_ms(run.start),
            end=_ms(run.end),
            live=run.live,
            speed=run.speed,
            sent_from=_ms(run.sent_from),
            sent_until=_ms(run.sent_until),
            villages=self._villages,
            facilities=[facility for facility in self._facilities.values() if facility.spans],
            faults=self._faults,
            reports={key: sorted(some, key=lambda report: report.time) for key, some in self._reports.items()},
            gone=self._sessions(run),
            complaints=self._complaints,
        )

    def _sessions(self, run: _Run) -> dict[tuple[str, str], list[Gone]]:
        noticed = max(NOTICED, round(SHORTEST * run.speed) + SLACK)
        found = {key: list(some) for key, some in self._wills.items()}
        for key, some in self._gone.items():
            times = ((_ms(g.time), g.will) for g in some)
            found.setdefault(key, []).extend(Gone(time, time + noticed if will else None) for time, will in times)
        return {key: sorted(some, key=lambda gone: gone.time) for key, some in found.items()}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
