"""Declaring maintenance, at any time, corrects what it touches."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from siaga.database import tables
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.intervals import merge
from siaga.model.observation import Reading
from siaga.timeline.availability import measure
from tests.alerts.world import CODE, MIDNIGHT, NOON, World, gate, village

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


# What it does to history


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, village(uplink="odp-1"))
    yield world
    world.close()


def declare(world: World, start: int, end: int, **changes: object) -> None:
    whom = {} if "uplink" in changes else {"village": CODE}
    row = {"id": f"{start:032x}", "start": start, "end": end, "reason": "cat", "created_by": "t", "created_at": NOON}
    with world.database.begin() as connection:
        connection.execute(tables.maintenance.insert(), row | whom | changes)


def take_back(world: World) -> None:
    with world.database.begin() as connection:
        connection.execute(tables.maintenance.update().values(deleted_at=world.clock.now(), deleted_by="t"))


def excused(world: World, *, later: bool = False) -> list[tuple[int, int]]:
    """The excused stretches; those alone that were excused later."""
    spans = [span for span in world.spans() if (span.excused_later if later else span.excused)]
    return merge((span.start, min(span.end, world.clock.now())) for span in spans)


@pytest.mark.looks_often
@pytest.mark.parametrize(
    "whom", [{}, {"facility": "gerbang"}, {"uplink": "odp-1"}], ids=["village", "facility", "uplink"]
)
def test_a_window_excuses_and_its_deletion_takes_it_back(world: World, whom: dict[str, object]) -> None:
    world.live(4, OPEN)
    declare(world, NOON + 10 * MINUTE, NOON + 20 * MINUTE, **whom)
    world.live(20, CLOSED)
    assert excused(world) == [(NOON + 10 * MINUTE, NOON + 20 * MINUTE)]
    assert excused(world, later=True) == []
    take_back(world)
    world.live(1, CLOSED)
    assert excused(world) == []


@pytest.mark.looks_often
def test_what_it_excuses_before_it_was_declared_is_excused_later(world: World) -> None:
    """A technician who works, and says so when he is done, excuses it; the report shows both."""
    world.live(4, OPEN)
    world.live(11, CLOSED)
    declare(world, NOON + 10 * MINUTE, NOON + 20 * MINUTE, created_at=world.clock.now())
    world.live(10, CLOSED)
    assert excused(world) == [(NOON + 10 * MINUTE, NOON + 20 * MINUTE)]
    assert excused(world, later=True) == [(NOON + 10 * MINUTE, NOON + 15 * MINUTE)]
    measured = measure(world.spans(), (NOON, NOON + 25 * MINUTE))
    assert (measured.excused, measured.excused_later) == (10 * MINUTE, 5 * MINUTE)
    world.restart()
    world.live(1, CLOSED)
    assert excused(world, later=True) == [(NOON + 10 * MINUTE, NOON + 15 * MINUTE)]
    # Declared again, in time as far as anybody can tell from then on: what was late stays late
    declare(world, NOON + 10 * MINUTE + 1, NOON + 20 * MINUTE, created_at=NOON)
    world.live(1, CLOSED)
    assert excused(world, later=True) == [(NOON + 10 * MINUTE, NOON + 10 * MINUTE + 1)]


@pytest.mark.looks_often
def test_what_is_declared_of_others_excuses_nothing_here(world: World) -> None:
    world.live(4, CLOSED)
    declare(world, NOON, NOON + HOUR, uplink="odp-2")
    declare(world, NOON + 1, NOON + HOUR, facility="pagar")
    declare(world, NOON + 2, NOON + HOUR, village="35.10.16.2999")
    world.live(1, CLOSED)
    assert excused(world) == []


@pytest.mark.looks_often
def test_one_declared_long_afterwards_corrects_the_days_it_touches(tmp_path: Path) -> None:
    world = World(tmp_path, now=MIDNIGHT + 2 * HOUR)
    start = MIDNIGHT - 5 * HOUR
    said = []
    for time in range(start, world.clock.now(), MINUTE):
        said += [Reading("gw", "alive", time, True), Reading("gerbang-1", "gate_open", time, time >= start + HOUR)]
    world.send(said)
    world.let(5_000)
    declare(world, start + 10 * MINUTE, start + 70 * MINUTE)
    world.let(5_000)
    assert excused(world) == [(start + 10 * MINUTE, start + HOUR)]
    with world.database.connect() as connection:
        assert [(row.date, row.revision) for row in connection.execute(select(tables.day))] == [(date(2026, 3, 4), 1)]
    take_back(world)
    world.let(5_000)
    assert excused(world) == []
    with world.database.connect() as connection:
        assert connection.execute(select(tables.day.c.revision)).scalar_one() == 2
    world.close()


@pytest.mark.looks_often
def test_one_declared_while_no_engine_was_there_is_found_by_the_next(world: World) -> None:
    world.live(5, OPEN)
    world.live(4, CLOSED)
    world.live(30, OPEN)
    world.restart(clean=True)
    world.transport.cut()
    world.transport.close()
    declare(world, NOON + 6 * MINUTE, NOON + 8 * MINUTE)
    world.start()
    world.live(1, OPEN)
    assert excused(world) == [(NOON + 6 * MINUTE, NOON + 8 * MINUTE)]
    world.engine.close()
    world.transport.cut()
    world.transport.close()
    take_back(world)
    world.start()
    world.live(1, OPEN)
    assert excused(world) == []


@pytest.mark.looks_often
def test_recurring_windows_excuse_each_time(tmp_path: Path) -> None:
    world = World(tmp_path, now=NOON + 5 * MINUTE)
    first = NOON - 2 * DAY
    said = []
    for time in range(first - HOUR, world.clock.now(), 2 * MINUTE):
        said.append(Reading("gw", "alive", time, True))
        said.append(Reading("gw", "alive", time + MINUTE, True))
        said.append(Reading("gerbang-1", "gate_open", time, False))
    world.send(said)
    world.let(5_000)
    declare(world, first, first + MINUTE, rrule="FREQ=DAILY")
    world.let(5_000)
    assert excused(world) == [(first + n * DAY, first + n * DAY + MINUTE) for n in range(3)]
    world.close()


@pytest.mark.looks_often
def test_a_facility_added_to_an_uplink_is_excused_by_its_windows(world: World) -> None:
    declare(world, NOON, NOON + HOUR, uplink="odp-9")
    world.live(5, CLOSED)
    assert excused(world) == []
    world.registry.replace([village(gate(), uplink="odp-9")], world.clock.now())
    world.live(1, CLOSED)
    assert excused(world) == [(NOON, world.clock.now())]
