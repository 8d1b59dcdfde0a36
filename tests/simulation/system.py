"""The whole system in one process: villages with their devices, gateways, the centre; and what goes wrong with them."""

# ruff: noqa: ARG005, PLW0108 - what follows a run is set afterwards

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine

from siaga.broker.memory import MemoryBroker
from siaga.database.registry import Registry
from siaga.model.clock import SECOND
from siaga.model.observation import Reading
from siaga.model.signals import Value
from siaga.model.sites import Device, Village
from tests.schema import migrated
from tests.simulation.devices import SimulatedDevice
from tests.simulation.disks import Disk, SimulatedStore, open_database
from tests.simulation.kernel import Kernel, MachineClock
from tests.simulation.network import Line
from tests.simulation.options import LEADER_CHANGES, Options
from tests.simulation.processes import CollectorProcess, EngineProcess, GatewayProcess, Process
from tests.simulation.versions import Versions
from tests.simulation.villages import make_village, make_village_with_days, says_at_first

__all__ = ["SETTLES", "UPLINK", "Key", "Place", "Records", "System"]

UPLINK = "odp-1"
"""What the villages share, where an option says that they do."""
SETTLES = 30 * SECOND
"""Everything is up once before anything goes wrong: a broker keeps nothing for a gateway that it never saw."""

Key = tuple[str, str, str, int]
"""Village, device, signal, event time."""


class Records:
    """What a run is held to: what village brokers took from devices, and what gateways made durable."""

    def __init__(self) -> None:
        self.sent: dict[Key, Value] = {}
        self.safe: dict[Key, Value] = {}
        self.excused: set[Key] = set()
        """What a lost SD card took with it, and what was said by devices that the registry had no more."""
        self._retired: set[tuple[str, str]] = set()

    def device_sent(self, village: str, device: str, values: dict[str, Value], time: int) -> None:
        for signal, value in values.items():
            self._keep(self.sent, (village, device, signal, time), value)

    def made_safe(self, village: str, reading: Reading) -> None:
        self._keep(self.safe, (village, reading.device, reading.signal, reading.time), reading.value)

    def _keep(self, where: dict[Key, Value], key: Key, value: Value) -> None:
        where[key] = value
        if key[:2] in self._retired:
            self.excused.add(key)

    def retire(self, village: str, device: str, stored: Callable[[str, str, str, int], bool]) -> None:
        """The registry has a device no more: what it said and is not stored is refused, and all it says from now on."""
        self._retired.add((village, device))
        said = {key for key in {**self.sent, **self.safe} if key[:2] == (village, device)}
        self.excused |= {key for key in said if not stored(*key)}


class Place:
    """One village: its broker, its devices, its gateway."""

    def __init__(self, system: "System", number: int, directory: Path) -> None:
        kernel, options = system.kernel, system.options
        self._system = system
        self.since = self.told = kernel.time
        self.village = make_village(number, options.every, options.offline_after)
        if options.days:
            how = random.Random(f"village {options.seed} {number}")
            self.village = make_village_with_days(number, options.every, options.offline_after, how)
        if "shared_uplink" in options.happenings:
            self.village = replace(self.village, uplink=UPLINK)
        self.broker = MemoryBroker()
        self.line, self.uplink = system.line(near=True), system.line()
        self.disk = Disk()
        chance = kernel.chance
        self.clock = MachineClock(kernel, round(chance.uniform(-SECOND, SECOND)))
        self.gateway = GatewayProcess(
            f"gateway {number}",
            kernel,
            self.clock,
            village=self.village,
            village_broker=self.broker,
            centre_broker=system.broker,
            village_line=self.line,
            uplink=self.uplink,
            disk=self.disk,
            path=directory / f"buffer-{number}.sqlite",
            flush_after=options.flush_after,
            committed=system.records.made_safe,
        )
        self.devices = {
            device.id: self.install(device) for facility in self.village.facilities for device in facility.devices
        }

    def install(self, device: Device) -> SimulatedDevice:
        """A device of the village, not yet switched on."""
        system, options, chance = self._system, self._system.options, self._system.kernel.chance
        return SimulatedDevice(
            system.kernel,
            self.broker,
            self.village,
            device,
            says_at_first(device),
            system.records.device_sent,
            drift=round(chance.uniform(-options.drift, options.drift)),
            late=options.late,
            twice=options.twice,
            tells_changes=chance.random() < 0.8,
        )


class System:
    """Everything, and what it runs on. `start` begins, `heal` ends all faults."""

    def __init__(self, options: Options, kernel: Kernel, directory: Path) -> None:
        self.options, self.kernel = options, kernel
        self.records = Records()
        self.broker = MemoryBroker()
        self.centre_clock = MachineClock(kernel)
        self.store = SimulatedStore(kernel, lambda _: None, options.shows_after)
        self.database_disk = Disk()
        self.healing = False
        self.took: Callable[[str, bytes], None] = lambda topic, payload: None
        self.events: Callable[[], None] = lambda: None
        self._path = directory / "siaga.db"
        self._path.write_bytes(migrated())
        self._running: Process | None = None
        self.database: Engine = open_database(self._path, self.database_disk, self._touch)
        self.directory = directory
        self.places = [Place(self, number, directory) for number in range(1, options.villages + 1)]
        Registry(self.database).replace(self.villages, kernel.time)
        self.versions = Versions()
        self.versions.note(kernel.time, self.villages)
        self.collectors = [
            CollectorProcess(
                f"collector {number}",
                kernel,
                self.centre_clock,
                broker=self.broker,
                line=self.line(),
                database=self._database_of,
                store=self._store_of,
                housekeeping=options.looks,
            )
            for number in range(1, options.collectors + 1)
        ]
        self.engine = self._engine(self.line())

    def _engine(self, line: Line) -> EngineProcess:
        return EngineProcess(
            "engine",
            self.kernel,
            self.centre_clock,
            broker=self.broker,
            line=line,
            database=self._database_of,
            store=self._store_of,
            took=lambda topic, payload: self.took(topic, payload),
            events=lambda: self.events(),
            reads_take=self.options.reads_take,
            leads=LEADER_CHANGES in self.options.faults,
            running=self.now_running,
        )

    def replace_engine(self) -> None:
        """Another engine takes over, while the one that ran until now may go on."""
        self.engine.is_replaced = True
        self.engine = self._engine(self.engine.line)
        self.engine.start()

    @property
    def villages(self) -> list[Village]:
        return [place.village for place in self.places]

    @property
    def processes(self) -> list[Process]:
        return [*(place.gateway for place in self.places), *self.collectors, self.engine]

    def line(self, *, near: bool = False) -> Line:
        """A way as the options have it; inside a village (`near`) nothing takes minutes."""
        options = self.options
        shuffled = options.shuffled and not near
        return Line(late=options.late, late_by=10_000, twice=options.twice, shuffled=shuffled, again=options.again)

    def _database_of(self, process: Process) -> Engine:
        self._running = process
        return self.database

    def _store_of(self, process: Process) -> SimulatedStore:
        return self.store.seen_by(process.touch)

    def _touch(self, where: str) -> None:
        if self._running is not None:
            self._running.touch(where)

    # Phases

    def start(self) -> None:
        for place in self.places:
            for device in place.devices.values():
                # The broker keeps messages for a gateway that it has seen once
                self.kernel.after(15 * SECOND, device.start)
        for process in self.processes:
            process.running = self.now_running
            self.kernel.after(self.kernel.chance.uniform(0, 10 * SECOND), process.start)

    def nobody_runs(self) -> None:
        """What follows is done from outside: no process dies of it."""
        self._running = None

    def now_running(self, process: Process) -> None:
        self._running = process

    def heal(self) -> None:
        """All faults end: links up, disks empty, everything runs; what is wrong in the villages stays as it is."""
        self.kernel.note("healing")
        self.healing = True
        for line in self.lines:
            line.open, line.late, line.twice, line.shuffled = True, 0.0, 0.0, False
        for broker in (self.broker, *(place.broker for place in self.places)):
            broker.running = True
        self.store.fault.away, self.store.fault.flaky = False, 0.0
        for disk in (self.database_disk, *(place.disk for place in self.places)):
            disk.full = False
        for clock in (self.centre_clock, *(place.clock for place in self.places)):
            clock.offset = 0
        for process in self.processes:
            process.spare()
            process.frozen_until = 0
            process.start()
            process.wake()

    @property
    def lines(self) -> list[Line]:
        return [
            *(line for place in self.places for line in (place.line, place.uplink)),
            *(collector.line for collector in self.collectors),
            self.engine.line,
        ]

    def hush(self) -> None:
        """No device says anything more; gateways beat on."""
        for place in self.places:
            for device in place.devices.values():
                device.hushed = True

    def quiet(self) -> bool:
        """Whether nothing is under way any more."""
        return (
            all(process.alive for process in self.processes)
            and all(place.gateway.rests for place in self.places)
            and all(collector.idle for collector in self.collectors)
            and self.engine.idle
        )

    def restless(self) -> str:
        """What is still under way, for people."""
        return ", ".join(
            [process.name + " is dead" for process in self.processes if not process.alive]
            + [place.gateway.name for place in self.places if not place.gateway.rests]
            + [collector.name for collector in self.collectors if not collector.idle]
            + ([f"engine: {self.engine.engine and self.engine.engine.problem}"] if not self.engine.idle else [])
        )

    def close(self) -> None:
        for process in self.processes:
            process.kill()
        self.database.dispose()
