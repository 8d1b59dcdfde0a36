"""The simulated broker of a played village. Devices connect to it within this process, with last wills.

The devices of a village with `gateway: remote` are not on the centre's broker. The centre gets only what their gateway
sends.
"""

from collections.abc import Iterable

from firmware_sim.actions import Action, Connect, Drop, Freeze, Key, Leave, Send, Vanish
from firmware_sim.bridge import BRIDGE
from firmware_sim.hostile import HOSTILE
from firmware_sim.sites import SimulatedDevice
from firmware_sim.village_gateway import VillageGateway
from firmware_sim.wire import Packet
from firmware_sim.world import World

__all__ = ["VillageBroker"]

NOTICED = 30_000
"""Time until the broker closes a silent session, ms: one and a half times a keep-alive of 20 s."""


class VillageBroker:
    """The sessions of one village. `thrown`: packets of a hostile device, for the centre's broker."""

    def __init__(self, world: World, gateway: VillageGateway) -> None:
        self._world, self.gateway = world, gateway
        self._sessions: dict[Key, Packet | None] = {}
        self._dying: dict[Key, tuple[int, Packet | None]] = {}
        self._up = False
        self.thrown: list[Packet] = []
        self.refused: list[tuple[SimulatedDevice, Packet, int]] = []
        """Packets that no broker took, with their devices and times (ms)."""

    @property
    def online(self) -> int:
        """The number of devices with a session."""
        return len(self._sessions)

    def do(self, actions: Iterable[Action], now: int) -> None:
        """Carry out the actions of the village's devices."""
        for action in actions:
            key = action.device.key
            match action:
                case Connect(will=will):
                    self._connect(key, will, now)
                case Send(packet=packet, session=session):
                    if action.device.id == HOSTILE:
                        self.thrown.append(packet)
                    elif session in self._sessions:
                        self.gateway.hear(action.device.id, packet, now)
                    else:
                        self.refused.append((action.device, packet, action.time))
                case Drop(packet=packet):
                    self.refused.append((action.device, packet, action.time))
                case Leave():
                    self._sessions.pop(key, None)
                case Vanish() | Freeze():
                    if key in self._sessions:
                        self._dying[key] = (now + NOTICED, self._sessions.pop(key))

    def tick(self, now: int) -> None:
        """Close the sessions that timed out, and all of them if the broker loses power."""
        up = self.gateway.broker_up(now)
        if self._up and not up:
            for key in list(self._sessions):
                self._sessions.pop(key)
                self.do(self._world.lost(key, now), now)
            self._dying.clear()
        self._up = up
        for key, (moment, will) in list(self._dying.items()):
            if moment <= now:
                del self._dying[key]
                self._die(key, will, now)

    def _connect(self, key: Key, will: Packet | None, now: int) -> None:
        self._up = self.gateway.broker_up(now)
        if not self._up:
            self.do(self._world.lost(key, now), now)
            return
        if (dying := self._dying.pop(key, None)) is not None:  # taken over: the broker publishes the will at once
            self._die(key, dying[1], now)
        self._sessions[key] = will
        self.do(self._world.connected(key, now), now)

    def _die(self, key: Key, will: Packet | None, now: int) -> None:
        if will is None:
            return
        if key[1] != BRIDGE:
            self.gateway.hear(key[1], will, now)
            return
        for device in self.gateway.scene.village.devices:  # a bridge's last will is one for all its devices
            if device.adapter == "zigbee2mqtt":
                self.gateway.hear(device.id, Packet(will.topic, will.payload, values={"online": False}), now)
