"""A session is recognised by a secret that is not in the database, and it expires."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from siaga.database import connect, migrate, tables
from siaga.database.people import Persons, Sessions
from siaga.database.people.sessions import KEPT, LIVES, MOST_SESSIONS
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR, MINUTE, ManualClock
from siaga.model.scope import EVERYWHERE, Scopes

HOME = "10.1.2.0/24"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_772_600_400_000)


@pytest.fixture
def sessions(engine: Engine, clock: ManualClock) -> Sessions:
    persons = Persons(engine, clock)
    for role in Role:
        persons.add(role.value, role)
    return Sessions(engine, clock)


def begin(sessions: Sessions, role: Role = Role.VIEWER, replaces: str | None = None) -> str:
    return sessions.begin(role.value, role, "Firefox, Android", HOME, replaces)


def test_it_names_its_person_and_anything_else_nobody(sessions: Sessions) -> None:
    secret = begin(sessions)
    visit = sessions.verify(secret)
    assert visit is not None
    assert (visit.person.name, visit.session.agent, visit.session.address) == ("viewer", "Firefox, Android", HOME)
    for wrong in ("", secret[:-1], secret + "x", secret.swapcase(), "\ud800", "' OR 1=1 --"):
        assert sessions.verify(wrong) is None


def test_the_database_does_not_hold_the_secret(engine: Engine, sessions: Sessions) -> None:
    secret = begin(sessions)
    with engine.connect() as connection:
        assert secret not in str(connection.execute(select(tables.session)).all())


def test_two_are_never_the_same(sessions: Sessions) -> None:
    assert len({begin(sessions) for _ in range(10)}) == 10


def test_who_signs_in_again_leaves_the_session_before(sessions: Sessions) -> None:
    first = begin(sessions)
    second = begin(sessions, replaces=first)
    assert sessions.verify(first) is None
    assert sessions.verify(second) is not None


@pytest.mark.parametrize("role", Role)
def test_it_ends_when_it_rests_too_long(sessions: Sessions, clock: ManualClock, role: Role) -> None:
    secret = begin(sessions, role)
    clock.advance(LIVES[role].idle - 1)
    assert sessions.verify(secret) is not None
    clock.advance(LIVES[role].idle - 1)
    assert sessions.verify(secret) is not None, "it was used meanwhile"
    clock.advance(LIVES[role].idle)
    assert sessions.verify(secret) is None
    assert sessions.listed(role.value, role) == []


@pytest.mark.parametrize("role", Role)
def test_it_ends_at_last_however_much_it_is_used(sessions: Sessions, clock: ManualClock, role: Role) -> None:
    secret = begin(sessions, role)
    idle, whole = LIVES[role]
    begun = clock.now()
    while clock.now() + idle // 2 < begun + whole:
        assert sessions.verify(secret) is not None
        clock.advance(idle // 2)
    assert sessions.verify(secret) is not None
    clock.advance(begun + whole - clock.now())
    assert sessions.verify(secret) is None
    assert sessions.listed(role.value, role) == []


def test_a_new_role_holds_from_the_next_request_on_with_its_limits(
    engine: Engine, sessions: Sessions, clock: ManualClock
) -> None:
    secret = begin(sessions)
    Persons(engine, clock).change("viewer", Role.ADMIN, Scopes.of(["35.10"]), "")
    visit = sessions.verify(secret)
    assert visit is not None
    assert (visit.person.role, visit.person.scopes.texts) == (Role.ADMIN, ["35.10"])
    clock.advance(12 * HOUR)
    assert sessions.verify(secret) is None
    Persons(engine, clock).change("viewer", Role.VIEWER, EVERYWHERE, "")
    assert sessions.verify(secret) is not None


def test_its_owner_sees_and_ends_each(sessions: Sessions, clock: ManualClock) -> None:
    first = begin(sessions)
    clock.advance(MINUTE)
    second = begin(sessions)
    begin(sessions, Role.ADMIN)
    newer, older = sessions.listed("viewer", Role.VIEWER)
    assert newer.created_at - older.created_at == MINUTE
    assert not sessions.end_one("admin", older.id), "it is not the admin's"
    assert sessions.end_one("viewer", older.id)
    assert not sessions.end_one("viewer", older.id)
    assert (sessions.verify(first), sessions.verify(second) is not None) == (None, True)
    sessions.end(second)
    assert sessions.verify(second) is None
    assert sessions.listed("viewer", Role.VIEWER) == []


def test_all_but_one_end(sessions: Sessions) -> None:
    secrets = [begin(sessions) for _ in range(4)]
    kept = sessions.verify(secrets[2])
    assert kept is not None
    assert sessions.end_others("viewer", kept.session.id) == 3
    assert [sessions.verify(secret) is not None for secret in secrets] == [False, False, True, False]
    assert sessions.end_others("viewer") == 1


def test_a_person_has_so_many_and_the_one_that_rested_longest_makes_room(
    sessions: Sessions, clock: ManualClock
) -> None:
    secrets = []
    for _ in range(MOST_SESSIONS + 2):
        secrets.append(begin(sessions))
        clock.advance(1)
    alive = [sessions.verify(secret) is not None for secret in secrets]
    assert alive == [False, False] + [True] * MOST_SESSIONS


def test_what_ended_is_forgotten_after_a_month(engine: Engine, sessions: Sessions, clock: ManualClock) -> None:
    sessions.end(begin(sessions))
    alive = begin(sessions)
    clock.advance(KEPT - DAY)
    assert sessions.verify(alive) is not None
    begin(sessions, Role.ADMIN)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.session)).scalar_one() == 3
    clock.advance(DAY + 1)
    begin(sessions, Role.ADMIN)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.session)).scalar_one() == 3


def test_when_it_was_seen_is_kept_to_some_minutes(engine: Engine, sessions: Sessions, clock: ManualClock) -> None:
    secret, begun = begin(sessions), clock.now()
    seen = []
    for pause in (MINUTE, 5 * MINUTE):
        clock.advance(pause)
        sessions.verify(secret)
        with engine.connect() as connection:
            seen.append(connection.execute(select(tables.session.c.last_seen)).scalar_one() - begun)
    assert seen == [0, 6 * MINUTE]


def test_many_may_begin_at_once(sessions: Sessions) -> None:
    with ThreadPoolExecutor(4) as pool:
        secrets = list(pool.map(lambda _: begin(sessions), range(12)))
    assert all(sessions.verify(secret) is not None for secret in secrets)


def test_who_is_signed_in_stays_so_while_nothing_can_be_written(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'siaga.db'}")
    migrate(engine)
    clock = ManualClock(1_772_600_400_000)
    Persons(engine, clock).add("viewer", Role.VIEWER)
    sessions = Sessions(engine, clock)
    secret = begin(sessions)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")  # what a full disk looks like, for this connection
    clock.advance(HOUR)
    assert sessions.verify(secret) is not None
    engine.dispose()
