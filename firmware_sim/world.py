"""Many devices in many villages, stepped by time: deterministic, without network or threads.

    world = World(villages, faults, seed=7, start=now)
    for action in world.run(until=now + 60_000): …      # the driver does it, and says how it went:
    world.connected(key, now); world.lost(key, now)

The same seed, faults and answers of the driver give the same run.
"""

import heapq
import random
from collections.abc import Iterable, Iterator, Sequence

from firmware_sim.faults import Fault, Timetable
from firmware_sim.firmware import Action, Firmware
from firmware_sim.scene import Scene
from firmware_sim.sites import SimulatedVillage

__all__ = ["World"]

AHEAD = 3_600_000
"""A timetable is laid out an hour at a time."""


class World:
    """All devices of the villages from `start` (ms) on."""

    def __init__(
        self,
        villages: Sequence[SimulatedVillage],
        faults: Iterable[Fault] = (),
        *,
        seed: int,
        start: int,
        timetable: Timetable | None = None,
    ) -> None:
        self.villages = villages
        self.start = start
        known = list(faults)
        self.scenes = {village.code: Scene(village, known, seed, start) for village in villages}
        self._timetable = timetable or Timetable()
        self._laid_out = start
        self._lay_out(start)
        self.devices = {
            device.key: Firmware(
                device,
                self.scenes[village.code],
                random.Random(f"{seed}/{village.code}/{device.id}"),  # noqa: S311 - a simulation that repeats
                start,
                behind_link=not village.remote,
            )
            for village in villages
            for device in village.devices
        }
        self._heap = [(firmware.wake_at, key) for key, firmware in self.devices.items()]
        heapq.heapify(self._heap)

    @property
    def next_event(self) -> int | None:
        """When the next device wants to do something."""
        return self._heap[0][0] if self._heap else None

    def run(self, until: int) -> Iterator[Action]:
        """Let time pass up to and including `until`; what the devices do, in order."""
        self._lay_out(until)
        while self._heap and self._heap[0][0] <= until:
            time, key = heapq.heappop(self._heap)
            firmware = self.devices[key]
            if firmware.wake_at != time:  # it has been put off: its newer entry is in the heap
                continue
            yield from firmware.step(time)
            self._schedule(key)

    def connected(self, key: tuple[str, str], now: int) -> list[Action]:
        """A device's session stands; what it does then."""
        actions = self.devices[key].connected(now)
        self._schedule(key)
        return actions

    def lost(self, key: tuple[str, str], now: int) -> None:
        """A device's session broke, or was refused."""
        self.devices[key].lost(now)
        self._schedule(key)

    def _schedule(self, key: tuple[str, str]) -> None:
        heapq.heappush(self._heap, (self.devices[key].wake_at, key))

    def _lay_out(self, until: int) -> None:
        """Give the scenes the faults of the timetable that begin soon."""
        if until + AHEAD // 2 < self._laid_out:
            return
        end = until + AHEAD
        fresh = [fault for fault in self._timetable.faults(self.start, end) if fault.start >= self._laid_out]
        for scene in self.scenes.values():
            scene.add(fresh)
        self._laid_out = end
