"""What is wrong with siaga itself is told to its admins: once, again when it comes back, and when it is mended."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from api.notifications.book import Book, Person
from api.notifications.queue import Claim
from api.schedules.telling import message_about
from siaga.database import connect, tables
from siaga.database.faults import read_told
from siaga.database.people import Persons
from siaga.model.caller import Role
from siaga.model.clock import MINUTE, ManualClock
from siaga.model.scope import Scopes
from siaga.run.doctor.finding import Finding, Said, State, ok, unknown, warning, wrong
from siaga.run.fault_watch import EVERY, FIRST, LEASE, FaultWatch
from tests.schema import with_tables

NOW = 1_796_000_000_000
PEOPLE = {
    "ratih": Person("ratih", "id", {"telegram": "json://127.0.0.1:9/r"}),
    "agus": Person("agus", "en", {"telegram": "json://127.0.0.1:9/a"}),
    "wahyu": Person("wahyu", "id", {"telegram": "json://127.0.0.1:9/w"}),
}
DISK = wrong("disk", Said.DISK_FULL, directory="/data", mib=12)
BROKER = wrong("broker", Said.BROKER_ABSENT, broker="mqtt://broker", reason="Connection refused")
CLOCK = Finding("clock", State.UNKNOWN, Said.CLOCK_UNKNOWN)
"""Of every machine and container without systemd-timesyncd."""
FINE = [
    ok("disk", Said.DISK_OK, directory="/data", mib=9000),
    ok("broker", Said.BROKER_OK, broker="x", version="2"),
    CLOCK,
]


@dataclass
class Office:
    """Two admins, a technician, and one or two members of one installation."""

    path: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    found: list[Finding] = field(default_factory=lambda: list(FINE))

    def __post_init__(self) -> None:
        self.engine = with_tables(connect(f"sqlite:///{self.path / 'siaga.db'}"))
        persons = Persons(self.engine, self.clock)
        persons.add("ratih", Role.ADMIN)
        persons.add("agus", Role.ADMIN)
        persons.add("wahyu", Role.TECHNICIAN)
        persons.add("dewi", Role.ADMIN, Scopes.of(["35.10"]))
        self.read = 0
        self.member = self.another()

    def another(self) -> FaultWatch:
        book = Book(PEOPLE, link="https://siaga.example.go.id")
        return FaultWatch(self.engine, lambda: book, lambda: self.found, self.clock)

    def after(self, ms: int, *found: Finding) -> list[str]:
        """Time passes, and this is found then. Returns the new messages."""
        self.clock.advance(ms)
        self.found = [*found, CLOCK]
        self.member.step()
        return self.messages()

    def messages(self) -> list[str]:
        """Returns the new messages, each as its recipient and its title."""
        table = tables.notification
        with self.engine.connect() as connection:
            rows = connection.execute(select(table).where(table.c.id > self.read).order_by(table.c.id)).all()
        self.read = max([self.read, *(row.id for row in rows)])
        return [f"{row.recipient}: {row.subject['title']}" for row in rows]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.engine.dispose()


def test_a_fault_is_told_once_to_each_admin_and_again_when_it_comes_back(office: Office) -> None:
    begun = ["ratih/telegram: siaga sendiri bermasalah", "agus/telegram: siaga itself is at fault"]
    mended = ["ratih/telegram: siaga sendiri pulih", "agus/telegram: siaga itself has recovered"]
    assert office.after(FIRST, DISK) == [], "it is looked at again before it is told"
    assert sorted(office.after(MINUTE, DISK)) == sorted(begun)
    assert office.after(EVERY, DISK) == []
    assert sorted(office.after(EVERY, *FINE)) == sorted(mended)
    assert office.after(EVERY, *FINE) == []
    assert office.after(EVERY, DISK) == []
    assert sorted(office.after(MINUTE, DISK)) == sorted(begun)


def test_what_has_gone_after_a_minute_is_not_told(office: Office) -> None:
    assert office.after(FIRST, DISK) == []
    assert office.after(MINUTE, *FINE) == []
    assert office.after(EVERY, *FINE) == []


def test_what_cannot_be_looked_at_is_not_mended(office: Office) -> None:
    office.after(FIRST, DISK)
    office.after(MINUTE, DISK)
    assert office.after(EVERY, unknown("machine", "no answer")) == []
    with office.engine.connect() as connection:
        assert [fault.id for fault in read_told(connection).faults] == ["disk"]


@pytest.mark.parametrize(
    "found",
    [
        Finding("disk", State.UNKNOWN, Said.CERTIFICATE_UNKNOWN, {"server": "x", "reason": "no answer"}),
        warning("disk", Said.SELF_PROBE_OLD, last="-"),
    ],
    ids=["it cannot be known now", "no probe came since"],
)
def test_a_fault_that_is_neither_there_nor_mended_waits(office: Office, found: Finding) -> None:
    office.after(FIRST, DISK)
    office.after(MINUTE, DISK)
    assert office.after(EVERY, found) == []
    assert len(office.after(EVERY, warning("disk", Said.DISK_LOW, directory="/data", mib=700))) == 2, "it is mended"


def test_a_message_says_what_is_wrong_what_mends_it_and_what_is_mended(office: Office) -> None:
    office.after(FIRST, DISK)
    office.after(MINUTE, DISK)
    office.after(EVERY, BROKER)
    office.clock.advance(MINUTE)
    office.member.step()
    table = tables.notification
    with office.engine.connect() as connection:
        query = select(table.c.subject).where(table.c.recipient == "agus/telegram").order_by(table.c.id)
        subjects = connection.execute(query).scalars().all()
    claims = [Claim(n, "agus/telegram", "tgram", "", 0, 1, (), subject=each) for n, each in enumerate(subjects)]
    told = [message_about(office.engine, claim, "en", None) for claim in claims]
    first, second, third = (message for message in told if message is not None)
    assert first.body == (
        "✗ The disk of /data is nearly full: 12 MiB are left.\n"
        "→ Free space now: du -xh --max-depth=2 / | sort -h | tail.\n"
        "https://siaga.example.go.id/setup/health"
    )
    assert second.body.startswith("✓ Mended: The disk of /data is nearly full: 12 MiB are left.\nhttps:")
    assert third.body.startswith("✗ The broker mqtt://broker does not answer: Connection refused.\n→ ")
    assert [each.tone for each in (first, second, third)] == ["failure", "success", "failure"]


def test_one_member_looks_for_all_and_another_takes_over_when_it_is_gone(office: Office) -> None:
    other = office.another()
    office.after(FIRST, DISK)
    assert len(office.after(MINUTE, DISK)) == 2
    assert not other.step(), "its turn, but another member has the part"
    office.clock.advance(LEASE + MINUTE)
    assert other.step()
    assert office.messages() == [], "what was told is told by nobody again"
    office.clock.advance(EVERY)
    assert not office.member.step()


def test_a_member_that_stops_gives_its_part_to_another_at_once(office: Office) -> None:
    other = office.another()
    office.after(FIRST, *FINE)
    assert not other.step()
    office.member.close()
    office.clock.advance(MINUTE)
    assert other.step()
