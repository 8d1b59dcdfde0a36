"""An account is created with a one-time link, changed and removed; the audit trail keeps the name."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select

from siaga.database import tables
from siaga.database.people import NameTaken, NoSuchPerson, NotAName, Persons, Sessions
from siaga.model.caller import Role
from siaga.model.clock import HOUR, ManualClock
from siaga.model.scope import EVERYWHERE, Scopes

GLAGAH = Scopes.of(["35.10.15"])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_772_600_400_000)


@pytest.fixture
def persons(engine: Engine, clock: ManualClock) -> Persons:
    return Persons(engine, clock)


def test_an_account_is_made_without_a_password(persons: Persons) -> None:
    secret = persons.add("ratih", Role.TECHNICIAN, GLAGAH, "Ratih S.")
    assert len(secret) >= 43
    ratih = persons.find("ratih")
    assert ratih is not None
    assert (ratih.role, ratih.scopes, ratih.display_name, ratih.has_password) == (
        Role.TECHNICIAN,
        GLAGAH,
        "Ratih S.",
        False,
    )
    assert (ratih.caller.name, ratih.caller.who) == ("ratih", "person/ratih")
    assert persons.owner_of_link(secret) == ratih


def test_who_has_no_display_name_is_shown_by_the_slug(persons: Persons) -> None:
    persons.add("ratih", Role.VIEWER)
    assert [(one.display_name, one.scopes) for one in persons.listed()] == [("ratih", EVERYWHERE)]


@pytest.mark.parametrize("name", ["", "Ratih", "ratih s", "-ratih", "r" * 65, "ratih\n", "admin'--", "../x"])
def test_what_is_no_slug_is_no_name(persons: Persons, name: str) -> None:
    with pytest.raises(NotAName, match="is not a name"):
        persons.add(name, Role.VIEWER)


@pytest.mark.parametrize("shown", [" ", "a\nb", "x" * 101, "\x1b[31m"])
def test_what_cannot_be_printed_is_no_display_name(persons: Persons, shown: str) -> None:
    with pytest.raises(NotAName, match="is not a name"):
        persons.add("ratih", Role.VIEWER, EVERYWHERE, shown)


def test_a_name_is_taken_once(persons: Persons) -> None:
    persons.add("ratih", Role.VIEWER)
    with pytest.raises(NameTaken, match="siaga person link ratih"):
        persons.add("ratih", Role.ADMIN)


def test_a_link_sets_the_password_once(persons: Persons) -> None:
    secret = persons.add("ratih", Role.VIEWER)
    used = persons.use_link(secret, "hash")
    assert used is not None
    assert used.has_password
    assert persons.password_hash("ratih") == "hash"
    assert (persons.use_link(secret, "other"), persons.owner_of_link(secret)) == (None, None)
    assert persons.password_hash("ratih") == "hash"


def test_of_two_who_use_a_link_at_once_one_sets_the_password(persons: Persons) -> None:
    secret = persons.add("ratih", Role.VIEWER)
    with ThreadPoolExecutor(4) as pool:
        used = list(pool.map(lambda number: persons.use_link(secret, f"hash {number}"), range(8)))
    assert sum(one is not None for one in used) == 1


def test_a_link_holds_for_72_hours(persons: Persons, clock: ManualClock) -> None:
    secret = persons.add("ratih", Role.VIEWER)
    clock.advance(72 * HOUR - 1)
    assert persons.owner_of_link(secret) is not None
    clock.advance(1)
    assert (persons.owner_of_link(secret), persons.use_link(secret, "hash")) == (None, None)


def test_a_new_link_ends_the_one_before_and_the_sessions_when_it_is_used(
    engine: Engine, persons: Persons, clock: ManualClock
) -> None:
    first = persons.add("ratih", Role.VIEWER)
    sessions = Sessions(engine, clock)
    cookie = sessions.begin("ratih", Role.VIEWER, "Firefox", "10.0.0.0/24")
    second = persons.link("ratih")
    assert persons.owner_of_link(first) is None
    assert sessions.verify(cookie) is not None
    assert persons.use_link(second, "hash") is not None
    assert sessions.verify(cookie) is None


def test_a_link_is_for_somebody(persons: Persons) -> None:
    with pytest.raises(NoSuchPerson, match="ratih: nobody has an account"):
        persons.link("ratih")


def test_the_database_does_not_hold_the_link(engine: Engine, persons: Persons) -> None:
    secret = persons.add("ratih", Role.VIEWER)
    with engine.connect() as connection:
        assert secret not in str(connection.execute(select(tables.welcome)).all())


def test_who_is_removed_is_gone_at_once_and_keeps_the_name_alone(
    engine: Engine, persons: Persons, clock: ManualClock
) -> None:
    secret = persons.add("ratih", Role.VIEWER, EVERYWHERE, "Ratih S.")
    cookie = Sessions(engine, clock).begin("ratih", Role.VIEWER, "Firefox", "10.0.0.0/24")
    persons.remove("ratih")
    assert (persons.find("ratih"), persons.owner_of_link(secret)) == (None, None)
    assert Sessions(engine, clock).verify(cookie) is None
    assert persons.listed() == []
    (kept,) = persons.listed(removed=True)
    assert (kept.name, kept.display_name, kept.has_password, kept.removed_at) == ("ratih", "ratih", False, clock.now())
    with engine.connect() as connection:
        assert (
            connection.execute(select(tables.session)).all() == connection.execute(select(tables.welcome)).all() == []
        )
    with pytest.raises(NoSuchPerson):
        persons.remove("ratih")


def test_a_removed_name_can_be_used_again_and_gets_nothing_of_before(persons: Persons) -> None:
    used = persons.add("ratih", Role.ADMIN)
    persons.use_link(used, "hash")
    persons.choose("ratih", "en", "dark")
    persons.remove("ratih")
    persons.add("ratih", Role.VIEWER, GLAGAH)
    ratih = persons.find("ratih")
    assert ratih is not None
    assert (ratih.role, ratih.has_password, ratih.language, ratih.theme) == (Role.VIEWER, False, None, None)


def test_role_scopes_and_names_change(persons: Persons) -> None:
    persons.add("ratih", Role.VIEWER)
    changed = persons.change("ratih", Role.ADMIN, GLAGAH, "Ratih S.")
    assert (changed.role, changed.scopes, changed.display_name) == (Role.ADMIN, GLAGAH, "Ratih S.")
    assert persons.find("ratih") == changed
    with pytest.raises(NoSuchPerson):
        persons.change("joko", Role.ADMIN, GLAGAH, "")


class TestFirstAdmin:
    """If there is no admin, one is created."""

    def test_it_is_made_once(self, persons: Persons) -> None:
        first = persons.first_admin()
        assert first is not None
        name, secret = first
        owner = persons.owner_of_link(secret)
        assert owner is not None
        assert (name, owner.role, owner.scopes) == ("admin", Role.ADMIN, EVERYWHERE)
        assert persons.first_admin() is None

    def test_of_several_that_start_at_once_one_makes_it(self, persons: Persons) -> None:
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda _: persons.first_admin(), range(4)))
        assert sum(one is not None for one in made) == 1

    def test_it_is_not_made_where_there_is_an_admin(self, persons: Persons) -> None:
        persons.add("ratih", Role.ADMIN)
        assert persons.first_admin() is None

    def test_after_the_last_admin_was_removed_it_is_made_again(self, persons: Persons) -> None:
        persons.add("ratih", Role.ADMIN)
        persons.remove("ratih")
        assert persons.first_admin() is not None

    def test_somebody_else_keeps_the_name(self, persons: Persons) -> None:
        persons.add("admin", Role.VIEWER)
        first = persons.first_admin()
        assert first is not None
        assert first[0] == "admin-2"
