"""Another sites file while everything runs: what is judged is what facilities are now, from when they are judged."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, select

from api.alerts.certainty import Moment
from api.engine.engine import REGISTRY_GAP
from siaga.database import tables, writing
from siaga.database.engine_state import mains_key, waits_key, write_values
from siaga.model.clock import DAY, MINUTE, SECOND
from siaga.model.observation import Reading
from siaga.model.sites import Adapter, Device, Facility
from siaga.mqtt import Message
from tests.alerts.world import CODE, NOON, World, gate, village

pytestmark = pytest.mark.looks_often
OPEN, ALSO_OPEN = ("gerbang-1", "gate_open", True), ("gerbang-2", "gate_open", True)
ONE, OTHER = Device("gerbang-1", Adapter.SENML, MINUTE), Device("gerbang-2", Adapter.SENML, MINUTE)


def live_both(world: World, other: str, beats: int) -> None:
    """Both villages live on, for so many half minutes."""
    for _ in range(beats):
        world.beat(OPEN)
        world.beat(OPEN, code=other)
        world.let(30 * SECOND)


def facility(*devices: Device) -> Facility:
    return Facility("gerbang", "gate", "Gerbang", devices)


@pytest.mark.parametrize("minutes", [5, 40], ids=["still_in_memory", "history"])
def test_without_the_device_that_spoke_first_a_facility_is_judged_from_the_next(tmp_path: Path, minutes: int) -> None:
    world = World(tmp_path, village(facility(ONE, OTHER)))
    world.live(5, OPEN)
    second = world.clock.now()
    world.live(minutes, OPEN, ALSO_OPEN)
    assert world.spans()[0].start == NOON

    world.registry.replace([village(facility(OTHER))], world.clock.now())
    world.live(2, ALSO_OPEN)
    assert world.states() == [(second, "met", None)]
    world.close()


@pytest.mark.parametrize("facilities", [(), (facility(),)], ids=["no_facility", "no_device"])
def test_a_village_that_has_nothing_to_judge_yet_is_watched_and_keeps_nobody_else_from_being_judged(
    tmp_path: Path, facilities: tuple[Facility, ...]
) -> None:
    bare = replace(village(code="35.10.15.2013"), facilities=facilities)
    world = World(tmp_path, village(), bare)
    world.live(7, OPEN)
    assert [span.state for span in world.spans()] == ["met"]
    assert [alert.subject for alert in world.alerts("village_offline")] == [bare.code]
    world.registry.replace([village(), replace(bare, facilities=(facility(OTHER),))], world.clock.now())
    world.live(2, OPEN)
    world.registry.replace([village(), bare], world.clock.now())
    world.live(2, OPEN)
    assert [span.state for span in world.spans()] == ["met"]
    world.close()


def test_a_facility_of_which_no_device_is_left_that_spoke_has_no_history(tmp_path: Path) -> None:
    world = World(tmp_path, village(facility(ONE, OTHER)))
    world.live(40, OPEN)
    world.registry.replace([village(facility(OTHER))], world.clock.now())
    world.live(2)
    assert world.spans() == []
    world.close()


def test_days_of_before_a_facility_is_judged_now_are_gone_with_their_spans(tmp_path: Path) -> None:
    world = World(tmp_path, village(facility(ONE, OTHER)))
    world.send([Reading("gw", "alive", NOON - 3 * DAY, True), Reading("gerbang-1", "gate_open", NOON - 3 * DAY, True)])
    world.live(5, OPEN, ALSO_OPEN)
    assert world.spans()[0].start == NOON - 3 * DAY

    world.registry.replace([village(facility(OTHER))], world.clock.now())
    world.live(2, ALSO_OPEN)
    assert world.states() == [(NOON, "met", None)]
    world.close()


def test_a_village_that_is_new_while_the_store_is_away_is_judged_from_its_first_reading(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.live(5, OPEN)
    world.store.away = True
    world.live(2, OPEN)
    new = village(gate(), code="35.10.16.2009")
    world.registry.replace([village(), new], world.clock.now())
    world.centre.devices[new.code] = {"gerbang-1"}
    world.let(30 * SECOND)
    first = world.clock.now()
    live_both(world, new.code, 12)
    world.centre.held, world.store.away = True, False  # memory is read before what waits is stored
    live_both(world, new.code, 2)
    world.centre.held = False
    live_both(world, new.code, 4)
    assert world.states("gerbang", new.code) == [(first, "met", None)]
    world.close()


def test_what_was_taken_out_while_no_engine_saw_it_has_no_open_alert(tmp_path: Path) -> None:
    """A facility that failed, and a device that was silent beside one that speaks."""
    failing = Facility("pintu", "gate", "Pintu", (Device("pintu-1", Adapter.SENML, MINUTE),))
    world = World(tmp_path, village(facility(ONE, OTHER), failing))
    world.live(20, OPEN, ("pintu-1", "gate_open", False))
    assert {alert.subject for alert in world.alerts()} >= {f"{CODE}/pintu", f"{CODE}/gerbang-2"}

    world.stop()
    world.registry.replace([village(facility(ONE))], world.clock.now())
    world.start()
    world.live(2, OPEN)
    assert all(alert.cleared_at is not None for alert in world.alerts())
    world.close()


@pytest.mark.parametrize("away", [False, True], ids=["while_the_engine_runs", "while_no_engine_runs"])
def test_a_village_that_is_taken_out_leaves_no_rows_of_what_is_taken_and_said(world: World, away: bool) -> None:
    world.live(2, OPEN)
    kept = tables.inbox.c.village, tables.village_snapshot.c.village
    with writing(world.database) as connection:
        write_values(connection, {mains_key(CODE): ["gerbang"], waits_key(CODE): []})
    world.beat(OPEN)
    world.let(SECOND)
    assert [rows_of(world, column) for column in kept] == [{CODE}, {CODE}]
    if away:
        world.stop()
    world.registry.replace([], world.clock.now(), removed=[CODE])
    if away:
        world.start()
    world.let(5 * SECOND)
    assert [rows_of(world, column) for column in kept] == [set(), set()]
    assert rows_of(world, tables.engine_state.c.key).isdisjoint({mains_key(CODE), waits_key(CODE)})


def rows_of(world: World, column: ColumnElement[str]) -> set[str]:
    with world.database.connect() as connection:
        return set(connection.execute(select(column)).scalars())


def test_a_device_is_silent_also_where_its_gateway_came_back_with_a_clock_that_was_ahead(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.live(5, OPEN)
    world.let(4 * MINUTE)
    world.beat(at=world.clock.now() + 2 * SECOND)
    world.let(30 * SECOND)
    world.live(20)
    assert [alert.kind for alert in world.alerts("device_silent")] == ["device_silent"]
    world.close()


def test_a_village_that_is_taken_out_of_the_registry_is_neither_judged_nor_missed(world: World) -> None:
    other = village(gate(), code="35.10.16.2009")
    world.registry.replace([village(), other], world.clock.now())
    world.centre.devices[other.code] = {"gerbang-1"}
    world.let(3 * SECOND)
    live_both(world, other.code, 10)
    world.registry.replace([], world.clock.now(), removed=[other.code])
    before = world.spans("gerbang", other.code)
    world.live(10, OPEN)
    assert world.alerts() == []
    assert world.spans("gerbang", other.code) == before


def test_a_village_that_is_put_back_has_its_history_again_and_a_hole_where_it_was_not_watched(world: World) -> None:
    other = village(gate(), code="35.10.16.2009")
    world.registry.replace([village(), other], world.clock.now())
    world.centre.devices[other.code] = {"gerbang-1"}
    world.let(3 * SECOND)
    first = world.clock.now()
    live_both(world, other.code, 10)
    world.beat(OPEN)
    world.beat(("gerbang-1", "gate_open", False), code=other.code)
    live_both(world, other.code, 0)
    for _ in range(14):
        world.beat(OPEN)
        world.beat(("gerbang-1", "gate_open", False), code=other.code)
        world.let(30 * SECOND)
    assert [alert.kind for alert in world.alerts("facility_failed")] == ["facility_failed"]
    taken = world.clock.now()
    world.registry.replace([], taken, removed=[other.code])
    world.live(20, OPEN)
    (closed,) = world.alerts("facility_failed")
    assert closed.cleared_at is not None, "nobody goes to repair what is no longer watched"

    back = world.clock.now()
    world.registry.replace([other], back)
    world.let(3 * SECOND)
    live_both(world, other.code, 20)
    states = world.states("gerbang", other.code)
    assert states[0] == (first, "met", None)
    assert [state for _, state, _ in states] == ["met", "failed", "unknown", "met"]
    assert taken <= states[2][0] <= taken + 3 * MINUTE
    assert back <= states[3][0] <= back + MINUTE
    assert len(world.alerts("facility_failed")) == 1
    world.close()


@pytest.mark.parametrize("minutes", [2, 40], ids=["still_in_memory", "history"])
@pytest.mark.parametrize("restarts", [False, True], ids=["seen", "while_no_engine_ran"])
def test_a_facility_that_is_put_back_has_each_second_once(tmp_path: Path, minutes: int, *, restarts: bool) -> None:
    lamp = Facility("pos", "gate", "Pos", (Device("pos-1", Adapter.SENML, MINUTE),))
    world = World(tmp_path, village(facility(ONE), lamp))
    shut = ("pos-1", "gate_open", False)
    world.live(8, OPEN, shut)
    taken = world.clock.now()
    if restarts:
        world.stop()
    world.registry.replace([village(facility(ONE))], taken)
    if restarts:
        world.start()
    world.live(minutes, OPEN)
    back = world.clock.now()
    world.registry.replace([village(facility(ONE), lamp)], back)
    world.live(3, OPEN, shut)
    world.live(60, OPEN, shut)
    spans = world.spans("pos")
    assert all(one.end == next_.start for one, next_ in pairwise(spans)), spans
    assert (spans[0].state, spans[-1].state) == ("failed", "failed")
    world.close()


def test_what_is_judged_as_a_whole_is_said_until_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, village(facility(ONE)))
    world.live(40, OPEN)
    assert not world.engine.past.judging
    said: list[dict[str, object]] = []
    ask = world.engine.store_sync.ask

    def note(moment: Moment) -> None:
        ask(moment)
        said.append(dict(world.engine.past.judging))

    monkeypatch.setattr(world.engine.store_sync, "ask", note)
    slower = replace(ONE, every=2 * MINUTE)
    world.registry.replace([village(facility(slower))], world.clock.now())
    world.live(1, OPEN)
    assert any(CODE in each for each in said), "reports wait"
    assert not said[-1]
    world.close()


@pytest.mark.parametrize("minutes", [2, 40], ids=["still_in_memory", "history"])
def test_a_village_that_is_put_back_has_each_second_once(world: World, minutes: int) -> None:
    other = village(gate(), code="35.10.16.2009")
    world.registry.replace([village(), other], world.clock.now())
    world.centre.devices[other.code] = {"gerbang-1"}
    world.let(3 * SECOND)
    live_both(world, other.code, 16)
    world.registry.replace([], world.clock.now(), removed=[other.code])
    world.live(minutes, OPEN)
    world.registry.replace([other], world.clock.now())
    world.let(3 * SECOND)
    live_both(world, other.code, 40)
    spans = world.spans("gerbang", other.code)
    assert all(one.end == next_.start for one, next_ in pairwise(spans)), spans
    world.close()


def test_a_message_for_which_the_registry_is_looked_at_is_not_acknowledged_by_that_commit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of an unknown device has the registry looked at. Where a village leaves just then, the engine commits."""
    world.live(2, OPEN)
    engine, kept = world.engine, []

    def acknowledged(message: Message) -> None:
        with world.database.connect() as connection:
            rows = connection.execute(select(tables.inbox.c.payload)).scalars().all()
        kept.append(message.payload in [bytes(row) for row in rows])

    with monkeypatch.context() as changed:
        changed.setattr(engine, "_move", lambda *_: engine._commit(at_once=True))
        changed.setattr(world.transport, "acknowledge", acknowledged)
        world.clock.advance(REGISTRY_GAP)
        now = world.clock.now()
        world.send([Reading("gw", "alive", now, True), Reading("baru-1", "gate_open", now, True)], settle=False)
        message = world.transport.receive(0)
        assert message is not None
        engine.receive(message)
        assert not kept
        engine.tick()
        world.let(SECOND)
    assert kept
    assert all(kept)
