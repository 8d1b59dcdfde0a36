"""Members of one database, each with an engine that does nothing: who leads, and when somebody else does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from api.engine import AlertService
from siaga.database import connect, tables, writing
from siaga.database.leases import Free, Held, Lease, Leases, OtherLayout
from siaga.model.readiness import UnreadPast
from siaga.run import leading
from siaga.run.leading import Leading
from tests.schema import with_tables
from tests.wait import until

WAITS = 60
DEAF = ("one", "third")
"""Members without a connection to the broker."""


class Idle(AlertService):
    """A service whose engine does nothing."""

    def __init__(self, lease: Lease) -> None:
        self.lease, self.stopped, self.hangs, self.deaf = lease, False, False, False

    def start(self) -> None:
        pass

    def stop(self) -> None:
        self.stopped = True

    def is_stuck(self) -> bool:
        return self.hangs

    def hears(self) -> bool:
        return not self.deaf

    def problem(self) -> str | None:
        return None

    def past(self) -> UnreadPast:
        return UnreadPast()


class AwayLeases(Leases):
    """Leases whose database may be away."""

    away, looks = False, 0

    def look(self, partition: int) -> Free | Held | OtherLayout:
        self.looks += 1
        return super().look(partition)

    def renew(self, lease: Lease, *, deaf: bool = False) -> None:
        if self.away:
            raise OperationalError("it is away", None, Exception())
        super().renew(lease, deaf=deaf)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    for name in ("RENEW_EVERY", "TRY_EVERY"):
        monkeypatch.setattr(leading, name, 0.02)
    monkeypatch.setattr(leading, "WAIT_PER_LED", WAITS)
    monkeypatch.setattr(leading, "HEARS_FOR", 0.0)
    engine = with_tables(connect(f"sqlite:///{tmp_path / 'siaga.db'}"))
    yield engine
    engine.dispose()


Join = Callable[..., Leading]


@pytest.fixture
def join(database: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Join]:
    """Lets a member join: its name, how many partitions it knows, and for how long a lease holds."""
    monkeypatch.setattr(leading, "DEAF_AFTER", 0.1)
    members: list[Leading] = []

    def joining(name: str, partitions: int = 1, ttl: int = 60_000) -> Leading:
        member = Leading(AwayLeases(database, name, partitions, ttl), Idle, lambda *_: None, lambda: name not in DEAF)
        member.start()
        members.append(member)
        return member

    yield joining
    for member in members:
        member.stop()


def looks(member: Leading) -> int:
    """How often a member has looked at a lease."""
    assert isinstance(member.leases, AwayLeases)
    return member.leases.looks


def test_one_leads_and_the_other_takes_over_when_it_ends(join: Join) -> None:
    one = join("one")
    assert until(one.leads) == [0]
    other = join("other")
    until(lambda: other.problem() is None, what="it stands by")
    assert other.leads() == []
    one.stop()
    assert until(other.leads) == [0]
    assert one.leads() == []


def test_who_leads_a_partition_leaves_the_next_one_to_others(join: Join) -> None:
    one = join("one", 2)
    until(one.leads)
    other = join("other", 2)
    until(other.leads)
    assert sorted([*one.leads(), *other.leads()]) == [0, 1]


def test_what_nobody_else_wants_one_leads_alone(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "WAIT_PER_LED", 0.01)
    one = join("one", 3)
    until(lambda: one.leads() == [0, 1, 2])


def test_a_process_of_the_same_name_goes_on_at_once_and_takes_nothing_back(join: Join) -> None:
    before = join("one")
    [engine] = until(before.led).values()
    after = join("one")
    assert until(after.leads) == [0]
    assert isinstance(engine, Idle)
    until(lambda: engine.stopped, what="the former leader finds that its lease was taken")
    until(lambda: before.problem() is None, what="it stands by")
    assert (before.leads(), after.leads()) == ([], [0])


def test_an_engine_that_hangs_is_left_to_others(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "GIVEN_UP_FOR", WAITS)
    one = join("one")
    [engine] = until(one.led).values()
    other = join("other")
    assert isinstance(engine, Idle)
    engine.hangs = True
    until(lambda: "hung" in (one.problem() or ""))
    assert engine.stopped
    assert until(other.leads) == [0]


def test_who_lost_the_broker_is_replaced_by_one_that_has_it(join: Join) -> None:
    one = join("one")
    [engine] = until(one.led).values()
    third = join("third")
    assert isinstance(engine, Idle)
    engine.deaf = True
    until(lambda: third.leases.look(0) == Held("one", is_deaf=True), what="it says so")
    other = join("other")
    assert until(other.leads) == [0]
    until(lambda: engine.stopped)
    assert (one.leads(), third.leads()) == ([], [])


def test_a_leader_that_lost_the_broker_does_not_lead_from_before_another_may(
    join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[list[int]] = []
    renew = AwayLeases.renew

    def noting(leases: AwayLeases, lease: Lease, *, deaf: bool = False) -> None:
        if deaf:
            said.append(list(one.leads()))
        renew(leases, lease, deaf=deaf)

    monkeypatch.setattr(AwayLeases, "renew", noting)
    one = join("one")
    [engine] = until(one.led).values()
    assert isinstance(engine, Idle)
    engine.deaf = True
    assert until(lambda: said[:1]) == [[]]
    engine.deaf = False
    assert until(one.leads) == [0]


def test_two_that_the_broker_denies_a_filter_do_not_take_turns(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Idle, "hears", lambda _: False)
    monkeypatch.setattr(leading, "FIRST_PAUSE", 600.0)
    one = join("member")
    until(lambda: one.leases.look(0) == Held("member", is_deaf=True), what="it leads, and hears nothing")
    other = join("other")
    until(lambda: one.leases.look(0) == Held("other", is_deaf=True), what="nor does the next one")
    looked = looks(one)
    until(lambda: looks(one) > looked + 5)
    assert one.leases.look(0) == Held("other", is_deaf=True)
    assert (one.leads(), other.leads()) == ([], [])


def test_who_has_just_connected_replaces_nobody(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "HEARS_FOR", 60.0)
    one = join("one")
    [engine] = until(one.led).values()
    assert isinstance(engine, Idle)
    engine.deaf = True
    until(lambda: one.leases.look(0) == Held("one", is_deaf=True))
    other = join("other")
    until(lambda: looks(other) > 5)
    assert not engine.stopped
    monkeypatch.setattr(leading, "HEARS_FOR", 0.0)
    assert until(other.leads) == [0]


def test_who_cannot_renew_does_not_say_that_it_leads(join: Join) -> None:
    one = join("one", ttl=300)
    until(one.leads)
    leases = one.leases
    assert isinstance(leases, AwayLeases)
    leases.away = True
    until(lambda: not one.leads(), what="its lease is over")
    assert one.led(), "what it does meanwhile cannot be committed"
    leases.away = False
    assert until(one.leads) == [0]


def test_another_number_of_partitions_is_said_and_waited_for(join: Join) -> None:
    one = join("one")
    until(one.leads)
    other = join("other", 2)
    until(lambda: "SIAGA_PARTITIONS is 2 here, and 1 where villages are watched now" in (other.problem() or ""))
    one.stop()
    until(other.leads)


def test_a_database_that_is_away_is_said(database: Engine, join: Join) -> None:
    with writing(database) as connection:
        connection.exec_driver_sql("ALTER TABLE engine_lease RENAME TO hidden")
    one = join("one")
    until(lambda: "the database does not answer" in (one.problem() or ""))
    with writing(database) as connection:
        connection.exec_driver_sql("ALTER TABLE hidden RENAME TO engine_lease")
    assert until(one.leads) == [0]


def test_an_engine_that_cannot_be_made_is_said_and_leaves_the_partition_to_others(database: Engine, join: Join) -> None:
    def fail(lease: Lease) -> AlertService:
        raise RuntimeError(f"no session for partition {lease.partition}")

    broken = Leading(Leases(database, "broken", 1), fail, lambda *_: None, lambda: True)
    broken.start()
    try:
        said = until(lambda: "cannot be led" in (broken.problem() or "") and broken.problem())
        assert said == "partition 0 cannot be led: RuntimeError: no session for partition 0"
        other = join("other")
        assert until(other.leads) == [0]
        until(lambda: broken.problem() is None, what="it stands by")
    finally:
        broken.stop()


def test_an_epoch_that_somebody_raised_ends_the_engine(database: Engine, join: Join) -> None:
    one = join("one")
    [engine] = until(one.led).values()
    assert isinstance(engine, Idle)
    with writing(database) as connection:
        connection.execute(tables.engine_lease.update().values(epoch=99, holder="other"))
    until(lambda: engine.stopped)
    assert one.leads() == []
