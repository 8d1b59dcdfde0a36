"""One device with its own session: how it boots, joins, reports, hangs, loses its link and reconnects.

A state machine. It requests network operations as `Action`s; the driver reports the results with `connected` and
`lost`. It has no clock: each call passes the time, and `wake_at` is when the next call is due.
"""

import random
from enum import StrEnum

from firmware_sim.actions import Action, Connect, Freeze, Leave, Send, Vanish
from firmware_sim.device_clock import DeviceClock
from firmware_sim.dialects import dialect
from firmware_sim.faults import FaultKind
from firmware_sim.reporter import Reporter
from firmware_sim.scene import Scene
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Packet

__all__ = ["Firmware", "Phase"]

SECOND, MINUTE = 1_000, 60_000
BOOT = (1.5 * SECOND, 6 * SECOND)
JOIN = (1 * SECOND, 4 * SECOND)
"""Time to find the access point and get an address, ms: shortest and longest."""
BACK_OFF = (2 * SECOND, 60 * SECOND)
"""Back-off after a failed connection, ms: it doubles from the first to the longest."""


class Phase(StrEnum):
    """The state of a device."""

    DARK = "dark"
    BOOTING = "booting"
    JOINING = "joining"
    CONNECTING = "connecting"
    ONLINE = "online"
    WAITING = "waiting"
    HUNG = "hung"


class Firmware:
    """The state machine of one session. `behind_link`: the broker is on the far side of the village's link."""

    def __init__(
        self, device: SimulatedDevice, scene: Scene, chance: random.Random, start: int, *, behind_link: bool
    ) -> None:
        self.device = device
        self.phase = Phase.DARK
        self.wake_at = start
        self._scene = scene
        self._chance = chance
        self._behind_link = behind_link
        self._clock = DeviceClock(chance)
        self._reporters = self._programs()
        self._pause = BACK_OFF[0]

    def _programs(self) -> list[Reporter]:
        """Returns the reporters of this session: the device itself."""
        spoken = dialect(self.device, self._scene.village.zone)
        return [Reporter(self.device, self._scene, self._chance, spoken, self._clock)]

    @property
    def speaks_for(self) -> list[SimulatedDevice]:
        """The devices that report over this session."""
        return [each.device for each in self._reporters]

    @property
    def reboots(self) -> int:
        """The number of boots."""
        return self._clock.boots

    def step(self, now: int) -> list[Action]:
        """Returns the actions that are due at `now`."""
        if not self._powered(now):
            return self._go_dark(now)
        if self._scene.on(FaultKind.DEVICE_HANG, self.device, now) is not None:
            return self._hang(now)
        return self._proceed(now)

    def _proceed(self, now: int) -> list[Action]:
        """Returns the next actions of a device with power and a running program."""
        actions: list[Action] = []
        match self.phase:
            case Phase.DARK | Phase.HUNG:
                actions = self._boot(now)
            case Phase.BOOTING:
                self._enter(Phase.JOINING, now, self._chance.uniform(*JOIN))
            case Phase.JOINING | Phase.WAITING:
                actions = self._connect(now)
            case Phase.ONLINE:
                actions = self._live(now)
            case Phase.CONNECTING:  # no result from the driver: the firmware's own timeout
                actions = [*self._wait(now), Vanish(self.device)]
        return actions

    def _live(self, now: int) -> list[Action]:
        if self._cut_off(now):
            return [*self._wait(now), Freeze(self.device)]
        if self._refused(now):
            return [*self._wait(now), Leave(self.device)]
        return self._look(now)

    def connected(self, now: int) -> list[Action]:
        """Handle a session that the broker accepted. Returns the birth and a full report."""
        self.phase, self._pause = Phase.ONLINE, BACK_OFF[0]
        actions = [send for each in self._reporters for send in self._sends(each, each.join(now), now)]
        self._sleep()
        return actions

    def lost(self, now: int) -> None:
        """Handle a connection that broke or was refused."""
        if self.phase in (Phase.ONLINE, Phase.CONNECTING):
            self._wait(now)

    def _look(self, now: int) -> list[Action]:
        """Returns the reports that are due."""
        actions = [
            send for each in self._reporters if each.wake_at <= now for send in self._sends(each, each.look(now), now)
        ]
        self._sleep()
        return actions

    def _sleep(self) -> None:
        self.wake_at = min(each.wake_at for each in self._reporters)

    def _sends(self, reporter: Reporter, packets: list[Packet], now: int) -> list[Action]:
        return [Send(reporter.device, packet, now, self.device.key) for packet in packets]

    def _powered(self, now: int) -> bool:
        return self._scene.powered(self.device, now)

    def _next_change(self, now: int) -> int | None:
        return self._scene.next_change(self.device, now)

    def _cut_off(self, now: int) -> bool:
        return self._behind_link and self._scene.here(FaultKind.LINK_CUT, now) is not None

    def _refused(self, now: int) -> bool:
        """Returns whether the broker refuses connections, as if it restarted. The real broker keeps running."""
        return self._behind_link and self._scene.here(FaultKind.BROKER_RESTART, now) is not None

    def _enter(self, phase: Phase, now: int, lasts: float) -> list[Action]:
        self.phase, self.wake_at = phase, now + int(lasts)
        return []

    def _go_dark(self, now: int) -> list[Action]:
        was = self.phase
        self._enter(Phase.DARK, now, (self._next_change(now) or now + MINUTE) - now)
        return [Vanish(self.device)] if was in (Phase.ONLINE, Phase.CONNECTING, Phase.HUNG, Phase.WAITING) else []

    def _hang(self, now: int) -> list[Action]:
        was = self.phase
        self._enter(Phase.HUNG, now, (self._next_change(now) or now + MINUTE) - now)
        return [Freeze(self.device)] if was is Phase.ONLINE else []

    def _boot(self, now: int) -> list[Action]:
        was = self.phase
        self._clock.boot(now)
        for each in self._reporters:
            each.boot(now)
        self._enter(Phase.BOOTING, now, self._chance.uniform(*BOOT))
        return [Vanish(self.device)] if was is Phase.HUNG else []

    def _connect(self, now: int) -> list[Action]:
        if self._cut_off(now) or self._refused(now):
            return self._wait(now)
        self._enter(Phase.CONNECTING, now, 30 * SECOND)
        return [Connect(self.device, self._will)]

    @property
    def _will(self) -> Packet | None:
        return self._reporters[0].dialect.will

    def _wait(self, now: int) -> list[Action]:
        self._enter(Phase.WAITING, now, self._pause * self._chance.uniform(0.7, 1.0))
        self._pause = min(self._pause * 2, BACK_OFF[1])
        return []
