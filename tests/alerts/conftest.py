"""What most stories of the engine begin with. One that needs other villages makes its own `World`."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.alerts.world import World, looking_seldom


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One centre with one village, whose gate reports every minute, at noon."""
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture(autouse=True)
def looks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Engines look at the registry seldom, unless a test is marked `looks_often`: most change nothing there."""
    with nullcontext() if request.node.get_closest_marker("looks_often") else looking_seldom():
        yield
