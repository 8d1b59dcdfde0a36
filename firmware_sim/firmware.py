"""One device: how it boots, joins, reports, hangs, loses its link and comes back. A state machine stepped by time.

It asks its driver for things by `Action`s and is told by `connected`, `lost` and `refused` how they went. It knows no
clock: every call says what time it is, and `wake_at` when it wants to be called next.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from firmware_sim.faults import FaultKind
from firmware_sim.scene import Scene
from firmware_sim.senses import EVIDENCE, Value, sense
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Dialect, Packet, dialect

__all__ = ["Action", "Connect", "Firmware", "Freeze", "Phase", "Send", "Vanish"]

SECOND, MINUTE = 1_000, 60_000
BOOT = (1.5 * SECOND, 6 * SECOND)
JOIN = (1 * SECOND, 4 * SECOND)
"""Finding the access point and getting an address."""
BACK_OFF = (2 * SECOND, 60 * SECOND)
"""The first pause after a connection that failed, doubling up to the longest."""
JITTER = 0.05
"""A cheap crystal and a busy loop: reports come up to 5 % early or late."""
SAMPLE = 1 * SECOND
"""A firmware looks at its inputs at least so often: a change is reported within it."""


class Phase(StrEnum):
    """What a device is doing."""

    DARK = "dark"
    BOOTING = "booting"
    JOINING = "joining"
    CONNECTING = "connecting"
    ONLINE = "online"
    WAITING = "waiting"
    HUNG = "hung"


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a session with this last will."""

    device: SimulatedDevice
    will: Packet


@dataclass(frozen=True, slots=True)
class Send:
    """Publish with QoS 1."""

    device: SimulatedDevice
    packet: Packet
    time: int


@dataclass(frozen=True, slots=True)
class Vanish:
    """Break the connection without a word: the power went."""

    device: SimulatedDevice


@dataclass(frozen=True, slots=True)
class Freeze:
    """Keep the socket open and do nothing with it: the device hangs, or its cable is cut."""

    device: SimulatedDevice


Action = Connect | Send | Vanish | Freeze


class Firmware:
    """The state machine of one device. `behind_link`: the broker is on the far side of the village's link."""

    def __init__(
        self, device: SimulatedDevice, scene: Scene, chance: random.Random, start: int, *, behind_link: bool
    ) -> None:
        self.device = device
        self.phase = Phase.DARK
        self.wake_at = start + int(chance.uniform(0, 2 * SECOND))
        self.reboots = 0
        self._scene = scene
        self._chance = chance
        self._behind_link = behind_link
        self._dialect: Dialect = dialect(device, scene.village.zone)
        self._told: dict[str, Value] = {}
        self._next_report = start
        self._last_look = start
        self._pause = BACK_OFF[0]

    def step(self, now: int) -> list[Action]:
        """Do what is due."""
        if not self._powered(now):
            return self._go_dark(now)
        if self._hanging(now):
            return self._hang(now)
        return self._proceed(now)

    def _proceed(self, now: int) -> list[Action]:
        """Go on, with power and a running program."""
        actions: list[Action] = []
        match self.phase:
            case Phase.DARK | Phase.HUNG:
                actions = self._boot(now)
            case Phase.BOOTING:
                self._enter(Phase.JOINING, now, self._chance.uniform(*JOIN))
            case Phase.JOINING | Phase.WAITING:
                actions = self._connect(now)
            case Phase.ONLINE:
                actions = self._freeze(now) if self._cut_off(now) else self._report(now)
            case Phase.CONNECTING:  # the driver has not said how it went: a timeout of the firmware's own
                actions = [*self._wait(now), Vanish(self.device)]
        return actions

    def connected(self, now: int) -> list[Action]:
        """The broker accepted the session: birth, then everything it knows."""
        self.phase, self._pause = Phase.ONLINE, BACK_OFF[0]
        self._next_report = now
        birth: list[Action] = [Send(self.device, packet, now) for packet in self._dialect.birth()]
        return birth + self._report(now)

    def lost(self, now: int) -> None:
        """The connection broke, or was refused."""
        if self.phase in (Phase.ONLINE, Phase.CONNECTING):
            self._wait(now)

    def _powered(self, now: int) -> bool:
        battery = self.device.kind in ("power", "night_guard", "gate")  # a UPS, a button cell, a contact's battery
        return battery or self._scene.mains(now)

    def _hanging(self, now: int) -> bool:
        return self._scene.on(FaultKind.DEVICE_HANG, self.device, now) is not None

    def _cut_off(self, now: int) -> bool:
        return self._behind_link and self._scene.on(FaultKind.LINK_CUT, self.device, now) is not None

    def _enter(self, phase: Phase, now: int, lasts: float) -> list[Action]:
        self.phase, self.wake_at = phase, now + int(lasts)
        return []

    def _go_dark(self, now: int) -> list[Action]:
        was = self.phase
        self._enter(Phase.DARK, now, (self._scene.next_change(self.device, now) or now + MINUTE) - now)
        return [Vanish(self.device)] if was in (Phase.ONLINE, Phase.CONNECTING, Phase.HUNG, Phase.WAITING) else []

    def _hang(self, now: int) -> list[Action]:
        was = self.phase
        self._enter(Phase.HUNG, now, (self._scene.next_change(self.device, now) or now + MINUTE) - now)
        return [Freeze(self.device)] if was is Phase.ONLINE else []

    def _boot(self, now: int) -> list[Action]:
        was = self.phase
        self.reboots += 1
        self._told.clear()
        self._last_look = now
        self._enter(Phase.BOOTING, now, self._chance.uniform(*BOOT))
        return [Vanish(self.device)] if was is Phase.HUNG else []

    def _connect(self, now: int) -> list[Action]:
        if self._cut_off(now):
            return self._wait(now)
        self._enter(Phase.CONNECTING, now, 30 * SECOND)
        return [Connect(self.device, self._dialect.will)]

    def _wait(self, now: int) -> list[Action]:
        self._enter(Phase.WAITING, now, self._pause * self._chance.uniform(0.7, 1.0))
        self._pause = min(self._pause * 2, BACK_OFF[1])
        return []

    def _freeze(self, now: int) -> list[Action]:
        self._wait(now)
        return [Freeze(self.device)]

    def _report(self, now: int) -> list[Action]:
        """The periodic report, or only what changed since the last look."""
        values = sense(self.device, self._scene, now, self._chance)
        packets: list[Packet] = []
        if self.device.kind == "night_guard":
            for pressed in self._scene.rounds(self.device, self._last_look, now):
                packets += self._dialect.change({"checkin": 1}, pressed)
        if now >= self._next_report:
            packets += self._dialect.report(values, now)
            every = self.device.report_every
            self._next_report = now + int(every * self._chance.uniform(1 - JITTER, 1 + JITTER))
        else:
            changed = {name: value for name, value in values.items() if name in EVIDENCE and self._told[name] != value}
            packets += self._dialect.change(changed, now) if changed else []
        self._told.update(values)
        self._last_look = now
        change = self._scene.next_change(self.device, now)
        delay = int(self._chance.uniform(0, SAMPLE))  # when within its round of looking the firmware sees it
        self.wake_at = min(self._next_report, self._next_report if change is None else change + delay)
        return [Send(self.device, packet, now) for packet in packets]
