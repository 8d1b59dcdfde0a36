"""What it takes an engine to begin, in calls and not in seconds."""

import sys
from pathlib import Path
from types import FrameType

from api.alerts import store_sync
from tests.alerts.world import World, village


def calls_of_a_start(path: Path, villages: int) -> int:
    """How many functions of `loading` an engine calls until it has the memory of all its villages."""
    path.mkdir()
    world = World(path, *(village(code=f"35.10.17.{n:04}") for n in range(villages)), engine=False)
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code.co_filename == store_sync.__file__

    sys.setprofile(count)
    world.start()
    sys.setprofile(None)
    assert all(each.memory.loaded for each in world.engine.villages.values())
    world.close()
    return calls


def test_a_start_costs_as_many_times_more_as_there_are_more_villages(tmp_path: Path) -> None:
    few, many = (calls_of_a_start(tmp_path / str(villages), villages) for villages in (60, 240))
    assert many < 5 * few
