"""A process that raises an alert, plans and sends, and dies where it is told (`tests.crash`).

A step is the moment before every statement and every commit of the database, and those just before and after the
provider is asked.
"""

import sys

from prometheus_client import CollectorRegistry

from api.alert_records.alert import new_alert
from api.alerts.decision import Raise
from api.alerts.outcome import Changes
from api.engine.tables import Tables
from api.notifications.book import Book, Person, Rule
from api.notifications.channels import open_channel
from api.notifications.metrics import NotificationMetrics
from api.notifications.planner import Planner
from api.notifications.sender import Sender
from api.notifications.web_push import PushDesk
from siaga.database import connect
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE
from tests.crash import Order, Steps, obey


def work(url: str, book: Book, order: Order, steps: Steps) -> None:
    """Raise (where it is ordered), plan, and send until nothing is left, at one time after the other."""
    engine = connect(url)
    steps.watch(engine, statements=True)
    now = int(order["times"][0])
    if order["village"] is not None:
        alert = new_alert(Kind.FACILITY_FAILED, order["village"], facility="gerbang", device=None, began_at=now)
        changes = Changes()
        changes.raised(alert, Raise("longer than its grace", now, "gate_open", {}), now - MINUTE)
        Tables(engine).commit(changes)
    planner = Planner(engine, book)
    sender = Sender(engine, book, NotificationMetrics(CollectorRegistry()), PushDesk(engine), steps.channel)
    for now in order["times"]:
        while planner.plan_one(now):
            pass
        while sender.send_one(lambda now=now: now):  # type: ignore[misc] # mypy does not infer a default's type
            pass


def main() -> None:
    url, *addresses = sys.argv[1:]
    people = {name: Person(name, "id", {"web": address}) for name, address in zip("ab", addresses, strict=True)}
    book = Book(people, {}, (Rule("all", ("a", "b")),))
    for address in addresses:
        open_channel(address)
    first = connect(url)
    with first.connect():
        pass
    first.dispose()  # whatever is loaded for the first time is loaded by now, and no fork has to
    obey(lambda order, steps: work(url, book, order, steps))


if __name__ == "__main__":
    main()
