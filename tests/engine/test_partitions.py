"""Villages dealt to engines: each is watched by one, whatever moves, and alerts are as one engine alone raises them."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from api.engine.engine import AlertEngine
from api.engine.metrics import EngineMetrics
from api.engine.reader import InlineReader
from api.engine.tables import Tables
from siaga.broker.memory import MemoryTransport
from siaga.database import tables, writing
from siaga.database.dealing import HEARD, MAINTENANCE, Share, carry_over
from siaga.database.engine_state import read_past, read_values, write_values
from siaga.database.leases import Held, LeaseLost, Leases
from siaga.model.clock import MINUTE, SECOND
from siaga.model.sites import Village
from tests.alerts.world import Alert, World, gate, village

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)


def named(number: int, count: int, like: str) -> str:
    """A name that is dealt to a partition."""
    return next(name for n in range(1000) if Share(number, count).holds_name(name := like.format(n)))


ZERO, ONE = (named(number, 2, "35.10.16.2{:03}") for number in (0, 1))
UPLINK_ZERO, UPLINK_ONE = (named(number, 2, "odp-{}") for number in (0, 1))

pytestmark = pytest.mark.looks_often


class Member:
    """An engine of one partition, which may end at any moment."""

    def __init__(self, world: "Dealt", number: int, count: int) -> None:
        self.world, self.share = world, Share(number, count)
        leases = Leases(world.database, "member", count)
        leases.deal_anew(carry_over)
        lease = leases.take(number, Held("member"))
        assert lease is not None
        self.transport = MemoryTransport(world.broker, f"engine-{number}", clean=False, max_queue=1_000_000)
        self.metrics = CollectorRegistry()
        self.engine = AlertEngine(
            world.registry,
            Tables(world.database, lease),
            world.clock,
            self.transport,
            InlineReader(world.store),  # type: ignore[arg-type] # it hands everything on
            metrics=EngineMetrics(self.metrics),
        )
        self.engine.open()

    def turn(self) -> bool:
        """Returns whether something happened."""
        worked = False
        while self.engine.takes and (message := self.transport.receive(0)) is not None:
            self.engine.receive(message)
            worked = True
        self.engine.tick()
        return worked or self.engine.store_sync.busy

    def kill(self) -> None:
        """It is gone without a word."""
        self.transport.cut()
        self.transport.close()


class Dealt(World):
    """A world whose villages are watched by the engines of several partitions, or by the one of all."""

    def __init__(self, path: Path, *villages: Village, count: int) -> None:
        super().__init__(path, *villages, engine=False)
        self.members: dict[int, Member] = {}
        self.deal(count)

    def deal(self, count: int) -> None:
        """All engines end, and others come."""
        for member in self.members.values():
            member.kill()
        with writing(self.database) as connection:
            connection.execute(tables.engine_lease.update().values(until=0))
        self.members = {number: Member(self, number, count) for number in range(count)}
        self.settle()

    def settle(self) -> None:
        for _ in range(1000):
            self.centre.work()
            worked = [member.turn() for member in self.members.values()]
            if not any(worked):
                return
        raise AssertionError("the engines do not come to rest")

    def let(self, milliseconds: int) -> None:
        end = self.clock.now() + milliseconds
        while self.clock.now() < end:
            self.clock.advance(min(500, end - self.clock.now()))
            self.settle()

    def say(self, minutes: float, says: dict[str, tuple[str, str, object]]) -> None:
        """The gateways of villages beat, and their gates say how they are."""
        for _ in range(round(minutes * 2)):
            for code, what in says.items():
                self.beat(what, code=code)
            self.let(30 * SECOND)

    def change(self, *villages: Village) -> None:
        """The registry changes, and the engines look at it."""
        self.registry.replace(villages, self.clock.now())
        self.let(5 * SECOND)

    def watched(self) -> dict[str, list[int]]:
        """Which engines watch each village."""
        found: dict[str, list[int]] = {}
        for number, member in self.members.items():
            for code in member.engine.villages:
                found.setdefault(code, []).append(number)
        return found

    def close(self) -> None:
        for member in self.members.values():
            member.kill()
        self.store.inner.close()
        self.database.dispose()


def told(path: Path, count: int, story: Callable[[Dealt], None], villages: Iterable[Village]) -> list[Alert]:
    path.mkdir()
    world = Dealt(path, *villages, count=count)
    try:
        story(world)
        assert [kind for kind, _ in world.events()].count("raised") == len(world.alerts())
        return [replace(alert, raised_at=0, cleared_at=alert.cleared_at and 0) for alert in world.alerts()]
    finally:
        world.close()


def compared(path: Path, story: Callable[[Dealt], None], *villages: Village) -> list[Alert]:
    """What engines of two partitions tell in a story; it is what one alone tells, but for when it noticed."""
    both = told(path / "two", 2, story, villages)
    assert both == told(path / "one", 1, story, villages)
    return both


def test_each_engine_takes_its_own_villages_and_does_not_even_read_what_others_say(tmp_path: Path) -> None:
    world = Dealt(tmp_path, village(gate(), code=ZERO), village(gate(), code=ONE), count=2)
    assert world.watched() == {ZERO: [0], ONE: [1]}
    world.say(2, {ZERO: OPEN, ONE: CLOSED})
    for member in world.members.values():
        assert member.metrics.get_sample_value("siaga_engine_batches_total") == 4
    assert world.states(code=ZERO)[-1][1:] == ("met", None)
    assert world.states(code=ONE)[-1][1:] == ("failed", "gate_open")
    world.close()


def test_a_village_moves_with_its_open_alert_when_its_uplink_changes(tmp_path: Path) -> None:
    homes = village(gate(grace=MINUTE), code=ZERO), village(gate(grace=MINUTE), code=ONE)

    def story(world: Dealt) -> None:
        world.say(3, {ZERO: OPEN, ONE: OPEN})
        world.say(3, {ZERO: CLOSED, ONE: OPEN})
        world.change(replace(homes[0], uplink=UPLINK_ONE), homes[1])
        if len(world.members) == 2:
            assert world.watched() == {ZERO: [1], ONE: [1]}
        world.say(3, {ZERO: CLOSED, ONE: OPEN})
        world.say(3, {ZERO: OPEN, ONE: OPEN})

    [alert] = compared(tmp_path, story, *homes)
    assert (alert.subject, alert.ended_at is not None) == (f"{ZERO}/gerbang", True)


def test_a_village_that_moves_while_the_engine_that_gets_it_is_away_is_not_forgotten(tmp_path: Path) -> None:
    homes = village(gate(grace=MINUTE), code=ZERO), village(gate(grace=MINUTE), code=ONE)

    def story(world: Dealt) -> None:
        two = len(world.members) == 2
        world.say(3, {ZERO: OPEN, ONE: OPEN})
        if two:
            world.members.pop(1).kill()
        world.change(replace(homes[0], uplink=UPLINK_ONE), homes[1])
        world.say(2, {ZERO: CLOSED, ONE: OPEN})
        if two:
            assert world.watched() == {}
            world.members[1] = Member(world, 1, 2)
        world.say(2, {ZERO: CLOSED, ONE: OPEN})
        world.say(2, {ZERO: OPEN, ONE: OPEN})

    [alert] = compared(tmp_path, story, *homes)
    assert alert.ended_at is not None


def test_what_gateways_said_meanwhile_is_heard_each_time_that_a_village_comes(tmp_path: Path) -> None:
    here, there = (village(gate(), code=ZERO, uplink=uplink) for uplink in (UPLINK_ZERO, UPLINK_ONE))
    world = Dealt(tmp_path, here, count=2)
    world.say(1, {ZERO: OPEN})
    for fill in (0.1, 0.2):
        world.health(fill, code=ZERO)
        world.change(there)
        world.say(1, {ZERO: OPEN})
        assert world.members[1].engine.villages[ZERO].gateways["gw"].buffer.fill == fill
        world.change(here)
        world.say(1, {ZERO: OPEN})
    world.close()


def test_villages_that_are_lost_together_stay_together_until_that_is_over(tmp_path: Path) -> None:
    shared = [village(gate(), code=code, uplink=UPLINK_ZERO) for code in (ZERO, ONE)]

    def story(world: Dealt) -> None:
        world.say(2, {ZERO: OPEN, ONE: OPEN})
        world.let(6 * MINUTE)
        world.change(replace(shared[0], uplink=UPLINK_ONE), shared[1])
        if len(world.members) == 2:
            assert world.watched() == {ZERO: [0], ONE: [0]}
            with patch.object(world.registry, "villages", side_effect=AssertionError("nothing has changed")):
                world.let(10 * SECOND)
        else:
            world.let(10 * SECOND)
        world.say(3, {ZERO: OPEN, ONE: OPEN})
        if len(world.members) == 2:
            assert world.watched() == {ZERO: [1], ONE: [0]}
        world.let(6 * MINUTE)
        world.say(1, {ZERO: OPEN, ONE: OPEN})

    alerts = compared(tmp_path, story, *shared)
    assert [(alert.kind, alert.ended_at is not None) for alert in alerts] == [("village_offline", True)] * 3


def test_another_number_of_partitions_loses_no_alert_and_doubles_none(tmp_path: Path) -> None:
    homes = village(gate(grace=MINUTE), code=ZERO), village(gate(grace=MINUTE), code=ONE)

    def story(world: Dealt) -> None:
        troubled = len(world.members) == 2
        world.say(3, {ZERO: OPEN, ONE: OPEN})
        world.say(3, {ZERO: CLOSED, ONE: OPEN})
        for count in (3, 1, 2):
            if troubled:
                world.deal(count)
            world.say(1, {ZERO: CLOSED, ONE: OPEN})
        world.say(3, {ZERO: OPEN, ONE: CLOSED})
        if troubled:
            world.deal(1)
        world.say(3, {ZERO: OPEN, ONE: OPEN})

    assert [alert.subject for alert in compared(tmp_path, story, *homes)] == [f"{ZERO}/gerbang", f"{ONE}/gerbang"]


def test_every_member_can_tell_what_of_the_past_no_engine_knows(tmp_path: Path) -> None:
    world = Dealt(tmp_path, village(gate(), code=ZERO), village(gate(), code=ONE), count=2)
    world.say(2, {ZERO: OPEN, ONE: OPEN})
    world.store.away = True
    world.change(village(gate(grace=MINUTE), code=ZERO), village(gate(grace=MINUTE), code=ONE))  # memory is read again
    with world.database.connect() as connection:
        past = read_past(connection, 2)
    assert past.problem == "the store is away"
    assert past.stretches.keys() == {ZERO, ONE}
    assert past.stretches == {
        code: stretches for each in world.members.values() for code, stretches in each.engine.past.stretches.items()
    }
    world.store.away = False
    world.let(MINUTE)
    with world.database.connect() as connection:
        assert read_past(connection, 2).problem is None
    world.close()


def test_an_engine_that_was_replaced_says_nothing_more(tmp_path: Path) -> None:
    world = Dealt(tmp_path, village(gate(grace=0), code=ZERO), count=1)
    world.say(2, {ZERO: OPEN})
    sleeper = world.members.pop(0)
    world.members[0] = Member(world, 0, 1)
    world.say(2, {ZERO: CLOSED})
    sleeper.transport.cut()
    with pytest.raises(LeaseLost):
        sleeper.engine.close()
    world.clock.advance(MINUTE)
    with pytest.raises(LeaseLost):
        sleeper.engine.tick()
    assert [kind for kind, _ in world.events()] == ["raised"]
    world.close()


def test_what_all_engines_had_done_is_kept_when_their_number_changes(tmp_path: Path) -> None:
    world = World(tmp_path, engine=False)
    with writing(world.database) as connection:
        connection.execute(
            tables.maintenance.insert(),
            [
                {
                    "id": name,
                    "start": 1,
                    "end": 2,
                    "reason": "",
                    "village": ZERO,
                    "created_by": "ratih",
                    "created_at": 1,
                }
                for name in ("all", "one")
            ],
        )
        write_values(
            connection,
            {
                f"{HEARD}/0": {"until": 9, "settled": True},
                f"{HEARD}/1": {"until": 7, "settled": True},
                f"{MAINTENANCE}/0": ["all", "one", "one withdrawn", "withdrawn"],
                f"{MAINTENANCE}/1": ["all", "withdrawn"],
            },
        )
        carry_over(connection, 1)
        keys = connection.execute(select(tables.engine_state.c.key)).scalars().all()
        kept = read_values(connection, keys)
    assert kept == {
        f"{HEARD}/0": {"until": 7, "settled": False},
        f"{MAINTENANCE}/0": ["all", "one withdrawn", "withdrawn"],
    }, "what differs from what holds now is judged again"
    world.store.inner.close()
    world.database.dispose()
