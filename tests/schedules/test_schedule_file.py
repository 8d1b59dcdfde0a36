"""The schedules file: what it may hold, and every mistake in a sentence with its line; the guide's own file is read."""

import re
from pathlib import Path

import pytest

from api.notifications.book import Book, Person
from api.notifications.book_file import read_book
from api.reports.forms import Form
from api.reports.period import Unit
from api.schedules.schedule import Schedule, Send
from api.schedules.schedule_file import SitesFileError, load_schedules, read_schedules
from api.words import Language
from siaga.model.clock import HOUR, MINUTE
from siaga.model.scope import Scopes

BOOK = Book({name: Person(name, "id", {"email": "json://x"}) for name in ("ratih", "kepala")}, {"teknisi": ("ratih",)})
DOCS = Path(__file__).resolve().parents[2] / "docs"


def mistakes(lines: str) -> list[str]:
    with pytest.raises(SitesFileError) as refused:
        read_schedules(lines, "jadwal.yaml", BOOK)
    return str(refused.value).splitlines()


def test_a_schedule_says_what_it_says() -> None:
    plan = read_schedules(
        """
timezone: Asia/Makassar
schedules:
  - {name: bulanan, every: month, on: 3, at: "07:30", scope: "35.10", formats: [pdf, xlsx], tell: kepala, by: email}
  - {name: pekanan, every: week, on: tue, at: "00:00", timezone: Asia/Jakarta, language: en, tell: [teknisi, kepala]}
  - {name: pagi, send: note, at: "06:00", tell: teknisi}
""",
        "jadwal.yaml",
        BOOK,
    )
    assert plan.schedules == (
        Schedule(
            "bulanan", ("kepala",), Send.REPORT, Unit.MONTH, 7 * HOUR + 30 * MINUTE, 2, "Asia/Makassar",
            Scopes.of(["35.10"]), Language.ID, (Form.PDF, Form.XLSX), frozenset({"email"}),
        ),
        Schedule("pekanan", ("teknisi", "kepala"), every=Unit.WEEK, at=0, on=1, language=Language.EN),
        Schedule("pagi", ("teknisi",), Send.NOTE, at=6 * HOUR, timezone="Asia/Makassar"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("{every: day, at: '07:00', tell: kepala}", "name: is missing"),
        ("{name: a b, every: day, at: '07:00', tell: kepala}", 'name: "a b" is not a name'),
        ("{name: x, at: '07:00', tell: kepala}", "every: is missing"),
        ("{name: x, every: hour, at: '07:00', tell: kepala}", 'every: "hour" is not how often'),
        ("{name: x, every: year, at: '07:00', tell: kepala}", 'every: "year" is not how often'),
        ("{name: x, every: day, tell: kepala}", "at: is missing"),
        ("{name: x, every: day, at: '7', tell: kepala}", 'at: "7" is not a time of day such as 07:00'),
        ("{name: x, every: day, at: '24:00', tell: kepala}", 'at: "24:00" is not a time of day'),
        ("{name: x, every: day, at: '07:00', on: 1, tell: kepala}", "on: 1 has no use in what is sent every day"),
        ("{name: x, every: week, at: '07:00', on: 1, tell: kepala}", "on: 1 is not a day of the week: mon, tue"),
        ("{name: x, every: month, at: '07:00', on: 31, tell: kepala}", "on: 31 is not a day of the month"),
        ("{name: x, every: day, at: '07:00'}", "tell: is missing: name at least one"),
        ("{name: x, every: day, at: '07:00', tell: joko}", 'tell: "joko" is not of the notify file: ratih'),
        ("{name: x, every: day, at: '07:00', tell: kepala, by: telegram}", 'by: "telegram" is not a channel'),
        ("{name: x, every: day, at: '07:00', tell: kepala, scope: Glagah}", 'scope: "Glagah" is not a scope'),
        ("{name: x, every: day, at: '07:00', tell: kepala, formats: [doc]}", 'formats: "doc" is not a form'),
        ("{name: x, every: day, at: '07:00', tell: kepala, timezone: WIB}", 'timezone: "WIB" is not a time zone'),
        ("{name: x, every: day, at: '07:00', tell: kepala, language: jv}", 'language: "jv" is not a language'),
        ("{name: x, send: note, every: day, at: '07:00', tell: kepala}", 'every: "day" has no use in a note'),
        ("{name: x, every: day, at: '07:00', tel: kepala}", "did you mean tell?"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence_with_its_line(line: str, mistake: str) -> None:
    found = mistakes(f"schedules:\n  - {line}\n")
    assert any(one.startswith("jadwal.yaml line 2: ") and mistake in one for one in found), found


def test_a_file_that_is_none() -> None:
    assert mistakes("") == ["jadwal.yaml line 1: schedules: is missing: the file is empty"]
    assert "is missing" in mistakes("timezone: Asia/Jakarta\n")[0]
    both = "  - {name: x, every: day, at: '07:00', tell: kepala}\n"
    assert "is the name of another schedule, in line 2" in mistakes(f"schedules:\n{both}{both}")[0]
    with pytest.raises(ValueError, match="cannot be read"):
        load_schedules(Path("/nowhere/jadwal.yaml"), BOOK)


def test_the_file_of_the_guide_is_read() -> None:
    guide = (DOCS / "schedules.md").read_text(encoding="utf-8")
    sample = re.search(r"<!-- test: file schedules.yaml -->\n```yaml\n(.*?)```", guide, re.DOTALL)
    people = re.search(r"<!-- test: file notify.yaml -->\n```yaml\n(.*?)```", guide, re.DOTALL)
    assert sample is not None
    assert people is not None
    plan = read_schedules(sample[1], "schedules.yaml", read_book(people[1], "notify.yaml", lambda _: None))
    assert {schedule.send for schedule in plan.schedules} == set(Send)
    for key in ("every", "at", "on", "timezone", "scope", "language", "formats", "tell", "by", "send", "name"):
        assert f"`{key}`" in guide
