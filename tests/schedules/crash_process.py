"""A process that makes runs of schedules and sends what is due, and dies where it is told (`tests.crash`).

A step is the moment before a commit of the database, as whatever dies earlier in a transaction leaves the same; and
those just before and after the provider is asked. The files are JSON alone, which is quicker.
"""

import sys
from functools import partial

from prometheus_client import CollectorRegistry

from api.issued import checks, issue
from api.issued.process import work
from api.notifications.book import Book, Person
from api.notifications.channels import open_channel
from api.notifications.metrics import NotificationMetrics
from api.notifications.sender import Sender
from api.notifications.web_push import PushDesk
from api.reports.forms import Form, made
from api.reports.office import PLAIN
from api.reports.period import Unit
from api.reports.report import Report
from api.schedules.runs import Scheduler
from api.schedules.schedule import Plan, Schedule, Send
from api.schedules.telling import message_about
from siaga.database import connect
from siaga.model.clock import HOUR
from tests.crash import Order, Steps, obey

PLAN = Plan(
    (
        Schedule("harian", ("a", "b"), every=Unit.DAY, at=6 * HOUR, formats=()),
        Schedule("pagi", ("a",), Send.NOTE, at=6 * HOUR),
    )
)


def json_alone(report: Report, *_: object) -> dict[Form, bytes]:
    return {Form.JSON: made(report, Form.JSON)}


def go_on(url: str, book: Book, order: Order, steps: Steps) -> None:
    """Do all that is due, at one time after the other, as the service and the senders do."""
    engine = connect(url)
    steps.watch(engine)
    scheduler = Scheduler(engine, PLAN, book)
    about, metrics = partial(message_about, engine), NotificationMetrics(CollectorRegistry())
    sender = Sender(engine, book, metrics, PushDesk(engine), steps.channel, about=about)
    for now in order["times"]:
        checks.absorb(engine, now)
        scheduler.step(now)
        work(engine, PLAIN, lambda now=now: now)  # type: ignore[misc] # mypy does not infer a default's type
        scheduler.step(now)
        while sender.send_one(lambda now=now: now):  # type: ignore[misc]
            pass


def main() -> None:
    setattr(issue, "files_of", json_alone)  # noqa: B010 - a name that another module gave it
    url, *addresses = sys.argv[1:]
    people = {name: Person(name, "id", {"web": address}) for name, address in zip("ab", addresses, strict=True)}
    book = Book(people)
    for address in addresses:
        open_channel(address)
    obey(lambda order, steps: go_on(url, book, order, steps))


if __name__ == "__main__":
    main()
