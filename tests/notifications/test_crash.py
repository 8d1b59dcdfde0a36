"""A power cut between any two steps of raise, notice, plan, claim, send and mark: nobody misses an alert by it."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, select

from siaga.database import tables
from siaga.model.clock import MINUTE, SECOND
from tests.notifications.desk import NOON
from tests.notifications.webhook import Webhook

WINDOW = 2 * MINUTE
PROGRAM = "tests.notifications.crash_process"


class Worker:
    """The process that works and dies by order."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def work(self, *times: int, village: str | None = None, die_at: int | None = None) -> bool:
        """Let it work at some times, one after the other; whether it died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"times": times, "village": village, "die_at": die_at}) + "\n")
        self._process.stdin.flush()
        died = json.loads(self._process.stdout.readline())
        assert isinstance(died, bool)
        return died


@contextmanager
def worker(database_url: str, hook: Webhook) -> Iterator[Worker]:
    command = [sys.executable, "-m", PROGRAM, database_url, hook.url("a"), hook.url("b")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as process:
        yield Worker(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def test_whenever_it_dies_everybody_is_told_and_nobody_twice_within_the_window(
    database_url: str, engine: Engine, hook: Webhook
) -> None:
    now, point, again, lost = NOON, 0, 0, 0
    with worker(database_url, hook) as siaga:
        while True:
            point += 1
            village = f"35.10.20.{point:04}"
            died = siaga.work(now, village=village, die_at=point)
            if not died:
                break
            # At once after the restart, and again when the window is nearly over: nothing is repeated
            siaga.work(now + SECOND, now + WINDOW - SECOND)
            assert max(told(hook, village).values(), default=0) <= 1, f"told twice after dying at step {point}"
            siaga.work(now + WINDOW + MINUTE)
            counts = told(hook, village)
            if raised(engine, village):
                assert set(counts) == {"a", "b"}, f"somebody was not told after dying at step {point}: {counts}"
                assert sorted(counts.values()) in ([1, 1], [1, 2]), f"step {point}: {counts}"
                again += 2 in counts.values()
            else:
                assert not counts, f"told of what was never raised, after dying at step {point}"
                lost += 1
            now += 10 * MINUTE
    assert told(hook, village) == {"a": 1, "b": 1}
    assert point > 40, "fewer steps than it takes to raise, plan, claim, send and mark: what was counted?"
    assert lost > 3, "dying before the alert is committed was among the steps"
    assert again > 5, "dying between the provider's answer and its mark was among the steps"


def told(hook: Webhook, village: str) -> Counter[str]:
    """How often each was told of a village's alert, as far as the provider took it."""
    return Counter(post.to for post in hook.taken() if village in post.title + post.text)


def raised(engine: Engine, village: str) -> bool:
    with engine.connect() as connection:
        query = select(tables.alert.c.id).where(tables.alert.c.village == village)
        return connection.execute(query).first() is not None
