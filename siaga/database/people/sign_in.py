"""Signing in by name and password: one answer for a wrong name and a wrong password, and a wait after many.

An attempt is counted as a wrong one before its password is looked at, and taken back when it was right. So a hundred
guesses at once count a hundred times.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, func, select

from siaga.database.engine import take_turns, writing
from siaga.database.people.passwords import Passwords
from siaga.database.people.patience import BY_ADDRESS, BY_BOTH, BY_NAME, FORGOTTEN, NEVER, Failures, Patience, counted
from siaga.database.people.persons import Person
from siaga.database.people.secret import digest
from siaga.database.tables import person, session
from siaga.database.tables import sign_in_wait as table
from siaga.model.clock import Clock, SystemClock

__all__ = ["MOST_WAITS", "Answer", "Right", "SignIn", "Wait", "Wrong", "host_of", "network_of"]

MOST_WAITS = 10_000
"""Rows that are kept; the oldest make room."""


@dataclass(frozen=True, slots=True)
class Right:
    """The password is this person's."""

    person: Person


@dataclass(frozen=True, slots=True)
class Wrong:
    """There is nobody of that name with that password."""


@dataclass(frozen=True, slots=True)
class Wait:
    """There were too many wrong ones: nothing was looked at. `until` is wall time in ms."""

    until: int


Answer = Right | Wrong | Wait
Before = Mapping[str, tuple[Patience, Failures]]
"""By key what was counted before an attempt, and how patient its kind is."""


class SignIn:
    """Looks at names and passwords. Safe to use from several threads and processes; `check` hashes, which costs."""

    def __init__(self, engine: Engine, passwords: Passwords, clock: Clock | None = None) -> None:
        self._engine = engine
        self._passwords = passwords
        self._clock = clock or SystemClock()

    def check(self, name: str, password: str, address: str) -> Answer:
        """Whether this is the password of somebody, asked from an address."""
        keys = _keys(name, address)
        before = self._count(name, keys, network_of(address))
        if isinstance(before, Wait):
            return before
        found, stored = self._look_up(name)
        if not self._passwords.matches(password, stored) or found is None or stored is None:
            return Wrong()
        self._take_back(before)
        if self._passwords.is_outdated(stored):
            self._hash_anew(name, stored, password)
        return Right(found)

    def _count(self, name: str, keys: Mapping[str, Patience], network: str) -> Wait | Before:
        """Count an attempt, unless it has to wait. Returns what was counted before it."""
        with self._engine.connect() as connection:  # who has to wait is told so without a write
            if (wait := self._wait(connection, name, keys, network)) is not None:
                return wait
        with writing(self._engine) as connection:
            take_turns(connection, "sign in")
            if (wait := self._wait(connection, name, keys, network)) is not None:
                return wait
            now = self._clock.now()
            before = self._failures(connection, keys)
            for key, patience in keys.items():
                self._write(connection, key, counted(before[key], patience, now))
            self._make_room(connection, now)
        return {key: (patience, before[key]) for key, patience in keys.items()}

    def _wait(self, connection: Connection, name: str, keys: Mapping[str, Patience], network: str) -> Wait | None:
        now = self._clock.now()
        waiting = {key: found for key, found in self._failures(connection, keys).items() if found.free_at > now}
        seen_here = self._was_seen(connection, name, network)
        until = [one.free_at for key, one in waiting.items() if not (keys[key] is BY_NAME and seen_here)]
        return Wait(max(until)) if until else None

    def _take_back(self, before: Before) -> None:
        """A right password: its pair of name and address begins anew, and the others lose what was counted for it."""
        with writing(self._engine) as connection:
            take_turns(connection, "sign in")
            for key, (patience, failures) in before.items():
                this = table.c.key == key
                less = {"failures": table.c.failures - 1, "free_at": failures.free_at}
                connection.execute(table.update().where(this).values(less))
                spent = this if patience is BY_BOTH else this & (table.c.failures <= 0)
                connection.execute(table.delete().where(spent))

    def _look_up(self, name: str) -> tuple[Person | None, str | None]:
        query = select(person).where(person.c.name == name, person.c.removed_at.is_(None))
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return (None, None) if row is None else (Person.of(row), row.password_hash)

    def _hash_anew(self, name: str, stored: str, password: str) -> None:
        """Keep the password at today's cost, unless it was changed meanwhile."""
        values = {"password_hash": self._passwords.hash(password)}
        with writing(self._engine) as connection:
            this = (person.c.name == name) & (person.c.password_hash == stored)
            connection.execute(person.update().where(this).values(values))

    @staticmethod
    def _failures(connection: Connection, keys: Mapping[str, Patience]) -> dict[str, Failures]:
        rows = connection.execute(select(table).where(table.c.key.in_(keys)))
        found = {row.key: Failures(row.failures, row.last_at, row.free_at) for row in rows}
        return {key: found.get(key, NEVER) for key in keys}

    @staticmethod
    def _was_seen(connection: Connection, name: str, network: str) -> bool:
        """Whether somebody was signed in from this network: asked for every name, there or not."""
        query = select(session.c.id).where(session.c.person == name, session.c.address == network).limit(1)
        return connection.execute(query).first() is not None

    @staticmethod
    def _write(connection: Connection, key: str, failures: Failures) -> None:
        values = {"failures": failures.count, "last_at": failures.last_at, "free_at": failures.free_at}
        if connection.execute(table.update().where(table.c.key == key).values(values)).rowcount == 0:
            connection.execute(table.insert().values(key=key, **values))

    @staticmethod
    def _make_room(connection: Connection, now: int) -> None:
        connection.execute(table.delete().where(table.c.last_at <= now - FORGOTTEN))
        surplus = connection.execute(select(func.count()).select_from(table)).scalar_one() - MOST_WAITS
        if surplus > 0:
            oldest = select(table.c.key).order_by(table.c.last_at, table.c.key).limit(surplus)
            connection.execute(delete(table).where(table.c.key.in_(oldest)))


def network_of(address: str) -> str:
    """Returns the network of an address, which names a place and not a person: /24 of IPv4, /48 of IPv6.

    What is no address is returned as "?": a proxy may say anything.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "?"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    prefix = 24 if found.version == 4 else 48
    return str(ipaddress.ip_network((found, prefix), strict=False))


def _keys(name: str, address: str) -> dict[str, Patience]:
    """Returns what an attempt counts for. Digests: the names that people mistype are nobody's business."""
    host = host_of(address)
    return {
        digest(f"both {host} {name}"): BY_BOTH,
        digest(f"address {host}"): BY_ADDRESS,
        digest(f"name {name}"): BY_NAME,
    }


def host_of(address: str) -> str:
    """Returns who an address stands for: one host of IPv4, a /64 of IPv6, of which a host has all addresses."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "?"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
