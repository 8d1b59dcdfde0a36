"""A gateway's process between real brokers: killed, cut off, unacknowledged."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.gateway.story import Story


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as stack:
        yield Story(tmp_path, stack)


def test_killed_again_and_again_right_after_the_device_had_its_word_nothing_is_lost(story: Story) -> None:
    chance = random.Random(7)
    now = int(time.time() * 1000)
    story.start_first()
    moments: list[int] = []
    for turn in range(4):
        first = now - 100_000 + turn * 1000
        story.report(first, 40)
        moments += range(first, first + 40)
        time.sleep(chance.random() * 0.2)  # a random instant of the gateway's work, not a wait for something
        story.kill()
        story.report(first + 500, 10)
        moments += range(first + 500, first + 510)
        story.start()
    story.until(lambda: len(story.times()) >= len(moments), f"all {len(moments)} readings arrive")
    assert story.times() == sorted(moments), "each once, with the time that the device gave it"


def test_the_cable_is_cut_and_mended(story: Story) -> None:
    now = int(time.time() * 1000)
    story.start_first()
    assert story.status == "online"
    story.cable.cut()
    story.until(lambda: story.status == "offline", "its last will says that it is not")
    story.report(now, 100)
    assert story.times() == []
    story.cable.mend()
    story.until(lambda: len(story.times()) == 100, "what was buffered arrives")
    assert story.status == "online"


def test_a_lost_acknowledgement_brings_the_same_batch_again(story: Story) -> None:
    story.start_first()
    story.acknowledging = False
    story.report(int(time.time() * 1000), 3)
    story.until(lambda: len(story.times()) == 3, "the first time")
    before = {story.batches[-1]}
    story.kill()
    story.batches.clear()
    story.start()
    story.until(lambda: before <= set(story.batches), "the same epoch and numbers again")
    assert len({batch.epoch for batch in story.batches}) == 1


def test_it_ends_within_seconds_and_says_so(story: Story) -> None:
    story.start_first()
    story.report(int(time.time() * 1000), 20)
    assert story.end() == 0
    story.until(lambda: story.status == "offline", "it said good-bye")
    story.start()
    story.until(lambda: len(story.times()) == 20, "what it had not taken is with the broker still")
