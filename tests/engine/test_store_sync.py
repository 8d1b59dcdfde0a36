"""What it takes an engine to begin, in calls and not in seconds; and what it knows while the store cannot be read."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

import pytest

from api.engine import store_sync
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.model.observation import Point, Recalled
from siaga.model.readiness import UnreadPast
from siaga.model.sites import Needs
from tests.alerts.world import CODE, World, gate, village


def calls_of_a_start(path: Path, villages: int) -> int:
    """How many functions of `store_sync` an engine calls until it has the memory of all its villages."""
    path.mkdir()
    world = World(path, *(village(code=f"35.10.17.{n:04}") for n in range(villages)), engine=False)
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code.co_filename == store_sync.__file__

    sys.setprofile(count)
    world.start()
    sys.setprofile(None)
    assert all(each.recall.is_read for each in world.engine.villages.values())
    world.close()
    return calls


def test_a_start_costs_as_many_times_more_as_there_are_more_villages(tmp_path: Path) -> None:
    few, many = (calls_of_a_start(tmp_path / str(villages), villages) for villages in (60, 240))
    assert many < 5 * few


def test_the_memory_of_sixteen_villages_is_one_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, *(village(code=f"35.10.17.{n:04}") for n in range(40)), engine=False)
    asked: list[int] = []
    recall = world.store.inner.recall

    def counted(villages: Sequence[str], *args: int, **named: object) -> Mapping[str, Recalled]:
        asked.append(len(villages))
        return recall(villages, *args, **named)  # type: ignore[arg-type] # it hands everything on

    monkeypatch.setattr(world.store.inner, "recall", counted)
    world.start()
    assert asked == [16, 16, 8]
    assert all(each.recall.is_read for each in world.engine.villages.values())
    world.close()


def test_a_past_that_was_asked_for_in_vain_is_known_as_such_until_it_is_judged(tmp_path: Path) -> None:
    """A new centre on a store that holds a day and cannot be read: nothing of before is known, and that is said."""
    world = World(tmp_path, engine=False)
    began = world.clock.now() - DAY
    points = [Point(CODE, "gw", began + n * MINUTE, began, {"alive": True}) for n in range(24 * 60)]
    gates = [Point(CODE, "gerbang-1", began + n * MINUTE, began, {"gate_open": True}) for n in range(24 * 60)]
    world.store.inner.write([*points, *gates])
    world.store.away = True
    world.start()
    assert world.engine.past.problem == "the store is away"
    world.let(MINUTE)
    world.live(25, ("gerbang-1", "gate_open", True))
    (unread,) = world.engine.past.stretches[CODE]
    assert unread[0] < began
    assert began + DAY <= unread[1] <= world.clock.now() - 10 * MINUTE, "what it hears itself is known"
    world.store.away = False
    world.let(MINUTE)
    assert world.engine.past == UnreadPast({}, None)
    assert world.states()[:1] == [(began, "met", None)]
    world.store.away = True
    world.live(2, ("gerbang-1", "gate_open", True))
    assert not world.engine.past.stretches, "nothing is asked for that is not known"
    world.close()


def test_an_engine_that_follows_another_misses_what_lies_between_them(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.live(5, ("gerbang-1", "gate_open", True))
    ended = world.clock.now()
    world.stop(clean=True)
    world.clock.advance(HOUR)
    world.store.away = True
    world.start()
    world.let(MINUTE)
    (unread,) = world.engine.past.stretches[CODE]
    assert ended - 20 * MINUTE <= unread[0] <= ended, "what was judged before is known"
    assert ended + HOUR <= unread[1]
    told = world.engine.past
    world.let(10 * SECOND)
    assert world.engine.past == told, "its row would be written each second"
    world.store.away = False
    world.let(MINUTE)
    assert not world.engine.past.stretches
    world.close()


def test_what_came_before_memory_reached_back_to_it_is_judged_although_the_store_lacks_it(tmp_path: Path) -> None:
    """A changed village is judged from what comes alone; its gateway sends what it kept, and the store has none of it
    yet when it can be read again."""
    world = World(tmp_path)
    world.live(5, ("gerbang-1", "gate_open", True))
    began = world.clock.now()
    world.stop(clean=True)
    world.registry.replace([village(gate(needs=Needs.ALL))], began)
    world.clock.advance(8 * MINUTE)
    world.store.away = True
    world.start()
    world.let(10 * SECOND)
    for minute in range(8):
        world.beat(("gerbang-1", "gate_open", True), at=began + minute * MINUTE)
    world.live(2, ("gerbang-1", "gate_open", True))
    world.centre.held = True
    world.store.away = False
    world.live(1, ("gerbang-1", "gate_open", True))
    assert world.engine.past == UnreadPast({}, None)
    assert [state for _, state, _ in world.states()] == ["met"]
    world.close()


@pytest.mark.looks_often
@pytest.mark.parametrize("restarts", [False, True])
def test_what_the_store_lacks_outlives_a_restart_also_before_memory_covers_it(
    tmp_path: Path, *, restarts: bool
) -> None:
    """A changed village is judged from what comes alone, so nothing is covered yet; what is known must be kept."""
    world = World(tmp_path, kept=True)
    world.live(5, ("gerbang-1", "gate_open", True))
    world.centre.held = True
    world.live(4, ("gerbang-1", "gate_open", True))
    world.store.away = True
    world.registry.replace([village(gate(needs=Needs.ALL))], world.clock.now())
    world.live(4, ("gerbang-1", "gate_open", True))
    if restarts:
        world.restart()
    world.live(1, ("gerbang-1", "gate_open", True))
    world.store.away = False
    world.live(1, ("gerbang-1", "gate_open", True))
    world.centre.held = False
    world.live(3, ("gerbang-1", "gate_open", True))
    assert [state for _, state, _ in world.states()] == ["met"]
    world.close()
