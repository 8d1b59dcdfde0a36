"""The processes: production code in the loops of its services, without their threads, and killed at any step.

Each runs when it is woken: by a message, by the deadline it named, or by a fault. `touch` is called at every step
that leaves the process; a planned death comes at one of them, so in the middle of a tick, a write or a commit.
"""

import uuid
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.alert_records.stream import EventSignal
from api.engine.engine import AlertEngine
from api.engine.metrics import EngineMetrics
from api.engine.questions import Answer, Request
from api.engine.reader import answer
from api.engine.service import EngineWorker
from api.engine.tables import Tables
from collector import Collector, CollectorMetrics, Deduplication, Intake, Refusals, RegistryCache
from collector.unknown_devices import Unknown
from collector.workers import Committing, Departures, Gathering, Housekeeping
from gateway import Gateway, GatewayMetrics
from gateway.service import last_will
from gateway.time_sync import TimeSync
from siaga.broker.memory import MemoryBroker
from siaga.database.dealing import carry_over
from siaga.database.leases import Held, Lease, LeaseLost, Leases
from siaga.database.quarantine import Quarantine
from siaga.database.registry import Registry
from siaga.database.unknown_devices import UnknownDevices
from siaga.model.clock import SECOND
from siaga.model.observation import Reading
from siaga.model.sites import Village
from siaga.mqtt.transport import Message
from siaga.mqtt.worker import turn
from tests.simulation.disks import Disk, DiskBuffer, SimulatedStore
from tests.simulation.kernel import Crash, Kernel, MachineClock
from tests.simulation.network import Line, Wire

__all__ = ["CollectorProcess", "EngineProcess", "GatewayProcess", "Process"]

log = structlog.get_logger(__name__)

COMMITTERS = 2
"""Of a collector: its groups may then end in any order."""
SHORT, LONG = 10, 250
"""Until a worker looks again: soon, and when there is nothing it could do."""


@dataclass(eq=False)
class Process:
    """One process of the system. It is made anew at each start; disks, sessions at brokers and clocks outlive it."""

    name: str
    kernel: Kernel
    clock: MachineClock
    alive: bool = False
    slow: float = 5
    """How long it takes to get to work once woken, ms."""
    frozen_until: int = 0
    _dies_in: int | None = None
    _due: int | None = None
    _away_for: int | None = None
    wires: list[Wire] = field(default_factory=list)
    running: Callable[["Process"], None] = lambda _: None
    """Told that it is this process that runs now."""

    def touch(self, where: str) -> None:
        """A step that leaves the process."""
        if self._dies_in is not None:
            self._dies_in -= 1
            if self._dies_in < 0:
                self._dies_in = None
                self.kernel.note("dies", f"{self.name} at {where}")
                raise Crash

    def die_soon(self, steps: int) -> None:
        """Let it die at one of its next steps."""
        if self.alive:
            self._dies_in = steps

    def starts_again(self, after: int) -> None:
        """How long it stays away when it dies next, ms."""
        self._away_for = after

    def spare(self) -> None:
        """Let it live after all."""
        self._dies_in = self._away_for = None

    def start(self) -> None:
        """Begin, where it does not run."""
        if self.alive:
            return
        self.kernel.note("start", self.name)
        self.alive, self._dies_in, self._due = True, None, None
        self._guarded(self._build)
        self.wake()

    def kill(self) -> None:
        """`kill -9`."""
        if self.alive:
            self.alive, self._dies_in = False, None
            self.kernel.note("kill", self.name)
            self._gone()
            for wire in self.wires:
                wire.kill()
            self.wires = []
            if self._away_for is not None:
                self.kernel.after(self._away_for, self.start)
                self._away_for = None

    def wake(self) -> None:
        """Let it run soon."""
        self.run_at(self.kernel.time)

    def run_at(self, time: int) -> None:
        """Let it run at a time, or before."""
        if not self.alive:
            return
        time = max(time, self.frozen_until, self.kernel.time) + round(self.kernel.chance.uniform(0, self.slow))
        if self._due is None or time < self._due:
            self._due = time
            self.kernel.at(time, lambda: self._run(time))

    def _run(self, time: int) -> None:
        if self.alive and self._due == time:
            if self.frozen_until > self.kernel.time:
                self._due = None
                self.run_at(self.frozen_until)
                return
            self._due = None
            self._guarded(self._step)

    def _guarded(self, do: Callable[[], None]) -> None:
        self.running(self)
        try:
            do()
        except Crash:
            self.kill()

    def _wire(
        self,
        line: Line,
        broker: MemoryBroker,
        client_id: str,
        *,
        clean: bool,
        will: Village | None,
        held: bool = False,
    ) -> Wire:
        wire = Wire(
            self.kernel,
            line,
            broker,
            client_id,
            self.touch,
            will=last_will(will) if will is not None else None,
            clean=clean,
            held=held,
            wake_process=self.wake,
        )
        self.wires.append(wire)
        return wire

    def _build(self) -> None:
        raise NotImplementedError

    def _step(self) -> None:
        raise NotImplementedError

    def _gone(self) -> None:
        """What a dead process lets go of."""


@dataclass(eq=False)
class GatewayProcess(Process):
    """The gateway of one village; see `siaga.run.gateways.GatewayPart`."""

    village: Village = field(kw_only=True)
    village_broker: MemoryBroker = field(kw_only=True)
    centre_broker: MemoryBroker = field(kw_only=True)
    village_line: Line = field(kw_only=True)
    uplink: Line = field(kw_only=True)
    disk: Disk = field(kw_only=True)
    path: Path = field(kw_only=True)
    flush_after: int = field(kw_only=True)
    committed: Callable[[str, Reading], None] = field(kw_only=True)
    beats: set[int] = field(default_factory=set)
    """The wall times at which it ran."""
    gateway: Gateway | None = None
    buffer: DiskBuffer | None = None

    def _build(self) -> None:
        self._near = self._wire(self.village_line, self.village_broker, "gateway", clean=False, will=None)
        self._far = self._wire(
            self.uplink, self.centre_broker, f"gw-{self.village.code}", clean=True, will=self.village
        )
        chance = self.kernel.chance
        self.buffer = DiskBuffer(
            self.path,
            self.disk,
            self.touch,
            lambda: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            self.committed,
        )
        self.gateway = Gateway(
            [self.village],
            self._near,
            self._far,
            self.buffer,
            self.clock,
            chance,
            GatewayMetrics(CollectorRegistry()),
            flush_after=self.flush_after,
            time_sync=TimeSync(self.clock, "one boot", lambda: False),
        )

    def _step(self) -> None:
        gateway = self.gateway
        assert gateway is not None
        self.beats.add(self.clock.now())
        wait = max(1, turn(gateway) - self.clock.monotonic())
        self.run_at(self.kernel.time + min(wait, SECOND) if gateway.full else self.kernel.time + wait)

    def reconfigure(self, village: Village) -> None:
        """It is given another sites file, while it runs or before it starts the next time."""
        self.village = village
        gateway = self.gateway
        if self.alive and gateway is not None:
            self._guarded(lambda: gateway.update([village]))
            self.wake()

    @property
    def is_known(self) -> bool:
        """Whether the village's broker keeps messages for it: it has been there, and has said what it wants."""
        return self.gateway is not None and self._near.connected

    def _gone(self) -> None:
        if self.buffer is not None:
            self.buffer.let_go()
        self.gateway = self.buffer = None

    @property
    def rests(self) -> bool:
        """Whether nothing is on its way to it or from it; what it says itself may wait in its buffer."""
        return self.gateway is not None and not self.gateway.problems() and not any(w.waiting for w in self.wires)


@dataclass(eq=False)
class CollectorProcess(Process):
    """One collector: the workers of its service, turned in any order."""

    broker: MemoryBroker = field(kw_only=True)
    line: Line = field(kw_only=True)
    database: Callable[[Process], Engine] = field(kw_only=True)
    store: Callable[[Process], SimulatedStore] = field(kw_only=True)
    housekeeping: int = field(kw_only=True)
    """How often it looks at the registry and empties its quarantine, ms."""

    def _build(self) -> None:
        self._transport = self._wire(self.line, self.broker, self.name, clean=False, will=None)
        engine, store = self.database(self), self.store(self)
        metrics = CollectorMetrics(CollectorRegistry())
        self._known = RegistryCache(Registry(engine), self.clock)
        self._refusals = Refusals(Quarantine(engine), self.clock, metrics)
        deduplication = Deduplication()
        self._unknown = Unknown(UnknownDevices(engine), self.clock, metrics)
        intake = Intake(self._known, self._refusals, self._unknown, deduplication)
        self.collector = Collector(store, intake, self._refusals, deduplication, self._transport, self.clock, metrics)
        self.collector.subscribe()
        self._departures = Departures(self.clock)
        self._gathering = Gathering(self.collector, self._departures, self.clock)
        self._committing = [Committing(self.collector, self._departures, self.clock) for _ in range(COMMITTERS)]
        self._house = Housekeeping(self._known, self._refusals, self._unknown, self.clock, self.housekeeping)
        self._house_due = 0

    def _step(self) -> None:
        if self.clock.monotonic() >= self._house_due:
            self._house_due = turn(self._house)
        for _ in range(4):
            if self.kernel.chance.random() < 0.5:
                turn(self._gathering)
            else:
                turn(self.kernel.chance.choice(self._committing))
        self.run_at(self.kernel.time + min(self._wait(), self._house_due - self.clock.monotonic()))

    def _wait(self) -> int:
        if not self._departures.idle:
            return SHORT if self._transport.connected and self.collector.problem is None else LONG
        if self._transport.ready or self.collector.gathered is not None:
            return SHORT if self._known.loaded else LONG
        return self.housekeeping

    def knows(self, village: str, devices: Collection[str]) -> bool:
        """Whether it has heard that a village has these devices."""
        known = self._known.devices(village) if self.alive else None
        return known is not None and known >= set(devices)

    @property
    def idle(self) -> bool:
        """Whether nothing is in hand or under way."""
        in_hand = self.collector.gathered is not None or not self._departures.idle
        return not in_hand and self._transport.waiting == 0


@dataclass(eq=False)
class _SlowReader:
    """A `StoreReader` whose answers come after a while, read from the store as it was at a moment in between."""

    process: "EngineProcess"
    store: SimulatedStore
    _answers: deque[Answer] = field(default_factory=deque)

    def ask(self, request: Request) -> None:
        chance, kernel = self.process.kernel.chance, self.process.kernel
        kernel.after(chance.uniform(0, self.process.reads_take), lambda: self._read(request))

    def _read(self, request: Request) -> None:
        found = answer(self.store, request)
        self.process.kernel.after(
            self.process.kernel.chance.uniform(0, self.process.reads_take), lambda: self._come(found)
        )

    def _come(self, found: Answer) -> None:
        self._answers.append(found)
        self.process.wake()

    def poll(self) -> Answer | None:
        return self._answers.popleft() if self._answers else None


@dataclass(eq=False)
class EngineProcess(Process):
    """The alert engine; see `api.engine.service.AlertService`."""

    broker: MemoryBroker = field(kw_only=True)
    line: Line = field(kw_only=True)
    database: Callable[[Process], Engine] = field(kw_only=True)
    store: Callable[[Process], SimulatedStore] = field(kw_only=True)
    took: Callable[[str, bytes], None] = field(kw_only=True)
    """Told of each message that arrives before the engine takes it: topic and payload."""
    events: Callable[[], None] = field(kw_only=True)
    """Called when alert events were committed."""
    reads_take: float = 20
    leads: bool = False
    """Whether it takes the lease when it begins, with the next epoch: another one may run beside it."""
    is_replaced: bool = False
    """Whether another one has begun since. It ends once it finds its lease taken, and does not come back."""
    engine: AlertEngine | None = None
    connections: int = 0
    _receiving: bool = False

    def touch(self, where: str) -> None:
        """A step that leaves the process. The broker may forget a message only after its commit."""
        if where == "puback" and (self._receiving or (self.engine is not None and self.engine.uncommitted)):
            log.error("the engine acknowledged a message to its broker before it had committed it")
        super().touch(where)

    def _build(self) -> None:
        self.engine, self._receiving = None, False
        self._transport = self._wire(self.line, self.broker, "engine", clean=False, will=None, held=True)

    def _open(self) -> None:
        """A new engine; with the database away it is tried again."""
        database = self.database(self)
        signal = EventSignal()
        signal.subscribe(self.events)
        reader = _SlowReader(self, self.store(self))
        try:
            self._lease = self._take_lease(database) if self.leads else None
        except DBAPIError:
            self.run_at(self.kernel.time + SECOND)
            return
        engine = AlertEngine(
            Registry(database),
            Tables(database, self._lease),
            self.clock,
            self._transport,
            reader,
            signal,
            EngineMetrics(CollectorRegistry()),
        )
        try:
            engine.open()
        except DBAPIError:
            self.run_at(self.kernel.time + SECOND)
            return
        self.engine, self._worker = engine, EngineWorker(engine, self._transport, self.clock)
        (inlet,) = self._worker.inlets
        self._worker.inlets = (replace(inlet, receive=self._receive),)

    def _take_lease(self, database: Engine) -> Lease:
        self._leases = Leases(database, "engine", 1)
        self._leases.deal_anew(carry_over)
        lease = self._leases.take(0, Held("engine"))
        assert lease is not None
        return lease

    def _renew(self) -> None:
        """Renew the lease, as the thread of a leader does each 2 s. Here only who was replaced has to find that out."""
        if self.is_replaced and self._lease is not None and self.kernel.time >= self.frozen_until + 2 * SECOND:
            with suppress(DBAPIError):
                self._leases.renew(self._lease)

    def _step(self) -> None:
        if self.engine is None:
            self._open()
            if self.engine is None:
                return
        try:
            due = turn(self._worker)
            self._renew()
        except LeaseLost:
            self.kernel.note("lease lost", self.name)
            self.kill()
            return
        wait = max(SHORT if self.engine.problem is None else LONG, due - self.clock.monotonic()) if due else 0
        self.run_at(self.kernel.time + wait)

    def _receive(self, message: Message) -> None:
        """What the engine's inlet hands over: it is noted, and no acknowledgement may come before the verb is over."""
        if not message.retain and not self.is_replaced:  # what a broker keeps for whoever subscribes does not arrive
            self.took(message.topic, message.payload)
        self._receiving = True
        self._worker.receive(message)
        self._receiving = False

    @property
    def listens(self) -> bool:
        """Whether it has a connection to the broker."""
        return self.alive and self._transport.connected

    def look_now(self) -> None:
        """One turn of the loop at this very moment."""
        self._guarded(self._step)

    @property
    def idle(self) -> bool:
        """Whether it watches, and nothing is left to read or to judge."""
        engine = self.engine
        return (
            engine is not None
            and engine.problem is None
            and engine.store_sync.idle
            and not engine.pending
            and self._transport.waiting == 0
        )

    def _gone(self) -> None:
        self.engine = None
