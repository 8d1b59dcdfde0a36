"""The queue of messages in the database: taking one with a lease, and writing down what became of it.

While a message is being sent its `due` is the end of the lease. Who dies with a message in hand leaves it to be sent
again then: until that time nobody knows whether the provider took it, so it is not repeated before.

What planned maintenance or missing mains excuses when a message is taken stays in the queue. It is looked at again
soon, as a declaration may be taken back.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from sqlalchemy import Connection, Engine, RowMapping, Select, func, or_, select

from api.alert_records.excuses import Grounds, read_grounds
from api.notifications.backoff import Patience, provider_pause
from api.notifications.book import Book, Recipient
from api.notifications.channels import SEND_WITHIN, Answer, Outcome, provider_of
from api.notifications.digest import What
from api.notifications.escalation import held_until
from api.notifications.facts import Facts, facts_of
from siaga.database import tables, take_turns, writing
from siaga.database.upsert import insert, upsert
from siaga.model.clock import SECOND

__all__ = ["Backlog", "Claim", "Queue", "Settled", "message_key", "put_message"]

PROVIDER_LEASE = round(SEND_WITHIN * SECOND) + 5 * SECOND
"""For so long nobody else sends by a provider that somebody sends by: one that hangs holds up one sender alone."""


HELD_AT_ONCE = 50
"""Excused messages that are put off in one look for a message."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A message in hand.

    `told`: its alerts as they are now and what it tells of each; none: nothing is left. `planned`: by alert, until when
    work was planned on its subject, ms. `subject`: what it tells of, where that is no alert; `void`: nothing is left.
    """

    id: int
    recipient: str
    provider: str
    lease: str
    taken: int
    attempts: int
    told: tuple[tuple[Facts, What], ...]
    planned: Mapping[str, int] = field(default_factory=dict)
    subject: Mapping[str, object] | None = None

    @property
    def void(self) -> bool:
        """Whether nothing is left to tell."""
        return not self.told and not self.subject


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a claim: `sent`, `again` (at `due`), `dead`, or `void`: its recipient is gone."""

    state: str
    due: int | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many messages wait although they could be sent, and since when the oldest does; how many were given up."""

    waiting: int
    oldest: int | None
    dead: int


class Queue:
    """Messages to be sent. Safe to use from several threads and processes; may raise SQLAlchemy's `DBAPIError`."""

    def __init__(self, engine: Engine, book: Book, patience: Patience | None = None) -> None:
        self._engine, self._book = engine, book
        self._patience = patience or Patience()

    def is_due(self, now: int) -> bool:
        """Whether there is a message that may be taken now."""
        with self._engine.connect() as connection:
            return connection.execute(_ready(now)).first() is not None

    def claim(self, now: int) -> Claim | None:
        """Take the message that has been due longest, so that nobody else sends it; `None`: there is none."""
        if not self.is_due(now):  # the usual case takes no lock
            return None
        ready = _ready(now)
        with writing(self._engine) as connection:
            take_turns(connection, "claim")
            for _ in range(HELD_AT_ONCE):
                row = connection.execute(ready).mappings().first()
                if row is None:
                    return None
                claim = self._take(connection, row, now)
                if claim is not None:
                    return claim
            return None

    def _take(self, connection: Connection, row: RowMapping, now: int) -> Claim | None:
        """Take a message without what is excused now; `None`: all that it tells of is."""
        if row["subject"] is not None:
            return self._take_other(connection, row, now)
        told = _still_to_tell(connection, row)
        grounds = read_grounds(connection, [alert.affected for alert, _ in told], now)
        held = _held(connection, row, told, grounds, now)
        if held and len(held) == len(told):
            table = tables.notification
            connection.execute(table.update().where(table.c.id == row["id"]).values(due=max(held.values()), lease=None))
            return None
        if held:
            _split(connection, row, held)
            told = tuple((alert, what) for alert, what in told if alert.id not in held)
        ends = {alert.id: grounds.planned_until(alert.affected, now) for alert, _ in told if not alert.over}
        planned = {alert: end for alert, end in ends.items() if end is not None}
        lease, attempts = secrets.token_hex(8), row["attempts"] + 1
        claim = Claim(row["id"], row["recipient"], row["provider"], lease, now, attempts, told, planned)
        return self._taken(connection, claim, now)

    def _take_other(self, connection: Connection, row: RowMapping, now: int) -> Claim:
        """Take a message that tells of no alert; of a report that is superseded nothing is told any more."""
        table, subject = tables.report, dict(row["subject"])
        query = select(table.c.superseded_by).where(table.c.id == subject.get("report"))
        if "report" in subject and connection.execute(query).scalar() is not None:
            subject = {}
        lease, attempts = secrets.token_hex(8), row["attempts"] + 1
        claim = Claim(row["id"], row["recipient"], row["provider"], lease, now, attempts, (), subject=subject)
        return self._taken(connection, claim, now)

    def _taken(self, connection: Connection, claim: Claim, now: int) -> Claim:
        """Write down that a message is in hand; or, where nothing is left to tell, that it is void."""
        table = tables.notification
        if claim.void:
            void = {"state": "void", "settled": now, "lease": None}
            connection.execute(table.update().where(table.c.id == claim.id).values(void))
            return claim
        values = {"lease": claim.lease, "attempts": claim.attempts, "due": now + self._book.repeat_after}
        connection.execute(table.update().where(table.c.id == claim.id).values(values))
        failures = tables.notification_provider.c.failures
        query = select(failures).where(tables.notification_provider.c.provider == claim.provider)
        _provider(connection, claim, connection.execute(query).scalar() or 0, now + PROVIDER_LEASE)
        return claim

    def settle(self, claim: Claim, outcome: Outcome, now: int, chance: float) -> Settled:
        """Write down what the provider answered. `chance`, from 0 to 1, spreads the next attempts."""
        with writing(self._engine) as connection:
            take_turns(connection, "claim")
            if outcome.answer is Answer.TAKEN:
                return _sent(connection, claim, now)
            if outcome.answer is Answer.GONE:
                return _dropped(connection, claim, now)
            if outcome.answer is Answer.NEVER:
                return _given_up(connection, claim, outcome.sentence, now)
            return self._failed(connection, claim, outcome, now, chance)

    def give_up(self, claim: Claim, problem: str, now: int) -> Settled:
        """Write down that a message can reach nobody."""
        with writing(self._engine) as connection:
            take_turns(connection, "claim")
            return _given_up(connection, claim, problem, now)

    def drop(self, claim: Claim, now: int) -> Settled:
        """Write down that nobody is left to tell, or nothing."""
        with writing(self._engine) as connection:
            take_turns(connection, "claim")
            return _dropped(connection, claim, now)

    def backlog(self, now: int) -> Backlog:
        """How far behind the senders are; what waits for the hours of its rule is not behind."""
        table = tables.notification
        behind = (table.c.state == "waiting") & ((table.c.due <= now) | (table.c.attempts > 0))
        with self._engine.connect() as connection:
            row = connection.execute(select(func.count(), func.min(table.c.created)).where(behind)).one()
            dead = connection.execute(select(func.count()).where(table.c.state == "dead")).scalar_one()
        return Backlog(row[0], row[1], dead)

    def dead(self, limit: int) -> Sequence[RowMapping]:
        """The messages that were given up last."""
        table = tables.notification
        query = select(table).where(table.c.state == "dead").order_by(table.c.settled.desc()).limit(limit)
        with self._engine.connect() as connection:
            return connection.execute(query).mappings().all()

    def revive(self, now: int) -> int:
        """Let all messages that were given up be tried again; how many there were."""
        table = tables.notification
        again = {"state": "waiting", "settled": None, "attempts": 0, "due": now}
        with writing(self._engine) as connection:
            return connection.execute(table.update().where(table.c.state == "dead").values(again)).rowcount

    def _failed(self, connection: Connection, claim: Claim, outcome: Outcome, now: int, chance: float) -> Settled:
        table = tables.notification_provider
        if outcome.answer is Answer.REFUSED:
            _provider(connection, claim, 0, now)  # it answers, so others may be sent
        else:
            query = select(table.c.failures).where(table.c.provider == claim.provider)
            failures = (connection.execute(query).scalar() or 0) + 1
            _provider(connection, claim, failures, provider_pause(failures, now, chance))
        due = self._patience.again(claim.attempts, now, chance)
        if due is None:
            _set(connection, claim, {"state": "dead", "settled": now, "lease": None, "problem": outcome.sentence})
            return Settled("dead")
        if outcome.answer is Answer.UNSURE:
            due = max(due, claim.taken + self._book.repeat_after)
        _set(connection, claim, {"due": due, "lease": None, "problem": outcome.sentence})
        return Settled("again", due)


def _ready(now: int) -> Select[tuple[object, ...]]:
    """The query for the message that has been due longest and may be taken."""
    message, provider = tables.notification, tables.notification_provider
    return (
        select(message)
        .outerjoin(provider, provider.c.provider == message.c.provider)
        .where(message.c.state == "waiting", message.c.due <= now)
        .where(or_(provider.c.free_at.is_(None), provider.c.free_at <= now))
        .order_by(message.c.due, message.c.id)
        .limit(1)
    )


def message_key(what: str, recipient: str) -> str:
    """Returns the key of the message to a recipient about what is no alert: there is one."""
    return sha256(f"{what}\n{recipient}".encode()).hexdigest()


def put_message(
    connection: Connection,
    book: Book,
    what: str,
    to: Recipient,
    subject: Mapping[str, object],
    now: int,
    due: int | None = None,
) -> None:
    """Put a message about what is no alert into the queue: `what` once to a recipient.

    `subject`: a text (`title`, `body` and maybe `tone`), or a report. `due`: not to be sent before, ms.
    """
    row = {
        "key": message_key(what, str(to)),
        "recipient": str(to),
        "provider": provider_of(book.url(str(to)) or ""),
        "village": None,
        "created": now,
        "due": now if due is None else due,
        "attempts": 0,
        "state": "waiting",
        "subject": dict(subject),
    }
    connection.execute(insert(connection, tables.notification).values(row).on_conflict_do_nothing())


def _sent(connection: Connection, claim: Claim, now: int) -> Settled:
    """The provider took it, whoever has the lease by now."""
    table, item = tables.notification, tables.notification_item
    values = {"state": "sent", "settled": now, "lease": None, "problem": None}
    connection.execute(table.update().where(table.c.id == claim.id).values(values))
    over = [alert.id for alert, _ in claim.told if alert.over]
    if over:
        these = (item.c.notification == claim.id) & item.c.alert.in_(over)
        connection.execute(item.update().where(these).values(over=True))
    _provider(connection, claim, 0, now)
    return Settled("sent")


def _dropped(connection: Connection, claim: Claim, now: int) -> Settled:
    _set(connection, claim, {"state": "void", "settled": now, "lease": None, "problem": None})
    _release(connection, claim, now)
    return Settled("void")


def _given_up(connection: Connection, claim: Claim, problem: str, now: int) -> Settled:
    _set(connection, claim, {"state": "dead", "settled": now, "lease": None, "problem": problem})
    _release(connection, claim, now)
    return Settled("dead")


def _release(connection: Connection, claim: Claim, now: int) -> None:
    """End the lease of a provider. How often it failed stays: what became of the message says nothing of it."""
    table = tables.notification_provider
    connection.execute(table.update().where(table.c.provider == claim.provider).values(free_at=now))


def _set(connection: Connection, claim: Claim, values: dict[str, object]) -> None:
    """Change a message, unless another sender has it or has sent it by now."""
    table = tables.notification
    mine = (table.c.id == claim.id) & (table.c.state == "waiting")
    free = table.c.lease.is_(None) | (table.c.lease == claim.lease)
    connection.execute(table.update().where(mine & free).values(values))


def _provider(connection: Connection, claim: Claim, failures: int, free_at: int) -> None:
    row = {"provider": claim.provider, "failures": failures, "free_at": free_at}
    upsert(connection, tables.notification_provider, [row], ("provider",))


def _still_to_tell(connection: Connection, message: RowMapping) -> tuple[tuple[Facts, What], ...]:
    """The alerts of a message as they are now.

    Without those of which its recipient knows already that they are over, and without those that nobody had taken care
    of in time and somebody has by now.
    """
    item = tables.notification_item
    query = select(tables.alert, item.c.what).join(item, item.c.alert == tables.alert.c.id)
    rows = connection.execute(query.where(item.c.notification == message["id"]).order_by(tables.alert.c.raised_at))
    alerts = [(facts_of(dict(row)), What(row["what"])) for row in rows.mappings().all()]
    known: set[str] = set()
    if any(alert.over for alert, _ in alerts):
        said = _others(message, [alert for alert, _ in alerts]).where(item.c.over.is_(True))
        known = set(connection.execute(said).scalars())
    return tuple(
        (alert, what)
        for alert, what in alerts
        if not (alert.over and alert.id in known)
        and not (what is What.ESCALATED and alert.acknowledged_at is not None and not alert.over)
    )


def _others(message: RowMapping, alerts: Sequence[Facts]) -> Select[str]:
    """The query for those of these alerts of which other messages to the same recipient tell."""
    item, other = tables.notification_item, tables.notification
    return (
        select(item.c.alert)
        .join(other, other.c.id == item.c.notification)
        .where(
            other.c.recipient == message["recipient"],
            other.c.id != message["id"],
            item.c.alert.in_([alert.id for alert in alerts]),
        )
    )


def _held(
    connection: Connection, message: RowMapping, told: Sequence[tuple[Facts, What]], grounds: Grounds, now: int
) -> dict[str, int]:
    """The alerts of a message that are excused now, and when to look at each again.

    That an alert is over is told at once to who was told of it; who was not is not woken for it either.
    """
    alerts = [alert for alert, _ in told]
    excuses = {alert.id: grounds.excuse(alert.affected, now) for alert in alerts}
    held = {name: held_until(excuse, now) for name, excuse in excuses.items() if excuse is not None}
    if held and any(alert.over for alert in alerts):
        other = tables.notification
        tried = _others(message, alerts).where(or_(other.c.attempts > 0, other.c.state == "sent"))
        knows = set(connection.execute(tried).scalars())
        held = {
            alert.id: held[alert.id] for alert in alerts if alert.id in held and not (alert.over and alert.id in knows)
        }
    return held


def _split(connection: Connection, message: RowMapping, held: Mapping[str, int]) -> None:
    """Move what is excused into a message of its own, which waits; the rest can go."""
    table, item = tables.notification, tables.notification_item
    values = {name: message[name] for name in ("recipient", "provider", "village", "created", "state")}
    key = sha256("\n".join([message["key"], *sorted(held)]).encode()).hexdigest()
    row = values | {"key": key, "due": max(held.values()), "attempts": 0}
    number = connection.execute(table.insert().values(row).returning(table.c.id)).scalar_one()
    these = (item.c.notification == message["id"]) & item.c.alert.in_(list(held))
    connection.execute(item.update().where(these).values(notification=number))
