"""The ground truth as JSON lines: what was so at every facility, and what every device sent.

    {"type":"span","village":…,"facility":…,"kind":…,"start":1767225600.0,"end":…,"state":"failed","cause":"gate_closed"}
    {"type":"report","village":…,"device":…,"time":1767225601.25,"values":{"gate_open":false},"acknowledged":true}

Times are Unix seconds. A report that carries no time of its own says `"timed":false`: siaga knows it by its receipt.
Reports that were not acknowledged by the broker may or may not have arrived.
"""

import json
from collections.abc import Iterator, Mapping
from typing import IO

from firmware_sim.scene import Scene
from firmware_sim.senses import Value
from firmware_sim.sites import SimulatedDevice

__all__ = ["TruthFile", "spans"]


def spans(scene: Scene, start: int, end: int) -> Iterator[dict[str, object]]:
    """What was so at each facility of a village in `[start, end)`, without gap or overlap, neighbours differing."""
    facilities: dict[str, list[SimulatedDevice]] = {}
    for device in scene.village.devices:
        facilities.setdefault(device.facility, []).append(device)
    for facility, devices in facilities.items():
        if devices[0].kind == "power":
            continue
        moments = [*scene.truth_moments(devices, start, end), end]
        began, so = start, scene.truth(devices, start)
        for moment in moments[1:]:
            after = scene.truth(devices, moment) if moment < end else None
            if after == so:
                continue
            yield {
                "type": "span",
                "village": scene.village.code,
                "facility": facility,
                "kind": devices[0].kind,
                "start": began / 1000,
                "end": moment / 1000,
                "state": so.state,
                "cause": so.cause,
            }
            if after is not None:
                began, so = moment, after


class TruthFile:
    """Writes the lines. Not thread-safe."""

    def __init__(self, file: IO[str] | None) -> None:
        self._file = file
        self.reports = 0
        self.acknowledged = 0

    def report(self, key: tuple[str, str], time: int, values: Mapping[str, Value], *, timed: bool, ok: bool) -> None:
        """A device's message: acknowledged by the broker, or given up."""
        self.reports += 1
        self.acknowledged += ok
        if self._file is None:
            return
        line: dict[str, object] = {"type": "report", "village": key[0], "device": key[1], "time": time / 1000}
        if not timed:
            line["timed"] = False
        self._write({**line, "values": dict(values), "acknowledged": ok})

    def spans(self, scene: Scene, start: int, end: int) -> None:
        """What was so in a village."""
        if self._file is not None:
            for span in spans(scene, start, end):
                self._write(span)

    def _write(self, line: Mapping[str, object]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def flush(self) -> None:
        """Let readers see what was written."""
        if self._file is not None:
            self._file.flush()
