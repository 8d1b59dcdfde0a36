"""The whole system in one process: villages with their devices, gateways, the centre; and what goes wrong with them."""

# ruff: noqa: ARG002, ARG005, PLW0108 - all faults are called alike, and what follows a run is set afterwards

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from siaga.clock import MINUTE, SECOND
from siaga.mqtt.memory import MemoryBroker
from siaga.observation import Reading
from siaga.registry import Registry
from siaga.signals import Value
from siaga.sites import Village
from tests.alerts.world import migrated
from tests.simulation.devices import SimulatedDevice, make_village
from tests.simulation.disks import Disk, SimulatedStore, open_database
from tests.simulation.kernel import Kernel, MachineClock
from tests.simulation.network import Line
from tests.simulation.options import Options
from tests.simulation.processes import CollectorProcess, EngineProcess, GatewayProcess, Process

__all__ = ["BEGIN", "JUMP", "Key", "Place", "Records", "System"]

BEGIN = int(datetime(2026, 3, 4, 3, tzinfo=UTC).timestamp()) * 1000
"""Ten in the morning of a Wednesday, in Jakarta."""

JUMP = 40 * SECOND
"""How far a wall clock is set, at most."""
SETTLES = 30 * SECOND
"""Everything is up once before anything goes wrong: a broker keeps nothing for a gateway that it never saw."""

INITIAL: dict[str, dict[str, Value]] = {
    "gerbang-1": {"gate_open": True, "battery": 90.0},
    "gerbang-2": {"gate_open": False},
    "ap-1": {"wifi_up": True, "wifi_open": True, "internet": True, "clients": 3},
    "lampu-1": {"lamp_on": True},
    "jaga-1": {"battery": 80.0, "presence": True},
    "pln-1": {"mains": True},
}
CHANGES = (
    ("gerbang-1", "gate_open"),
    ("gerbang-1", "gate_open"),
    ("ap-1", "internet"),
    ("ap-1", "wifi_open"),
    ("lampu-1", "lamp_on"),
    ("lampu-1", "lamp_on"),
    ("jaga-1", "presence"),
    ("pln-1", "mains"),
)

Key = tuple[str, str, str, int]
"""Village, device, signal, event time."""


class Records:
    """What a run is held to: what village brokers took from devices, and what gateways made durable."""

    def __init__(self) -> None:
        self.sent: dict[Key, Value] = {}
        self.safe: dict[Key, Value] = {}
        self.excused: set[Key] = set()
        """What a lost SD card or a broker without a disk took with it."""

    def device_sent(self, village: str, device: str, values: dict[str, Value], time: int) -> None:
        for signal, value in values.items():
            self.sent[village, device, signal, time] = value

    def made_safe(self, village: str, reading: Reading) -> None:
        self.safe[village, reading.device, reading.signal, reading.time] = reading.value


class Place:
    """One village: its broker, its devices, its gateway."""

    def __init__(self, system: "System", number: int, directory: Path) -> None:
        kernel, options = system.kernel, system.options
        self.village = make_village(number, options.every, options.offline_after)
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
            device.id: SimulatedDevice(
                kernel,
                self.broker,
                self.village.code,
                device,
                dict(INITIAL[device.id]),
                system.records.device_sent,
                drift=round(chance.uniform(-options.drift, options.drift)),
                late=options.late,
                twice=options.twice,
                tells_changes=chance.random() < 0.8,
            )
            for facility in self.village.facilities
            for device in facility.devices
        }


class System:
    """Everything, and its faults. `trouble` lets them come, `heal` ends them."""

    def __init__(self, options: Options, kernel: Kernel, directory: Path) -> None:
        self.options, self.kernel = options, kernel
        self.records = Records()
        self.broker = MemoryBroker()
        self.centre_clock = MachineClock(kernel)
        self.store = SimulatedStore(kernel, lambda _: None)
        self.database_disk = Disk()
        self.healing = False
        self.took: Callable[[str, bytes], None] = lambda topic, payload: None
        self.events: Callable[[], None] = lambda: None
        self._path = directory / "siaga.db"
        self._path.write_bytes(migrated())
        self._running: Process | None = None
        self.database: Engine = open_database(self._path, self.database_disk, self._touch)
        self.places = [Place(self, number, directory) for number in range(1, options.villages + 1)]
        Registry(self.database).replace(self.villages, kernel.time)
        self.collectors = [
            CollectorProcess(
                f"collector {number}",
                kernel,
                self.centre_clock,
                broker=self.broker,
                line=self.line(),
                database=self._database_of,
                store=self._store_of,
            )
            for number in range(1, options.collectors + 1)
        ]
        self.engine = EngineProcess(
            "engine",
            kernel,
            self.centre_clock,
            broker=self.broker,
            line=self.line(),
            database=self._database_of,
            store=self._store_of,
            took=lambda topic, payload: self.took(topic, payload),
            events=lambda: self.events(),
            reads_take=options.reads_take,
        )

    @property
    def villages(self) -> list[Village]:
        return [place.village for place in self.places]

    @property
    def processes(self) -> list[Process]:
        return [*(place.gateway for place in self.places), *self.collectors, self.engine]

    def line(self, *, near: bool = False) -> Line:
        """A way as the options have it; inside a village (`near`) nothing takes minutes."""
        options = self.options
        return Line(late=options.late, late_by=10_000, twice=options.twice, shuffled=options.shuffled and not near)

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
            process.running = self._now_running
            self.kernel.after(self.kernel.chance.uniform(0, 10 * SECOND), process.start)

    def _now_running(self, process: Process) -> None:
        self._running = process

    def trouble(self) -> None:
        """Faults and changes in the villages, for as long as the options say."""
        end = self.kernel.time + self.options.trouble
        self.kernel.run(self.kernel.time + SETTLES)
        self._next_fault(end)
        self._next_change(end)
        self.kernel.run(end)

    def _next_fault(self, end: int) -> None:
        at = self.kernel.time + round(self.kernel.chance.expovariate(1 / self.options.between))
        if at < end and self.options.faults:
            self.kernel.at(at, lambda: self._fault(end))

    def _fault(self, end: int) -> None:
        kind = self.kernel.chance.choice(self.options.faults)
        fault: Callable[[Place, int], None] = getattr(self, kind)
        place = self.kernel.chance.choice(self.places)
        length = self.kernel.chance.choice([2, 20, 100, 400]) * SECOND
        self.kernel.note(kind, f"{place.village.code} for {length // 1000} s")
        fault(place, min(length, end - self.kernel.time))
        self._next_fault(end)

    def _next_change(self, end: int) -> None:
        at = self.kernel.time + round(self.kernel.chance.expovariate(1 / (90 * SECOND)))
        if at < end:
            self.kernel.at(at, lambda: self._change(end))

    def _change(self, end: int) -> None:
        place = self.kernel.chance.choice(self.places)
        device, signal = self.kernel.chance.choice(CHANGES)
        place.devices[device].change(signal, not place.devices[device].state[signal])
        if self.kernel.chance.random() < 0.1:
            place.devices["jaga-1"].happen("checkin")
        self._next_change(end)

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

    # Faults: what happens, and when it is over

    def _later(self, length: int, do: Callable[[], None]) -> None:
        self.kernel.after(length, lambda: None if self.healing else do())

    def _cut(self, line: Line, processes: list[Process], length: int) -> None:
        line.open = False
        for process in processes:
            for wire in process.wires:
                if wire.line is line:
                    wire.cut(noticed=self.kernel.chance.random() < 0.5)

        def mend() -> None:
            line.open = True

        self._later(length, mend)

    def village_line(self, place: Place, length: int) -> None:
        self._cut(place.line, [place.gateway], length)

    def uplink(self, place: Place, length: int) -> None:
        self._cut(place.uplink, [place.gateway], length)

    def centre_lines(self, place: Place, length: int) -> None:
        centre: list[CollectorProcess | EngineProcess] = [*self.collectors, self.engine]
        process = self.kernel.chance.choice(centre)
        self._cut(process.line, [process], length)

    def centre_broker(self, place: Place, length: int) -> None:
        self._stop_broker(self.broker, length, forgets=self.kernel.chance.random() < 0.5)

    def village_broker(self, place: Place, length: int) -> None:
        for device in place.devices.values():
            device.connected = False
        self._stop_broker(place.broker, length, forgets=False)

    def _stop_broker(self, broker: MemoryBroker, length: int, *, forgets: bool) -> None:
        broker.stop()
        if forgets:
            broker.forget()
        for process in self.processes:
            process.wake()

        def run() -> None:
            broker.running = True

        self._later(length, run)

    def kill_gateway(self, place: Place, length: int) -> None:
        self._kill(place.gateway, length)

    def kill_collector(self, place: Place, length: int) -> None:
        self._kill(self.kernel.chance.choice(self.collectors), length)

    def kill_engine(self, place: Place, length: int) -> None:
        self._kill(self.engine, length)

    def _kill(self, process: Process, length: int) -> None:
        if not process.alive:
            return
        process.starts_again(length)
        if self.kernel.chance.random() < 0.3:
            process.kill()
        else:
            process.die_soon(self.kernel.chance.randrange(40))

    def store_away(self, place: Place, length: int) -> None:
        self.store.fault.away = True

        def back() -> None:
            self.store.fault.away = False

        self._later(length, back)

    def store_flaky(self, place: Place, length: int) -> None:
        self.store.fault.flaky = 0.6

        def well() -> None:
            self.store.fault.flaky = 0.0

        self._later(length, well)

    def database_away(self, place: Place, length: int) -> None:
        self._fill(self.database_disk, length)

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
            self.records.excused |= {(place.village.code, *row) for row in rows}
            for suffix in ("", "-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)

    def gateway_time(self, place: Place, length: int) -> None:
        self._jump(place.clock, [place.gateway])

    def centre_time(self, place: Place, length: int) -> None:
        self._jump(self.centre_clock, [*self.collectors, self.engine])

    def _jump(self, clock: MachineClock, processes: list[Process]) -> None:
        clock.offset = self.kernel.chance.choice([0, 0, -JUMP, -JUMP // 10, JUMP // 10, JUMP])
        for process in processes:
            process.wake()

    def freeze(self, place: Place, length: int) -> None:
        process = self.kernel.chance.choice(self.processes)
        process.frozen_until = self.kernel.time + min(length, MINUTE)

    def device_drops(self, place: Place, length: int) -> None:
        device = self.kernel.chance.choice(list(place.devices.values()))
        device.drop()

    def device_hangs(self, place: Place, length: int) -> None:
        device = self.kernel.chance.choice(list(place.devices.values()))
        device.hangs = True
        if self.kernel.chance.random() < 0.3:
            self.kernel.after(self.kernel.chance.uniform(0, MINUTE), device.drop)
        if self.kernel.chance.random() < 0.8:

            def wakes() -> None:
                device.hangs = False

            self.kernel.after(length * 3, wakes)

    def hush(self) -> None:
        """No device says anything more; gateways beat on."""
        for place in self.places:
            for device in place.devices.values():
                device.hangs = True

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
