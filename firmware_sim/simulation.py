"""One run of a scenario, from its start to its end and beyond.

If siaga itself is a village's gateway, each device has its own session with the broker (`Driver`). If a village has
`gateway: remote`, its broker and gateway are simulated too (`VillageBroker`, `VillageGateway`), and the centre gets
batches. These are called "played" villages. A run that starts in the past plays all villages, as fast as the centre
acknowledges, until it has caught up with the clock. Then it continues in real time. A complaint counts when it arrives,
so the citizens of a past complain once the run has caught up.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from threading import Event

from firmware_sim.actions import Action, Key
from firmware_sim.centre import CentreSession
from firmware_sim.citizens import Citizens, Complaint
from firmware_sim.condition import Condition
from firmware_sim.driver import Driver
from firmware_sim.faults import Fault
from firmware_sim.senses import Value
from firmware_sim.sites import SimulatedVillage
from firmware_sim.timetable import Timetable
from firmware_sim.truth import TruthFile, facility_line
from firmware_sim.village_broker import VillageBroker
from firmware_sim.village_gateway import IN_FLIGHT, RETRY, Reading, VillageGateway
from firmware_sim.world import World

__all__ = ["Simulation"]

SECOND = 1_000
HOLDS = 90 * SECOND
"""How long a gateway is heard from each heartbeat, ms (contract, section 5)."""
STEP = 1 * SECOND
"""The interval of a played gateway's own work, ms."""
WINDOW = 48
"""Batches of the past in flight at most."""
AGAIN = 10.0
"""Seconds of real time before an unacknowledged batch is sent again."""
PATIENCE = 900 * SECOND
"""How long a gateway collects readings for one batch of the past, ms: fewer batches, so that the centre keeps up."""
PATIENT = 60 * SECOND
"""How long a run waits for acknowledgements after its end, before it writes the truth, ms."""
NEVER = 10**15
LATE = 5 * SECOND
"""A run that is at most so far behind the clock has caught up, ms."""


def _now() -> int:
    return time.time_ns() // 1_000_000


class Simulation:
    """One run from `start`, which lasts `lasts` and then continues until it is stopped. Times in ms.

    `reached`: set when `lasts` is over and the truth of that period is written.
    `sent_from`, `sent_until`: when that period was sent, by the clock.
    `speed`: how many times faster than real time the clock runs.
    `citizens`: who complain; `None`: nobody does.
    """

    def __init__(
        self,
        villages: Sequence[SimulatedVillage],
        url: str,
        truth: TruthFile,
        *,
        start: int,
        lasts: int | None,
        seed: int,
        faults: Iterable[Fault] = (),
        timetable: Timetable | None = None,
        gateway: str = "gw",
        name: str = "",
        clock: Callable[[], int] = _now,
        speed: float = 1,
        citizens: Citizens | None = None,
    ) -> None:
        self._clock, self._truth, self._name, self._seed = clock, truth, name, seed
        self._speed, self._late, self._citizens = speed, int(LATE * speed), citizens
        self.start = start
        self.end = None if lasts is None else start + lasts
        self.past = start < clock() - self._late
        if self.past:
            villages = [replace(village, remote=True) for village in villages]
        self.world = World(villages, faults, seed=seed, start=start, timetable=timetable)
        patience = PATIENCE if self.past else SECOND
        played = [village for village in villages if village.remote]
        self._gateways = {
            village.code: VillageGateway(self.world.scenes[village.code], gateway, seed, start, patience)
            for village in played
        }
        if self.past:
            for gateway_ in self._gateways.values():
                gateway_.again = NEVER
        self._brokers = {code: VillageBroker(self.world, each) for code, each in self._gateways.items()}
        self._centre = CentreSession(url, list(self._gateways.values()), f"played-{start}-{seed}")
        self._driver = None if self.past else Driver(self.world, url, truth, clock, elsewhere=self._played, speed=speed)
        self._alive: dict[str, list[int]] = {code: [] for code in self._gateways}
        self._perhaps_alive: dict[str, list[int]] = {code: [] for code in self._gateways}
        self._states: dict[str, bool] = {}
        self._flying: dict[tuple[str, str, int], tuple[VillageGateway, bytes, float]] = {}
        self.sent_from = self.sent_until = 0
        self.reached = Event()
        self.now = start
        self._next_tick = start
        self._caught_up = 0

    @property
    def online(self) -> int:
        """The number of devices with a session."""
        direct = self._driver.online if self._driver else 0
        return direct + sum(broker.online for broker in self._brokers.values())

    @property
    def problem(self) -> str | None:
        """Why devices or played gateways cannot connect; `None` if they can."""
        return (self._driver.problem if self._driver else None) or self._centre.problem

    def run(self, stop: Event, progress: Callable[[], None] = lambda: None) -> None:
        """Run until `stop` is set."""
        self.sent_from = self._clock()
        try:
            with ExitStack() as stack:
                if self._citizens:
                    stack.enter_context(self._citizens)
                if self._gateways:
                    stack.enter_context(self._centre)
                    while self.past and not stop.is_set() and not self._centre.ready.wait(0.2):
                        pass
                self._loop(stop, progress)
        finally:
            if self._driver:
                self._driver.end()
            self._pending()
            self._listen()
            if not self.reached.is_set():
                self._tell()
            self._truth.flush()

    def _pending(self) -> None:
        """Record what the centre has not acknowledged: it may or may not have arrived."""
        for code, gateway in self._gateways.items():
            for reading in gateway.pending():
                self._reading(code, reading, ok=False)

    def _loop(self, stop: Event, progress: Callable[[], None]) -> None:
        while not stop.is_set():
            if self.past:
                self._catch_up(stop)
            else:
                self._real_time()
            self._tick()
            self._listen()
            if self._is_over() and not self.reached.is_set():
                self._tell()
                self.reached.set()
            progress()
            if self.reached.is_set():  # a comparison may be reading the file
                self._truth.flush()

    def _is_over(self) -> bool:
        """Returns whether `lasts` is over, and the centre has acknowledged that period or the wait for it is over."""
        if self.end is None or self.now < self.end or self.past:
            return False
        if self._clock() - max(self.end, self._caught_up) > PATIENT * self._speed:
            return True
        if self._citizens and self._citizens.is_waiting(self.end):
            return False
        can_send = [each for each in self._gateways.values() if each.running and not each.cut(self.now)]
        return not any(reading.sent <= self.end for each in can_send for reading in each.pending())

    def _listen(self) -> None:
        """Let citizens complain, and record what became of it."""
        if self._citizens is None or self.past:
            return
        self._citizens.go(self.now)
        for complaint in self._citizens.answered():
            self._complained(complaint)

    def _complained(self, complaint: Complaint) -> None:
        visit, scene = complaint.visit, self.world.scenes[complaint.visit.village]
        facility = next(each for each in scene.village.facilities if each.id == visit.facility)
        self._truth.line(
            {
                "type": "complaint",
                "village": visit.village,
                "facility": visit.facility,
                "problem": visit.problem,
                "time": complaint.time / 1000,
                "id": complaint.id,
                "sensors": Condition(scene, facility).reported(complaint.time),
            }
        )

    def _real_time(self) -> None:
        self.now = self._clock()
        if self._driver:
            self._driver.turn()
        else:
            self._all(self.world.run(self.now))
            time.sleep(0.1 / self._speed)

    def _catch_up(self, stop: Event) -> None:
        """Simulate the next step of the past, or wait if the centre does not keep up."""
        if self._centre_is_behind():
            stop.wait(0.005)
            return
        due = self.world.next_event
        step = self.now + 5 * STEP
        self.now = step if due is None else min(step, max(due, self.now + 1))
        self._all(self.world.run(self.now))
        if self.now >= self._clock() - self._late:
            self.past = False
            for gateway in self._gateways.values():
                gateway.patience = SECOND
                gateway.retry_after(RETRY, self.now)
            self._next_tick = self.now
            self._caught_up = self._clock()

    def _centre_is_behind(self) -> bool:
        """Returns whether to wait for acknowledgements that a gateway would have by now in real time.

        Otherwise, what a gateway loses with its SD card would depend on the speed of this machine.
        """
        on_the_way = Counter(code for code, _, _ in self._flying)
        return on_the_way.total() >= WINDOW or any(
            batches >= IN_FLIGHT or self._gateways[code].loses_its_card_by(self.now + 5 * STEP)
            for code, batches in on_the_way.items()
        )

    def _all(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self._played(action)

    def _played(self, action: Action) -> bool:
        """Carry out an action of a played village's device. Returns False if it is not in one."""
        broker = self._brokers.get(action.device.village)
        if broker is None:
            return False
        broker.do([action], self.now)
        return True

    def _tick(self) -> None:
        """Run the played gateways, once a second of their time."""
        self._collect()
        self._again()
        if self.now < self._next_tick:
            return
        self._next_tick = self.now + (5 * STEP if self.past else STEP)
        for code, gateway in self._gateways.items():
            broker = self._brokers[code]
            broker.tick(self.now)
            for parcel in gateway.tick(self.now):
                self._centre.batch(gateway, parcel)
                self._flying[code, parcel.epoch, parcel.seq] = (gateway, parcel.payload, time.monotonic())
            for packet in broker.thrown:
                self._centre.rubbish(gateway, packet.payload)
            broker.thrown.clear()
            for device, packet, moment in broker.refused:
                self._say(device.key, packet.time or moment, packet.values, timed=packet.timed, ok=False)
            broker.refused.clear()
            self._give_up(code, gateway)
            self._tell_state(code, gateway)

    def _tell_state(self, code: str, gateway: VillageGateway) -> None:
        """Publish a gateway's state if it changed: `online`, or the last will on its behalf."""
        if self.past:
            return
        online = not gateway.cut(self.now) and gateway.running
        if self._states.get(code) is not online:
            self._states[code] = online
            self._centre.state(gateway, online=online)

    def _collect(self) -> None:
        while self._centre.answers:
            code, epoch, seq = self._centre.answers.popleft()
            self._flying.pop((code, epoch, seq), None)
            if code in self._gateways:
                for reading in self._gateways[code].acknowledged(epoch, seq):
                    self._reading(code, reading, ok=True)

    def _again(self) -> None:
        """Send the past again that the centre does not acknowledge. In the present the gateways do so themselves."""
        for key, (gateway, payload, sent) in self._flying.items() if self.past else ():
            if time.monotonic() - sent > AGAIN:
                self._flying[key] = (gateway, payload, time.monotonic())
                self._centre.rubbish(gateway, payload)  # the same bytes as before

    def _give_up(self, code: str, gateway: VillageGateway) -> None:
        for reading in gateway.given_up:
            self._reading(code, reading, ok=False)
        gateway.given_up.clear()

    def _reading(self, code: str, reading: Reading, *, ok: bool) -> None:
        if "alive" in reading.values:
            (self._alive if ok else self._perhaps_alive)[code].append(reading.time)
        else:
            self._say((code, reading.device), reading.time, reading.values, timed=reading.timed, ok=ok)

    def _say(self, key: Key, moment: int, values: Mapping[str, Value], *, timed: bool, ok: bool) -> None:
        if values:
            self._truth.report(key, moment, values, timed=timed, ok=ok)

    def _tell(self) -> None:
        """Write the truth so far: the run, villages, states, faults, devices, and when gateways were heard."""
        end = self.now if self.end is None else min(self.end, self.now)
        self.sent_until = self._clock()
        run = {"scenario": self._name, "seed": self._seed, "start": self.start / 1000, "end": end / 1000}
        live = self.sent_from - self.start < self._late
        sent = {"sent_from": self.sent_from / 1000, "sent_until": self.sent_until / 1000}
        self._truth.line({"type": "run", **run, "live": live, "speed": self._speed, **sent})
        for complaint in self._citizens.give_up() if self._citizens else ():
            self._complained(complaint)
        for scene in self.world.scenes.values():
            self._tell_village(scene.village, end)
            self._truth.spans(scene, self.start, end)
        for (code, device), (sent_, stored) in self._truth.by_device.items():
            known = self.world.devices.get((code, device))
            boots = {} if known is None else {"boots": known.reboots}
            line = {"type": "device", "village": code, "device": device, "sent": sent_, "acknowledged": stored}
            self._truth.line({**line, **boots})
        self._truth.flush()

    def _tell_village(self, village: SimulatedVillage, end: int) -> None:
        played = village.code in self._gateways
        self._truth.line(
            {
                "type": "village",
                "village": village.code,
                "offline_after": village.offline_after / 1000,
                "played": played,
            }
        )
        for facility in village.facilities:
            self._truth.line(facility_line(village.code, facility))
        if not played:
            self._tell_heard(village.code, [(self.start, end)])
            return
        pending = [each.time for each in self._gateways[village.code].pending() if "alive" in each.values]
        self._tell_heard(village.code, _heard(self._alive[village.code], end))
        self._tell_heard(village.code, _heard(self._perhaps_alive[village.code] + pending, end), acknowledged=False)

    def _tell_heard(self, code: str, stretches: Iterable[tuple[int, int]], *, acknowledged: bool = True) -> None:
        extra = {} if acknowledged else {"acknowledged": False}
        for begin, until in stretches:
            line = {"type": "heard", "village": code, "start": begin / 1000, "end": until / 1000}
            self._truth.line({**line, **extra})


def _heard(alive: Iterable[int], end: int) -> list[tuple[int, int]]:
    """Returns when a gateway with these heartbeats was heard, by event time."""
    stretches: list[tuple[int, int]] = []
    for moment in sorted(alive):
        until = min(moment + HOLDS, end)
        if stretches and moment <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], until)
        else:
            stretches.append((moment, until))
    return [(begin, until) for begin, until in stretches if until > begin]
