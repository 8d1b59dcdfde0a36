"""A link of 100 kbit/s after an outage: how things are now comes first, and the backlog leaves room for what is new.

Nothing here is timed. What counts on such a link is how many bytes go before: 12,500 of them are a second.
"""

import json
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.gateway.story import SENML, Story
from tests.wait import until

RATE = 100_000
SECONDS = RATE // 8
"""Bytes that get through in one second."""
BACKLOG, PACK = 12_000, 100
"""Readings that wait, and how many of them the device says at once."""


def test_what_is_new_gets_through_while_a_backlog_follows(tmp_path: Path) -> None:
    with ExitStack() as stack:
        story = Story(tmp_path, stack, bits_per_second=RATE)
        story.start_first()
        story.cable.cut()
        story.until(lambda: story.status == "offline", "the centre noticed")
        now = int(time.time() * 1000)
        for first in range(0, BACKLOG, PACK):
            records = [{"n": "uptime", "v": n, "t": (now - (BACKLOG - n)) / 1000} for n in range(first, first + PACK)]
            until(lambda records=records: story.device.publish(SENML, json.dumps(records).encode()))  # type: ignore[misc]
        until(lambda: story.held() >= BACKLOG, what="the gateway has it all")
        before = story.cable.passed
        sent = len(story.batches)
        story.cable.mend()

        story.until(story.times, "something of the backlog is there")
        assert story.times()[-1] == now - 1, "the newest comes first"
        assert story.cable.passed - before < 2 * SECONDS, "and it does not take long"

        asked = story.cable.passed
        story.device.publish(SENML, b'[{"n":"presence","vb":true}]')
        story.until(lambda: any(signal == "presence" for _, signal, _ in story.stored), "what is new")
        assert story.cable.passed - asked < 4 * SECONDS, "it waited for a few batches, not for all of them"
        assert len(story.times()) < BACKLOG, "the backlog still follows"

        story.until(lambda: len(story.times()) == BACKLOG, "all of it", 60)
        assert (story.cable.passed - before) / BACKLOG < 8, "bytes a reading, with all that MQTT adds"
        assert max(Counter(story.batches[sent:]).values()) == 1, "nothing is sent twice for want of patience"
