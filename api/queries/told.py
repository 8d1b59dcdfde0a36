"""Who was told of an alert and whether the message arrived, and how each channel has fared."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, func, select

from api.notifications.digest import What
from siaga.database import tables

__all__ = [
    "MOST",
    "Awaited",
    "ChannelMark",
    "MessageState",
    "Told",
    "awaited_of",
    "channel_marks",
    "is_planned",
    "told_of",
]

MOST = 100
"""Messages of one alert that are shown, the latest."""


@dataclass(frozen=True, slots=True)
class MessageState:
    """How far a message is. All times wall time, ms.

    `state`: `waiting`, `sent`, `dead` (given up) or `void` (nothing was left to tell). `due`: not to be tried before.
    `problem`: why the last attempt failed, a sentence without an address.
    """

    state: str
    created: int
    due: int
    attempts: int
    settled: int | None
    problem: str | None

    @property
    def time(self) -> int:
        """When it was settled, else when it was made."""
        return self.created if self.settled is None else self.settled


@dataclass(frozen=True, slots=True)
class Told:
    """One message about an alert to one channel of a person."""

    person: str
    channel: str
    what: What
    message: MessageState


@dataclass(frozen=True, slots=True)
class Awaited:
    """Who is told at `due` (ms) if nobody has acknowledged by then: names of people and groups."""

    due: int
    tell: Sequence[str]


@dataclass(frozen=True, slots=True)
class ChannelMark:
    """How a channel has fared.

    `sent_at`: when its provider took a message last, wall time in ms. `failed`: the latest message that it did not.
    """

    sent_at: int | None = None
    failed: MessageState | None = None

    @property
    def is_failing(self) -> bool:
        """Whether the latest that is known of it is a failure."""
        return self.failed is not None and self.failed.time >= (self.sent_at or 0)


def told_of(connection: Connection, alert: str) -> list[Told]:
    """Returns the messages about an alert in the order in which they were made, the latest `MOST` of them."""
    message, item = tables.notification, tables.notification_item
    query = (
        select(message, item.c.what)
        .join(item, item.c.notification == message.c.id)
        .where(item.c.alert == alert)
        .order_by(message.c.id.desc())
        .limit(MOST)
    )
    rows = connection.execute(query).mappings().all()
    found = []
    for row in reversed(rows):
        person, _, channel = str(row["recipient"]).partition("/")
        found.append(Told(person, channel, What(row["what"]), _state(row)))
    return found


def is_planned(connection: Connection, alert: str) -> bool:
    """Whether it has been decided who is told of an alert: no notice of it waits for that any more."""
    notice = tables.notice
    return connection.execute(select(notice.c.event).where(notice.c.alert == alert).limit(1)).first() is None


def awaited_of(connection: Connection, alert: str) -> list[Awaited]:
    """Returns who is told next of an alert that nobody acknowledges, by time."""
    table = tables.escalation
    rows = connection.execute(select(table.c.due, table.c.tell).where(table.c.alert == alert).order_by(table.c.due))
    return [Awaited(row.due, [str(name) for name in row.tell]) for row in rows]


def channel_marks(connection: Connection, recipients: Collection[str]) -> dict[str, ChannelMark]:
    """Returns how channels (`PERSON/CHANNEL`) have fared, of those by which anything was sent or tried."""
    table = tables.notification
    mine = table.c.recipient.in_(recipients)
    last = select(table.c.recipient, func.max(table.c.settled)).where(mine, table.c.state == "sent")
    sent = {str(name): int(time) for name, time in connection.execute(last.group_by(table.c.recipient)).all()}
    is_failure = table.c.state.in_(("waiting", "dead")) & table.c.problem.is_not(None)
    latest = select(func.max(table.c.id)).where(mine, is_failure).group_by(table.c.recipient)
    rows = connection.execute(select(table).where(table.c.id.in_(latest))).mappings().all()
    failed = {str(row["recipient"]): _state(row) for row in rows}
    return {name: ChannelMark(sent.get(name), failed.get(name)) for name in {*sent, *failed}}


def _state(row: RowMapping) -> MessageState:
    names = MessageState.__slots__
    return MessageState(*(row[name] for name in names))
