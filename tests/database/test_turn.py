"""Whose turn it is: one member's at a time, whoever stops, dies, or has a wrong clock."""

import pytest
from sqlalchemy import Engine

from siaga.database import tables, writing
from siaga.database.turn import Turn
from siaga.model.clock import DAY, HOUR, MINUTE, ManualClock

NOW = 1_796_000_000_000


def members(engine: Engine, number: int = 2, now: int = NOW) -> tuple[ManualClock, list[Turn]]:
    clock = ManualClock(now)
    return clock, [Turn(engine, "x", HOUR, clock) for _ in range(number)]


def test_one_has_the_turn_and_keeps_it(engine: Engine) -> None:
    clock, (first, second) = members(engine)
    assert (first.take(), second.take()) == (True, False)
    clock.advance(59 * MINUTE)
    assert (first.take(), second.take()) == (True, False)
    clock.advance(59 * MINUTE)
    assert not second.take()
    assert Turn(engine, "y", HOUR, clock).take(), "another work has a turn of its own"


def test_who_is_gone_loses_it_in_the_end(engine: Engine) -> None:
    clock, (first, second) = members(engine)
    assert first.take()
    clock.advance(HOUR)
    assert (second.take(), first.take()) == (True, False)


def test_a_turn_that_is_given_back_is_free_at_once(engine: Engine) -> None:
    _, (first, second) = members(engine)
    assert first.take()
    second.leave()  # it is not its own
    assert not second.take()
    first.leave()
    assert second.take()
    assert not first.take()


@pytest.mark.parametrize(("ahead", "is_believed"), [(50 * MINUTE, True), (365 * DAY, False)])
def test_a_clock_that_is_far_ahead_is_not_believed(engine: Engine, ahead: int, is_believed: bool) -> None:
    _, (wrong,) = members(engine, 1, now=NOW + ahead)
    assert wrong.take()
    _, (right,) = members(engine, 1)
    assert right.take() != is_believed


def test_without_the_database_a_turn_is_left_to_its_end(engine: Engine) -> None:
    _, (first,) = members(engine, 1)
    assert first.take()
    with writing(engine) as connection:
        tables.lease.drop(connection)
    first.leave()
