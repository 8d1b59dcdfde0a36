"""The annexes of PDF and XLSX, read back: their numbers are those of the calls."""

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import openpyxl
import pytest

from api.attestations.book import Draft, make
from api.complaints.rows import Said, end, mark_seen
from api.complaints.rows import make as complain
from api.complaints.rules import State, Way
from api.queries.links import LinkFigures
from api.queries.report import load
from api.reports.annex_columns import COLUMNS
from api.reports.annexes import annexes, blank_counts
from api.reports.answer import answer
from api.reports.beside import Line, line_of, sums
from api.reports.forms import Form, Question
from api.reports.glance import Part
from api.reports.glance_process import look
from api.reports.levels import Level
from api.reports.numbers import Numbers
from api.reports.office import Office
from api.reports.pdf import as_pdf
from api.reports.period import parse_period
from api.reports.report import Report, build
from api.reports.restitution import Restitution
from api.reports.sheets import as_xlsx
from api.words import WORDS, Language
from siaga.database import tables, writing
from siaga.database.maintenance import Declared, declare, take_back
from siaga.database.spans import write_spans
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.scope import Scopes
from siaga.model.times import rfc3339
from siaga.timeline.span_algebra import FOREVER
from siaga.timeline.spans import Span
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOW, UNKNOWN, District
from tests.reports.read_pdf import pages_of

MARCH = NOW - NOW % DAY - 3 * DAY - 7 * HOUR
"""2026-03-01, midnight in western Indonesia."""
OFFICE = Office(restitution=Restitution(formula="(X*Y)/(Z*99.5%)", prices={"gate": 1_000_000}, over="300s"))


@pytest.fixture
def lived(district: District) -> District:
    """Glagah: its gate failed for ten hours, it was cut off twice and dark once. Licin was never heard."""
    district.link(GLAGAH, "online", NOW - HOUR, last_alive=NOW)
    district.heard(GLAGAH, "gerbang-1")
    district.alternating(
        GLAGAH, "gerbang", MARCH - 20 * DAY, (20 * DAY, MET, None), (10 * HOUR, FAILED, "gate_open"),
        (3 * HOUR, UNKNOWN, "village_offline"), (HOUR, MET, None),
    )  # fmt: skip
    for number, began, ended in ((1, 0, 2), (2, 40, 43), (3, -30, -25)):
        alert = district.raise_alert(number, kind=Kind.VILLAGE_OFFLINE, facility=None, evidence={"state": "offline"})
        times = {"began_at": MARCH + began * HOUR, "ended_at": MARCH + ended * HOUR, "cleared_at": NOW}
        with writing(district.engine) as connection:
            connection.execute(tables.alert.update().where(tables.alert.c.id == alert).values(times))
    for indicator, met, note in (("playground", True, "Ayunan baru"), ("trees", False, "=1+1")):
        draft = Draft(GLAGAH, indicator, met, date(2026, 3, 2), note, None, NOW - 2 * MINUTE, 120)
        make(district.engine, draft, "wahyu", NOW)
    return district


def report(district: District, period: str = "2026-03", language: Language = Language.ID, scope: str = "*") -> Report:
    with district.engine.connect() as connection:
        source = load(connection, parse_period(period), Scopes.of([scope]), NOW, compared=True, beside=True)
    return build(source, parse_period(period), Scopes.of([scope]), language, NOW)


def sheets(xlsx: bytes, language: Language = Language.ID) -> Mapping[str, list[dict[str, Any]]]:
    """The rows of each annex's sheet by the name of the annex, each by the names of its columns."""
    words = WORDS[language]
    book = openpyxl.load_workbook(io.BytesIO(xlsx))
    titles = {words(f"annex_sheet_{name}"): name for name in COLUMNS}
    names = {words(f"annex_column_{name}"): name for columns in COLUMNS.values() for name in columns}
    found = {}
    for sheet in book.worksheets:
        if sheet.title in titles:
            head, *rows = sheet.iter_rows(values_only=True)
            keys = [names.get(str(text), str(text)) for text in head]
            found[titles[sheet.title]] = [dict(zip(keys, row, strict=True)) for row in rows]
    return found


def items(client: httpx.Client, path: str, **asked: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/{path}", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def seconds(value: timedelta | float | None) -> float | None:
    """A cell with a time span: openpyxl reads hours as a time span, and what is below zero as days."""
    if value is None or isinstance(value, timedelta):
        return None if value is None else value.total_seconds()
    assert isinstance(value, int | float), value
    return value * 86_400


def test_the_sheets_have_the_numbers_of_the_calls(lived: District) -> None:
    found = sheets(as_xlsx(report(lived), OFFICE.restitution))
    with lived.served() as client:
        links = items(client, "links", **{"from": rfc3339(MARCH) or "", "to": rfc3339(NOW) or ""})
        attested = items(client, "attestations")
        cards = items(client, "scorecard", date="2026-03-03")
        rows = client.get("/api/v1/reports/availability?period=2026-03").json()["rows"]
    assert {one["cut_s"] for one in links} == {5 * 3600, 0}
    for told, sheet in zip(links, found["links"], strict=True):
        assert sheet["id"] == told["village"]
        assert [round(seconds(sheet[key]) or 0) for key in ("cut", "longest_cut", "dark")] == [
            told[f"{key}_s"] for key in ("cut", "longest_cut", "dark")
        ]
        assert sheet["cuts"] == told["cuts"]
    for told, sheet in zip(sorted(attested, key=lambda one: one["indicator"]), found["attestations"], strict=True):
        assert (sheet["attestation"], sheet["by"], sheet["note"], sheet["distance_m"]) == (
            told["id"], told["by"], told["note"], told["distance_m"],
        )  # fmt: skip
        assert isinstance(sheet["expires"], datetime)
        assert sheet["expires"].date().isoformat() == told["expires"]
        assert seconds(sheet["clock"]) == pytest.approx(-120)
    for told, sheet in zip(cards, found["scorecards"], strict=True):
        assert (sheet["village_code"], sheet["met"], sheet["missed"], sheet["unjudged"]) == (
            told["village"], told["met"], told["missed"], told["unjudged"],
        )  # fmt: skip
    row = next(one for one in rows if one["level"] == "facility")
    (below,) = found["below"]
    assert (below["id"], seconds(below["left_s"])) == (row["id"], pytest.approx(row["left_s"], abs=1))
    assert below["availability_low"] == int(row["availability_low"] * 10_000) / 10_000


def test_what_citizens_said_stands_in_the_annex(lived: District) -> None:
    none = sheets(as_xlsx(report(lived), None))
    assert "complaints" not in none
    made = []
    for n, age in enumerate((3 * HOUR, 2 * HOUR, HOUR, 40 * DAY)):
        said = Said(GLAGAH, "gerbang", "gate", "gate_closed", "", Way.FORM, f"10.0.0.{n}")
        made.append(complain(lived.engine, said, "secret", NOW - age)[0])
    mark_seen(lived.engine, made[0], "wahyu", NOW - 2 * HOUR)
    end(lived.engine, made[0], State.CLOSED, "Dibuka.", "wahyu", NOW - HOUR)
    end(lived.engine, made[2], State.REJECTED, "", "wahyu", NOW)
    (row,) = sheets(as_xlsx(report(lived), None))["complaints"]
    assert (row["id"], row["complaints"]) == (f"{GLAGAH}/gerbang", 2), "without what was rejected, or of January"
    assert [round(seconds(row[key]) or 0) for key in ("until_seen", "until_ended")] == [3600, 7200]
    told = "".join(pages_of(as_pdf(report(lived), OFFICE)))
    assert "Lampiran IX. Pengaduan warga" in told


def test_each_maintenance_says_what_rests_on_it(lived: District) -> None:
    """The gate: failed 10 h from the 1st on, unknown 3 h. Declared: 4 h of that before, 2 h later, each night 1 h."""
    spans = [
        Span(MARCH - 20 * DAY, MARCH, MET),
        Span(MARCH, MARCH + 4 * HOUR, FAILED, "gate_open", True),
        Span(MARCH + 4 * HOUR, MARCH + 6 * HOUR, FAILED, "gate_open", True, True),
        Span(MARCH + 6 * HOUR, FOREVER, MET),
    ]
    with writing(lived.engine) as connection:
        connection.execute(tables.span.delete())
        write_spans(connection, {(GLAGAH, "gerbang"): {span.start: span for span in spans}})
    said = [
        Declared(GLAGAH, "gerbang", None, MARCH - HOUR, MARCH + 4 * HOUR, None, "=1+1 Cat"),
        Declared(GLAGAH, None, None, MARCH + 4 * HOUR, MARCH + 6 * HOUR, None, "Listrik"),
        Declared(GLAGAH, None, None, MARCH - 3 * DAY, MARCH - 3 * DAY + HOUR, "FREQ=DAILY", "Cadangan"),
        Declared(GLAGAH, "lampu", None, MARCH, MARCH + HOUR, None, "lampu"),
        Declared(LICIN, None, None, MARCH, MARCH + HOUR, None, "Licin"),
        Declared(None, None, "elsewhere", MARCH, MARCH + HOUR, None, "not ours"),
        Declared(GLAGAH, None, None, MARCH - DAY, MARCH, None, "before the period"),
    ]
    made = [declare(lived.engine, one, "budi", NOW) for one in said]
    taken_back = declare(lived.engine, replace(said[0], reason="taken back"), "budi", NOW)
    take_back(lived.engine, taken_back, "budi", NOW)
    found = {row["reason"]: row for row in sheets(as_xlsx(report(lived), None))["maintenance"]}
    assert set(found) == {"=1+1 Cat", "Listrik", "Cadangan", "lampu", "Licin"}

    def times(reason: str) -> list[int]:
        return [round(seconds(found[reason][key]) or 0) for key in ("excused", "excused_later")]

    assert times("=1+1 Cat") == [4 * 3600, 0]
    assert times("Listrik") == [2 * 3600, 2 * 3600]
    assert times("Cadangan") == [3600, 0], "its night of the 1st; those of the 2nd and 3rd excuse nothing"
    assert (times("lampu"), times("Licin")) == ([0, 0], [0, 0])
    assert (found["=1+1 Cat"]["id"], found["Listrik"]["id"]) == (f"{GLAGAH}/gerbang", GLAGAH)
    assert found["Cadangan"]["times"] == 4
    assert str(found["=1+1 Cat"]["start"]) == "2026-02-28 23:00:00"
    assert {row["by"] for row in found.values()} == {"budi"}
    (all_,) = [row for row in report(lived).rows if row.level is Level.ALL]
    time = all_.figures.availability
    assert (time.excused, time.excused_later) == (6 * HOUR, 2 * HOUR)
    told = re.sub(r"\s+", " ", " ".join(pages_of(as_pdf(report(lived), OFFICE))))
    assert "Lampiran X. Pemeliharaan yang memaklumi" in told
    assert "=1+1 Cat budi" in told
    scoped = sheets(as_xlsx(report(lived, scope=LICIN), None))["maintenance"]
    assert [row["reason"] for row in scoped] == ["Licin"], "a narrower scope does not see the others'"
    assert len(made) == len(said)


def test_the_annex_has_the_district_s_rule_for_the_complaints_box(lived: District) -> None:
    said = Said(GLAGAH, "gerbang", "gate", "gate_closed", "", Way.FORM, "10.0.0.1")
    made, _ = complain(lived.engine, said, "secret", NOW - 2 * DAY)
    end(lived.engine, made, State.CLOSED, "Dibuka.", "wahyu", NOW - DAY)
    question = Question(parse_period("2026-03"), Scopes.of([GLAGAH]), Language.ID, Form.XLSX, NOW)

    def met(office: Office) -> int:
        with lived.engine.connect() as connection:
            xlsx = answer(connection, question, office)
        (card,) = sheets(xlsx)["scorecards"]
        return int(card["met"])

    assert met(Office(answered_within=2 * DAY)) == met(Office()) + 1
    assert met(Office(answered_within=HOUR)) == met(Office()), "it waited longer than an hour"


def test_the_budget_of_the_month_and_what_is_paid_back_by_hand(lived: District) -> None:
    """March asks for 744 h, of which 10 failed: 1 % is 7.44 h. 10 h x 1,000,000 / (744 h x 0.995) = 13,508.5."""
    found = sheets(as_xlsx(report(lived), OFFICE.restitution))
    (gate,) = found["sla"]
    assert seconds(gate["budget_s"]) == pytest.approx(7.44 * 3600)
    assert seconds(gate["left_s"]) == pytest.approx(-2.56 * 3600, abs=9)
    assert (seconds(gate["downtime"]), gate["repaid"]) == (pytest.approx(36_000), 13_508)
    passed = (NOW - MARCH) / HOUR
    assert gate["burn_rate"] == pytest.approx(10 / 7.44 / (passed / 744), abs=0.01)
    assert found["sla_kinds"][0]["repaid"] == 13_508
    quarter = sheets(as_xlsx(report(lived, "2026-Q1"), OFFICE.restitution))
    assert "sla" not in quarter


@pytest.mark.parametrize("language", list(Language))
def test_the_pdf_says_the_same(lived: District, language: Language) -> None:
    made = report(lived, language=language)
    told = re.sub(r"\s+", "", "".join(pages_of(as_pdf(made, OFFICE))))
    words, numbers = WORDS[language], Numbers(language)

    def says(text: str) -> bool:
        return re.sub(r"\s+", "", text) in told

    for name in ("below", "links", "attestations", "scorecards", "sla"):
        assert says(words(f"annex_{name}")), name
    (link, _) = made.beside.links
    for duration in (link.cut, link.longest_cut, link.dark):
        assert says(numbers.duration(duration))
    assert says(words("annex_blank_never", now="1", before="2"))
    assert says("Ayunan baru")
    assert says("=1+1")
    assert says(f"{words('annex_column_distance_m')}: 120")
    assert says(f"{words('annex_column_clock')}: {numbers.duration(-2 * MINUTE)}")
    assert says("13.508" if language is Language.ID else "13,508")
    assert says(words("annex_sla_restitution", formula="(X*Y)/(Z*99.5%)", over="300s"))


def test_a_table_of_the_pdf_counts_what_it_leaves_out(lived: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.reports.pdf.side_annexes.MOST_ROWS", 1)
    told = " ".join(pages_of(as_pdf(report(lived, language=Language.EN))))
    assert "Listed: 1 of 2; left out: 1. All are in the XLSX." in told


def test_blank_spots_with_the_change_against_the_period_before(lived: District) -> None:
    """Glagah's first reading is of 3 March: in February it was never heard. Licin never was."""
    made = report(lived)
    assert blank_counts(made) == {Line.NEVER: (1, 2), Line.NO_LINE: (0, 0)}
    (spots,) = [one for one in annexes(made, None) if one.name == "blank_spots"]
    never, heard = "belum pernah terdengar", "terdengar"
    assert [tuple(row) for row in spots.rows] == [
        (GLAGAH, "Kampunganyar", heard, never), (LICIN, "Banjar", never, never),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cut", "blank", "heard_from", "expected"),
    [
        pytest.param(0, False, None, Line.HEARD, id="heard"),
        pytest.param(99, False, 0, Line.HEARD, id="a moment of it was heard"),
        pytest.param(100, False, 0, Line.NO_LINE, id="cut off in all of it"),
        pytest.param(0, True, None, Line.NEVER, id="nothing ever arrived"),
        pytest.param(0, False, 1100, Line.NEVER, id="heard for the first time after it"),
        pytest.param(0, False, 1099, Line.HEARD, id="heard for the first time in it"),
    ],
)
def test_whether_a_village_had_a_line(cut: int, blank: bool, heard_from: int | None, expected: Line) -> None:
    figures = LinkFigures(GLAGAH, True, None, cut, 1, cut, 0, blank)
    assert line_of(figures, heard_from, (1000, 1100)) is expected
    assert line_of(None, heard_from, (1000, 1100)) is None


def test_sums_add_up_and_the_longest_is_the_longest_of_all() -> None:
    links = [LinkFigures(f"35.10.15.200{n}", True, None, n, n, 10 * n, 100 * n, n == 1) for n in range(4)]
    uplinks = {"35.10.15.2001": "odp-1", "35.10.15.2003": "odp-1", "35.10.15.2002": "odp-2"}
    one, two = sums(links, {"35.10.15.2001"}, uplinks.get)
    assert (one.key, one.villages, one.cut, one.cuts, one.longest_cut, one.dark, one.never) == (
        "odp-1", 2, 4, 4, 30, 400, 1,
    )  # fmt: skip
    assert (two.key, two.villages) == ("odp-2", 1)
    (all_,) = sums(links, set(), lambda _: "*")
    assert (all_.cut, all_.dark) == (6, 600)


@pytest.mark.parametrize("language", list(Language))
def test_a_sheets_name_is_as_short_as_excel_asks(language: Language) -> None:
    assert all(len(WORDS[language](f"annex_sheet_{name}")) <= 31 for name in COLUMNS)


def test_a_page_reads_no_annexes_and_shows_the_change(lived: District, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> None:
        raise AssertionError("a page shows no annexes")

    monkeypatch.setattr("api.queries.report.read_beside", read)
    asked = Question(parse_period("2026-03"), Scopes.of("*"), Language.ID, Form.JSON, NOW)
    with lived.engine.connect() as connection:
        shown = look(connection, asked, Part())
    assert shown.low.before is not None
    with pytest.raises(AssertionError, match="no annexes"):
        report(lived)


def sums_of(found: Report, name: str) -> dict[object, object]:
    """Returns the number of villages by uplink or sub-district."""
    tables_ = {one.name: one.rows for one in annexes(found, None)}
    return {row[0]: row[1] for row in tables_.get(name, ())}


def test_no_sum_of_links_is_wider_than_the_scope(lived: District) -> None:
    region = GLAGAH.rpartition(".")[0]
    assert sums_of(report(lived, scope=GLAGAH), "links_subdistrict") == {}
    of_region = sums_of(report(lived, scope=region), "links_subdistrict")
    assert of_region == {region: sums_of(report(lived), "links_subdistrict")[region]}


def test_the_sums_count_who_was_never_heard_as_the_blank_spots_do(lived: District) -> None:
    before_all = report(lived, "2025-W30")
    never = sum(blank_counts(before_all)[Line.NEVER][:1])
    rows = [one.rows for one in annexes(before_all, None) if one.name == "links_subdistrict"]
    assert sum(int(str(row[-1])) for row in rows[0]) == never > 0
