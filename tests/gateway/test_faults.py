"""Faults in any order: what was acknowledged to a device is at the centre once, with its time."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.strategies import integers

from tests.gateway.places import CODE, NOW, device, village
from tests.gateway.yard import Yard

PLACE = village(("gate", [device("gerbang-1", "senml")]))
SENML = f"siaga/v1/{CODE}/gerbang-1/senml"


class Faults(RuleBasedStateMachine):
    """A gateway that, at any step, is killed, cut off from either broker, without disk space, or not acknowledged."""

    @initialize()
    def make(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.yard = Yard(Path(self.directory.name), [PLACE])
        self.said: list[int] = []
        self.alive, self.memory = True, False
        self.quick()
        self.yard.turn()

    def quick(self) -> None:
        # There are no power cuts here, and what the kernel has survives a kill.
        self.yard.buffer._db.execute("PRAGMA synchronous=OFF")

    @rule(count=integers(1, 5))
    def say(self, count: int) -> None:
        for _ in range(count):
            number = len(self.said)
            time = self.yard.clock.now() + number % 100  # no two at one time
            self.said.append(time)
            self.yard.say(SENML, f'[{{"n":"uptime","v":{number},"t":{time / 1000}}}]')
            self.yard.clock.advance(101)

    @precondition(lambda self: self.alive)
    @rule()
    def turn(self) -> None:
        self.yard.turn()

    @precondition(lambda self: self.alive)
    @rule()
    def take_without_a_commit(self) -> None:
        self.yard.take()

    @precondition(lambda self: self.alive)
    @rule()
    def commit_and_hear_nothing(self) -> None:
        self.yard.gateway.tick()

    @rule(seconds=integers(1, 200))
    def time_passes(self, seconds: int) -> None:
        if self.alive:
            self.yard.take()  # a running gateway reads what has arrived before minutes pass
        self.yard.clock.advance(seconds * 1000)

    @precondition(lambda self: self.alive)
    @rule()
    def kill(self) -> None:
        self.yard.kill()
        self.alive = False

    @precondition(lambda self: not self.alive)
    @rule()
    def start(self) -> None:
        self.yard.start()
        self.quick()
        self.alive = True

    @precondition(lambda self: self.alive)
    @rule()
    def cut(self) -> None:
        self.yard.centre_side.cut()

    @precondition(lambda self: self.alive)
    @rule()
    def cut_off_from_the_village(self) -> None:
        self.yard.village_side.cut()

    @precondition(lambda self: self.alive)
    @rule()
    def mend(self) -> None:
        self.yard.centre_side.restore()
        self.yard.village_side.restore()

    @rule()
    def the_centre_stops_acknowledging(self) -> None:
        self.yard.centre.acknowledging = False

    @rule()
    def the_centre_acknowledges(self) -> None:
        self.yard.centre.acknowledging = True

    @precondition(lambda self: self.alive)
    @rule()
    def the_disk_is_full(self) -> None:
        self.yard.buffer.fill_up()
        self.memory = True

    @precondition(lambda self: self.alive)
    @rule()
    def the_disk_has_room(self) -> None:
        self.yard.buffer.make_room()

    def teardown(self) -> None:
        """Remove all faults: then everything arrives, and the buffer is empty."""
        if not hasattr(self, "yard"):
            return
        try:
            self.heal()
        finally:
            self.yard.buffer._db.close()
            self.directory.cleanup()

    def heal(self) -> None:
        if not self.alive:
            self.start()
        self.mend()
        self.the_disk_has_room()
        self.yard.centre.acknowledging = True
        self.yard.after(300, step=5)
        self.yard.after(2)
        stored = self.yard.centre.values("gerbang-1", "uptime")
        assert [time for time, _ in stored] == sorted(self.said)
        assert {value for _, value in stored} == set(range(len(self.said)))
        self.yard.gateway.close()
        assert self.yard.buffer.readings <= 1, "but for a heartbeat of now"
        assert self.memory or len({batch.epoch for _, batch in self.yard.centre.batches}) <= 1
        times = [time for time, _ in self.yard.centre.values("gw", "alive")]
        assert times[0] == NOW


TestFaults = Faults.TestCase
TestFaults.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
