"""What the engine leaves for issued reports: which stretch of the past it judges otherwise now."""

import pytest

from siaga.database import tables, writing
from siaga.database.rewritten import take_rewritten
from siaga.model.clock import MINUTE, SECOND
from siaga.model.observation import Reading
from siaga.timeline.span_algebra import FOREVER, rewritten
from siaga.timeline.spans import Span, State
from tests.alerts.world import CODE, NOON, World, looking_seldom

OPEN = ("gerbang-1", "gate_open", True)
M, F, U = State.MET, State.FAILED, State.UNKNOWN


def spans(*parts: tuple[int, State], end: int = FOREVER, cause: str | None = None) -> list[Span]:
    ends = [start for start, _ in parts[1:]] + [end]
    return [Span(start, stop, state, cause) for (start, state), stop in zip(parts, ends, strict=True)]


@pytest.mark.parametrize(
    ("old", "new", "stretch"),
    [
        pytest.param(spans((0, M)), spans((0, M)), None, id="the same"),
        pytest.param(spans((0, M)), spans((0, M), (50, U)), (50, FOREVER), id="what runs has ended"),
        pytest.param(spans((0, M)), spans((0, M), (50, U), (60, M)), (50, 60), id="a hole"),
        pytest.param(spans((0, M), (50, U), (60, M)), spans((0, M)), (50, 60), id="a hole is filled"),
        pytest.param(spans((40, M)), spans((10, M)), (10, 40), id="it is judged from earlier on"),
        pytest.param([], spans((10, M), end=20), (10, 20), id="nothing was known"),
        pytest.param(spans((0, M), (20, F), (60, M)), spans((0, M), (20, F), (50, M)), (20, 60), id="a failure: whole"),
        pytest.param(spans((0, M), (20, F)), spans((0, M), (30, F)), (20, FOREVER), id="a failure that runs: whole"),
    ],
)
def test_the_stretch_that_is_judged_otherwise(old: list[Span], new: list[Span], stretch: tuple[int, int]) -> None:
    assert rewritten(old, new) == stretch


def left(world: World) -> dict[str, tuple[int, int]]:
    """What the engine has left for reports, taken."""
    with writing(world.database) as connection:
        return {facility: stretch for (_, facility), stretch in take_rewritten(connection).items()}


@pytest.mark.looks_often
def test_what_is_live_leaves_nothing_and_what_comes_late_does(world: World) -> None:
    """From memory, from the store, and by maintenance that is declared afterwards."""
    with looking_seldom():
        world.live(20, OPEN)
        world.live(10, ("gerbang-1", "gate_open", False))
        world.live(200, OPEN)
    assert left(world) == {}

    recent = world.clock.now() - 5 * MINUTE - 10 * SECOND
    world.send([Reading("gerbang-1", "gate_open", recent, False)])
    world.live(1, OPEN)
    assert left(world)["gerbang"][0] == recent

    old = NOON + 15 * MINUTE + 10 * SECOND
    world.send([Reading("gerbang-1", "gate_open", old, False)])
    world.let(10 * SECOND)
    start, end = left(world)["gerbang"]
    assert start <= old < end <= NOON + 31 * MINUTE

    row = {"id": "m", "village": CODE, "start": NOON + 22 * MINUTE, "end": NOON + 25 * MINUTE, "reason": ""}
    with writing(world.database) as connection:
        connection.execute(tables.maintenance.insert(), row | {"created_by": "t", "created_at": world.clock.now()})
    world.live(11, OPEN)  # it looked seldom until here
    start, end = left(world)["gerbang"]
    assert start <= NOON + 22 * MINUTE
    assert end >= NOON + 25 * MINUTE
