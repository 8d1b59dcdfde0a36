"""Reminders before an attestation expires: 14 days before, and on the day, once each.

A reminder is a message of the queue that is about no alert. Its key says what it reminds of, so it is made once,
however often it is looked for and however many processes look. A machine that was off makes up for it.
"""

import datetime
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Engine, select

from api.attestations.counting import Attestation, is_sensed
from api.notifications.book import Book, Recipient
from api.notifications.channels import provider_of
from api.notifications.rules import told_of_village
from api.notifications.web_push import Subscribers
from api.queries.attestations import by_village
from api.words import WORDS, Language
from siaga.database import tables, writing
from siaga.database.registry import villages_within
from siaga.database.upsert import insert
from siaga.model.local_time import local_date
from siaga.model.scope import EVERYWHERE
from siaga.model.sites import Village

__all__ = ["AHEAD", "LATE", "Reminder", "Reminders", "Stage", "reminders_of"]

AHEAD = datetime.timedelta(days=14)
"""How long before it expires: time for a round of a sub-district."""
LATE = datetime.timedelta(days=7)
"""For how long after the day it is made up for."""
_SEVERITY = "warning"
"""What a rule for severities is asked for."""


class Stage(StrEnum):
    """Which of the two reminders it is."""

    SOON = "soon"
    TODAY = "today"


@dataclass(frozen=True, slots=True)
class Reminder:
    """What people of a village are reminded of: attestations that expire on one day."""

    village: Village
    expires: datetime.date
    stage: Stage
    indicators: tuple[str, ...]

    def key(self, recipient: Recipient) -> str:
        """What its message to somebody is known by."""
        said = f"attestations expire\n{recipient}\n{self.village.code}\n{self.expires.isoformat()}\n{self.stage}"
        return hashlib.sha256(said.encode()).hexdigest()


def reminders_of(village: Village, made: Iterable[Attestation], today: datetime.date) -> Iterator[Reminder]:
    """Yields what is to be reminded of on a day, by the day on which it expires. What was seen again since is not.

    `made`: the village's attestations, all that there are up to the day.
    """
    by_indicator: dict[str, list[Attestation]] = {}
    for one in made:
        by_indicator.setdefault(one.indicator, []).append(one)
    found: dict[tuple[datetime.date, Stage], list[str]] = {}
    for indicator, mine in sorted(by_indicator.items()):
        last = _last(mine, today)
        stage = None if last is None or is_sensed(village, indicator) else _stage(last.expires, today)
        if last is not None and stage is not None:
            found.setdefault((last.expires, stage), []).append(indicator)
    for (expires, stage), indicators in sorted(found.items()):
        yield Reminder(village, expires, stage, tuple(indicators))


def _last(made: Iterable[Attestation], today: datetime.date) -> Attestation | None:
    """The attestation that counts, or that was the last one to count."""
    valid = [one for one in made if one.withdrawn_at is None and not one.waits and one.date <= today]
    return max(valid, key=lambda one: (one.date, one.created_at, one.number), default=None)


def _stage(expires: datetime.date, today: datetime.date) -> Stage | None:
    if expires - AHEAD <= today < expires:
        return Stage.SOON
    return Stage.TODAY if expires <= today <= expires + LATE else None


class Reminders:
    """Puts reminders into the queue. Its verb may raise SQLAlchemy's `DBAPIError`: then nothing has happened."""

    def __init__(self, engine: Engine, book: Book, subscribers: Subscribers | None = None) -> None:
        self._engine, self._file, self._subscribers = engine, book, subscribers
        self._book = book.current()

    def remind(self, now: int) -> int:
        """Put what is due at wall time `now` into the queue; how many messages were new."""
        self._book = self._file.current()
        if self._subscribers is not None:
            self._book = self._subscribers.book(self._book)
        if not self._book.rules:
            return 0
        due = list(self._due(now))
        if not due:
            return 0
        with writing(self._engine) as connection:
            rows = [row for reminder in due for row in self._messages(reminder, now)]
            made = 0
            for row in rows:
                table = tables.notification
                query = insert(connection, table).values(row).on_conflict_do_nothing().returning(table.c.id)
                made += connection.execute(query).scalar() is not None
        return made

    def _due(self, now: int) -> Iterator[Reminder]:
        with self._engine.connect() as connection:
            if connection.execute(select(tables.attestation.c.number).limit(1)).first() is None:
                return
            villages = villages_within(connection, EVERYWHERE)
            days = {village.code: local_date(now, village.timezone) for village in villages}
            made: Mapping[str, Sequence[Attestation]] = by_village(connection, days, max(days.values())) if days else {}
        for village in villages:
            yield from reminders_of(village, made.get(village.code, ()), days[village.code])

    def _messages(self, reminder: Reminder, now: int) -> Iterator[dict[str, object]]:
        for recipient, at in told_of_village(self._book, reminder.village, _SEVERITY, now).items():
            yield {
                "key": reminder.key(recipient),
                "recipient": str(recipient),
                "provider": provider_of(self._book.url(str(recipient)) or ""),
                "village": reminder.village.code,
                "created": now,
                "due": at,
                "attempts": 0,
                "state": "waiting",
                "subject": self._text(reminder, self._book.language(str(recipient))),
            }

    def _text(self, reminder: Reminder, language: str) -> dict[str, str]:
        words = WORDS[Language(language)]
        date, village = words.date(reminder.expires), reminder.village
        today = reminder.stage is Stage.TODAY
        lines = [f"- {words.kind(indicator)}" for indicator in reminder.indicators]
        if self._book.link is not None:
            lines.append(f"{self._book.link}/attest/{village.code}")
        return {
            "title": words("reminder_title_today" if today else "reminder_title_soon", village=village.name, date=date),
            "body": "\n".join(lines),
        }
