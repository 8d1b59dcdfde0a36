"""API tokens: who may call, in which role. The database has only their hashes."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from siaga.database import tables, writing
from siaga.model.caller import Caller, Role
from siaga.model.clock import MINUTE, Clock, SystemClock
from siaga.model.scope import EVERYWHERE, NotAScope, Scopes, parse_scope

__all__ = ["Issued", "Tokens"]

log = structlog.get_logger(__name__)

PREFIX = "siaga_"
"""Identifies siaga's tokens, for people and for scanners for leaked secrets."""
_LONGEST_NAME = 200
_TOUCH = 10 * MINUTE
"""The resolution of `last_used`, ms, so that not every call costs a write."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A token's data, without the token itself. Wall times in ms; `None` for not yet."""

    id: int
    role: Role
    name: str
    scopes: Scopes
    created_at: int
    last_used: int | None
    revoked_at: int | None


class Tokens:
    """The tokens in the SQL database. Safe for several threads and processes."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        self._engine = engine
        self._clock = clock or SystemClock()

    def create(self, role: Role | str, name: str, scopes: Iterable[str] = ()) -> str:
        """Returns a new token, which is shown this once and cannot be read back. Without scopes it sees everything.

        Raises:
            ValueError: there is no such role, the name is none, or a scope is none; a sentence that names the flag.
        """
        if not (0 < len(name) <= _LONGEST_NAME and name.isprintable() and name.strip()):
            raise ValueError(f"--name: {name[:60]!r} is not a name: write 1 to {_LONGEST_NAME} printable characters")
        limits = _limits(scopes)
        # With 256 random bits, a plain hash is as safe as a slow one.
        token = PREFIX + secrets.token_urlsafe(32)
        row = {
            "hash": _hash(token),
            "role": Role(role).value,
            "name": name,
            "scopes": limits.texts,
            "created_at": self._clock.now(),
        }
        with writing(self._engine) as connection:
            connection.execute(tables.token.insert().values(row))
        return token

    def verify(self, text: str) -> Caller | None:
        """Returns the caller of this token; `None` if there is no such token, or it was revoked."""
        wanted = _hash(text)
        table = tables.token
        query = select(table.c.id, table.c.hash, table.c.role, table.c.name, table.c.scopes, table.c.last_used)
        with self._engine.connect() as connection:
            row = connection.execute(query.where(table.c.hash == wanted, table.c.revoked_at.is_(None))).one_or_none()
        # The lookup is by hash, so its timing tells nothing about the token; nor does the comparison's.
        if row is None or not hmac.compare_digest(row.hash, wanted):
            return None
        now = self._clock.now()
        if row.last_used is None or now - row.last_used >= _TOUCH:
            self._note_use(row.id, now)
        return Caller(Role(row.role), row.name, Scopes.of(row.scopes), f"token/{row.id}")

    def _note_use(self, token_id: int, now: int) -> None:
        table = tables.token
        try:
            with writing(self._engine) as connection:
                connection.execute(table.update().where(table.c.id == token_id).values(last_used=now))
        except OperationalError as error:
            # A full disk, or a long import with the write lock, must not refuse a valid caller.
            log.warning("the use of a token was not noted", token=token_id, error=type(error).__name__)

    def issued(self) -> list[Issued]:
        """Returns all tokens that were ever made, ordered by number."""
        table = tables.token
        query = select(
            table.c.id,
            table.c.role,
            table.c.name,
            table.c.scopes,
            table.c.created_at,
            table.c.last_used,
            table.c.revoked_at,
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(table.c.id)).all()
        return [
            Issued(number, Role(role), name, Scopes.of(scopes), *times) for number, role, name, scopes, *times in rows
        ]

    def revoke(self, token_id: int) -> bool:
        """Revoke a token, from the next call on. Returns whether it was valid before."""
        table = tables.token
        this = (table.c.id == token_id) & table.c.revoked_at.is_(None)
        with writing(self._engine) as connection:
            return connection.execute(table.update().where(this).values(revoked_at=self._clock.now())).rowcount == 1


def _limits(texts: Iterable[str]) -> Scopes:
    found = []
    for text in texts:
        try:
            found.append(parse_scope(text))
        except NotAScope as problem:
            raise ValueError(f"--scope: {text[:60]!r} {problem}") from None
    return Scopes(tuple(found)) or EVERYWHERE


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
