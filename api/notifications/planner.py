"""From notices to messages: who is told what, written down in one transaction with the end of the notices.

A notice is left in the transaction of the alert's event (`api.alert_records.events`), so none is lost; it is
deleted in the transaction that writes the messages for it, so none is worked off twice. Whoever dies in between leaves
all as it was.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import structlog
from sqlalchemy import ColumnElement, Connection, Engine, bindparam, func, or_, select

from api.alert_records.excuses import read_grounds
from api.notifications.book import Book, Recipient
from api.notifications.channels import provider_of
from api.notifications.digest import Draft, Item, Notice, What, drafts, new_of
from api.notifications.escalation import Drop, Later, decide
from api.notifications.facts import RANKS, Facts, facts_of
from api.notifications.rules import Deadline, Duty, who_is_told
from api.notifications.villages import Villages
from api.notifications.web_push import Subscribers
from siaga.database import tables, take_turns, writing
from siaga.database.registry import Registry
from siaga.database.upsert import insert, upsert
from siaga.model.clock import DAY
from siaga.model.sites import Village

__all__ = ["KEEP", "Planner"]

log = structlog.get_logger(__name__)

NOTICES = 2_000
"""Notices worked off at once: a storm over 2,000 villages takes a few rounds of a second or so."""
_CHUNK = 500
"""Values in one query."""
KEEP = 400 * DAY
"""How long settled messages are kept: a resolved message goes where the raised one went, even a year later."""


class Planner:
    """Works off notices and escalations. Its verbs may raise SQLAlchemy's `DBAPIError`: then nothing has happened."""

    def __init__(self, engine: Engine, book: Book, subscribers: Subscribers | None = None) -> None:
        self._engine, self._file, self._subscribers = engine, book, subscribers
        self._book = book.current()
        self._villages = Villages(Registry(engine))

    def plan_one(self, now: int) -> bool:
        """Write the messages for what is due at wall time `now`; whether there was anything to do."""
        self._book = self._file.current()
        if self.due(now) is None:
            return False
        if self._subscribers is not None:
            self._book = self._subscribers.book(self._book)
        self._prepare(now)
        with writing(self._engine) as connection:
            take_turns(connection, "notify")
            notices = self._ripe(connection, now)
            items = self._told_of(connection, notices, now)
            steps, escalated = self._escalate(connection, now)
            _write(connection, self._book, drafts([*items, *escalated]), now)
            gone = tables.notice.c.event
            for part in _chunks([notice.event for notice in notices]):
                connection.execute(tables.notice.delete().where(gone.in_(part)))
        return bool(notices) or steps

    def due(self, now: int) -> int | None:
        """`now` when there is something to do, else `None`; a cheap question."""
        with self._engine.connect() as connection:
            ripe = connection.execute(select(tables.notice.c.event).where(self._is_ripe(now)).limit(1)).first()
            step = select(tables.escalation.c.alert).where(tables.escalation.c.due <= now).limit(1)
            return now if ripe is not None or connection.execute(step).first() is not None else None

    def forget(self, now: int) -> int:
        """Delete messages that were settled long ago; how many."""
        table = tables.notification
        with writing(self._engine) as connection:
            return connection.execute(table.delete().where(table.c.settled < now - KEEP)).rowcount

    def _prepare(self, now: int) -> None:
        """Read the villages that will be needed while nobody has to wait for this transaction."""
        self._villages.refresh()
        table = tables.notice
        with self._engine.connect() as connection:
            codes = connection.execute(select(table.c.village).where(self._is_ripe(now)).distinct()).scalars().all()
        for code in codes:
            self._villages.get(code)

    def _is_ripe(self, now: int) -> ColumnElement[bool]:
        """A notice has waited for others of its village; or it comes from a future that the clock was set back from."""
        time = tables.notice.c.time
        return or_(time <= now - self._book.gather, time > now + self._book.gather)

    def _ripe(self, connection: Connection, now: int) -> list[Notice]:
        """The notices of villages of which one has waited long enough; the others of the village come along."""
        table = tables.notice
        villages = select(table.c.village).where(self._is_ripe(now)).distinct()
        rows = connection.execute(
            select(table).where(table.c.village.in_(villages)).order_by(table.c.event).limit(NOTICES)
        )
        found = [Notice(row.event, row.alert, row.village, row.type, row.time) for row in rows]
        return [_with_change(connection, notice) if notice.type == "updated" else notice for notice in found]

    def _told_of(self, connection: Connection, notices: Sequence[Notice], now: int) -> list[Item]:
        """What has to be told of the alerts of these notices, in the order in which they came."""
        by_alert: dict[str, list[Notice]] = {}
        for notice in notices:
            by_alert.setdefault(notice.alert, []).append(notice)
        alerts = _alerts(connection, by_alert)
        before = _told_before(connection, by_alert, now)
        items: list[Item] = []
        deadlines: list[Mapping[str, object]] = []
        for name, mine in by_alert.items():
            alert, told = alerts[name], before.get(name, {})
            what = new_of(alert, mine, bool(told))
            mark = str(mine[-1].event)
            if what is What.CLEARED:
                items += [
                    _item(alert, what, recipient, due, "was told of it", mark)
                    for recipient, due in told.items()
                    if self._book.url(str(recipient)) is not None
                ]
            elif what is not None:
                duty = self._duty(alert, now)
                items += [
                    _item(alert, what, recipient, due, reason, mark)
                    for recipient, (due, reason) in duty.told.items()
                    if what is What.WORSE or recipient not in told
                ]
                deadlines += [] if alert.over else _rows(alert, duty.deadlines)
        upsert(connection, tables.escalation, deadlines, ("alert", "rule", "step"))
        for part in _chunks([name for name in by_alert if alerts[name].over]):
            connection.execute(tables.escalation.delete().where(tables.escalation.c.alert.in_(part)))
        return items

    def _duty(self, alert: Facts, now: int) -> Duty:
        """Who is told of an alert that was raised or got worse."""
        known = [village for code in alert.villages if (village := self._villages.get(code)) is not None]
        villages = known or [Village(alert.village, alert.village, 0.0, 0.0, "UTC")]
        duty = who_is_told(self._book, alert, villages, now)
        if not duty.told and self._book.rules:
            log.info("nobody_is_told", alert=alert.id, kind=alert.kind, village=alert.village, rules=duty.reasons)
        return duty

    def _escalate(self, connection: Connection, now: int) -> tuple[bool, list[Item]]:
        """Whether steps were due, and what is to be told because nobody acknowledged in time."""
        table = tables.escalation
        rows = connection.execute(select(table).where(table.c.due <= now).order_by(table.c.due).limit(NOTICES)).all()
        alerts = _alerts(connection, {row.alert for row in rows})
        grounds = read_grounds(connection, [alert.affected for alert in alerts.values()], now)
        untold = _untold(connection, alerts)
        items: list[Item] = []
        gone: list[dict[str, object]] = []
        later: list[dict[str, object]] = []
        for row in rows:
            alert = alerts[row.alert]
            told = untold[row.alert] + self._book.after(row.rule, row.step) if row.alert in untold else None
            answer = decide(alert, row.due, now, excuse=grounds.excuse(alert.affected, now), told=told)
            step = {"a": row.alert, "r": row.rule, "s": row.step}
            if isinstance(answer, Later):
                later.append(step | {"until": answer.until})
                continue
            gone.append(step)
            if isinstance(answer, Drop):
                continue
            mark = f"{row.rule}/{row.step}/{row.due}"
            items += [
                _item(alert, What.ESCALATED, recipient, now, f"{row.rule}: {answer.reason}", mark)
                for recipient in self._book.recipients(row.tell, frozenset(row.by))
            ]
        this = (table.c.alert == bindparam("a")) & (table.c.rule == bindparam("r")) & (table.c.step == bindparam("s"))
        if gone:
            connection.execute(table.delete().where(this), gone)
        if later:
            connection.execute(table.update().where(this).values(due=bindparam("until")), later)
        return bool(rows), items


def _item(alert: Facts, what: What, recipient: Recipient, due: int, reason: str, mark: str) -> Item:
    return Item(alert.id, alert.village, what, alert.severity, recipient, due, reason, mark)


def _chunks(values: Iterable[object]) -> Iterable[list[object]]:
    listed = list(values)
    return (listed[start : start + _CHUNK] for start in range(0, len(listed), _CHUNK))


def _alerts(connection: Connection, ids: Collection[str]) -> dict[str, Facts]:
    """The alerts as they are now."""
    found: dict[str, Facts] = {}
    for part in _chunks(ids):
        for row in connection.execute(select(tables.alert).where(tables.alert.c.id.in_(part))).mappings():
            found[row["id"]] = facts_of({str(key): value for key, value in row.items()})
    return found


def _told_before(connection: Connection, ids: Collection[str], now: int) -> dict[str, dict[Recipient, int]]:
    """Who was told of each alert, or is about to be, and from when on they may be told that it is over.

    Who is not to be told before the morning is not told at night that it is over either.
    """
    item, message = tables.notification_item, tables.notification
    query = select(item.c.alert, message.c.recipient, message.c.due, message.c.attempts, message.c.state).join(
        message, message.c.id == item.c.notification
    )
    found: dict[str, dict[Recipient, int]] = {}
    for part in _chunks(ids):
        for row in connection.execute(query.where(item.c.alert.in_(part)).order_by(message.c.id)):
            person, _, channel = row.recipient.partition("/")
            held = row.due if row.state == "waiting" and row.attempts == 0 else now
            mine = found.setdefault(row.alert, {})
            recipient = Recipient(person, channel)
            mine[recipient] = max(now, held, mine.get(recipient, now))
    return found


def _untold(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    """Returns when the first message about each of these alerts is due, of those about which none was tried yet."""
    item, message = tables.notification_item, tables.notification
    query = (
        select(item.c.alert, func.min(message.c.due).label("due"))
        .join(message, message.c.id == item.c.notification)
        .group_by(item.c.alert)
        .having(func.max(message.c.attempts) == 0, func.min(message.c.state) == "waiting")
        .having(func.max(message.c.state) == "waiting")
    )
    found: dict[str, int] = {}
    for part in _chunks(ids):
        found.update({row.alert: row.due for row in connection.execute(query.where(item.c.alert.in_(part)))})
    return found


def _with_change(connection: Connection, notice: Notice) -> Notice:
    """The notice of an update, knowing whether the alert became graver by it, or concerns more villages."""
    table = tables.alert_event
    query = select(table.c.document).where(table.c.alert == notice.alert, table.c.id <= notice.event)
    rows = connection.execute(query.order_by(table.c.id.desc()).limit(2)).scalars().all()
    if len(rows) < 2:
        return notice
    after, before = rows
    rose = RANKS.get(str(after["severity"]), 0) > RANKS.get(str(before["severity"]), 0)
    taken_back = before["acknowledged_at"] is not None and after["acknowledged_at"] is None
    return replace(notice, rose=rose or taken_back, grew=_size(after) > _size(before))


def _size(document: Mapping[str, Mapping[str, object]]) -> int:
    listed = document["evidence"].get("villages")
    return len(listed) if isinstance(listed, list) else 1


def _rows(alert: Facts, deadlines: Sequence[Deadline]) -> list[Mapping[str, object]]:
    """Who is next when nobody acknowledges, as rows; of an alert that got worse the time begins anew."""
    return [
        {
            "alert": alert.id,
            "rule": deadline.rule,
            "step": deadline.step,
            "village": alert.village,
            "due": deadline.due,
            "tell": list(deadline.tell),
            "by": sorted(deadline.by),
        }
        for deadline in deadlines
    ]


def _write(connection: Connection, book: Book, messages: Sequence[Draft], now: int) -> None:
    """Put messages into the queue, each once: the key is unique."""
    for draft in messages:
        table = tables.notification
        row = {
            "key": draft.key,
            "recipient": str(draft.recipient),
            "provider": provider_of(book.url(str(draft.recipient)) or ""),
            "village": draft.village,
            "created": now,
            "due": draft.due,
            "attempts": 0,
            "state": "waiting",
        }
        inserted = insert(connection, table).values(row).on_conflict_do_nothing().returning(table.c.id)
        number = connection.execute(inserted).scalar()
        if number is None:
            continue
        items = [
            {
                "notification": number,
                "alert": item.alert,
                "what": item.what.value,
                "severity": item.severity,
                "reason": item.reason,
                "over": False,
            }
            for item in draft.items
        ]
        connection.execute(tables.notification_item.insert(), items)
