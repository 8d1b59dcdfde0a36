"""What goes wrong in a run: each fault begins at a moment of chance, and is over after a while.

A fault is a method that is given a village and how long it lasts; most are of the centre and leave the village alone.
"""

# ruff: noqa: ARG002 - all faults are called alike

import sqlite3
from collections.abc import Callable
from pathlib import Path

from siaga.broker.memory import MemoryBroker
from siaga.model.clock import MINUTE, SECOND
from siaga.model.sites import Adapter
from tests.simulation.disks import Disk
from tests.simulation.kernel import MachineClock
from tests.simulation.network import Line
from tests.simulation.processes import CollectorProcess, EngineProcess, Process
from tests.simulation.system import SETTLES, Place, System
from tests.simulation.villages import EVENT_OF, troubles

__all__ = ["JUMP", "Faults"]

JUMP = 40 * SECOND
"""How far a wall clock is set, at most."""


AWAY = 90 * MINUTE
"""How long the centre acknowledges nothing, at most: meanwhile gateways send all they have again and again."""
FREEZES = MINUTE
"""How long a process stands still, at most."""


class Faults:
    """Lets faults come, and things change in the villages, for as long as the options say."""

    def __init__(self, system: System) -> None:
        self.system, self.kernel = system, system.kernel
        self.end = system.kernel.time + system.options.trouble

    def happen(self) -> None:
        """Let time run with all of it. Each fault and each change plans the next."""
        self.kernel.run(self.kernel.time + SETTLES)
        self._next_fault()
        self._next_change()
        self.kernel.run(self.end)

    def _next_fault(self) -> None:
        options = self.system.options
        at = self.kernel.time + round(self.kernel.chance.expovariate(1 / options.between))
        if at < self.end and options.faults:
            self.kernel.at(at, self._fault)

    def _fault(self) -> None:
        options = self.system.options
        kind = self.kernel.chance.choice(options.faults)
        fault: Callable[[Place, int], None] = getattr(self, kind)
        place = self.kernel.chance.choice(self.system.places)
        length = self.kernel.chance.choice(options.lasts)
        self.kernel.note(kind, f"{place.village.code} for {length // 1000} s")
        fault(place, min(length, self.end - self.kernel.time))
        self._next_fault()

    def _next_change(self) -> None:
        at = self.kernel.time + round(self.kernel.chance.expovariate(1 / self.system.options.turns))
        if at < self.end:
            self.kernel.at(at, self._change)

    def _change(self) -> None:
        options, chance = self.system.options, self.kernel.chance
        place = chance.choice(self.system.places)
        trouble = chance.choice(troubles(days=options.days))
        device = place.devices.get(trouble.device)
        if device is not None:
            device.change(trouble.signal, trouble.turned(device.state[trouble.signal]))
            if options.mends:
                good = trouble.turned(trouble.bad)
                self.kernel.after(chance.choice(options.mends), lambda: device.change(trouble.signal, good))
        for name, event in EVENT_OF.items():
            worker = place.devices.get(name)
            if worker is not None and chance.random() < (0.4 if options.days else 0.1):
                worker.happen(event)
        self._next_change()

    # What happens, and when it is over

    def _later(self, length: int, do: Callable[[], None]) -> None:
        self.kernel.after(length, lambda: None if self.system.healing else do())

    def cut(self, line: Line, processes: list[Process], length: int) -> None:
        """No connection can be made over a line for a while, and those there are break."""
        line.open = False
        for process in processes:
            for wire in process.wires:
                if wire.line is line:
                    wire.cut(noticed=self.kernel.chance.random() < 0.5)

        def mend() -> None:
            line.open = True

        self._later(length, mend)

    def village_line(self, place: Place, length: int) -> None:
        self.cut(place.line, [place.gateway], length)

    def uplink(self, place: Place, length: int) -> None:
        self.cut(place.uplink, [place.gateway], length)

    def centre_lines(self, place: Place, length: int) -> None:
        centre: list[CollectorProcess | EngineProcess] = [*self.system.collectors, self.system.engine]
        process = self.kernel.chance.choice(centre)
        self.cut(process.line, [process], min(length, AWAY))

    def centre_broker(self, place: Place, length: int) -> None:
        self._stop_broker(self.system.broker, length, forgets=self.kernel.chance.random() < 0.5)

    def village_broker(self, place: Place, length: int) -> None:
        for device in place.devices.values():
            device.connected = False
        self._stop_broker(place.broker, length, forgets=False)

    def _stop_broker(self, broker: MemoryBroker, length: int, *, forgets: bool) -> None:
        broker.stop()
        if forgets:
            broker.forget()
        for process in self.system.processes:
            process.wake()

        def run() -> None:
            broker.running = True

        self._later(length, run)

    def kill_gateway(self, place: Place, length: int) -> None:
        self._kill(place.gateway, length)

    def kill_collector(self, place: Place, length: int) -> None:
        self._kill(self.kernel.chance.choice(self.system.collectors), min(length, AWAY))

    def kill_engine(self, place: Place, length: int) -> None:
        self._kill(self.system.engine, length)

    def _kill(self, process: Process, length: int) -> None:
        if not process.alive:
            return
        process.starts_again(length)
        if self.kernel.chance.random() < 0.3:
            process.kill()
        else:
            process.die_soon(self.kernel.chance.randrange(40))

    def store_away(self, place: Place, length: int) -> None:
        length = min(length, AWAY)
        self.system.store.fault.away = True

        def back() -> None:
            self.system.store.fault.away = False

        self._later(length, back)

    def store_flaky(self, place: Place, length: int) -> None:
        self.system.store.fault.flaky = 0.6

        def well() -> None:
            self.system.store.fault.flaky = 0.0

        self._later(length, well)

    def database_away(self, place: Place, length: int) -> None:
        self._fill(self.system.database_disk, min(length, AWAY))

    def disk_full(self, place: Place, length: int) -> None:
        self._fill(place.disk, length)

    def _fill(self, disk: Disk, length: int) -> None:
        disk.full = True

        def empty() -> None:
            disk.full = False

        self._later(length, empty)

    def card_lost(self, place: Place, length: int) -> None:
        """The SD card is dead; the gateway gets a new one. What only the old one had is gone."""
        place.gateway.starts_again(length)
        place.gateway.kill()
        path = place.gateway.path
        if path.exists():
            with sqlite3.connect(path) as old:
                rows = old.execute(
                    "SELECT device, signal, time FROM reading JOIN track ON track.id = reading.track"
                ).fetchall()
            old.close()
            self.system.records.excused |= {(place.village.code, *row) for row in rows}
            for suffix in ("", "-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)

    def gateway_time(self, place: Place, length: int) -> None:
        self._jump(place.clock, [place.gateway])

    def centre_time(self, place: Place, length: int) -> None:
        self._jump(self.system.centre_clock, [*self.system.collectors, self.system.engine])

    def _jump(self, clock: MachineClock, processes: list[Process]) -> None:
        clock.offset = self.kernel.chance.choice([0, 0, -JUMP, -JUMP // 10, JUMP // 10, JUMP])
        for process in processes:
            process.wake()

    def freeze(self, place: Place, length: int) -> None:
        process = self.kernel.chance.choice(self.system.processes)
        process.frozen_until = self.kernel.time + min(length, FREEZES)

    def leader_changes(self, place: Place, length: int) -> None:
        """The engine stands still, another one takes its lease, and the first one wakes up beside that."""
        first = self.system.engine
        if first.alive and first.engine is not None:
            first.frozen_until = self.kernel.time + min(length, FREEZES)
            first.spare()  # one that dies would come back
            first.wake()
            self.system.replace_engine()

    def device_drops(self, place: Place, length: int) -> None:
        device = self.kernel.chance.choice(list(place.devices.values()))
        device.drop()

    def decoder_breaks(self, place: Place, length: int) -> None:
        ours = [device for device in place.devices.values() if device.device.adapter is Adapter.SENML]
        device = self.kernel.chance.choice(ours)
        device.mute = True
        if self.kernel.chance.random() < 0.8:

            def mended() -> None:
                device.mute = False

            self.kernel.after(length * 5, mended)

    def device_hangs(self, place: Place, length: int) -> None:
        device = self.kernel.chance.choice(list(place.devices.values()))
        device.hangs = True
        if self.kernel.chance.random() < 0.3:
            self.kernel.after(self.kernel.chance.uniform(0, MINUTE), device.drop)
        if self.kernel.chance.random() < 0.8:

            def wakes() -> None:
                device.hangs = False

            self.kernel.after(length * 3, wakes)
