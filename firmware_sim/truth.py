"""The ground truth as JSON lines: what was so at every facility, what went wrong, and what every device sent.

    {"type":"run","scenario":"quiet-day","seed":1,"start":…,"end":…,"live":true,"speed":1,"sent_from":…,"sent_until":…}
    {"type":"village","village":…,"offline_after":300.0,"played":false}
    {"type":"facility","village":…,"facility":…,"kind":"gate","grace":300.0,…,"devices":[{"id":…,"every":60.0}]}
    {"type":"fault","village":…,"facility":null,"device":null,"fault":"mains_cut","start":…,"end":…}
    {"type":"span","village":…,"facility":…,"kind":…,"start":1767225600.0,"end":…,"state":"failed","cause":"gate_closed"}
    {"type":"report","village":…,"device":…,"time":1767225601.25,"values":{"gate_open":false},"acknowledged":true}
    {"type":"gone","village":…,"device":…,"time":1767225700.0,"will":true}
    {"type":"heard","village":…,"start":…,"end":…,"acknowledged":false}
    {"type":"device","village":…,"device":…,"sent":1440,"acknowledged":1439,"boots":1}

Times are Unix seconds. `time` of a report is the one that its message says; a report without one says `"timed":false`:
siaga knows it by its receipt, which is `time` but for the way. Reports, and heartbeats by which a gateway was `heard`,
that were not acknowledged may or may not have arrived. A span says too whether it is `excused` (no mains, and the meter
says so), `unknowable` (a sensor that lies) and `silent` (noticed by silence alone), where it is.
"""

import json
from collections.abc import Iterator, Mapping
from typing import IO

from firmware_sim.condition import Condition
from firmware_sim.faults import WHOLE_VILLAGE
from firmware_sim.scene import Scene
from firmware_sim.senses import EVIDENCE, Value
from firmware_sim.sites import SimulatedFacility

__all__ = ["TruthFile", "facility_line", "fault_lines", "spans"]

EVENT_SIGNALS = frozenset({"checkin", "cleaned", "nh3", "illuminance", "power"})
"""Signals that bear on an indicator beside those that are reported on change."""


def spans(scene: Scene, start: int, end: int) -> Iterator[dict[str, object]]:
    """What was so at each facility of a village in `[start, end)`, without gap or overlap, neighbours differing."""
    for facility in scene.village.facilities:
        if facility.kind == "power":
            continue
        for begin, until, so in Condition(scene, facility).spans(start, end):
            line: dict[str, object] = {
                "type": "span",
                "village": scene.village.code,
                "facility": facility.id,
                "kind": facility.kind,
                "start": begin / 1000,
                "end": until / 1000,
                "state": so.state,
                "cause": so.cause,
            }
            extra = {"excused": so.excused, "unknowable": so.unknowable, "silent": so.silent}
            yield line | {name: value for name, value in extra.items() if value}


def facility_line(village: str, facility: SimulatedFacility) -> dict[str, object]:
    """What a facility is held to, in seconds."""
    return {
        "type": "facility",
        "village": village,
        "facility": facility.id,
        "kind": facility.kind,
        "needs": facility.needs,
        "grace": facility.grace / 1000,
        "recovery": facility.recovery / 1000,
        "target": facility.target,
        "silence": facility.silence,
        "evidence": sorted(EVIDENCE | EVENT_SIGNALS),
        "devices": [{"id": device.id, "every": device.every / 1000} for device in facility.devices],
    }


def fault_lines(scene: Scene, start: int, end: int) -> Iterator[dict[str, object]]:
    """What went wrong in `[start, end)`."""
    for fault in scene.faults:
        if fault.start >= end or fault.end <= start:
            continue
        yield {
            "type": "fault",
            "village": fault.village,
            "facility": fault.facility,
            "device": fault.device,
            "fault": fault.kind,
            "whole_village": fault.kind in WHOLE_VILLAGE,
            "start": fault.start / 1000,
            "end": fault.end / 1000,
        }


class TruthFile:
    """Writes the lines. Not thread-safe."""

    def __init__(self, file: IO[str] | None) -> None:
        self._file = file
        self.reports = 0
        self.acknowledged = 0
        self.by_device: dict[tuple[str, str], list[int]] = {}
        """How many reports each device made, and how many were acknowledged."""

    def report(self, key: tuple[str, str], time: int, values: Mapping[str, Value], *, timed: bool, ok: bool) -> None:
        """A device's message: acknowledged by the broker, or given up."""
        self.reports += 1
        self.acknowledged += ok
        tally = self.by_device.setdefault(key, [0, 0])
        tally[0] += 1
        tally[1] += ok
        if self._file is None:
            return
        line: dict[str, object] = {"type": "report", "village": key[0], "device": key[1], "time": time / 1000}
        if not timed:
            line["timed"] = False
        self.line({**line, "values": dict(values), "acknowledged": ok})

    def gone(self, key: tuple[str, str], time: int, *, will: bool) -> None:
        """A device's session ended without a word; `will`: the broker will say so of it, once it has noticed."""
        if self._file is not None:
            self.line({"type": "gone", "village": key[0], "device": key[1], "time": time / 1000, "will": will})

    def spans(self, scene: Scene, start: int, end: int) -> None:
        """What was so in a village, and what went wrong."""
        if self._file is not None:
            for line in (*fault_lines(scene, start, end), *spans(scene, start, end)):
                self.line(line)

    def line(self, line: Mapping[str, object]) -> None:
        """Any line."""
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def flush(self) -> None:
        """Let readers see what was written."""
        if self._file is not None:
            self._file.flush()
