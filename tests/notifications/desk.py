"""A desk from which alerts are raised and people told, with a clock that is moved by hand."""

from dataclasses import replace

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, RowMapping, select

from api.alert_records.alert import OpenAlert, new_alert
from api.alert_records.events import append_event, take_turn
from api.alerts.decision import Raise
from api.alerts.outcome import Changes
from api.engine.tables import Tables
from api.notifications.backoff import Patience
from api.notifications.book import Book, Person, Rule, Step
from api.notifications.channels import OpenChannel, open_channel
from api.notifications.metrics import NotificationMetrics
from api.notifications.planner import Planner
from api.notifications.sender import Sender
from api.notifications.web_push import PushDesk
from siaga.database import tables, writing
from siaga.database.registry import Registry
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE, SECOND, ManualClock
from siaga.model.sites import Adapter, Device, Facility, Village
from tests.notifications.webhook import Webhook

CODE = "35.10.17.2004"
NOON = 1_773_205_200_000
"""2026-03-11 12.00 in Jakarta, a Wednesday."""


def village(code: str = CODE, name: str = "Paspan") -> Village:
    facilities = (
        Facility("gerbang", "gate", "Gerbang balai", (Device("kontak", Adapter.SENML, MINUTE),)),
        Facility("wifi", "free_wifi", "Wi-Fi balai", (Device("ap", Adapter.SENML, MINUTE),)),
    )
    return Village(code, name, -8.2, 114.2, "Asia/Jakarta", facilities)


def book(hook: Webhook, *rules: Rule, **changes: object) -> Book:
    """Ratih and Joko, and Dewi of the office; each has a web hook of their own name."""
    people = {name: Person(name, "id", {"web": hook.url(name)}) for name in ("ratih", "joko", "dewi")}
    rules = rules or (Rule("teknisi", ("teknisi",), escalate=(Step(15 * MINUTE, ("dewi",)),)),)
    made = Book(people, {"teknisi": ("ratih", "joko")}, rules, "https://siaga.example")
    return replace(made, **changes)  # type: ignore[arg-type] # terse


def by_another_provider(book: Book, name: str) -> Book:
    """Somebody's channel leads elsewhere: to the same server by its other name."""
    person = book.people[name]
    url = person.channels["web"].replace("127.0.0.1", "localhost")
    return replace(book, people={**book.people, name: replace(person, channels={"web": url})})


class Desk:
    """One planner and one sender over a database, and all that makes events of alerts."""

    def __init__(self, engine: Engine, hook: Webhook) -> None:
        self.engine, self.hook = engine, hook
        self.clock = ManualClock(NOON)
        self.ledger = Tables(engine)
        self.open: dict[str, OpenAlert] = {}
        Registry(engine).replace([village(), village("35.10.17.2005", "Tamansari")], NOON)
        self.tell(book(hook))

    def tell(self, book: Book, *, patience: Patience | None = None, open_: OpenChannel = open_channel) -> None:
        """From now on by this book."""
        self.book = book
        self.planner = Planner(self.engine, book)
        self.metrics = NotificationMetrics(CollectorRegistry())
        self.sender = Sender(self.engine, book, self.metrics, PushDesk(self.engine), open_, patience, lambda: 0.0)

    def failed(self, facility: str = "gerbang", cause: str = "gate_open", code: str = CODE) -> str:
        """Raise `facility_failed`, which began five minutes ago; answers its id."""
        now = self.clock.now()
        alert = new_alert(Kind.FACILITY_FAILED, code, facility=facility, device=None, began_at=now - 5 * MINUTE)
        changes = Changes()
        changes.raised(alert, Raise("longer than its grace", alert.began_at, cause, {}), now)
        self.ledger.commit(changes)
        self.open[alert.id] = alert
        return alert.id

    def lost(self, code: str = CODE) -> str:
        """Raise `village_offline`; answers its id."""
        now = self.clock.now()
        alert = new_alert(Kind.VILLAGE_OFFLINE, code, facility=None, device=None, began_at=now - 5 * MINUTE)
        changes = Changes()
        changes.raised(alert, Raise("nothing arrived", alert.began_at, None, {}), now)
        self.ledger.commit(changes)
        self.open[alert.id] = alert
        return alert.id

    def cleared(self, alert: str) -> None:
        """Clear an alert; it was over just now."""
        changes = Changes()
        changes.cleared(self.open.pop(alert), self.clock.now(), self.clock.now())
        self.ledger.commit(changes)

    def updated(self, alert: str, **columns: object) -> None:
        """Set columns of an alert as the API does, with its event."""
        with writing(self.engine) as connection:
            take_turn(connection)
            connection.execute(tables.alert.update().where(tables.alert.c.id == alert).values(columns))
            append_event(connection, alert, "updated", self.clock.now())

    def work(self) -> None:
        """Plan and send until nothing is left to do now."""
        while self.planner.plan_one(self.clock.now()):
            pass
        while self.sender.send_one(self.clock.now):
            pass

    def after(self, milliseconds: int) -> None:
        """Let time pass second by second or, where it is long, minute by minute, and work all the while."""
        step = SECOND if milliseconds <= 3 * MINUTE else MINUTE
        for _ in range(0, milliseconds, step):
            self.clock.advance(step)
            self.work()

    def rows(self, state: str | None = None) -> list[RowMapping]:
        """The messages in the queue, the oldest first."""
        table = tables.notification
        query = select(table).order_by(table.c.id)
        with self.engine.connect() as connection:
            rows = connection.execute(query if state is None else query.where(table.c.state == state))
            return list(rows.mappings())

    def titles(self, to: str) -> list[str]:
        """The titles of what somebody got, in order."""
        return [post.title for post in self.hook.taken(to)]
