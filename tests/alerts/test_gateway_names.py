"""Two gateways of one name: their buffers take turns. And the version that a gateway says."""

from sqlalchemy import select

from siaga.database import tables
from siaga.model.clock import MINUTE
from siaga.model.observation import Reading
from tests.alerts.world import World

ONE, OTHER = "0b0c3f4e-1111-4a5e-9d6b-000000000001", "0b0c3f4e-1111-4a5e-9d6b-000000000002"


def beats(world: World, *epochs: str) -> None:
    """A gateway's heartbeats, each from one of these buffers."""
    for epoch in epochs:
        world.send([Reading("gw", "alive", world.clock.now(), True)], epoch=epoch)
        world.let(MINUTE)


def noticed(world: World) -> tuple[int | None, str | None]:
    """Returns when two were noticed, and the version, as the database has it."""
    gateway = tables.gateway_state
    with world.database.connect() as connection:
        row = connection.execute(select(gateway.c.twin_at, gateway.c.version)).one()
    return row.twin_at, row.version


def test_a_new_buffer_is_no_other_gateway(world: World) -> None:
    beats(world, ONE, ONE, OTHER, OTHER)
    assert noticed(world) == (None, None)


def test_a_batch_that_comes_out_of_turn_once_is_no_other_gateway(world: World) -> None:
    beats(world, ONE, OTHER, ONE, ONE)
    assert noticed(world)[0] is None


def test_two_buffers_that_take_turns_are_two_gateways_also_after_a_restart(world: World) -> None:
    beats(world, ONE, OTHER, ONE, OTHER)
    [at, _] = noticed(world)
    assert at is not None
    world.restart()
    beats(world, OTHER)
    assert noticed(world)[0] == at


def test_a_gateway_says_its_version(world: World) -> None:
    beats(world, ONE)
    world.health(version="0.1.0")
    beats(world, ONE)
    assert noticed(world)[1] == "0.1.0"
    world.restart()
    beats(world, ONE)
    assert noticed(world)[1] == "0.1.0"
