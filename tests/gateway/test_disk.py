"""A disk that is really full, and a buffer damaged while the gateway runs: it continues, reports it, and recovers."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.gateway.small_disk import SmallDisk
from tests.gateway.story import Story
from tests.wait import until


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as stack:
        yield Story(tmp_path, stack)


def test_with_a_full_disk_it_goes_on_from_memory_and_recovers_by_itself(story: Story, tmp_path: Path) -> None:
    disk = SmallDisk(tmp_path / "disk")
    story.before_command, story.buffer = disk.command, tmp_path / "disk" / "buffer.sqlite"
    now = int(time.time() * 1000) - 60_000
    story.start_first()
    story.report(now, 20)
    story.until(lambda: len(story.times()) == 20, "what came before")

    disk.fill_up(story.pid)
    story.report(now + 1_000, 200)
    story.until(lambda: len(story.times()) == 220, "it goes on from memory")
    assert "buffer_unavailable" in story.said()
    story.cable.cut()
    story.report(now + 2_000, 50)
    story.cable.mend()
    story.until(lambda: len(story.times()) == 270, "what came while there was neither disk nor link")

    disk.make_room(story.pid)
    until(lambda: "buffer_recovered" in story.said(), what="it tries again by itself")
    story.report(now + 3_000, 50)
    story.until(lambda: len(story.times()) == 320, "what came afterwards")
    assert story.end() == 0


def spoil(path: Path, start: int, end: int | None) -> None:
    """Write noise into a file that another process has open."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        last = size if end is None else min(end, size)
        file.seek(start)
        file.write(os.urandom(max(0, last - start)))


def cut_off(path: Path) -> None:
    """Truncate the file to nothing, as some file systems do after a power cut."""
    os.truncate(path, 0)


SPOILED: dict[str, Callable[[Path], None]] = {
    "all but its beginning": lambda path: spoil(path, 4096, None),
    "its beginning": lambda path: spoil(path, 0, 4096),
    "all of it": lambda path: spoil(path, 0, None),
    "its log": lambda path: spoil(path.with_name(f"{path.name}-wal"), 0, None),
    "cut to nothing": cut_off,
}


@pytest.mark.parametrize("spoiled", SPOILED.values(), ids=SPOILED.keys())
def test_with_a_buffer_that_is_spoiled_while_it_runs_it_makes_a_new_one(
    story: Story, spoiled: Callable[[Path], None]
) -> None:
    """What it wrote last it still knows, whatever the disk makes of it."""
    now = int(time.time() * 1000) - 60_000
    story.start_first()
    story.cable.cut()
    story.until(lambda: story.status == "offline", "the centre noticed")
    story.report(now, 500)
    until(lambda: story.held() >= 500, what="it is on disk, and acknowledged")
    spoiled(story.buffer)
    story.report(now + 1_000, 500)
    story.cable.mend()
    story.until(lambda: len(story.times()) == 1_000, "what came before and afterwards")
    assert story.end() == 0
    story.start()
    story.report(now + 2_000, 10)
    story.until(lambda: len(story.times()) == 1_010, "also after a restart")
