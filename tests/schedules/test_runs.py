"""Runs, revisions and notes as people get them."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from api.complaints.rows import Said, make
from api.complaints.rules import Way
from api.issued import checks
from api.issued.metrics import IssuedMetrics
from api.issued.process import work
from api.notifications.book import Book, Person
from api.notifications.metrics import NotificationMetrics
from api.notifications.sender import Sender
from api.notifications.web_push import PushDesk
from api.reports.forms import Form
from api.reports.office import PLAIN
from api.reports.period import Unit
from api.schedules.runs import REVISED_AFTER, Scheduler
from api.schedules.schedule import Plan, Schedule, Send
from api.schedules.telling import message_about
from siaga.database import connect, tables, writing
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from tests.issued.desk import CODE, MARCH, Desk
from tests.notifications.webhook import Webhook

DAILY = Schedule("harian", ("ratih",), at=6 * HOUR, formats=(Form.CSV, Form.JSON))
NOTE = Schedule("pagi", ("ratih", "joko"), Send.NOTE, at=6 * HOUR)
MONTHLY = Schedule("bulanan", ("ratih",), every=Unit.MONTH, at=7 * HOUR)


class Office(Desk):
    """A desk with schedules, a sender and people."""

    def carry(self, hook: Webhook, *schedules: Schedule) -> None:
        people = {
            name: Person(name, language, {"web": hook.url(name)})
            for name, language in (("ratih", "id"), ("joko", "en"))
        }
        self.book = Book(people, link="https://siaga.example")
        self.registry = CollectorRegistry()
        self.scheduler = Scheduler(self.engine, Plan(schedules), self.book, IssuedMetrics(self.registry))
        about = partial(message_about, self.engine)
        metrics = NotificationMetrics(CollectorRegistry())
        self.sender = Sender(self.engine, self.book, metrics, PushDesk(self.engine), about=about)
        with writing(self.engine) as connection:
            heard = {"village": CODE, "gateway": "gw", "last_alive": self.clock.now()}
            connection.execute(tables.gateway_state.delete())
            connection.execute(tables.gateway_state.insert(), heard)

    def go_on(self, milliseconds: int = 0) -> None:
        """Let time pass, and do what is due then."""
        self.clock.advance(milliseconds)
        checks.absorb(self.engine, self.clock.now())
        self.scheduler.step(self.clock.now())
        work(self.engine, PLAIN, self.clock.now)
        self.scheduler.step(self.clock.now())
        while self.sender.send_one(self.clock.now):
            pass


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with Webhook() as hook:
        yield hook


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    engine = connect(f"sqlite:///{tmp_path / 'siaga.db'}")
    yield Office(engine, MARCH)
    engine.dispose()


def test_a_report_comes_with_its_files_three_figures_and_a_link(office: Office, hook: Webhook) -> None:
    office.failed(28 * DAY - 2 * HOUR, HOUR)  # in the evening of 28 February
    office.carry(hook, DAILY)
    office.go_on()
    office.go_on(6 * HOUR - SECOND)
    assert hook.taken() == []
    office.go_on(SECOND)
    office.go_on(HOUR)
    [post] = hook.taken()
    [report] = office.reports()
    assert (report["period"], report["schedule"], report["issued_by"]) == ("2026-02-28", "harian", "siaga")
    assert post.title == "Laporan 28 Februari 2026, Seluruh desa"
    assert post.text.splitlines() == [
        "Tersedia 95,83\xa0%, terukur 95,83\xa0%, tidak diketahui 0,00\xa0%.",
        "1 dari 1 fasilitas di bawah sasaran.",
        "Terburuk:",
        "- Gerbang (Kampunganyar): 95,83\xa0%, gagal 1\xa0j 00\xa0mnt",
        f"https://siaga.example/r/{report['id']}",
    ]
    assert [(file["filename"], file["mimetype"]) for file in post.files] == [
        ("siaga-2026-02-28-semua-r1.csv", "text/csv"),
        ("siaga-2026-02-28-semua-r1.json", "application/json"),
    ]
    with office.engine.connect() as connection:
        kept = {row.format: row.sha256 for row in connection.execute(tables.report_file.select())}
    assert hashlib.sha256(base64.b64decode(post.files[0]["base64"])).hexdigest() == kept["csv"]


def test_a_correction_sends_the_revised_one_and_of_several_the_last(office: Office, hook: Webhook) -> None:
    office.carry(hook, MONTHLY)
    office.go_on()
    office.go_on(7 * HOUR)
    office.go_on(MINUTE)
    for lasts in (2 * HOUR, 3 * HOUR):
        office.late(lasts=lasts)
        office.go_on(MINUTE)
        office.go_on(MINUTE)
    assert [row["revision"] for row in office.reports()] == [1, 2, 3]
    office.go_on(REVISED_AFTER)
    titles = [post.title for post in hook.taken("ratih")]
    assert titles == ["Laporan Februari 2026, Seluruh desa", "Revisi 3: laporan Februari 2026, Seluruh desa"]
    lines = hook.taken()[-1].text.splitlines()
    assert lines[0] == f"{len(office.reports()[-1]['changes'])} angka berubah sejak revisi 1."


def test_a_correction_that_is_taken_back_before_it_is_sent_is_not_sent(office: Office, hook: Webhook) -> None:
    """The third revision has the figures of the first, which its reader has; the fourth has others."""
    office.carry(hook, MONTHLY)
    office.go_on()
    office.go_on(7 * HOUR)
    office.go_on(MINUTE)
    for lasts in (2 * HOUR, HOUR):
        office.late(lasts=lasts)
        office.go_on(MINUTE)
        office.go_on(MINUTE)
    office.go_on(REVISED_AFTER)
    assert [row["revision"] for row in office.reports()] == [1, 2, 3]
    assert len(hook.taken("ratih")) == 1
    office.late(lasts=4 * HOUR)
    office.go_on(MINUTE)
    office.go_on(MINUTE)
    office.go_on(REVISED_AFTER)
    assert [post.title for post in hook.taken("ratih")][1:] == ["Revisi 4: laporan Februari 2026, Seluruh desa"]


def test_what_was_missed_is_made_up_for_and_what_lies_too_far_back_is_counted(office: Office, hook: Webhook) -> None:
    office.carry(hook, DAILY)
    office.go_on()
    office.go_on(10 * DAY + 7 * HOUR)
    assert [row["period"] for row in office.reports()] == [f"2026-03-{day:02}" for day in range(4, 11)]
    assert len(hook.taken()) == 7
    office.go_on(HOUR)
    assert len(hook.taken()) == 7
    assert office.registry.get_sample_value("siaga_report_runs_left_out_total") == 4


def test_a_message_that_a_provider_does_not_take_goes_without_its_files_at_last(office: Office, hook: Webhook) -> None:
    office.carry(hook, DAILY)
    office.go_on()
    hook.answers["ratih"] = 413
    office.go_on(6 * HOUR)
    for _ in range(2):
        office.go_on(10 * MINUTE)
    hook.answers["ratih"] = 200
    office.go_on(HOUR)
    assert [bool(post.files) for post in hook.posts][:4] == [True, True, False, False]
    assert len(hook.taken()) == 1


def test_a_report_of_a_schedule_that_is_gone_is_told_to_nobody(office: Office, hook: Webhook) -> None:
    office.carry(hook, DAILY)
    office.go_on()
    office.clock.advance(6 * HOUR)
    office.scheduler.claim(office.clock.now())
    office.carry(hook)
    office.go_on(MINUTE)
    office.go_on(MINUTE)
    assert len(office.reports()) == 1
    assert office.reports()[0]["told_at"] is not None
    assert hook.taken() == []


def test_a_note_says_in_ten_lines_what_to_look_at(office: Office, hook: Webhook) -> None:
    office.carry(hook, NOTE)
    office.go_on()
    office.clock.advance(6 * HOUR)
    now = office.clock.now()
    down = [
        alert(number, "facility_failed", now - number * HOUR, device=None, facility=f"f{number}")
        for number in range(1, 9)
    ]
    passed = [
        alert(20 + n, "facility_failed", now - 5 * HOUR, cleared=now - HOUR, facility="gerbang") for n in range(2)
    ]
    missed = [alert(50, "indicator_missed", now - 14 * DAY, facility="gerbang")]  # it is met again, and not down
    silent = [alert(30, "device_silent", now - 9 * HOUR, device="kontak", facility="gerbang")]
    old = [alert(40, "facility_failed", now - 3 * DAY, cleared=now - 2 * DAY, facility="gerbang")]
    with writing(office.engine) as connection:
        connection.execute(tables.alert.insert(), [*down, *passed, *missed, *silent, *old])
        for number, (indicator, expires) in enumerate([("playground", 10), ("trees", 90)], 1):
            connection.execute(tables.attestation.insert(), attestation(number, indicator, expires))
    office.go_on()
    office.go_on(HOUR)
    notes = {post.to: post for post in hook.taken()}
    assert len(hook.taken()) == 2, "once for each"
    assert notes["ratih"].title == "Pagi 1 Maret 2026: seluruh desa"
    lines = notes["ratih"].text.splitlines()
    assert lines == [
        "Masih terganggu: 8",
        "- f8 (Kampunganyar), sejak 28-02-2026\xa022.00",
        "- f7 (Kampunganyar), sejak 28-02-2026\xa023.00",
        "- f6 (Kampunganyar), sejak 01-03-2026\xa000.00",
        "- dan 5 lagi (f5 (Kampunganyar), f4 (Kampunganyar), f3 (Kampunganyar) …)",
        "Datang dan pergi sejak kemarin: 1 (Gerbang (Kampunganyar))",
        "Di bawah sasaran 24 jam terakhir: 1 (Gerbang (Kampunganyar))",
        "Perangkat diam: 1 (kontak (Kampunganyar))",
        "Bukti yang segera habis masanya: 1 (Taman bermain anak (Kampunganyar))",
        "https://siaga.example",
    ]
    assert len(lines) <= 10
    assert notes["joko"].text.startswith("Still down: 8\n- f8 (Kampunganyar), since 2026-02-28")


def test_a_note_says_what_citizens_say_that_nobody_has_looked_at(office: Office, hook: Webhook) -> None:
    office.carry(hook, NOTE)
    office.go_on()
    office.clock.advance(5 * HOUR)
    for n in range(2):
        said = Said(CODE, "gerbang", "gate", "gate_closed", "", Way.FORM, f"10.0.0.{n}")
        make(office.engine, said, "secret", office.clock.now())
    office.go_on(HOUR)
    lines = {line for post in hook.taken() for line in post.text.splitlines()}
    assert "Pengaduan warga yang belum dilihat: 2, bertentangan dengan sensor: 2 (Gerbang (Kampunganyar))" in lines


def test_a_village_that_was_never_heard_is_no_quiet_one(office: Office, hook: Webhook) -> None:
    """Nothing fails in it, because nothing is known of it."""
    office.carry(hook, NOTE)
    with writing(office.engine) as connection:
        connection.execute(tables.gateway_state.update().values(last_alive=None))
    office.go_on()
    office.go_on(6 * HOUR)
    assert {post.text.splitlines()[0] for post in hook.taken()} == {
        "Belum pernah terdengar, jadi keadaannya tidak diketahui: 1 (Kampunganyar)",
        "Never heard, so nothing is known of them: 1 (Kampunganyar)",
    }


def test_a_report_of_a_period_in_which_nothing_was_judged_says_so(office: Office, hook: Webhook) -> None:
    office.carry(hook, DAILY)
    with writing(office.engine) as connection:
        connection.execute(tables.span.delete())
    office.go_on()
    office.go_on(DAY)
    (post,) = hook.taken()
    first, link = post.text.splitlines()
    assert first == "Belum ada yang dinilai dalam periode ini."
    assert link.startswith("https://siaga.example/r/")


def test_a_quiet_morning_is_one_sentence(office: Office, hook: Webhook) -> None:
    office.carry(hook, NOTE)
    office.go_on()
    office.go_on(6 * HOUR)
    assert {post.text.splitlines()[0] for post in hook.taken()} == {
        "Tidak ada gangguan, perangkat diam, atau bukti yang segera habis.",
        "No outage, no silent device, no attestation that expires soon.",
    }


def alert(
    number: int, kind: str, began: int, *, facility: str, device: str | None = None, cleared: int | None = None
) -> dict[str, object]:
    subject = {"village": CODE, "facility": facility, "device": device, "subject": f"{CODE}/{number}"}
    times = {"began_at": began, "raised_at": began, "cleared_at": cleared}
    return {
        "id": f"{number:032x}",
        "kind": kind,
        "severity": "major",
        **subject,
        **times,
        "evidence": {},
        "revision": 1,
    }


def attestation(number: int, indicator: str, expires: int) -> dict[str, object]:
    made = date(2026, 2, 1)
    return {
        "id": f"{number:032x}", "village": CODE, "indicator": indicator, "met": True, "date": made, "note": "",
        "expires": date(2026, 3, 1) + timedelta(days=expires), "made_by": "ratih", "created_at": MARCH,
    }  # fmt: skip
