"""What `siaga person` and the first start do with accounts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from siaga.database import connect, migrate
from siaga.database.people import NoSuchPerson, Person, Persons
from siaga.database.personal import mentions
from siaga.model.caller import Role
from siaga.model.clock import Clock
from siaga.model.scope import EVERYWHERE, NotAScope, Scope, Scopes, parse_scope
from siaga.run.settings import Settings

if TYPE_CHECKING:
    from api.notifications import Book

__all__ = [
    "Known",
    "add_person",
    "first_admin",
    "known_people",
    "new_link",
    "remove_person",
    "scopes_of",
    "show_person",
]


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody of the accounts, of the notify file, or of both: they are one by name.

    `account` is `None` for who is only told of alerts; `channels` is empty for who is told of nothing.
    """

    name: str
    account: Person | None
    channels: tuple[str, ...]


def add_person(settings: Settings, name: str, role: Role, scopes: Scopes, display_name: str) -> str:
    """Make an account. Returns its sign-in link.

    Raises:
        NotAName, NameTaken: the message is a sentence.
    """
    with _persons(settings) as persons:
        return _welcome(settings, persons.add(name, role, scopes, display_name))


def new_link(settings: Settings, name: str) -> str:
    """Returns a new sign-in link of somebody; earlier ones hold no longer.

    Raises:
        NoSuchPerson: the message is a sentence.
    """
    with _persons(settings) as persons:
        return _welcome(settings, persons.link(name))


def remove_person(settings: Settings, name: str) -> Person:
    """Take an account away. Returns it as it was.

    Raises:
        NoSuchPerson: the message is a sentence.
    """
    with _persons(settings) as persons:
        return persons.remove(name)


def show_person(settings: Settings, name: str) -> Mapping[str, Sequence[object]]:
    """Returns all that is held of somebody: the rows with the name by table, and the channels of the notify file.

    Raises:
        NoSuchPerson: the name stands nowhere; the message is a sentence.
    """
    channels = _told(settings).get(name, ())
    engine = connect(settings.database)
    try:
        migrate(engine)
        with engine.connect() as connection:
            found: dict[str, Sequence[object]] = {**mentions(connection, name)}
    finally:
        engine.dispose()
    if not found and not channels:
        raise NoSuchPerson(f"{name}: nothing is held of this name")
    return found | ({"notify file": channels} if channels else {})


def known_people(settings: Settings) -> list[Known]:
    """Returns all people by name: those who have an account, and those whom the notify file names."""
    told = _told(settings)
    with _persons(settings) as persons:
        accounts = {person.name: person for person in persons.listed(removed=True)}
    return [Known(name, accounts.get(name), told.get(name, ())) for name in sorted(accounts.keys() | told.keys())]


def first_admin(settings: Settings, engine: Engine, clock: Clock, address: str) -> tuple[str, str] | None:
    """Make an admin where there is none. Returns its name and its sign-in link, else `None`: for the first start alone.

    `address` is where the pages are if no setting says so.
    """
    made = Persons(engine, clock).first_admin()
    return None if made is None else (made[0], f"{_pages_address(settings, address)}/welcome/{made[1]}")


def scopes_of(texts: Iterable[str]) -> Scopes:
    """Returns the scopes of `--scope`; without any it is everything.

    Raises:
        ValueError: one of them is none; a sentence.
    """
    found: list[Scope] = []
    for text in texts:
        try:
            found.append(parse_scope(text))
        except NotAScope as problem:
            raise ValueError(f"--scope: {text[:60]!r} {problem}") from None
    return Scopes(tuple(found)) or EVERYWHERE


def _welcome(settings: Settings, secret: str) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.http_host, settings.http_host)  # noqa: S104 - not bound
    return f"{_pages_address(settings, f'http://{host}:{settings.http_port}')}/welcome/{secret}"


def _pages_address(settings: Settings, otherwise: str) -> str:
    """Returns where people reach the pages: by `SIAGA_PUBLIC_URL`, by the `link` of the notify file, or as given."""
    book = _book(settings)
    return settings.public_url or (book.link if book else None) or otherwise


def _told(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Returns by what channels whom the notify file names."""
    book = _book(settings)
    return {} if book is None else {name: tuple(person.channels) for name, person in book.people.items()}


def _book(settings: Settings) -> "Book | None":
    if settings.notify is None:
        return None
    # Apprise takes a second to load: only for who has a notify file
    from siaga.run.notify_file import the_book  # noqa: PLC0415

    return the_book(settings)


@contextmanager
def _persons(settings: Settings) -> Iterator[Persons]:
    """The accounts for one change, in a database that is migrated."""
    engine = connect(settings.database)
    try:
        migrate(engine)
        yield Persons(engine)
    finally:
        engine.dispose()
