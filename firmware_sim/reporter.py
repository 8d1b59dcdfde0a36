"""The part of a device's firmware that measures and reports: periodically with jitter, and on change."""

import random

from firmware_sim.device_clock import DeviceClock
from firmware_sim.faults import FaultKind
from firmware_sim.scene import EVENTS, Scene
from firmware_sim.senses import EVIDENCE, Value, sense
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Dialect, Packet, Stamp

__all__ = ["Reporter"]

SECOND = 1_000
JITTER = 0.05
"""Reports are up to 5 % early or late, because of a cheap crystal and a busy loop."""
SAMPLE = 1 * SECOND
"""The longest interval at which firmware reads its inputs, ms. A change is reported within it."""


class Reporter:
    """Measures for one device, and reports in its dialect and with its clock."""

    def __init__(
        self, device: SimulatedDevice, scene: Scene, chance: random.Random, dialect: Dialect, clock: DeviceClock
    ) -> None:
        self.device, self.dialect, self.clock = device, dialect, clock
        self._scene, self._chance = scene, chance
        self._told: dict[str, Value] = {}
        self._next_report = self._last_look = scene.start
        self.wake_at = scene.start
        # The devices of a real district do not start at one moment, so the first interval is shortened at random.
        self._phase = chance.uniform(0.05, 1.0)

    def boot(self, now: int) -> None:
        """Restart without any reported value. From now on, a press of the button is kept until it can be reported."""
        self._told.clear()
        self._last_look = now

    def join(self, now: int) -> list[Packet]:
        """Handle an accepted session. Returns the birth and a full report."""
        self.clock.joined(now)
        self._next_report = now
        return [*self.dialect.birth(self.stamp(now)), *self.look(now)]

    def stamp(self, now: int) -> Stamp:
        """Returns what the device's clock reads."""
        return self.clock.stamp(now, never=self._scene.on(FaultKind.CLOCK_1970, self.device, now) is not None)

    def look(self, now: int) -> list[Packet]:
        """Returns the periodic report if it is due, else the changes since the last call. Sets `wake_at`."""
        values = sense(self.device, self._scene, now, self._chance)
        packets = self._pressed(now)
        if now >= self._next_report:
            packets += self.dialect.report(values, self.stamp(now))
            every = self.device.report_every * self._chance.uniform(1 - JITTER, 1 + JITTER)
            self._next_report = now + int(every * self._phase)
            self._phase = 1.0
        else:
            changed = {name: v for name, v in values.items() if name in EVIDENCE and self._told.get(name) != v}
            packets += self.dialect.change(changed, self.stamp(now)) if changed else []
        self._told.update(values)
        self._last_look = now
        change = self._scene.next_change(self.device, now)
        delay = int(self._chance.uniform(0, SAMPLE))  # until the firmware reads its inputs
        self.wake_at = min(self._next_report, self._next_report if change is None else change + delay)
        return packets

    def _pressed(self, now: int) -> list[Packet]:
        if self.device.kind not in EVENTS:
            return []
        signal, _ = EVENTS[self.device.kind]
        presses = self._scene.presses(self.device, self._last_look, now)
        return [packet for moment in presses for packet in self.dialect.change({signal: 1}, self.stamp(moment))]
