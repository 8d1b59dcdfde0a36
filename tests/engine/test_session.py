"""The engine trusts its session with the broker only if the broker speaks of the session that was stored."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DataError

from siaga.model.clock import MINUTE, SECOND
from tests.alerts.world import World

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A centre whose broker keeps the engine's session."""
    world = World(tmp_path, kept=True)
    yield world
    world.close()


def lose_the_session(world: World) -> int:
    """The broker loses the session, and says so to nobody yet. The gate closes meanwhile. Returns when."""
    world.transport.cut()
    world.broker.forget_sessions()
    closed = world.clock.now()
    world.live(2, CLOSED)
    return closed


def test_a_session_that_was_lost_and_begun_again_while_the_database_was_away_is_not_trusted(world: World) -> None:
    world.live(5, OPEN)
    with world.without_database():
        world.let(MINUTE)
        closed = lose_the_session(world)
        world.transport.restore()
        world.live(2)
        world.stop()
    world.start()
    world.live(5, OPEN)
    assert (closed, "failed", "gate_open") in world.states()


def test_a_lost_session_is_begun_again_at_once_while_the_database_answers(world: World) -> None:
    world.live(5, OPEN)
    closed = lose_the_session(world)
    world.transport.restore()
    world.live(1, OPEN)
    assert world.transport.connected
    assert not world.transport.resumed
    assert (closed, "failed", "gate_open") in world.states()


def test_a_connection_that_breaks_while_the_database_is_away_is_made_when_it_is_back(world: World) -> None:
    world.live(5, OPEN)
    with world.without_database():
        world.let(MINUTE)
        world.transport.cut()
        world.transport.restore()
        world.live(2, CLOSED)
        assert not world.transport.connected
    world.let(MINUTE)
    assert world.transport.connected
    assert world.transport.resumed
    assert world.engine.problem is None
    assert "failed" in [state for _, state, _ in world.states()]


def test_a_connection_that_comes_and_goes_unseen_is_made_again_at_once(world: World) -> None:
    world.live(5, OPEN)
    world.transport.cut()
    world.engine.tick()
    assert world.transport.connected
    world.transport.cut()
    world.let(2 * SECOND)
    assert world.transport.connected


def test_what_the_database_refuses_is_not_tried_for_ever_as_if_it_were_away(world: World) -> None:
    world.live(5, OPEN)
    with world.without_database(DataError), pytest.raises(DataError):
        world.live(1, CLOSED)
    world.restart()
    world.live(5, OPEN)
    assert world.engine.problem is None
