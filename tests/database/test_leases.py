"""Who may lead a partition: a truth table on both databases, and what a commit has to do with it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, select, text

from siaga.database import leases as module
from siaga.database import tables, writing
from siaga.database.leases import Free, Held, Lease, LeaseLost, Leases, OtherLayout, check, leaderless
from tests.wait import until

LEASE = tables.engine_lease
AHEAD, OVER = 60_000, -1


def given(
    engine: Engine, *, holder: str = "other", until: int = AHEAD, partitions: int = 1, deaf: bool = False
) -> None:
    """The leases as somebody left them, with epoch 7; `until`: ms from now on, by the database."""
    with writing(engine) as connection:
        connection.execute(LEASE.delete())
        now = connection.execute(select(module._now(engine))).scalar_one()
        row = {"partitions": partitions, "epoch": 7, "holder": holder, "until": now + until, "deaf": deaf}
        connection.execute(LEASE.insert(), [row | {"partition": number} for number in range(partitions)])


@pytest.mark.parametrize(
    ("holder", "until", "deaf", "found", "wanted", "is_taken"),
    [
        ("other", OVER, False, Free(), Free(), True),
        ("", -(10**12), False, Free(), Free(), True),
        ("other", AHEAD, False, Held("other"), Free(), False),
        ("mine", AHEAD, False, Held("mine"), Held("mine"), True),
        ("other", AHEAD, False, Held("other"), Held("mine"), False),
        ("other", AHEAD, True, Held("other", is_deaf=True), Held("other", is_deaf=True), True),
        ("other", AHEAD, False, Held("other"), Held("other", is_deaf=True), False),
        ("third", AHEAD, True, Held("third", is_deaf=True), Held("other", is_deaf=True), False),
    ],
    ids=[
        "what is over is anybody's",
        "what nobody ever led is, too",
        "what somebody holds is not free",
        "mine, of the process before this one",
        "mine, which somebody else took meanwhile",
        "of one that has lost the broker",
        "of one that has the broker again",
        "of one that was replaced meanwhile",
    ],
)
def test_who_may_take_a_lease(
    engine: Engine, holder: str, until: int, deaf: bool, found: object, wanted: Free | Held, is_taken: bool
) -> None:
    given(engine, holder=holder, until=until, deaf=deaf)
    mine = Leases(engine, "mine", 1)
    assert mine.look(0) == found
    assert mine.take(0, wanted) == (Lease(0, 1, 8) if is_taken else None)
    assert mine.look(0) == (Held("mine") if is_taken else found)


@pytest.mark.parametrize(("until", "is_led"), [(AHEAD, True), (OVER, False)])
def test_another_number_of_partitions_holds_until_its_last_lease_is_over(
    engine: Engine, until: int, is_led: bool
) -> None:
    given(engine, until=until, partitions=3)
    mine, asked = Leases(engine, "mine", 2), []
    assert mine.look(0) == OtherLayout(3, is_led)
    assert mine.take(0, Free()) is None
    mine.deal_anew(lambda _, count: asked.append(count))
    assert asked == ([] if is_led else [2])
    assert mine.look(0) == (OtherLayout(3, True) if is_led else Free())
    assert mine.take(1, Free()) == (None if is_led else Lease(1, 2, 9)), "no epoch comes twice"


def test_of_many_one_takes_it(engine: Engine) -> None:
    given(engine, until=OVER)
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda n: Leases(engine, f"member {n}", 1).take(0, Free()), range(4)))
    assert sorted(one is not None for one in taken) == [False, False, False, True]


def test_it_is_over_when_it_is_not_renewed_and_then_is_another_ones(engine: Engine) -> None:
    first, second = Leases(engine, "first", 1, ttl=AHEAD), Leases(engine, "second", 1, ttl=AHEAD)
    lease = first.take(0, Free())
    assert lease is not None
    first.renew(lease, deaf=True)
    assert first.look(0) == Held("first", is_deaf=True)
    first.renew(lease)
    assert first.look(0) == Held("first")
    Leases(engine, "first", 1, ttl=1).renew(lease)
    taken = until(lambda: second.take(0, Free()))
    assert taken == Lease(0, 1, lease.epoch + 1)
    for use in (first.renew, first.release):
        with pytest.raises(LeaseLost, match="partition 0 is led by another"):
            use(lease)
    assert second.look(0) == Held("second")
    second.release(taken)
    assert first.look(0) == Free()


def test_a_lease_that_nobody_took_meanwhile_is_renewed(engine: Engine) -> None:
    given(engine, holder="mine", until=OVER)
    mine = Leases(engine, "mine", 1)
    mine.renew(Lease(0, 1, 7))
    assert mine.look(0) == Held("mine")


def test_who_takes_a_lease_waits_for_the_commit_that_checked_it(engine: Engine) -> None:
    given(engine, holder="before", until=OVER)
    taking = threading.Thread(target=lambda: Leases(engine, "next", 1).take(0, Free()))
    with writing(engine) as connection:
        check(connection, Lease(0, 1, 7))
        taking.start()
        taking.join(0.2)
        assert taking.is_alive(), "it was not to be had before the end"
    taking.join(20)
    assert Leases(engine, "next", 1).look(0) == Held("next")
    with pytest.raises(LeaseLost), writing(engine) as connection:
        check(connection, Lease(0, 1, 7))


def test_a_renewal_does_not_wait_for_a_long_commit_of_the_leader(engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        return  # SQLite has one writer
    given(engine, holder="mine", until=OVER)
    mine = Leases(engine, "mine", 1)
    with ThreadPoolExecutor(1) as pool, writing(engine) as connection:
        check(connection, Lease(0, 1, 7))
        pool.submit(mine.renew, Lease(0, 1, 7)).result(20)
    assert mine.look(0) == Held("mine")


@pytest.mark.parametrize(
    "holds_up",
    [
        lambda connection: check(connection, Lease(0, 1, 7)),
        lambda connection: connection.execute(LEASE.update().values(until=0)),
    ],
    ids=["a leader in a commit", "a member that takes it"],
)
def test_a_process_that_stands_still_in_a_transaction_holds_it_up_for_seconds_only(
    engine: Engine, holds_up: Callable[[Connection], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine.dialect.name != "postgresql":
        return  # SQLite serves the processes of one machine, of which one leads
    monkeypatch.setattr(module, "IDLE_WITHIN", 3_000)
    given(engine, until=OVER)
    with engine.connect() as stopped:
        transaction = stopped.begin()
        module._limit_idling(stopped)
        holds_up(stopped)
        assert Leases(engine, "next", 1).take(0, Free()) == Lease(0, 1, 8)
        assert stopped.connection.driver_connection is not None
        stopped.invalidate()
        transaction.close()


def test_who_is_without_a_leader(engine: Engine) -> None:
    given(engine, until=-20_000, partitions=2)
    Leases(engine, "mine", 2).take(1, Free())
    with engine.connect() as connection:
        assert leaderless(connection, 15_000) == [0]
        assert leaderless(connection, AHEAD) == []


def test_the_clock_is_the_databases(engine: Engine) -> None:
    is_sqlite = engine.dialect.name == "sqlite"
    seconds = "strftime('%s', 'now')" if is_sqlite else "floor(extract(epoch FROM clock_timestamp()))"
    clock = text(f"SELECT {seconds}")
    with engine.connect() as connection:
        before = int(connection.execute(clock).scalar_one())
        mine = connection.execute(select(module._now(engine))).scalar_one()
        after = int(connection.execute(clock).scalar_one())
    assert before <= mine / 1000 < after + 1
