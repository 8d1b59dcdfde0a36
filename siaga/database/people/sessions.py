"""Who is signed in: random secrets in cookies, kept as digests, each to be seen and ended by its owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, select
from sqlalchemy.exc import OperationalError

from siaga.database.engine import writing
from siaga.database.people.persons import Person
from siaga.database.people.secret import digest, new_secret
from siaga.database.tables import person
from siaga.database.tables import session as table
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR, MINUTE, Clock, SystemClock

__all__ = ["LIVES", "MOST_SESSIONS", "Life", "Session", "Sessions", "Visit"]

log = structlog.get_logger(__name__)


class Life(NamedTuple):
    """How long a session may rest, and how long it may last at all, in ms."""

    idle: int
    whole: int


LIVES: Mapping[Role, Life] = {
    Role.ADMIN: Life(12 * HOUR, 7 * DAY),
    Role.TECHNICIAN: Life(14 * DAY, 90 * DAY),
    Role.VIEWER: Life(30 * DAY, 365 * DAY),
}
"""By role (docs/decisions/sessions.md): an admin can do most; phones and screens on walls stay signed in."""
MOST_SESSIONS = 20
"""Live sessions of one person; the one that rested longest makes room."""
KEPT = 30 * DAY
"""How long an ended session stays in the database: its owner may look for what they do not know."""
_TOUCH = 5 * MINUTE
"""`last_seen` is as exact as this: reading must not cost a write each time."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its owner sees it. `id` is no secret. Wall times in ms."""

    id: int
    created_at: int
    last_seen: int
    agent: str
    address: str


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is signed in, and by which session."""

    person: Person
    session: Session


class Sessions:
    """The sessions in the SQL database. Safe to use from several threads and processes."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        self._engine = engine
        self._clock = clock or SystemClock()

    def begin(self, name: str, role: Role, agent: str, address: str, replaces: str | None = None) -> str:
        """Begin a session of a person. Returns its secret.

        `agent`, `address`: shown to the person, to recognise the session. `replaces`: the secret of the browser's
        earlier session, which ends.
        """
        secret, now = new_secret(), self._clock.now()
        row = {
            "hash": digest(secret),
            "person": name,
            "created_at": now,
            "last_seen": now,
            "agent": agent,
            "address": address,
            "expires_at": now + LIVES[role].whole,
        }
        with writing(self._engine) as connection:
            if replaces is not None:
                self._end(connection, table.c.hash == digest(replaces))
            connection.execute(table.delete().where(table.c.last_seen < now - KEPT, ~self._may_live()))
            connection.execute(table.insert().values(row))
            self._make_room(connection, name)
        return secret

    def verify(self, secret: str) -> Visit | None:
        """Returns who is signed in by a secret, and notes the use; `None` when it has ended, or is none."""
        visit = self.look(secret)
        now = self._clock.now()
        if visit is not None and now - visit.session.last_seen >= _TOUCH:
            self._note_use(visit.session.id, now)
        return visit

    def look(self, secret: str) -> Visit | None:
        """Returns the same as `verify`, and notes nothing: an open stream is no use of a session."""
        columns = [column for column in table.c if column.name in ("id", "last_seen", "agent", "address", "expires_at")]
        query = (
            select(person, table.c.created_at.label("began_at"), *columns)
            .join(person, person.c.name == table.c.person)
            .where(table.c.hash == digest(secret), table.c.ended_at.is_(None), person.c.removed_at.is_(None))
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        now, life = self._clock.now(), LIVES[Role(row.role)]
        # The limits of the role of now: who became an admin is signed out as soon as one
        if now >= min(row.expires_at, row.began_at + life.whole, row.last_seen + life.idle):
            return None
        return Visit(Person.of(row), Session(row.id, row.began_at, row.last_seen, row.agent, row.address))

    def end(self, secret: str) -> None:
        """End the session of a secret: somebody signs out."""
        with writing(self._engine) as connection:
            self._end(connection, table.c.hash == digest(secret))

    def end_one(self, name: str, session: int) -> bool:
        """End a session of somebody by its id. Returns whether it was one that lived."""
        with writing(self._engine) as connection:
            return self._end(connection, and_(table.c.person == name, table.c.id == session)) == 1

    def end_others(self, name: str, keep: int | None = None) -> int:
        """End all sessions of somebody but the one with the id `keep`. Returns how many lived."""
        others = table.c.person == name
        if keep is not None:
            others &= table.c.id != keep
        with writing(self._engine) as connection:
            return self._end(connection, others)

    def listed(self, name: str, role: Role) -> Sequence[Session]:
        """Returns the live sessions of somebody, the one that was seen last first."""
        now, life = self._clock.now(), LIVES[role]
        query = (
            select(table)
            .where(table.c.person == name, table.c.ended_at.is_(None), table.c.expires_at > now)
            .where(table.c.last_seen > now - life.idle, table.c.created_at > now - life.whole)
            .order_by(table.c.last_seen.desc(), table.c.id.desc())
        )
        with self._engine.connect() as connection:
            return [_session(row) for row in connection.execute(query)]

    def _may_live(self) -> ColumnElement[bool]:
        """Returns the condition that a session has not ended for sure."""
        return and_(table.c.ended_at.is_(None), table.c.expires_at > self._clock.now())

    def _end(self, connection: Connection, which: ColumnElement[bool]) -> int:
        live = and_(which, table.c.ended_at.is_(None))
        return connection.execute(table.update().where(live).values(ended_at=self._clock.now())).rowcount

    def _make_room(self, connection: Connection, name: str) -> None:
        live = select(table.c.id).where(table.c.person == name, self._may_live())
        newest = live.order_by(table.c.last_seen.desc(), table.c.id.desc())
        surplus = connection.execute(newest.offset(MOST_SESSIONS)).scalars().all()
        if surplus:
            self._end(connection, table.c.id.in_(surplus))

    def _note_use(self, session: int, now: int) -> None:
        try:
            with writing(self._engine) as connection:
                connection.execute(table.update().where(table.c.id == session).values(last_seen=now))
        except OperationalError as error:
            # Who is signed in stays so while the disk is full or a long import holds the write lock
            log.warning("the use of a session was not noted", session=session, error=type(error).__name__)


def _session(row: Row[tuple[object, ...]]) -> Session:
    return Session(row.id, row.created_at, row.last_seen, row.agent, row.address)
