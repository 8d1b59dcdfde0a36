"""A process that makes runs of schedules and sends what is due, and kills itself with signal 9 at a step it is told.

Each line on standard input is an order, carried out in a fork. A step is the moment before a commit of the database, as
whatever dies earlier in a transaction leaves the same; and those just before and after the provider is asked. The files
are JSON alone, which is quicker.
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

from api.issued import checks, issue
from api.issued.process import work
from api.notifications.book import Book, Person
from api.notifications.channels import Channel, Outcome, open_channel
from api.notifications.messages import Message
from api.notifications.metrics import NotificationMetrics
from api.notifications.sender import Sender
from api.reports.forms import Form, made
from api.reports.office import PLAIN
from api.reports.period import Unit
from api.reports.report import Report
from api.schedules.runs import Scheduler
from api.schedules.schedule import Plan, Schedule, Send
from api.schedules.telling import message_about
from siaga.database import connect
from siaga.model.clock import HOUR
from siaga.run.logs import set_up_logs

CERTAIN_DEATH = signal.SIGKILL
PLAN = Plan(
    (
        Schedule("harian", ("a", "b"), every=Unit.DAY, at=6 * HOUR, formats=()),
        Schedule("pagi", ("a",), Send.NOTE, at=6 * HOUR),
    )
)


class Steps:
    """Counts steps, and dies at one of them."""

    def __init__(self, die_at: int | None) -> None:
        self._die_at = die_at
        self._numbers = itertools.count(1)

    def step(self, *_: object) -> None:
        if next(self._numbers) == self._die_at:
            os.kill(os.getpid(), CERTAIN_DEATH)

    def watch(self, engine: Engine) -> None:
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


def json_alone(report: Report, *_: object) -> dict[Form, bytes]:
    return {Form.JSON: made(report, Form.JSON)}


def go_on(url: str, book: Book, order: dict[str, Any]) -> None:
    """Do all that is due, at one time after the other, as the service and the senders do."""
    engine = connect(url)
    steps = Steps(order["die_at"])
    steps.watch(engine)
    scheduler = Scheduler(engine, PLAN, book)
    about = lambda *asked: message_about(engine, *asked)  # noqa: E731
    metrics = NotificationMetrics(CollectorRegistry())
    sender = Sender(engine, book, metrics, lambda address: Watched(open_channel(address), steps.step), about=about)
    for now in order["times"]:
        checks.absorb(engine, now)
        scheduler.step(now)
        work(engine, PLAIN, lambda now=now: now)  # type: ignore[misc] # mypy does not infer a default's type
        scheduler.step(now)
        while sender.send_one(lambda now=now: now):  # type: ignore[misc]
            pass


def main() -> None:
    setattr(issue, "files_of", json_alone)  # noqa: B010 - a name that another module gave it
    set_up_logs()  # to standard error: standard output is for the answers
    url, *addresses = sys.argv[1:]
    people = {name: Person(name, "id", {"web": address}) for name, address in zip("ab", addresses, strict=True)}
    book = Book(people)
    for address in addresses:
        open_channel(address)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            go_on(url, book, json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == CERTAIN_DEATH
        assert died or status == 0, status
        sys.stdout.write(f"{json.dumps(died)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
