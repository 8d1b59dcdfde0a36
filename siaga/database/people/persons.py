"""Accounts of people, and the links by which they set their password."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, select

from siaga.database.engine import take_turns, writing
from siaga.database.people.secret import digest, new_secret
from siaga.database.tables import person as table
from siaga.database.tables import session, welcome
from siaga.model.caller import Caller, Role
from siaga.model.clock import HOUR, Clock, SystemClock
from siaga.model.scope import EVERYWHERE, Scopes
from siaga.wire.topics import is_slug

__all__ = ["LINK_HOLDS", "NameTaken", "NoSuchPerson", "NotAName", "Person", "Persons"]

LINK_HOLDS = 72 * HOUR
"""How long a sign-in link may be used (contract, section 6)."""
FIRST_ADMIN = "admin"
"""The name of the account that is made where there is no admin."""
_LONGEST_NAME = 100


class NotAName(ValueError):
    """A text that cannot be the name of a person; the message is a sentence."""


class NameTaken(ValueError):
    """Somebody has an account of this name; the message is a sentence."""


class NoSuchPerson(ValueError):
    """Nobody has an account of this name; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account.

    `name` is the slug by which the trail and the notify file know the person, `display_name` what others read.
    `language` and `theme` are `None` until they were chosen, `removed_at` (wall time in ms) while it can be used.
    """

    name: str
    display_name: str
    role: Role
    scopes: Scopes
    language: str | None
    theme: str | None
    has_password: bool
    created_at: int
    removed_at: int | None

    @property
    def caller(self) -> Caller:
        """Who calls when this person does."""
        return Caller(self.role, self.name, self.scopes, f"person/{self.name}")

    @staticmethod
    def of(row: Row[tuple[object, ...]]) -> "Person":
        """Returns the person of a row of the table."""
        return Person(
            name=row.name,
            display_name=row.display_name or row.name,
            role=Role(row.role),
            scopes=Scopes.of(row.scopes),
            language=row.language,
            theme=row.theme,
            has_password=row.password_hash is not None,
            created_at=row.created_at,
            removed_at=row.removed_at,
        )


class Persons:
    """The accounts in the SQL database. Safe to use from several threads and processes."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        self._engine = engine
        self._clock = clock or SystemClock()

    def add(self, name: str, role: Role, scopes: Scopes = EVERYWHERE, display_name: str = "") -> str:
        """Make an account, or use a removed one again. Returns the secret of its sign-in link.

        Raises:
            NotAName: `name` is no slug, or `display_name` has no printable form.
            NameTaken: there is an account of that name.
        """
        check_name(name)
        check_display_name(display_name)
        with writing(self._engine) as connection:
            take_turns(connection, "people")
            known = self._row(connection, name)
            if known is not None and known.removed_at is None:
                raise NameTaken(
                    f"{name}: there is an account of this name: `siaga person link {name}` makes a new link"
                )
            self._write(connection, name, role, scopes, display_name)
            return self._link(connection, name)

    def first_admin(self) -> tuple[str, str] | None:
        """Make an admin where there is none. Returns its name and the secret of its sign-in link, else `None`.

        Of several processes that ask at once, one gets it.
        """
        with writing(self._engine) as connection:
            take_turns(connection, "people")
            admins = table.select().where(table.c.role == Role.ADMIN.value, table.c.removed_at.is_(None)).limit(1)
            if connection.execute(admins).first() is not None:
                return None
            name, number = FIRST_ADMIN, 1
            while (known := self._row(connection, name)) is not None and known.removed_at is None:
                number += 1
                name = f"{FIRST_ADMIN}-{number}"  # somebody of that name has another role
            self._write(connection, name, Role.ADMIN, EVERYWHERE, "")
            return name, self._link(connection, name)

    def link(self, name: str) -> str:
        """Make a new sign-in link for somebody; earlier ones hold no longer. Returns its secret.

        Raises:
            NoSuchPerson: there is no account of that name.
        """
        with writing(self._engine) as connection:
            self._known(connection, name)
            return self._link(connection, name)

    def owner_of_link(self, secret: str) -> Person | None:
        """Returns whose sign-in link this is, while it can be used."""
        query = select(table).join(welcome, welcome.c.person == table.c.name).where(self._is_open(secret))
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Person.of(row)

    def use_link(self, secret: str, password_hash: str) -> Person | None:
        """Set the password of a link's owner, and use the link up. All sessions of the owner end.

        Returns the owner; `None`: the link is none, was used, or has expired.
        """
        with writing(self._engine) as connection:
            spent = welcome.update().where(self._is_open(secret)).values(used_at=self._clock.now())
            name = connection.execute(spent.returning(welcome.c.person)).scalar_one_or_none()
            if name is None:
                return None
            this = (table.c.name == name) & table.c.removed_at.is_(None)
            changed = table.update().where(this).values(password_hash=password_hash)
            if connection.execute(changed).rowcount != 1:
                return None
            self._end_sessions(connection, name)
            return Person.of(self._known(connection, name))

    def set_password(self, name: str, password_hash: str) -> None:
        """Replace a password. Who ends which sessions is the caller's choice.

        Raises:
            NoSuchPerson: there is no account of that name.
        """
        self._change(name, {"password_hash": password_hash})

    def password_hash(self, name: str) -> str | None:
        """Returns the stored hash of an account that can be used; `None`: there is none."""
        query = select(table.c.password_hash).where(table.c.name == name, table.c.removed_at.is_(None))
        with self._engine.connect() as connection:
            found: str | None = connection.execute(query).scalar_one_or_none()
        return found

    def change(self, name: str, role: Role, scopes: Scopes, display_name: str) -> Person:
        """Give somebody another role, other scopes or another display name; it holds from the next request on.

        Raises:
            NotAName: `display_name` has no printable form.
            NoSuchPerson: there is no account of that name.
        """
        check_display_name(display_name)
        shown = "" if display_name == name else display_name
        return self._change(name, {"role": role.value, "scopes": scopes.texts, "display_name": shown})

    def choose(self, name: str, language: str | None, theme: str | None) -> Person:
        """Keep how somebody wants the pages.

        Raises:
            NoSuchPerson: there is no account of that name.
        """
        return self._change(name, {"language": language, "theme": theme})

    def remove(self, name: str) -> Person:
        """Take an account away: its sessions end, its links and its password go. Its name stays for the trail.

        Raises:
            NoSuchPerson: there is no account of that name.
        """
        with writing(self._engine) as connection:
            before = Person.of(self._known(connection, name))
            gone = {"removed_at": self._clock.now(), "password_hash": None, "display_name": ""}
            connection.execute(table.update().where(table.c.name == name).values(gone))
            connection.execute(session.delete().where(session.c.person == name))
            connection.execute(welcome.delete().where(welcome.c.person == name))
        return before

    def find(self, name: str) -> Person | None:
        """Returns an account that can be used."""
        with self._engine.connect() as connection:
            row = self._row(connection, name)
        return None if row is None or row.removed_at is not None else Person.of(row)

    def listed(self, *, removed: bool = False) -> Sequence[Person]:
        """Returns all accounts by name, with `removed` also those that were taken away."""
        query = select(table).order_by(table.c.name)
        if not removed:
            query = query.where(table.c.removed_at.is_(None))
        with self._engine.connect() as connection:
            return [Person.of(row) for row in connection.execute(query)]

    def _change(self, name: str, values: Mapping[str, object]) -> Person:
        with writing(self._engine) as connection:
            self._known(connection, name)
            connection.execute(table.update().where(table.c.name == name).values(**values))
            return Person.of(self._known(connection, name))

    def _known(self, connection: Connection, name: str) -> Row[tuple[object, ...]]:
        row = self._row(connection, name)
        if row is None or row.removed_at is not None:
            raise NoSuchPerson(f"{name[:70]}: nobody has an account of this name: `siaga person list` shows all")
        return row

    @staticmethod
    def _row(connection: Connection, name: str) -> Row[tuple[object, ...]] | None:
        return connection.execute(select(table).where(table.c.name == name)).one_or_none()

    def _write(self, connection: Connection, name: str, role: Role, scopes: Scopes, display_name: str) -> None:
        """Write a new account, or a removed one anew."""
        values = {
            "display_name": "" if display_name == name else display_name,
            "role": role.value,
            "scopes": scopes.texts,
            "created_at": self._clock.now(),
            "language": None,
            "theme": None,
            "password_hash": None,
            "removed_at": None,
        }
        if self._row(connection, name) is None:
            connection.execute(table.insert().values(name=name, **values))
        else:
            connection.execute(table.update().where(table.c.name == name).values(**values))

    def _link(self, connection: Connection, name: str) -> str:
        secret, now = new_secret(), self._clock.now()
        connection.execute(welcome.delete().where(welcome.c.person == name))
        row = {"hash": digest(secret), "person": name, "created_at": now, "expires_at": now + LINK_HOLDS}
        connection.execute(welcome.insert().values(row))
        return secret

    def _is_open(self, secret: str) -> ColumnElement[bool]:
        """Returns the condition that a row is the link of this secret and can be used."""
        return and_(
            welcome.c.hash == digest(secret),
            welcome.c.used_at.is_(None),
            welcome.c.expires_at > self._clock.now(),
        )

    def _end_sessions(self, connection: Connection, name: str) -> None:
        live = (session.c.person == name) & session.c.ended_at.is_(None)
        connection.execute(session.update().where(live).values(ended_at=self._clock.now()))


def check_name(name: str) -> None:
    """Check that this can be the name of a person.

    Raises:
        NotAName: it cannot.
    """
    if not is_slug(name):
        raise NotAName(
            f"NAME: {name[:70]!r} is not a name: write 1 to 64 of a-z, 0-9, _ and -, a letter or digit first"
        )


def check_display_name(text: str) -> None:
    """Check that this can be shown as the name of a person.

    Raises:
        NotAName: it cannot.
    """
    if len(text) > _LONGEST_NAME or not text.isprintable() or (text and not text.strip()):
        raise NotAName(f"--name: {text[:60]!r} is not a name: write up to {_LONGEST_NAME} printable characters")
