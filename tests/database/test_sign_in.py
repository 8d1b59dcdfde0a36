"""A wrong name and a wrong password give the same answer. Many attempts have to wait; nobody is locked out for good."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, func, select

from siaga.database import tables, writing
from siaga.database.people import Passwords, Person, Persons, Right, Sessions, SignIn, Wait, Wrong, network_of
from siaga.database.people.patience import BY_ADDRESS, BY_BOTH, BY_NAME, NEVER, Failures, Patience, counted
from siaga.database.people.sign_in import MOST_WAITS
from siaga.model.caller import Role
from siaga.model.clock import HOUR, MINUTE, SECOND, ManualClock
from tests.database.cheap import CHEAP, CountedPasswords

PASSWORD = "kuda-besi-42"
HOME, ELSEWHERE = "10.1.2.3", "203.0.113.9"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_772_600_400_000)


@pytest.fixture
def passwords() -> CountedPasswords:
    return CountedPasswords()


@pytest.fixture
def sign_in(engine: Engine, clock: ManualClock, passwords: CountedPasswords) -> SignIn:
    persons = Persons(engine, clock)
    for name in ("ratih", "joko"):
        persons.use_link(persons.add(name, Role.TECHNICIAN), passwords.hash(PASSWORD))
    persons.add("baru", Role.VIEWER)
    persons.use_link(persons.add("pergi", Role.VIEWER), passwords.hash(PASSWORD))
    persons.remove("pergi")
    return SignIn(engine, passwords, clock)


def guess(sign_in: SignIn, times: int, address: str = ELSEWHERE, name: str = "ratih") -> list[str]:
    return [type(sign_in.check(name, f"salah-{number}", address)).__name__ for number in range(times)]


def test_the_right_password_is_somebodys(sign_in: SignIn) -> None:
    answer = sign_in.check("ratih", PASSWORD, HOME)
    assert isinstance(answer, Right)
    assert (answer.person.name, type(answer.person)) == ("ratih", Person)


@pytest.mark.parametrize(
    ("name", "password"),
    [("ratih", "wrong"), ("nobody", PASSWORD), ("baru", PASSWORD), ("pergi", PASSWORD), ("ratih", ""), ("", PASSWORD)],
    ids=["wrong password", "wrong name", "no password yet", "removed", "nothing", "no name"],
)
def test_whatever_is_wrong_takes_the_same_way(
    sign_in: SignIn, passwords: CountedPasswords, name: str, password: str
) -> None:
    assert sign_in.check(name, password, HOME) == Wrong()
    assert passwords.compared == 1


def test_nobodys_password_is_nobodys(sign_in: SignIn) -> None:
    assert sign_in.check("nobody", "nobody has this password", HOME) == Wrong()


def test_an_address_that_guesses_has_to_wait_and_nothing_is_looked_at(
    sign_in: SignIn, passwords: CountedPasswords, clock: ManualClock
) -> None:
    assert guess(sign_in, 8) == ["Wrong"] * 5 + ["Wait"] * 3
    assert passwords.compared == 5
    assert sign_in.check("ratih", PASSWORD, ELSEWHERE) == Wait(clock.now() + SECOND)
    clock.advance(SECOND)
    assert guess(sign_in, 2) == ["Wrong", "Wait"]
    assert sign_in.check("ratih", PASSWORD, ELSEWHERE) == Wait(clock.now() + 2 * SECOND)


def test_guesses_at_once_count_each(sign_in: SignIn, passwords: CountedPasswords) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: sign_in.check("ratih", f"salah-{number}", ELSEWHERE), range(24)))
    assert sum(answer == Wrong() for answer in answers) == passwords.compared == 5


def test_the_owner_gets_in_elsewhere_and_after_the_wait_also_there(sign_in: SignIn, clock: ManualClock) -> None:
    for _ in range(200):
        guess(sign_in, 1)
        clock.advance(SECOND)
    assert isinstance(sign_in.check("ratih", PASSWORD, ELSEWHERE), Wait)
    assert isinstance(sign_in.check("ratih", PASSWORD, HOME), Right)
    clock.advance(5 * MINUTE)
    assert isinstance(sign_in.check("ratih", PASSWORD, ELSEWHERE), Right)
    assert guess(sign_in, 5) == ["Wrong"] * 5, "a right one lets that pair begin anew"


def test_a_name_that_is_nobodys_waits_as_any_other(sign_in: SignIn) -> None:
    assert guess(sign_in, 7, name="nobody") == ["Wrong"] * 5 + ["Wait"] * 2


def test_an_address_that_tries_many_names_has_to_wait_and_others_need_not(sign_in: SignIn) -> None:
    answers = [guess(sign_in, 1, name=f"orang-{number}")[0] for number in range(40)]
    assert answers == ["Wrong"] * 30 + ["Wait"] * 10
    assert isinstance(sign_in.check("ratih", PASSWORD, ELSEWHERE), Wait)
    assert isinstance(sign_in.check("ratih", PASSWORD, HOME), Right)


def test_all_addresses_of_a_host_s_ipv6_network_are_one(sign_in: SignIn) -> None:
    answers = [guess(sign_in, 1, f"2001:db8:1:2::{number:x}")[0] for number in range(1, 8)]
    assert answers == ["Wrong"] * 5 + ["Wait"] * 2
    assert guess(sign_in, 1, "2001:db8:1:3::1") == ["Wrong"]


def test_a_name_that_many_addresses_guess_waits_but_not_where_its_owner_was(
    engine: Engine, sign_in: SignIn, clock: ManualClock
) -> None:
    Sessions(engine, clock).begin("ratih", Role.TECHNICIAN, "Firefox", network_of(HOME))
    answers = [guess(sign_in, 1, f"203.0.{number}.1")[0] for number in range(40)]
    assert answers == ["Wrong"] * 30 + ["Wait"] * 10
    assert isinstance(sign_in.check("ratih", PASSWORD, HOME), Right)
    clock.advance(30 * SECOND)
    assert isinstance(sign_in.check("ratih", PASSWORD, "198.51.100.1"), Right), "and elsewhere half a minute later"


def test_right_passwords_count_for_nothing(engine: Engine, sign_in: SignIn) -> None:
    for number in range(40):
        assert isinstance(sign_in.check("ratih", PASSWORD, f"10.1.2.{number}"), Right)
        assert isinstance(sign_in.check("ratih", PASSWORD, HOME), Right)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.sign_in_wait)).scalar_one() == 0


def test_what_was_wrong_an_hour_ago_is_forgotten(engine: Engine, sign_in: SignIn, clock: ManualClock) -> None:
    guess(sign_in, 5)
    clock.advance(HOUR)
    assert guess(sign_in, 5) == ["Wrong"] * 5
    clock.advance(HOUR)
    sign_in.check("joko", PASSWORD, HOME)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.sign_in_wait)).scalar_one() == 0


def test_the_rows_have_a_bound_and_the_oldest_go(engine: Engine, sign_in: SignIn, clock: ManualClock) -> None:
    now = clock.now()
    rows = [{"key": f"{n:05}", "failures": 1, "last_at": now - n, "free_at": 0} for n in range(1, MOST_WAITS + 1)]
    with writing(engine) as connection:
        connection.execute(tables.sign_in_wait.insert(), rows)
    guess(sign_in, 1)
    with engine.connect() as connection:
        keys = set(connection.execute(select(tables.sign_in_wait.c.key)).scalars())
    assert len(keys) == MOST_WAITS
    assert {f"{MOST_WAITS - 3:05}"} <= keys
    assert not {f"{MOST_WAITS - n:05}" for n in range(3)} & keys


def test_neither_name_nor_address_stands_in_the_rows(engine: Engine, sign_in: SignIn) -> None:
    guess(sign_in, 2)
    with engine.connect() as connection:
        rows = str(connection.execute(select(tables.sign_in_wait)).all())
    assert "ratih" not in rows
    assert ELSEWHERE not in rows


def test_a_password_is_hashed_anew_at_the_cost_of_today(engine: Engine, clock: ManualClock) -> None:
    persons = Persons(engine, clock)
    cheap, dearer = Passwords(CHEAP), Passwords(replace(CHEAP, memory_cost=128))
    persons.use_link(persons.add("ratih", Role.VIEWER), cheap.hash(PASSWORD))
    assert isinstance(SignIn(engine, cheap, clock).check("ratih", PASSWORD, HOME), Right)
    before = persons.password_hash("ratih")
    assert SignIn(engine, dearer, clock).check("ratih", "salah", HOME) == Wrong()
    assert persons.password_hash("ratih") == before
    assert isinstance(SignIn(engine, dearer, clock).check("ratih", PASSWORD, HOME), Right)
    after = persons.password_hash("ratih")
    assert after is not None
    assert "m=128" in after
    assert isinstance(SignIn(engine, dearer, clock).check("ratih", PASSWORD, HOME), Right)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.2.0/24"),
        ("::ffff:10.1.2.3", "10.1.2.0/24"),
        ("2001:db8:aaaa:bbbb::1", "2001:db8:aaaa::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", "?"),
        ("unknown", "?"),
        ("<script>", "?"),
    ],
)
def test_of_an_address_the_network_is_kept(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("patience", "waits"),
    [
        (BY_BOTH, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]),
        (BY_ADDRESS, [0] * 29 + [1, 2, 4, 8, 16, 32, 60, 60]),
        (BY_NAME, [0] * 29 + [1, 2, 4, 8, 16, 30, 30]),
    ],
    ids=["name and address", "address", "name"],
)
def test_waits_grow_to_a_bound(patience: Patience, waits: list[int]) -> None:
    failures, seconds = NEVER, []
    for number in range(len(waits)):
        failures = counted(failures, patience, 10**12 + number)
        seconds.append((failures.free_at - failures.last_at) // SECOND)
    assert seconds == waits


def test_after_a_pause_counting_begins_anew() -> None:
    assert counted(Failures(50, 10**12, 10**12 + MINUTE), BY_BOTH, 10**12 + HOUR).count == 1
    assert counted(Failures(50, 10**12, 10**12 + MINUTE), BY_BOTH, 10**12 + HOUR - 1).count == 51
