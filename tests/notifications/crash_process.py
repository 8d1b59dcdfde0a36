"""A process that raises an alert, plans and sends, and kills itself with signal 9 at a step that it is told.

Each line on standard input is an order, carried out in a fork: so a power cut costs no new interpreter. A step is the
moment before every statement and every commit of the database, and those just before and after the provider is asked.
"""

import itertools
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, event

from api.alert_records.alert import new_alert
from api.alerts.decision import Raise
from api.alerts.outcome import Changes
from api.alerts.tables import Tables
from api.notifications.book import Book, Person, Rule
from api.notifications.channels import Channel, Outcome, open_channel
from api.notifications.messages import Message
from api.notifications.metrics import NotificationMetrics
from api.notifications.planner import Planner
from api.notifications.sender import Sender
from siaga.database import connect
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE
from siaga.run.logs import set_up_logs

CERTAIN_DEATH = signal.SIGKILL


class Steps:
    """Counts steps, and dies at one of them."""

    def __init__(self, die_at: int | None) -> None:
        self._die_at = die_at
        self._numbers = itertools.count(1)

    def step(self, *_: object) -> None:
        if next(self._numbers) == self._die_at:
            os.kill(os.getpid(), CERTAIN_DEATH)

    def watch(self, engine: Engine) -> None:
        event.listen(engine, "before_cursor_execute", self.step)
        event.listen(engine, "commit", self.step)


class Watched:
    """A channel whose use is two steps."""

    def __init__(self, channel: Channel, step: Callable[[], None]) -> None:
        self._channel, self._step = channel, step

    def send(self, message: Message) -> Outcome:
        self._step()
        outcome = self._channel.send(message)
        self._step()
        return outcome


def work(url: str, book: Book, order: dict[str, Any]) -> None:
    """Raise (where it is ordered), plan, and send until nothing is left, at one time after the other."""
    engine = connect(url)
    steps = Steps(order["die_at"])
    steps.watch(engine)
    now = int(order["times"][0])
    if order["village"] is not None:
        alert = new_alert(Kind.FACILITY_FAILED, order["village"], facility="gerbang", device=None, began_at=now)
        changes = Changes()
        changes.raised(alert, Raise("longer than its grace", now, "gate_open", {}), now - MINUTE)
        Tables(engine).commit(changes)
    planner = Planner(engine, book)
    metrics = NotificationMetrics(CollectorRegistry())
    sender = Sender(engine, book, metrics, lambda address: Watched(open_channel(address), steps.step))
    for now in order["times"]:
        while planner.plan_one(now):
            pass
        while sender.send_one(lambda now=now: now):  # type: ignore[misc] # mypy does not infer a default's type
            pass


def main() -> None:
    set_up_logs()  # to standard error: standard output is for the answers
    url, *addresses = sys.argv[1:]
    people = {name: Person(name, "id", {"web": address}) for name, address in zip("ab", addresses, strict=True)}
    book = Book(people, {}, (Rule("all", ("a", "b")),))
    for address in addresses:
        open_channel(address)
    first = connect(url)
    with first.connect():
        pass
    first.dispose()  # whatever is loaded for the first time is loaded by now, and no fork has to
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            work(url, book, json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == CERTAIN_DEATH
        assert died or status == 0, status
        sys.stdout.write(f"{json.dumps(died)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
