"""The browsers that take push messages: each belongs to the session that was signed in when it subscribed."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Row, Select, and_, or_, select

from siaga.database.engine import writing
from siaga.database.people.sessions import LIVES
from siaga.database.tables import person, push_key, session
from siaga.database.tables import push_subscription as table
from siaga.database.upsert import insert
from siaga.model.caller import Role
from siaga.model.clock import Clock, SystemClock
from siaga.model.scope import Scopes

__all__ = ["MOST_SUBSCRIPTIONS", "PushSubscription", "PushSubscriptions"]

MOST_SUBSCRIPTIONS = 10
"""Browsers of one person; the one that was renewed longest ago makes room."""


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """A browser that takes push messages. `endpoint` and the keys are secrets. Wall times in ms."""

    id: int
    endpoint: str
    p256dh: str
    auth: str
    person: str
    language: str
    agent: str
    created_at: int
    renewed_at: int
    role: Role
    scopes: Scopes


class PushSubscriptions:
    """The subscriptions in the SQL database. Safe to use from several threads and processes."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        self._engine = engine
        self._clock = clock or SystemClock()

    def keep(
        self, name: str, session_id: int, endpoint: str, p256dh: str, auth: str, language: str, agent: str
    ) -> None:
        """Keep a browser's subscription, or renew it. An endpoint that was somebody else's is now this person's."""
        now = self._clock.now()
        row = {
            "endpoint": endpoint,
            "p256dh": p256dh,
            "auth": auth,
            "person": name,
            "session": session_id,
            "language": language,
            "agent": agent,
            "renewed_at": now,
        }
        with writing(self._engine) as connection:
            statement = insert(connection, table).values(row | {"created_at": now})
            connection.execute(statement.on_conflict_do_update(index_elements=["endpoint"], set_=row))
            self._make_room(connection, name)

    def drop(self, subscription: int, name: str | None = None, endpoint: str = "") -> bool:
        """Forget a subscription, by its id or its endpoint. Returns whether there was one.

        With `name` only if it is that person's.
        """
        which = or_(table.c.id == subscription, table.c.endpoint == endpoint)
        if name is not None:
            which &= table.c.person == name
        with writing(self._engine) as connection:
            return connection.execute(table.delete().where(which)).rowcount == 1

    def one(self, subscription: int) -> PushSubscription | None:
        """Returns a subscription whose session lives; `None`: there is none."""
        return next(iter(self._found(self._live().where(table.c.id == subscription))), None)

    def of(self, name: str) -> Sequence[PushSubscription]:
        """Returns the subscriptions of a person whose sessions live, the newest first."""
        return self._found(self._live().where(table.c.person == name).order_by(table.c.id.desc()))

    def listed(self) -> Sequence[PushSubscription]:
        """Returns all subscriptions whose sessions live."""
        return self._found(self._live().order_by(table.c.person, table.c.id))

    def key(self, made: str) -> str:
        """Returns the private key of this siaga. `made` becomes it where there is none yet."""
        query = select(push_key.c.private).where(push_key.c.id == 1)
        with self._engine.connect() as connection:
            found = connection.execute(query).scalar()
        if found is None:
            with writing(self._engine) as connection:
                statement = insert(connection, push_key).values(id=1, private=made)
                connection.execute(statement.on_conflict_do_nothing())
                found = connection.execute(query).scalar_one()
        return str(found)

    def _live(self) -> Select[tuple[object, ...]]:
        """The query for subscriptions of people who can sign in, and who are signed in there."""
        now = self._clock.now()
        resting = or_(
            *(
                and_(
                    person.c.role == role.value,
                    session.c.last_seen > now - life.idle,
                    session.c.created_at > now - life.whole,
                )
                for role, life in LIVES.items()
            )
        )
        return (
            select(table, person.c.role, person.c.scopes)
            .join(person, person.c.name == table.c.person)
            .join(session, session.c.id == table.c.session)
            .where(person.c.removed_at.is_(None), session.c.ended_at.is_(None), session.c.expires_at > now, resting)
        )

    def _found(self, query: Select[tuple[object, ...]]) -> list[PushSubscription]:
        with self._engine.connect() as connection:
            return [_subscription(row) for row in connection.execute(query)]

    def _make_room(self, connection: Connection, name: str) -> None:
        newest = select(table.c.id).where(table.c.person == name).order_by(table.c.renewed_at.desc(), table.c.id.desc())
        surplus = connection.execute(newest.offset(MOST_SUBSCRIPTIONS)).scalars().all()
        if surplus:
            connection.execute(table.delete().where(table.c.id.in_(surplus)))


def _subscription(row: Row[tuple[object, ...]]) -> PushSubscription:
    return PushSubscription(
        id=row.id,
        endpoint=row.endpoint,
        p256dh=row.p256dh,
        auth=row.auth,
        person=row.person,
        language=row.language,
        agent=row.agent,
        created_at=row.created_at,
        renewed_at=row.renewed_at,
        role=Role(row.role),
        scopes=Scopes.of(row.scopes),
    )
