"""Polls SNMP agents with gufo-snmp: versions 2c and 1 with a community, version 3 with a user.

An agent that only supports version 1 drops requests in 2c silently. So until it answers, it is polled in both versions
by turns; afterwards in the version of its answer.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gufo.snmp import Aes128Key, Sha1Key, SnmpAuthError, SnmpDecodeError, SnmpError, SnmpVersion, User
from gufo.snmp.sync import SnmpSession

from gateway.pollers.interface import Agent, Answer, Unasked, Values
from gateway.pollers.reach import NoName, resolve

__all__ = ["Credentials", "ask_agent"]

PORT = 161
MAX_ROWS = 2_000
"""Rows of a table that are read at most; an access point has tens of stations."""
TRIES = 2
"""Attempts per request, since UDP loses packets."""
_VERSIONS: Mapping[str, SnmpVersion] = {"2c": SnmpVersion.v2c, "1": SnmpVersion.v1, "3": SnmpVersion.v3}


@dataclass(frozen=True, slots=True)
class Credentials:
    """SNMP credentials: a community, or a user of SNMPv3 (SHA-1 and AES-128, which all agents support)."""

    community: str = field(default="public", repr=False)
    user: str | None = None
    auth_password: str | None = field(default=None, repr=False)
    privacy_password: str | None = field(default=None, repr=False)


def ask_agent(question: Agent, credentials: Credentials, timeout: float) -> Answer:
    """Returns the requested values that exist. No answer is inconclusive, since a wrong community gives none either.

    `timeout`: seconds for all requests together; the last one may exceed it by half.
    """
    versions = _versions(question, credentials)
    attempts = versions * TRIES
    try:
        _, host = resolve(question.address.host, question.address.port or PORT, timeout)
        deadline = time.monotonic() + timeout
        for version in attempts:
            try:
                with _session(host, question, version, credentials, timeout / len(attempts)) as session:
                    return _Reading(session, version, deadline).read(question)
            except (TimeoutError, BlockingIOError):  # BlockingIOError: no answer to the discovery of the agent's engine
                continue
            except SnmpDecodeError:
                if version == attempts[-1]:
                    raise
    except NoName as problem:
        return Unasked(str(problem))
    except SnmpError as problem:
        return Unasked(f"the SNMP agent answers with an error: {problem}", spoke=True)
    except (OSError, ValueError) as problem:
        return Unasked(f"the SNMP agent cannot be asked: {problem}")
    secret = "another user or password" if credentials.user else "another community"
    spoken = " or ".join(versions)
    return Unasked(
        f"the SNMP agent does not answer in version {spoken}: it is off, denies this host, or has {secret}", slow=True
    )


def _versions(question: Agent, credentials: Credentials) -> tuple[str, ...]:
    if credentials.user is not None:
        return ("3",)
    return (question.version,) if question.version in ("2c", "1") else ("2c", "1")


def _session(host: str, question: Agent, version: str, credentials: Credentials, timeout: float) -> SnmpSession:
    port, number = question.address.port or PORT, _VERSIONS[version]
    if credentials.user is None:
        return SnmpSession(host, port=port, version=number, community=credentials.community, timeout=timeout)
    auth, privacy = credentials.auth_password, credentials.privacy_password
    user = User(
        credentials.user,
        auth_key=Sha1Key(auth.encode()) if auth else None,
        priv_key=Aes128Key(privacy.encode()) if privacy else None,
    )
    return SnmpSession(host, port=port, version=number, user=user, timeout=timeout)


class _Endless(Exception):
    """A table does not end. The message says how this was detected."""


class _Reading:
    """One poll of an agent, with the answers so far. `deadline`: monotonic clock, in seconds."""

    def __init__(self, session: SnmpSession, version: str, deadline: float) -> None:
        self._session, self._version, self._deadline = session, version, deadline
        self._answered = self._slow = False
        self._notes: list[str] = []

    def read(self, question: Agent) -> Values:
        """Returns all values that could be read. A failure of one is noted, and does not affect the others.

        Raises:
            TimeoutError, SnmpError: there was no usable answer at all.
        """
        single: dict[str, object] = {}
        for start in range(0, len(question.oids), question.at_once):
            oids = question.oids[start : start + question.at_once]
            try:
                found = self._get(oids)
            except TimeoutError:
                self._not_read(", ".join(oids))
                continue
            single |= found
            self._notes += [f"it has no {oid}" for oid in oids if oid not in found]
        tables: dict[str, Sequence[object]] = {}
        for oid in question.tables:
            try:
                tables[oid] = self._walk(oid, question.at_once)
            except TimeoutError:
                self._not_read(oid)
            except _Endless as problem:
                self._notes.append(str(problem))
            except SnmpAuthError:
                raise
            except SnmpError as problem:
                if not self._answered:
                    raise
                self._notes.append(f"{oid} is not read: {problem}")
            else:
                if not tables[oid]:
                    self._notes.append(f"it has nothing under {oid}")
        return Values(single, tables, "; ".join(self._notes), self._version, self._slow)

    def _not_read(self, what: str) -> None:
        """Note that a request had no answer.

        Raises:
            TimeoutError: the agent has not answered any request yet.
        """
        if not self._answered:
            raise TimeoutError
        self._slow = True
        self._notes.append(f"{what} is not read: no answer")

    def _get(self, oids: Sequence[str]) -> dict[str, object]:
        """Returns several values with one request; if one of them makes it fail, with one request each.

        Raises:
            TimeoutError, SnmpError: there was no usable answer.
        """
        found: dict[str, object] = {}
        one_by_one = self._version == "1"  # version 1 refuses a whole request if one object is missing
        try:
            found = dict(self._ask(lambda: self._session.get_many(oids)))
        except SnmpAuthError:
            raise
        except SnmpError:
            one_by_one = True
        self._answered = True
        if len(oids) == 1 or not one_by_one:
            return found
        missing = [oid for oid in oids if oid not in found]
        return found | {oid: value for each in missing for oid, value in self._get([each]).items()}

    def _ask(self, ask: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
        """Returns an answer, with retries. Before the first answer, `ask_agent` retries with a new session.

        Raises:
            TimeoutError: there was no answer, or no time is left.
        """
        for _ in range(TRIES - 1 if self._answered else 0):
            self._look_at_the_time()
            try:
                return ask()
            except TimeoutError:
                self._slow = True
        self._look_at_the_time()
        return ask()

    def _walk(self, oid: str, at_once: int) -> list[object]:
        """Returns the values below an OID, read `at_once` per request.

        Raises:
            TimeoutError, SnmpError: the table was not read to its end.
            _Endless: the table has no end.
        """
        rows: list[object] = []
        last: tuple[int, ...] = ()
        found = self._session.getnext(oid) if self._version == "1" else self._session.getbulk(oid, at_once)
        for name, value in found:
            self._answered = True
            place = tuple(map(int, name.split(".")))
            if place <= last:
                raise _Endless(f"{oid} never ends: after {_dotted(last)} the agent goes back to {name}")
            if len(rows) >= MAX_ROWS:
                raise _Endless(f"{oid} has no end within {MAX_ROWS} rows, and is not read")
            last = place
            rows.append(value)
            self._look_at_the_time()
        self._answered = True
        return rows

    def _look_at_the_time(self) -> None:
        if time.monotonic() >= self._deadline:
            raise TimeoutError


def _dotted(place: tuple[int, ...]) -> str:
    return ".".join(map(str, place))
