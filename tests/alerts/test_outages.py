"""Villages that share an uplink and are lost together make one alert."""

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from siaga.database import tables
from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.observation import Reading
from siaga.wire.batch import BatchId, encode_batch
from siaga.wire.topics import batch_topic
from tests.alerts.world import NOON, World, village

A, B, C, D = (f"35.10.16.200{n}" for n in (1, 2, 3, 4))
ALONE = "35.10.16.2009"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    places = [village(code=code, uplink="odp-glagah-2") for code in (A, B, C, D)]
    world = World(tmp_path, *places, village(code=ALONE))
    for code in (A, B, C, D, ALONE):
        world.beat(code=code)
    yield world
    world.close()


def keep(world: World, minutes: float, *codes: str) -> None:
    """Some villages go on beating."""
    for _ in range(round(minutes * 2)):
        for code in codes:
            world.beat(code=code)
        world.let(30 * SECOND)


def offline(world: World) -> list[tuple[str, bool]]:
    return [(alert.subject, alert.cleared_at is None) for alert in world.alerts("village_offline")]


def children(world: World, number: int = 0) -> dict[str, bool]:
    """The villages of an alert, and whether they are still lost."""
    found = world.evidence("village_offline")[number].get("children")
    assert isinstance(found, Sequence)
    return {child["village"]: child["ended_at"] is None for child in found}


def links(world: World) -> dict[str, object]:
    return {code: each.link.row().link for code, each in world.engine.villages.items()}


def test_villages_lost_together_make_one_alert_with_its_children(world: World) -> None:
    keep(world, 1, ALONE)
    for code in (A, B, C):
        world.beat(code=code)
        world.let(10 * SECOND)
    keep(world, 6, ALONE, D)
    assert offline(world) == [(A, True)]
    assert children(world) == {A: True, B: True, C: True}
    [evidence] = world.evidence("village_offline")
    assert (evidence["uplink"], evidence["villages"]) == ("odp-glagah-2", [A, B, C])
    assert links(world) == {A: "offline", B: "offline", C: "offline", D: "online", ALONE: "online"}
    assert [event for event, _ in world.events()] == ["raised", "updated", "updated"]


def test_it_is_over_when_all_are_back(world: World) -> None:
    world.let(6 * MINUTE)
    [alert, _] = world.alerts("village_offline")
    assert alert.subject == A
    world.beat(code=A)  # the one whose name it has: the others are still lost
    assert offline(world)[0] == (A, True)
    assert children(world) == {A: False, B: True, C: True, D: True}
    keep(world, 1, A)
    for code in (B, C):
        world.beat(code=code)
    assert offline(world)[0] == (A, True)
    back = world.clock.now()
    world.beat(code=D)
    [alert, _] = world.alerts("village_offline")
    assert (alert.ended_at, alert.cleared_at) == (back, back)
    assert not any(children(world).values())


def test_a_village_without_an_uplink_has_an_alert_of_its_own(world: World) -> None:
    world.let(6 * MINUTE)
    assert offline(world) == [(A, True), (ALONE, True)]


def test_lost_minutes_apart_they_have_one_each(world: World) -> None:
    keep(world, 2, B, C, D, ALONE)
    keep(world, 8, D, ALONE)
    assert offline(world) == [(A, True), (B, True)]
    assert children(world, 1) == {B: True, C: True}


def test_a_village_that_is_back_may_have_other_alerts_again(world: World) -> None:
    world.let(6 * MINUTE)
    for _ in range(40):
        now = world.clock.now()
        world.send([Reading("gw", "alive", now, True), Reading("gerbang-1", "gate_open", now, False)], code=A)
        world.let(30 * SECOND)
    assert [alert.subject for alert in world.alerts("facility_failed")] == [f"{A}/gerbang"]
    assert offline(world)[0] == (A, True)


def test_the_one_whose_name_it_has_is_lost_again(world: World) -> None:
    world.let(6 * MINUTE)
    world.beat(code=A)
    world.let(20 * MINUTE)
    assert offline(world) == [(A, True), (ALONE, True)]
    assert children(world) == {A: True, B: True, C: True, D: True}


def test_another_that_is_lost_again_later_has_one_of_its_own(world: World) -> None:
    world.let(6 * MINUTE)
    world.beat(code=B)
    world.let(20 * MINUTE)
    assert (B, True) in offline(world)


def test_a_new_engine_knows_the_children(world: World) -> None:
    world.let(6 * MINUTE)
    world.beat(code=A)
    world.restart()
    world.let(10 * MINUTE)
    for code in (A, B, C):
        world.beat(code=code)
    assert offline(world)[0] == (A, True)
    world.beat(code=D)
    assert offline(world)[0] == (A, False)
    assert len(offline(world)) == 2


def test_an_alert_that_grows_is_not_acknowledged_any_more(world: World) -> None:
    """Who acknowledged it knew of one village."""
    keep(world, 1, B, C, D)
    world.let(4 * MINUTE + 15 * SECOND)
    assert offline(world) == [(A, True), (ALONE, True)]
    with world.database.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE alert SET acknowledged_at = 1, acknowledged_by = 'budi' WHERE village = ?", (A,)
        )
    world.let(MINUTE)
    assert len(children(world)) == 4
    with world.database.connect() as connection:
        found = connection.exec_driver_sql("SELECT acknowledged_by FROM alert WHERE village = ?", (A,)).scalar_one()
        trail = connection.execute(select(tables.alert_action.c.actor, tables.alert_action.c.detail)).all()
    assert found is None
    assert [tuple(entry) for entry in trail] == [("siaga", {"withdrawn": True})], "once, however many joined"


@pytest.mark.looks_often
def test_a_village_taken_out_of_the_registry_is_not_waited_for(world: World) -> None:
    world.let(6 * MINUTE)
    for code in (A, B, C):
        world.beat(code=code)
    with world.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM village WHERE code = ?", (D,))
        connection.exec_driver_sql("UPDATE registry_version SET version = version + 1")
    world.let(3 * SECOND)
    assert offline(world)[0] == (A, False)


def test_a_storm_of_many_villages_makes_an_alert_for_each_uplink(tmp_path: Path) -> None:
    codes = [f"35.10.17.{n:04}" for n in range(60)]
    world = World(tmp_path, *(village(code=code, uplink=f"odp-{n % 3}") for n, code in enumerate(codes)))
    for code in codes:
        world.beat(code=code)
        world.let(150)
    world.let(6 * MINUTE)
    assert len(world.alerts()) == 3
    assert sorted(len(list(evidence["villages"])) for evidence in world.evidence("village_offline")) == [20, 20, 20]  # type: ignore[call-overload] # JSON
    world.close()


# What speaks for a cause


def test_a_gateway_that_ran_on_while_it_was_not_heard_had_power(world: World) -> None:
    cut = world.clock.now()
    world.let(HOUR)
    world.send([Reading("gw", "alive", time, True) for time in range(cut, world.clock.now(), 30 * SECOND)], code=ALONE)
    world.let(10 * SECOND)
    evidence = world.evidence("village_offline")[1]
    assert (evidence["gateway_ran"], evidence["likely"]) == (True, "link")


def test_a_batch_that_comes_again_does_not_count_its_heartbeats_twice(world: World) -> None:
    """A gateway says anew when it sends a batch again, which makes other bytes of it."""
    cut = world.clock.now()
    world.let(12 * MINUTE)
    beats = [Reading("gw", "alive", cut + n * 30 * SECOND, True) for n in range(4)]
    beats.append(Reading("gw", "alive", world.clock.now(), True))
    for _ in range(3):
        payload = encode_batch(BatchId(str(uuid.UUID(int=2)), 1), world.clock.now(), beats)
        world.publish(batch_topic(ALONE, "gw"), payload)
        world.let(500)
    world.let(10 * SECOND)
    evidence = world.evidence("village_offline")[1]
    assert (evidence["gateway_ran"], evidence["likely"]) == (False, "mains_out")


@pytest.mark.parametrize("up_for", [0, 20 * SECOND, 5 * MINUTE], ids=["at once", "it boots", "the link is late"])
def test_one_without_a_heartbeat_in_what_it_buffered_had_none(world: World, up_for: int) -> None:
    world.let(HOUR)
    back = world.clock.now()
    world.let(up_for)
    beats = [Reading("gw", "alive", time, True) for time in range(back, world.clock.now() + 1, 30 * SECOND)]
    world.send(beats, code=ALONE)
    world.let(10 * SECOND)
    evidence = world.evidence("village_offline")[1]
    assert (evidence["gateway_ran"], evidence["likely"]) == (False, "mains_out")
    assert world.events()[-1] == ("updated", "village_offline")
    assert world.clock.now() > NOON


def start_without(world: World, *codes: str) -> None:
    """The engine is away while villages are taken out of the registry."""
    world.stop()
    world.registry.replace([], world.clock.now(), removed=codes)
    world.start()


@pytest.mark.looks_often
def test_a_lost_village_that_is_taken_out_while_no_engine_runs_is_lost_no_more(world: World) -> None:
    """Put back, it has an alert of its own again."""
    keep(world, 6, A, B, C, D)
    assert offline(world) == [(ALONE, True)]
    start_without(world, ALONE)
    world.let(SECOND)
    assert offline(world) == [(ALONE, False)]
    assert world.evidence("village_offline")[0]["taken_out"] is True

    world.registry.replace([village(code=ALONE)], world.clock.now())
    keep(world, 6, A, B, C, D)
    assert offline(world) == [(ALONE, False), (ALONE, True)]
    world.beat(code=ALONE)
    assert offline(world) == [(ALONE, False), (ALONE, False)]


@pytest.mark.looks_often
def test_an_outage_goes_on_without_those_that_were_taken_out_while_no_engine_ran(world: World) -> None:
    keep(world, 6, C, D, ALONE)
    start_without(world, A)
    keep(world, 1, C, D, ALONE)
    assert (offline(world), children(world)) == ([(A, True)], {A: False, B: True})
    world.beat(code=B)
    assert offline(world) == [(A, False)]


@pytest.mark.looks_often
def test_a_village_with_another_uplink_joins_the_outage_that_has_its_name(world: World) -> None:
    """A comes back, gets another line, and is lost again, while B is lost all the time: only one alert can be A's."""
    keep(world, 6, C, D, ALONE)
    keep(world, 1, A, C, D, ALONE)
    world.registry.replace([village(code=A, uplink="odp-licin-1")], world.clock.now())
    keep(world, 6, C, D, ALONE)
    assert (offline(world), children(world)) == ([(A, True)], {A: True, B: True})
    for code in (A, B):
        assert offline(world) == [(A, True)]
        world.beat(code=code)
    assert offline(world) == [(A, False)]
