"""Simulates many devices in many villages: deterministic, without network or threads.

    world = World(villages, faults, seed=7, start=now)
    for action in world.run(until=now + 60_000): …      # the driver carries it out, and reports the result:
    world.connected(key, now); world.lost(key, now)

The same seed, faults and results of the driver give the same run.
"""

import heapq
import random
from collections.abc import Iterable, Iterator, Sequence

from firmware_sim.actions import Action, Drop, Key, Send
from firmware_sim.bridge import Bridge
from firmware_sim.faults import Fault, FaultKind
from firmware_sim.firmware import Firmware
from firmware_sim.hostile import Hostile
from firmware_sim.link import SlowLink
from firmware_sim.scene import Scene
from firmware_sim.sites import SimulatedVillage
from firmware_sim.timetable import Timetable

__all__ = ["World"]

SWITCHED_ON = 2_000
"""All devices are switched on within this time, ms; in a district within 3 ms per device, as a broker can accept."""
AHEAD = 3_600_000
"""How far ahead the faults of a timetable are computed, ms."""


class World:
    """All devices of the villages, from `start` (ms). `devices`: those with their own session, by village and id."""

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
        self._seed = seed
        known = list(faults)
        self.scenes = {village.code: Scene(village, known, seed, start) for village in villages}
        self._timetable = timetable or Timetable()
        self._laid_out = start
        self._lay_out(start)
        self._switched_on = max(SWITCHED_ON, 3 * sum(len(village.devices) for village in villages))
        self.devices: dict[Key, Firmware | Hostile] = {}
        for village in villages:
            self._settle(village)
        self._heap = [(firmware.wake_at, key) for key, firmware in self.devices.items()]
        heapq.heapify(self._heap)
        self._links = {v.code: SlowLink(self._chance(v.code, "link")) for v in villages if not v.remote}
        self._held: list[tuple[int, int, Send]] = []
        self._number = 0

    def _settle(self, village: SimulatedVillage) -> None:
        """Create the village's devices."""
        scene = self.scenes[village.code]
        zigbee = [device for device in village.devices if device.adapter == "zigbee2mqtt"]
        for device in village.devices:
            if device.adapter != "zigbee2mqtt":
                chance = self._chance(village.code, device.id)
                behind = not village.remote
                on = self.start + int(chance.uniform(0, self._switched_on))
                self.devices[device.key] = Firmware(device, scene, chance, on, behind_link=behind)
        if zigbee:
            chance = self._chance(village.code, "zigbee2mqtt")
            on = self.start + int(chance.uniform(0, self._switched_on))
            bridge = Bridge(zigbee, scene, chance, on, behind_link=not village.remote)
            self.devices[bridge.device.key] = bridge
        if any(kind is FaultKind.HOSTILE_DEVICE for kind in self._kinds(village)):
            hostile = Hostile(scene, self._chance(village.code, "penyerang"), self.start)
            self.devices[hostile.device.key] = hostile

    def _kinds(self, village: SimulatedVillage) -> set[FaultKind]:
        planned = {line.fault for line, struck in self._timetable.lines if village.code in dict(struck)}
        return planned | {fault.kind for fault in self.scenes[village.code].faults}

    def _chance(self, village: str, who: str) -> random.Random:
        return random.Random(f"{self._seed}/{village}/{who}")  # noqa: S311 - a simulation that repeats

    @property
    def next_event(self) -> int | None:
        """When a device acts next, or a message arrives over a slow link, ms; `None` if never."""
        moments = [some[0][0] for some in (self._heap, self._held) if some]
        return min(moments, default=None)

    def run(self, until: int) -> Iterator[Action]:
        """Simulate up to and including `until` (ms). Yields the devices' actions in order."""
        self._lay_out(until)
        while (time := self.next_event) is not None and time <= until:
            if self._held and self._held[0][0] == time:
                yield heapq.heappop(self._held)[2]
                continue
            time, key = heapq.heappop(self._heap)
            firmware = self.devices[key]
            if firmware.wake_at != time:  # it was rescheduled, and has a newer entry in the heap
                continue
            yield from self._through(firmware.step(time))
            self._schedule(key)

    def connected(self, key: Key, now: int) -> list[Action]:
        """Report that a device's session was accepted. Returns its next actions."""
        actions = list(self._through(self.devices[key].connected(now)))
        self._schedule(key)
        return actions

    def lost(self, key: Key, now: int) -> list[Action]:
        """Report that a device's session broke or was refused. Returns the packets lost with it."""
        self.devices[key].lost(now)
        self._schedule(key)
        return list(self._dropped(key))

    def _through(self, actions: Iterable[Action]) -> Iterator[Action]:
        """Yields the actions that pass the link at once, and lost packets. A slow link delays the rest."""
        for action in actions:
            if not isinstance(action, Send):
                yield from self._dropped(action.device.key)
                yield action
                continue
            code = action.session[0]
            slow = code in self._links and self.scenes[code].here(FaultKind.LINK_SLOW, action.time)
            if not slow and not any(send.session == action.session for _, _, send in self._held):
                yield action
                continue
            size = len(action.packet.topic) + len(action.packet.payload)
            self._number += 1
            arrives = self._links[code].arrives(action.session, size, action.time)
            heapq.heappush(self._held, (arrives, self._number, action))

    def _dropped(self, key: Key) -> Iterator[Drop]:
        """Yields the packets that were in flight when a session ended."""
        gone = [send for _, _, send in self._held if send.session == key]
        if gone:
            self._held = [entry for entry in self._held if entry[2].session != key]
            heapq.heapify(self._held)
        for send in gone:
            yield Drop(send.device, send.packet, send.time)

    def _schedule(self, key: Key) -> None:
        heapq.heappush(self._heap, (self.devices[key].wake_at, key))

    def _lay_out(self, until: int) -> None:
        """Add the timetable's faults that begin soon to the scenes."""
        if until + AHEAD // 2 < self._laid_out:
            return
        end = until + AHEAD
        fresh = [fault for fault in self._timetable.faults(self.start, end) if fault.start >= self._laid_out]
        for scene in self.scenes.values():
            scene.add(fresh)
        self._laid_out = end
