"""A Zigbee bridge: one MQTT session for all contacts, plugs and buttons behind it.

The bridge runs on the village's mains and its gateway's battery. Once a minute it checks its devices. One that was not
heard for ten minutes is reported as unavailable.
"""

import random
from collections.abc import Sequence

from firmware_sim.actions import Action, Send
from firmware_sim.dialects import Zigbee2mqtt, Zigbee2mqttBridge, base_topic
from firmware_sim.faults import FaultKind
from firmware_sim.firmware import Firmware
from firmware_sim.reporter import Reporter
from firmware_sim.scene import GATEWAY, Scene
from firmware_sim.sites import SimulatedDevice
from firmware_sim.wire import Packet

__all__ = ["BRIDGE", "Bridge"]

SECOND, MINUTE = 1_000, 60_000
BRIDGE = "zigbee2mqtt"
"""The bridge's id in the truth file. It is not in the sites file."""
AWAY_AFTER = 10 * MINUTE
"""Zigbee2MQTT's default timeout of mains-powered devices. Battery devices have 25 hours."""


class Bridge(Firmware):
    """The bridge of a village, with its devices."""

    def __init__(
        self, devices: Sequence[SimulatedDevice], scene: Scene, chance: random.Random, start: int, *, behind_link: bool
    ) -> None:
        self._devices = devices
        self._base = base_topic(scene.village)
        self._bridge = Zigbee2mqttBridge(self._base, devices)
        self._spoken = {device.id: Zigbee2mqtt(device, self._base) for device in devices}
        self._heard: dict[str, int] = {}
        self._away: set[str] = set()
        self._looked = start
        own = SimulatedDevice(
            village=scene.village.code,
            facility="",
            kind=GATEWAY,
            id=BRIDGE,
            adapter="zigbee2mqtt",
            address=self._base,
            every=MINUTE,
            report_every=MINUTE,
            map={},
            invert=frozenset(),
        )
        super().__init__(own, scene, chance, start, behind_link=behind_link)

    def _programs(self) -> list[Reporter]:
        scene, chance, spoken = self._scene, self._chance, self._spoken
        return [Reporter(each, scene, chance, spoken[each.id], self._clock) for each in self._devices]

    def connected(self, now: int) -> list[Action]:
        """Returns the bridge's own birth, then the birth and state of each device that it hears."""
        birth = self._bridge.birth(self._reporters[0].stamp(now))
        first: list[Action] = [Send(self.device, packet, now, self.device.key) for packet in birth]
        self._away.clear()
        self._looked = now
        return first + super().connected(now)

    def _look(self, now: int) -> list[Action]:
        actions: list[Action] = []
        self._looked = now
        for each in self._reporters:
            key = each.device.id
            if not self._hears(each, now):
                each.wake_at = now + MINUTE
                if key not in self._away and now - self._heard.get(key, now) >= AWAY_AFTER:
                    self._away.add(key)
                    actions += self._available(each, now, online=False)
            elif each.wake_at <= now:
                self._heard[key] = now
                if key in self._away:
                    self._away.discard(key)
                    actions += self._available(each, now, online=True)
                actions += self._sends(each, each.look(now), now)
        self._sleep()
        return actions

    def _sleep(self) -> None:
        super()._sleep()
        if (change := self._next_change(self._looked)) is not None:
            self.wake_at = min(self.wake_at, change)

    def _available(self, reporter: Reporter, now: int, *, online: bool) -> list[Action]:
        return self._sends(reporter, [self._spoken[reporter.device.id].availability(online=online)], now)

    def _hears(self, reporter: Reporter, now: int) -> bool:
        device = reporter.device
        return self._scene.powered(device, now) and self._scene.on(FaultKind.DEVICE_HANG, device, now) is None

    def _powered(self, now: int) -> bool:
        return not any(begin <= now < end for begin, end in self._scene.gateway_outages())

    def _next_change(self, now: int) -> int | None:
        return min((m for pair in self._scene.gateway_outages() for m in pair if m > now), default=None)

    @property
    def _will(self) -> Packet:
        return self._bridge.will
