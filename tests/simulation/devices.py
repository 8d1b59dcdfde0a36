"""Devices with a script: what was true in a village, and every reading that its broker took from them.

They speak the wire of the village's broker only. A reading counts as *sent* when the broker took it; from then on siaga
answers for it. All times that devices say are whole seconds.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from siaga.broker.memory import MemoryBroker
from siaga.model.clock import SECOND
from siaga.model.signals import Value
from siaga.model.sites import Adapter, Device, Village
from siaga.wire.topics import senml_topic, status_topic
from tests.simulation.kernel import Kernel

__all__ = ["SimulatedDevice"]


@dataclass(slots=True, eq=False)
class SimulatedDevice:
    """One device. `state` is what is true there now; `drift`: its clock is off by so much.

    `hangs`: it says nothing; `hushed`: the same until the run is over; `mute`: nothing but its battery's charge.
    """

    kernel: Kernel
    broker: MemoryBroker
    village: Village
    device: Device
    state: dict[str, Value]
    sent: Callable[[str, str, dict[str, Value], int], None]
    """Told of what the broker took: village, device, values, event time."""
    drift: int = 0
    hangs: bool = False
    hushed: bool = False
    mute: bool = False
    on: bool = False
    connected: bool = False
    delay: float = 20
    twice: float = 0.0
    late: float = 0.0
    tells_changes: bool = True
    _said: int = field(default=0)

    def start(self) -> None:
        """Switch it on; it reports first at a moment of chance."""
        self.on = True
        self.kernel.after(self.kernel.chance.uniform(0, self.device.every), self._beat)

    def _beat(self) -> None:
        self.report()
        jitter = self.kernel.chance.uniform(0.97, 1.01)
        self.kernel.after(self.device.every * jitter, self._beat)

    def report(self) -> None:
        """Say what is true now; with an event only where one happened."""
        if not self.on or self.hangs or self.hushed or not self.broker.running:
            return
        if not self.connected:
            self.connected = True
            self._say_online(online=True)
        self._publish({"battery": 80.0} if self.mute else dict(self.state))

    def change(self, signal: str, value: Value) -> None:
        """Something becomes true or false; most firmware says so at once."""
        if self.state.get(signal) == value:
            return
        self.state[signal] = value
        self.kernel.note("truth", f"{self.village.code} {self.device.id} {signal}={value}")
        if self.tells_changes:
            self.report()

    def happen(self, signal: str) -> None:
        """An event."""
        if not (self.hangs or self.hushed or self.mute) and self.broker.running and self.connected:
            self._publish({signal: 1})

    def drop(self) -> None:
        """It loses its connection; the broker publishes its last will."""
        if self.connected:
            self.connected = False
            if self.broker.running:
                self._say_online(online=False)

    def _publish(self, values: dict[str, Value]) -> None:
        # No two messages of one second: which of them came last would be the network's choice
        time = self._said = max((self.kernel.time + self.drift) // SECOND * SECOND, self._said + SECOND)
        if self.device.adapter is Adapter.TASMOTA:
            local = datetime.fromtimestamp(time // 1000, ZoneInfo(self.village.timezone))
            document = {"Time": local.strftime("%Y-%m-%dT%H:%M:%S"), "POWER": "ON" if values["lamp_on"] else "OFF"}
            topic, payload = f"tele/{self.device.address}/STATE", json.dumps(document)
        else:
            records: list[dict[str, object]] = [
                {"n": name, "vb" if isinstance(value, bool) else "v": value} for name, value in values.items()
            ]
            records[0]["bt"] = time // 1000
            topic, payload = senml_topic(self.village.code, self.device.id), json.dumps(records)
        chance = self.kernel.chance
        delay = self.delay * chance.uniform(0.2, 2) + (chance.uniform(0, 20_000) if chance.random() < self.late else 0)
        self.kernel.after(delay, lambda: self._arrive(topic, payload, values, time))
        if chance.random() < self.twice:
            self.kernel.after(delay * 2 + 50, lambda: self._arrive(topic, payload, values, time))

    def _arrive(self, topic: str, payload: str, values: dict[str, Value], time: int) -> None:
        if self.broker.running:
            self.broker.publish(topic, payload.encode())
            self.sent(self.village.code, self.device.id, values, time)

    def _say_online(self, *, online: bool) -> None:
        if self.device.adapter is Adapter.TASMOTA:
            topic, payload = f"tele/{self.device.address}/LWT", "Online" if online else "Offline"
        else:
            topic, payload = status_topic(self.village.code, self.device.id), "online" if online else "offline"
        self.broker.publish(topic, payload.encode(), retain=True)
