"""What an SNMP agent says, by gufo-snmp: v2c with a community, v3 with a user."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gufo.snmp import Aes128Key, Sha1Key, SnmpAuthError, SnmpError, User
from gufo.snmp.sync import SnmpSession

from gateway.pollers.interface import Agent, Answer, Unasked, Values
from gateway.pollers.reach import NoName, resolve

__all__ = ["Credentials", "ask_agent"]

PORT = 161
AT_ONCE = 16
"""OIDs in one request: their answer fits into one packet, also where agents are short of memory."""
MAX_ROWS = 2_000
"""Rows of a table that are read; an access point has tens of stations."""
TRIES = 2
"""UDP loses packets: a request is sent again once."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """How the gateway shows agents who it is: a community, or a user of SNMPv3 (SHA-1 and AES-128, which all have)."""

    community: str = field(default="public", repr=False)
    user: str | None = None
    auth_password: str | None = field(default=None, repr=False)
    privacy_password: str | None = field(default=None, repr=False)


def ask_agent(question: Agent, credentials: Credentials, timeout: float) -> Answer:
    """All that was asked for and is there. Without an answer nothing can be said: a wrong community is silent, too.

    `timeout`, in seconds, is for all of it; the last request may outlast it by half.
    """
    try:
        _, host = resolve(question.address.host, question.address.port or PORT)
        deadline = time.monotonic() + timeout
        session = _session(host, question.address.port or PORT, credentials, timeout / TRIES)
        with session:
            return _read(session, question, deadline)
    except NoName as problem:
        return Unasked(str(problem))
    except (TimeoutError, BlockingIOError):  # the second while an agent's engine is looked for
        return Unasked("the SNMP agent does not answer: it is off, denies this host, or has other credentials")
    except SnmpError as problem:
        return Unasked(f"the SNMP agent answers with an error: {problem}")
    except (OSError, ValueError) as problem:
        return Unasked(f"the SNMP agent cannot be asked: {problem}")


def _session(host: str, port: int, credentials: Credentials, timeout: float) -> SnmpSession:
    if credentials.user is None:
        return SnmpSession(host, port=port, community=credentials.community, timeout=timeout)
    auth, privacy = credentials.auth_password, credentials.privacy_password
    user = User(
        credentials.user,
        auth_key=Sha1Key(auth.encode()) if auth else None,
        priv_key=Aes128Key(privacy.encode()) if privacy else None,
    )
    return SnmpSession(host, port=port, user=user, timeout=timeout)


def _read(session: SnmpSession, question: Agent, deadline: float) -> Values:
    single: dict[str, object] = {}
    for start in range(0, len(question.oids), AT_ONCE):
        single |= _get(session, question.oids[start : start + AT_ONCE], deadline)
    tables: dict[str, Sequence[object]] = {}
    notes = [f"it has no {oid}" for oid in question.oids if oid not in single]
    for oid in question.tables:
        try:
            rows = _walk(session, oid, deadline)
        except (TimeoutError, SnmpError) as problem:
            if not single and not tables:
                raise
            notes.append(f"{oid} is not read: {str(problem) or 'no answer'}")  # what there is, is kept
            continue
        if len(rows) > MAX_ROWS:
            notes.append(f"{oid} has more than {MAX_ROWS} rows")
            continue
        tables[oid] = rows
        if not rows:
            notes.append(f"it has nothing under {oid}")
    return Values(single, tables, "; ".join(notes))


def _get(session: SnmpSession, oids: Sequence[str], deadline: float) -> dict[str, object]:
    """Several at once; where the agent has trouble with one of them, one by one, so that it does not cost the others.

    Raises:
        TimeoutError, SnmpError: nothing came, or nothing that counts.
    """
    try:
        return dict(_again(lambda: session.get_many(oids), deadline))
    except SnmpAuthError:
        raise
    except SnmpError:
        if len(oids) == 1:
            return {}
    return {oid: value for each in oids for oid, value in _get(session, [each], deadline).items()}


def _again(ask: Callable[[], Mapping[str, object]], deadline: float) -> Mapping[str, object]:
    """An answer at the first or the second attempt.

    Raises:
        TimeoutError: at neither, or there is no time left.
    """
    for _ in range(TRIES - 1):
        try:
            return ask()
        except TimeoutError:
            if time.monotonic() >= deadline:
                raise
    return ask()


def _walk(session: SnmpSession, oid: str, deadline: float) -> list[object]:
    """The values below an OID; one more than `MAX_ROWS` where there are more."""
    rows: list[object] = []
    for _, value in session.getbulk(oid):
        rows.append(value)
        if len(rows) > MAX_ROWS:
            break
        if time.monotonic() >= deadline:
            raise TimeoutError
    return rows
