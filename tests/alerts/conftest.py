"""What most stories of the engine begin with. One that needs other villages makes its own `World`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One centre with one village, whose gate reports every minute, at noon."""
    world = World(tmp_path)
    yield world
    world.close()
