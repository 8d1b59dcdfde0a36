"""The ground truth as JSON lines: the state of every facility, all faults, and what every device sent.

    {"type":"run","scenario":"quiet-day","seed":1,"start":…,"end":…,"live":true,"speed":1,"sent_from":…,"sent_until":…}
    {"type":"village","village":…,"offline_after":300.0,"played":false}
    {"type":"facility","village":…,"facility":…,"kind":"gate","grace":300.0,…,"devices":[{"id":…,"every":60.0}]}
    {"type":"fault","village":…,"facility":null,"device":null,"fault":"mains_cut","start":…,"end":…}
    {"type":"span","village":…,"facility":…,"kind":…,"start":1767225600.0,"end":…,"state":"failed","cause":"gate_closed"}
    {"type":"report","village":…,"device":…,"time":1767225601.25,"values":{"gate_open":false},"acknowledged":true}
    {"type":"gone","village":…,"device":…,"time":1767225700.0,"will":true}
    {"type":"heard","village":…,"start":…,"end":…,"acknowledged":false}
    {"type":"device","village":…,"device":…,"sent":1440,"acknowledged":1439,"boots":1}
    {"type":"complaint","village":…,"facility":…,"problem":"gate_closed","time":…,"id":"k7w2…","sensors":"met"}

Times are Unix seconds. A report's `time` is the time in its message. A report without one has `"timed":false`: siaga
uses the time of receipt, which is `time` plus the time in transit. A report, or a heartbeat by which a gateway was
`heard`, that was not acknowledged may or may not have arrived. A span may be `excused` (no mains, and the meter reports
it), `unknowable` (a sensor reports wrong values) or `silent` (it shows as silence only). A citizen's complaint that was
not taken has no `id`. `sensors`: what the facility's devices reported then, `null` if that is uncertain.
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
"""Signals that decide an indicator, in addition to those in `EVIDENCE`."""


def spans(scene: Scene, start: int, end: int) -> Iterator[dict[str, object]]:
    """Yields the states of each facility of a village in `[start, end)`, without gap or overlap. Neighbours differ."""
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
    """Returns the requirements of a facility; durations in seconds."""
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
    """Yields the faults in `[start, end)`."""
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
        """By device, how many reports it made, and how many were acknowledged."""

    def report(self, key: tuple[str, str], time: int, values: Mapping[str, Value], *, timed: bool, ok: bool) -> None:
        """Record a device's message. `ok`: the broker acknowledged it; otherwise it was given up."""
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
        """Record a session that ended without a disconnect. `will`: the broker will publish a last will for it."""
        if self._file is not None:
            self.line({"type": "gone", "village": key[0], "device": key[1], "time": time / 1000, "will": will})

    def spans(self, scene: Scene, start: int, end: int) -> None:
        """Write the states and faults of a village in `[start, end)`."""
        if self._file is not None:
            for line in (*fault_lines(scene, start, end), *spans(scene, start, end)):
                self.line(line)

    def line(self, line: Mapping[str, object]) -> None:
        """Write a line."""
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def flush(self) -> None:
        """Flush the file, so that readers see all lines."""
        if self._file is not None:
            self._file.flush()
