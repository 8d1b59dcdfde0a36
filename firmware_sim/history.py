"""The past, as a village's gateway would have buffered it: readings of weeks, in numbered batches of one epoch.

The readings depend on the scene alone (faults, sun, guard). So the same seed gives the same batches, and an interrupted
history continues where it stopped.
"""

import gzip
import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from firmware_sim.faults import FaultKind
from firmware_sim.scene import EVENTS, Scene
from firmware_sim.senses import Value, sense
from firmware_sim.sites import SimulatedDevice

__all__ = ["Batch", "History"]

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
HEARTBEAT = 60 * SECOND
"""Interval of the gateway's `alive`, ms: half as often as a real one, but within the 90 s for which one holds."""
BACK = (4 * SECOND, 12 * SECOND)
"""Time to boot and join after the power returns, ms: shortest and longest."""
NOTICED = 30 * SECOND
"""Time until the village broker notices that a device is gone, ms."""
CHUNK = 12 * HOUR
"""The period of one batch, ms: well below the wire's limits of 1 MB compressed and 16 MB uncompressed."""

Record = tuple[int, str, Value]
"""Time (ms), `device/signal`, value."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch, ready to send. It covers `[start, end)`, ms."""

    village: str
    gateway: str
    epoch: str
    seq: int
    start: int
    end: int
    readings: int
    payload: bytes


class History:
    """One village's past in `[start, end)`, reported every `every` ms, as buffered by `gateway`."""

    def __init__(self, scene: Scene, gateway: str, *, start: int, end: int, every: int, seed: int) -> None:
        self.scene = scene
        self.gateway = gateway
        self.start, self.end, self._every, self._seed = start, end, every, seed
        name = f"{scene.village.code}/{gateway}/{seed}/{start}/{end}"
        self.epoch = str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://siaga.invalid/history/{name}"))

    @property
    def chunks(self) -> int:
        """The number of batches. They are numbered from 1, the oldest first."""
        return -(-(self.end - self.start) // CHUNK)

    def stretch(self, seq: int) -> tuple[int, int]:
        """Returns the period of batch `seq`, `[start, end)` in ms."""
        first = self.start + (seq - 1) * CHUNK
        return first, min(first + CHUNK, self.end)

    def batch(self, seq: int) -> Batch:
        """Returns batch `seq` in wire format."""
        start, end = self.stretch(seq)
        records = self.records(start, end)
        senml: list[dict[str, object]] = [
            {"n": name, "t": (time - start) / 1000, ("vb" if isinstance(value, bool) else "v"): value}
            for time, name, value in records
        ]
        if senml:
            senml[0]["bt"] = start / 1000
        wire = {"epoch": self.epoch, "seq": seq, "sent": end / 1000, "senml": senml}
        payload = gzip.compress(json.dumps(wire, separators=(",", ":")).encode(), compresslevel=1, mtime=0)
        return Batch(self.scene.village.code, self.gateway, self.epoch, seq, start, end, len(records), payload)

    def records(self, start: int, end: int) -> list[Record]:
        """Returns all readings with an event time in `[start, end)`, in order of time."""
        records: list[Record] = [(time, f"{self.gateway}/alive", True) for time in range(start, end, HEARTBEAT)]
        for device in self.scene.village.devices:
            records += self._device(device, start, end)
        dead = self._gateway_dead(start, end)
        if dead:
            records = [r for r in records if not any(begin <= r[0] < until for begin, until in dead)]
        return sorted(records, key=lambda record: record[0])

    def _gateway_dead(self, start: int, end: int) -> list[tuple[int, int]]:
        return [(cut, back) for cut, back in self.scene.gateway_outages() if cut < end and back > start]

    def _device(self, device: SimulatedDevice, start: int, end: int) -> Iterator[Record]:
        chance = random.Random(f"{self._seed}/{device.village}/{device.id}/{start}")  # noqa: S311
        shift = chance.randrange(self._every)
        outages = self._outages(device)
        for moment in self._moments(device, start, end, shift):
            outage = next((o for o in outages if o[0] <= moment < o[1]), None)
            if outage is not None:
                continue
            yield moment, f"{device.id}/online", True
            for signal, value in sense(device, self.scene, moment, chance).items():
                yield moment, f"{device.id}/{signal}", value
        if device.kind in EVENTS:
            for pressed in self.scene.presses(device, start - 1, end - 1):
                yield pressed, f"{device.id}/{EVENTS[device.kind][0]}", 1
        for begin, _ in outages:
            if start <= begin + NOTICED < end:
                yield begin + NOTICED, f"{device.id}/online", False

    def _moments(self, device: SimulatedDevice, start: int, end: int, shift: int) -> list[int]:
        """Returns when a device reports: periodically, and within a second of a change."""
        moments = set(range(start + shift, end, self._every))
        change = self.scene.next_change(device, start - 1)
        while change is not None and change < end:
            if device.kind not in EVENTS:
                moments.add(change + 500)
            change = self.scene.next_change(device, change)
        for _, back in self._outages(device):
            if start <= back < end:
                moments.add(back)
        return sorted(moment for moment in moments if start <= moment < end)

    def _outages(self, device: SimulatedDevice) -> list[tuple[int, int]]:
        """Returns when a device was silent: without power, or hung."""
        chance = random.Random(f"{self._seed}/{device.village}/{device.id}/back")  # noqa: S311
        cuts = self.scene.outages(device) + self.scene.stretches(FaultKind.DEVICE_HANG, device)
        return [(cut, back + int(chance.uniform(*BACK))) for cut, back in cuts]
