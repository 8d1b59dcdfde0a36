"""A broken or malicious device: it floods its neighbours' topics with invalid messages."""

import json
import random
from collections.abc import Callable

from firmware_sim.actions import Action, Connect, Leave, Send
from firmware_sim.faults import FaultKind
from firmware_sim.scene import Scene
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Packet

__all__ = ["HOSTILE", "Hostile", "rubbish"]

SECOND, MINUTE = 1_000, 60_000
HOSTILE = "penyerang"
"""Its id in the truth file. It is not in the sites file."""
EVERY = 200
"""The interval of its messages, ms."""

_NO_NUMBERS: tuple[object, ...] = ("satu", None, [], {})
_PAYLOADS: tuple[Callable[[random.Random], bytes], ...] = (
    lambda chance: chance.randbytes(chance.randint(1, 400)),
    lambda _: b"[" * 4_000,
    lambda _: b'[{"n":"gate_open","vb":true',
    lambda _: b'[{"n":"battery","v":NaN}]',
    lambda _: b'[{"n":"battery","v":1e999}]',
    lambda _: b'[{"n":"gate_open","vs":"<script>alert(1)</script>"}]',
    lambda _: b'[{"n":"' + b"x" * 3_000 + b'","v":1}]',
    lambda _: b"x" * 70_000,
    lambda _: json.dumps([{"n": "battery", "v": n} for n in _NO_NUMBERS]).encode(),
)


def rubbish(chance: random.Random) -> bytes:
    """Returns a payload that is unreadable or must be refused. It never holds a valid value."""
    return chance.choice(_PAYLOADS)(chance)


class Hostile:
    """The hostile device of a village, while the fault is active. It uses ids of known and of unknown devices."""

    def __init__(self, scene: Scene, chance: random.Random, start: int) -> None:
        self._scene, self._chance = scene, chance
        self.wake_at = start
        self.reboots = 1
        self.online = False
        self.speaks_for: list[SimulatedDevice] = []
        self.device = SimulatedDevice(
            village=scene.village.code,
            facility="",
            kind=HOSTILE,
            id=HOSTILE,
            adapter="senml",
            address=HOSTILE,
            every=MINUTE,
            report_every=MINUTE,
            map={},
            invert=frozenset(),
        )

    def step(self, now: int) -> list[Action]:
        """Returns the next action: connect, publish, or leave."""
        if self._scene.here(FaultKind.HOSTILE_DEVICE, now) is None:
            self.wake_at = self._next_change(now)
            was, self.online = self.online, False
            return [Leave(self.device)] if was else []
        if not self.online:
            self.wake_at = now + 5 * SECOND
            return [Connect(self.device, None)]
        self.wake_at = now + EVERY
        return [Send(self.device, Packet(self._topic(), rubbish(self._chance)), now, self.device.key)]

    def connected(self, now: int) -> list[Action]:
        """Handle an accepted session."""
        self.online = True
        self.wake_at = now
        return []

    def lost(self, now: int) -> None:
        """Handle a lost session: it reconnects after a second."""
        self.online = False
        self.wake_at = now + SECOND

    def _topic(self) -> str:
        village = self._scene.village.code
        own = [device.id for device in self._scene.village.devices if device.adapter == "senml"]
        return f"siaga/v1/{village}/{self._chance.choice([HOSTILE, 'hantu', *own])}/senml"

    def _next_change(self, now: int) -> int:
        starts = [f.start for f in self._scene.faults if f.kind is FaultKind.HOSTILE_DEVICE and f.start > now]
        return min(starts, default=now + MINUTE)
