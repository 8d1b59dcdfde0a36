"""A process that works by order and kills itself with signal 9 at a step it is told; and the test that drives it.

Each line on the standard input of the process is an order, carried out in a fork: so a power cut costs no new
interpreter. A step is a moment that the program names to `Steps`: before a commit, before a statement, before and after
a provider is asked.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from api.notifications.channels import Channel, Outcome, open_channel
from api.notifications.messages import Message
from siaga.run.logs import set_up_logs
from tests.notifications.webhook import Webhook
from tests.wait import PATIENCE

CERTAIN_DEATH = signal.SIGKILL
Order = dict[str, Any]


class Steps:
    """Counts steps, and dies at one of them."""

    def __init__(self, die_at: int | None) -> None:
        self._die_at = die_at
        self._numbers = itertools.count(1)

    def step(self, *_: object) -> None:
        if next(self._numbers) == self._die_at:
            os.kill(os.getpid(), CERTAIN_DEATH)

    def watch(self, engine: Engine, *, statements: bool = False) -> None:
        """Count each commit, and with `statements` each statement, as a step."""
        event.listen(engine, "commit", self.step)
        if statements:
            event.listen(engine, "before_cursor_execute", self.step)

    def channel(self, address: str) -> Channel:
        """A channel whose use is two steps."""
        return _Watched(open_channel(address), self.step)


class _Watched:
    def __init__(self, channel: Channel, step: Callable[[], None]) -> None:
        self._channel, self._step = channel, step

    def send(self, message: Message) -> Outcome:
        self._step()
        outcome = self._channel.send(message)
        self._step()
        return outcome


def obey(work: Callable[[Order, Steps], None]) -> None:
    """Carry out the orders of standard input, each in a fork; write whether it died."""
    set_up_logs()  # to standard error: standard output is for the answers
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            order = json.loads(line)
            work(order, Steps(order["die_at"]))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == CERTAIN_DEATH
        assert died or status == 0, status
        sys.stdout.write(f"{json.dumps(died)}\n")
        sys.stdout.flush()


class Worker:
    """The process that works and dies by order."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def work(self, *times: int, die_at: int | None = None, **more: object) -> bool:
        """Let it work at some times, one after the other; whether it died. `more`: what else it is told."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"times": times, "die_at": die_at, **more}) + "\n")
        self._process.stdin.flush()
        died = json.loads(self._process.stdout.readline())
        assert isinstance(died, bool)
        return died


@contextmanager
def worker(program: str, database: str, hook: Webhook) -> Iterator[Worker]:
    """A process that runs a module, with a database and the addresses of two people, `a` and `b`."""
    command = [sys.executable, "-m", program, database, hook.url("a"), hook.url("b")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as process:
        yield Worker(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
