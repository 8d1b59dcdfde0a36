"""`/reports`: choose, see, download, issue; the numbers of a page are those of the JSON."""

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext

from api.issued.desk import IssueDesk
from api.reports.figures import Share
from api.reports.maker import CannotMake, ReportMaker
from api.reports.numbers import Numbers
from api.reports.period import Unit
from api.schedules.schedule import Plan, Schedule, Send
from api.words import Language, Sentence
from siaga.database import tables, writing
from siaga.database.rewritten import note_rewritten
from siaga.model.caller import Caller, Role
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.scope import EVERYWHERE, Scopes
from siaga.timeline.spans import State
from tests.http.district import FAILED, MET, NOW, UNKNOWN, District
from tests.http.test_issued import FEBRUARY, later
from tests.web import axe
from tests.web.kampung import code, fill, villages

PERIOD = "2026-03"
PHONE = {"width": 360, "height": 640}
LIMIT = 60_000
"""Bytes of a first view, unpacked."""
NUMBERS = Numbers(Language.ID)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue reports in this process, which is quicker."""
    monkeypatch.setattr("api.app.IssueDesk", partial(IssueDesk, elsewhere=False))


@pytest.fixture
def lived(empty: District) -> District:
    """Three villages with a month behind them: gates that failed, a gate of which nothing was known for a day."""
    fill(empty, 3)
    for number in range(3):
        empty.forget(code(number), "gerbang")
        empty.alternating(
            code(number), "gerbang", FEBRUARY,
            (2 * DAY, MET, None), ((number + 1) * HOUR, FAILED, "gate_open"), (17 * DAY, MET, None),
            (DAY, UNKNOWN, "village_offline"), (9 * DAY, MET, None), (90 * MINUTE, FAILED, "gate_open"),
            (DAY, MET, None),
        )  # fmt: skip
    return empty


def caller(role: Role = Role.TECHNICIAN, scopes: Scopes = EVERYWHERE) -> Caller:
    return Caller(role, "ratih", scopes, "person/ratih")


@pytest.fixture
def client(lived: District) -> Iterator[httpx.Client]:
    with lived.served(caller=caller()) as client:
        yield client


def percent(ratio: float | None) -> str:
    if ratio is None:
        return "–"
    exact = Fraction(repr(ratio))
    return NUMBERS.percent(Share(exact.numerator, exact.denominator))


def rows_of(page: str, table: str) -> list[tuple[str, str | None, list[str]]]:
    """Id, kind and cells of each line of a table of a page."""
    section = page.split(f'data-table="{table}"', 1)[1].split("</table>", 1)[0]
    found = []
    for id_, kind, cells in re.findall(
        r'<tr data-id="([^"]+)"(?: data-kind="([^"]+)")?[^>]*>(.*?)</tr>', section, re.DOTALL
    ):
        texts = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", cells, re.DOTALL)]
        found.append((id_, kind or None, texts))
    return found


LEVELS = (
    "facility", "village_indicator", "village", "subdistrict_indicator", "subdistrict", "district_indicator",
    "district", "indicator", "all",
)  # fmt: skip


def test_the_page_has_the_numbers_of_the_json(client: httpx.Client) -> None:
    report = client.get("/api/v1/reports/availability", params={"period": PERIOD}).json()
    for level in LEVELS:
        page = client.get("/reports", params={"period": PERIOD, "table": level})
        assert page.status_code == 200
        compare(level, [row for row in report["rows"] if row["level"] == level], rows_of(page.text, level))


def compare(level: str, wanted: list[dict[str, Any]], shown: list[tuple[str, str | None, list[str]]]) -> None:
    """The lines of a table are the rows of the JSON."""
    assert [(id_, kind) for id_, kind, _ in shown] == [(row["id"], row["kind"]) for row in wanted]
    for row, (_, _, cells) in zip(wanted, shown, strict=True):
        texts = cells if level == "facility" else cells[1:]
        if level != "facility":
            assert cells[0] == str(row["facilities"])
        assert texts[0] == percent(row["availability_low"])
        assert texts[2:4] == [NUMBERS.duration(round(row[name] * 1000)) for name in ("failed_s", "unknown_s")]
        assert texts[4] == str(row["outages"])
        left = row["left_s"]
        assert texts[6] == NUMBERS.duration(None if left is None else Fraction(repr(left)) * 1000)


def test_the_summary_has_three_figures_the_change_and_the_worst(client: httpx.Client, lived: District) -> None:
    report = client.get("/api/v1/reports/availability", params={"period": PERIOD}).json()
    [every] = [row for row in report["rows"] if row["level"] == "all"]
    text = client.get("/reports", params={"period": PERIOD}).text
    figures = dict(re.findall(r'data-figure="(\w+)">.*?<b>([^<]+)</b>', text, re.DOTALL))
    assert figures["low"] == percent(every["availability_low"])
    assert figures["measured"] == percent(every["measured"])
    assert "poin dari periode sebelumnya" in text
    assert text.split('data-table="longest"', 1)[1].count("<tr data-facility") == min(10, len(report["outages"]))
    assert "tidak ada</td>" in text
    assert "Maret 2026" in text
    outages = client.get("/reports", params={"period": PERIOD, "table": "outages"}).text
    assert re.findall(r'<tr data-facility="([^"]+)"', outages) == [one["facility"] for one in report["outages"]]
    assert "gerbang tertutup" in outages


def test_an_outage_leads_to_its_alert_and_says_who_acknowledged_it(client: httpx.Client, lived: District) -> None:
    alert = lived.raise_alert(1, village=code(0), facility="gerbang", at=FEBRUARY + 2 * DAY)
    with writing(lived.engine) as connection:
        values = {"began_at": FEBRUARY + 2 * DAY, "ended_at": FEBRUARY + 2 * DAY + HOUR}
        took = {"acknowledged_by": "wahyu", "acknowledged_at": FEBRUARY + 2 * DAY + 10 * MINUTE}
        table = tables.alert
        connection.execute(table.update().where(table.c.id == alert).values(values | took))
    text = client.get("/reports", params={"period": "2026-02", "table": "outages"}).text
    assert "wahyu, 03-02-2026\u00a000.10" in text
    [link] = re.findall(r'href="(/alerts/[^"]+)"', text)
    assert link == f"/alerts/{alert}"
    assert client.get(link).status_code == 200


def test_without_a_period_the_last_closed_ones_come_first(client: httpx.Client) -> None:
    text = client.get("/reports").text
    first = re.findall(r'<option value="([^"]+)"', text)[:6]
    assert first == ["2026-03-03", "2026-W09", "2026-02", "2025-Q4", "2025-H2", "2025"]
    assert f'<option value="{code(0)}">' in text
    assert "Kampunganyar (35.10.15.2001)" in text


@pytest.mark.parametrize(
    ("query", "indonesian", "english"),
    [
        ({"period": "2026-13"}, "&#39;2026-13&#39; tidak ada dalam kalender: tulis", "is not in the calendar"),
        ({"period": "besok"}, "&#39;besok&#39; bukan periode: tulis", "is not a period"),
        ({"from": "2026-03-01"}, "Tanggal mulai perlu tanggal akhir", "From comes with to"),
        ({"to": "2026-03-01"}, "Tanggal akhir perlu tanggal mulai", "To comes with from"),
        (
            {"period": "2026-03", "from": "2026-03-01", "to": "2026-03-02"},
            "Pilih salah satu: periode, atau tanggal mulai",
            "A period comes without from and to",
        ),
        ({"from": "2026-03-02", "to": "2026-03-02"}, "Tanggal mulai 2026-03-02 tidak sebelum", "is not before to"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "lebih dari 366 hari", "is more than 366 days"),
        ({"from": "2026-02-30", "to": "2026-03-02"}, "tidak ada dalam kalender", "is not in the calendar"),
        ({"period": "9999-12-31"}, "&#39;9999-12-31&#39; di luar tahun 1970", "lies outside of the years"),
    ],
)
def test_what_is_no_period_is_said_in_the_language_of_the_page(
    client: httpx.Client, query: Mapping[str, str], indonesian: str, english: str
) -> None:
    for language, sentence in (("id", indonesian), ("en", english)):
        client.cookies.set("siaga_language", language)
        answer = client.get("/reports", params=query)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert 'name="period"' in answer.text
        for page in ("/reports/availability", "/reports/new"):
            refused = client.get(page, params=query, headers={"Accept": "text/html"})
            assert (refused.status_code, sentence in refused.text) == (422, True), page


@pytest.mark.parametrize("page", ["/reports", "/reports/availability", "/reports/new"])
def test_what_is_no_scope_is_said_in_the_language_of_the_page(client: httpx.Client, page: str) -> None:
    answer = client.get(page, params={"period": PERIOD, "scope": "glagah"}, headers={"Accept": "text/html"})
    assert answer.status_code == 422
    assert "&#39;glagah&#39; bukan cakupan: tulis kode desa seperti 35.10.15.2012" in answer.text


def test_a_download_that_cannot_be_made_says_why_and_is_not_asked_for_again(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(*_: object) -> bytes:
        raise CannotMake(Sentence("made_too_late", {"seconds": "120"}))

    monkeypatch.setattr(ReportMaker, "make", late)
    monkeypatch.setattr(ReportMaker, "glance", late)
    answer = client.get("/reports/availability", params={"period": PERIOD}, headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert "Laporan belum jadi setelah 120 detik: minta periode yang lebih pendek" in answer.text
    assert "refresh" not in answer.headers
    page = client.get("/reports", params={"period": PERIOD})
    assert (page.status_code, "Laporan belum jadi setelah 120 detik" in page.text) == (503, True)


@pytest.mark.parametrize("form", ["json", "csv", "xlsx"])
def test_a_download_is_the_file_of_the_api(client: httpx.Client, form: str) -> None:
    query = {"period": PERIOD, "scope": code(0), "format": form, "language": "en"}
    mine = client.get("/reports/availability", params=query)
    wanted = client.get("/api/v1/reports/availability", params=query)
    assert mine.content == wanted.content
    assert mine.headers["content-disposition"] == f'attachment; filename="siaga-2026-03-{code(0)}.{form}"'
    assert mine.headers["content-type"] == wanted.headers["content-type"]


def test_a_scope_is_all_that_there_is(lived: District) -> None:
    mine = Scopes.of([code(0)])
    with lived.served(None, caller=caller(scopes=mine)) as client:
        pages = [
            client.get("/reports").text,
            client.get("/reports", params={"period": PERIOD}).text,
            client.get("/reports", params={"period": PERIOD, "scope": "35"}).text,
            client.get("/reports", params={"period": PERIOD, "table": "facility"}).text,
        ]
        foreign = client.get("/reports", params={"period": PERIOD, "scope": code(1)})
        nowhere = client.get("/reports", params={"period": PERIOD, "scope": "35.12.01.2001"})
        issued = client.post("/reports", data={"period": PERIOD, "scope": code(1), "once": "a"})
    for page in pages:
        assert code(1) not in page
        assert "Banjar" not in page
    assert "Semua desa Anda" in pages[0]
    assert foreign.status_code == nowhere.status_code == 200
    assert "Tidak ada fasilitas yang dinilai" in foreign.text
    assert foreign.text.replace(code(1), "35.12.01.2001") == nowhere.text
    assert issued.status_code == 422


def test_a_report_of_another_scope_is_not_there(lived: District) -> None:
    with lived.served(None, caller=caller()) as client:
        address = issue(client, scope=code(1)).headers["location"]
    with lived.served(None, caller=caller(scopes=Scopes.of([code(0)]))) as client:
        answers = [client.get(address), client.get(f"{address}/files/csv"), client.get("/reports/23456789abcdefgh")]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert "Februari" not in client.get("/reports").text.split('id="issued"')[1]


def issue(client: httpx.Client, **fields: str) -> httpx.Response:
    answer = client.post("/reports", data={"period": "2026-02", "scope": "*", "once": "abc", **fields}, timeout=120)
    assert answer.status_code == 303, answer.text
    return answer


def test_a_form_issues_one_report_however_often_it_is_sent(client: httpx.Client, lived: District) -> None:
    form = client.get("/reports/new", params={"period": "2026-02", "scope": code(0), "language": "en"})
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form.text))
    assert {key: sent[key] for key in ("period", "scope", "language")} == {
        "period": "2026-02",
        "scope": code(0),
        "language": "en",
    }
    assert 'name="hindrance_gate"' in form.text
    assert 'name="hindrance_toilet"' not in form.text, "there is none in the scope"
    sent |= {"hindrance_gate": "Engsel\r\nberkarat", "follow_up_gate": "<b>Diganti</b>"}
    addresses = {issue(client, **sent).headers["location"]}
    lived.clock.advance(HOUR)
    addresses.add(issue(client, **sent).headers["location"])
    assert len(addresses) == 1
    [kept] = client.get("/api/v1/reports").json()["items"]
    assert kept["factors"] == {"gate": {"hindrance": "Engsel\nberkarat", "follow_up": "<b>Diganti</b>"}}
    assert (kept["issued_by"], kept["language"]) == ("ratih", "en")
    page = client.get(addresses.pop())
    assert "Laporan ini sudah terbit" in page.text
    assert "&lt;b&gt;Diganti" in page.text
    for file in kept["files"]:
        assert file["sha256"] in page.text
        answer = client.get(f"/reports/{kept['id']}/files/{file['format']}")
        assert len(answer.content) == file["bytes"]
        assert answer.headers["etag"] == f'"{file["sha256"]}"'
    another = dict(re.findall(r'name="(once)" value="([^"]*)"', client.get("/reports/new?period=2026-02").text))
    assert issue(client, **(sent | another)).headers["location"] != page.url.path, "another form is another report"


def test_what_cannot_be_issued_comes_back_with_its_texts(client: httpx.Client) -> None:
    long = client.post("/reports", data={"period": "2026-02", "hindrance_gate": "a" * 2_001, "follow_up_gate": "Ganti"})
    assert long.status_code == 422
    assert "a" * 2_001 in long.text
    assert "Ganti" in long.text
    for fields, sentence in (
        ({"period": "2026-99"}, "&#39;2026-99&#39; tidak ada dalam kalender"),
        ({"period": "2026-02", "scope": "99"}, "Tidak ada desa dalam cakupan &#39;99&#39;; pilih cakupan lain."),
        ({"period": "2026-02", "supersedes": "none"}, "Tidak ada laporan &#39;none&#39;"),
        ({}, "Sebutkan periodenya"),
    ):
        wrong = client.post("/reports", data={**fields, "follow_up_gate": "Ganti"})
        assert (wrong.status_code, "Ganti" in wrong.text, sentence in wrong.text) == (422, True, True), sentence
    assert client.get("/api/v1/reports").json()["items"] == []


def test_a_viewer_sees_and_issues_nothing(lived: District) -> None:
    with lived.served(None, caller=caller(Role.VIEWER)) as client:
        assert "/reports/new" not in client.get("/reports", params={"period": PERIOD}).text
        assert client.get("/reports/new", params={"period": PERIOD}).status_code == 403
        assert client.post("/reports", data={"period": PERIOD}).status_code == 403
    with lived.served(None) as client:
        answer = client.get("/reports", params={"period": PERIOD})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/reports%3Fperiod%3D2026-03")


def test_a_revision_says_what_changed_and_why(client: httpx.Client, lived: District) -> None:
    address = issue(client).headers["location"]
    lived.forget(code(0), "gerbang")
    lived.alternating(
        code(0), "gerbang", FEBRUARY, (2 * DAY, MET, None), (4 * HOUR, FAILED, "gate_open"), (29 * DAY, MET, None)
    )
    with writing(lived.engine) as connection:
        note_rewritten(connection, {(code(0), "gerbang"): (FEBRUARY + 2 * DAY, FEBRUARY + 21 * DAY)})
    assert later(lived) == 1
    old = client.get(address).text
    [following] = re.findall(r'<a href="(/reports/\w+)" rel="next">', old)
    new = client.get(following).text
    kept = client.get(f"/api/v1{following}").json()
    assert new.count("<tr data-facility") == min(50, len(kept["changes"]))
    assert "data yang datang terlambat" in new
    change = next(one for one in kept["changes"] if one["figure"] == "failed_s")
    for value in (change["before"], change["after"]):
        assert NUMBERS.duration(value * 1000) in new
    assert f'href="{address}" rel="prev"' in new
    listed = client.get("/reports").text
    assert "sudah diganti" in listed
    assert "Revisi 2" in listed


def test_other_texts_are_the_next_revision(client: httpx.Client) -> None:
    address = issue(client, hindrance_gate="Engsel").headers["location"]
    form = client.get("/reports/new", params={"supersedes": address.rpartition("/")[2]}).text
    assert "Engsel</textarea>" in form
    sent: dict[str, Any] = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
    after = issue(client, **sent, hindrance_gate="Motor").headers["location"]
    assert client.get(f"/api/v1{after}").json()["revision"] == 2
    assert "Motor" in client.get(after).text
    again = client.post("/reports", data=sent | {"once": "other", "hindrance_gate": "Lain"})
    assert (again.status_code, "Lain" in again.text) == (409, True)


def test_schedules_are_told_with_their_last_run(lived: District) -> None:
    mine = Schedule(
        "bulanan", ("kepala",), every=Unit.MONTH, on=2, scopes=Scopes.of([code(0)]), by=frozenset({"email"})
    )
    pending = Schedule("harian", ("ratih", "dinas"), every=Unit.DAY, scopes=Scopes.of([code(0)]))
    waits = Schedule("pekanan", ("ratih",), every=Unit.WEEK, scopes=Scopes.of([code(0)]))
    note = Schedule("pagi", ("ratih",), Send.NOTE, scopes=Scopes.of([code(0)]))
    foreign = Schedule("asing", ("wahyu",), every=Unit.WEEK)
    lived.plan = Plan((mine, pending, waits, note, foreign))
    run, order = tables.report_run, tables.report_order
    asked = {"period": "2026-03-03", "schedule": "harian"}
    too_large = Sentence("made_too_large", {"form": "pdf", "size": "70", "most": "64"})
    with writing(lived.engine) as connection:
        rows = [
            ("bulanan", "2026-02", NOW - 2 * HOUR),
            ("harian", "2026-03-03", None),
            ("pekanan", "2026-W09", None),
            ("bulanan", "since", None),
        ]
        for name, period, done in rows:
            row = {"schedule": name, "period": period, "due": NOW - DAY, "claimed_at": NOW - 3 * HOUR, "done_at": done}
            connection.execute(run.insert(), row)
        failed = {"key": "k", "report": "r", "asked": asked, "ordered_at": NOW, "due": NOW, "attempts": 1}
        connection.execute(order.insert(), failed | {"problem": too_large.packed()})
    with lived.served(None, caller=caller(Role.VIEWER, Scopes.of([code(0)]))) as client:
        text = client.get("/reports").text
    assert re.findall(r'data-schedule="(\w+)"', text) == ["bulanan", "harian", "pekanan", "pagi"]
    assert "Laporan bulanan, PDF" in text
    assert "Kepada kepala (email)" in text
    assert "Terakhir dikirim 04-03-2026\u00a010.00: Februari 2026" in text
    assert "Berikutnya 03-04-2026\u00a007.00 (Asia/Jakarta), Maret 2026" in text
    assert "Sedang dibuat sejak 04-03-2026\u00a009.00: Pekan 9" in text
    assert text.count("Sedang dibuat") == 1, "what failed is not being made"
    assert "Gagal dibuat: berkas pdf laporan ini 70 MB, padahal paling besar 64 MB" in text
    assert "Belum pernah dikirim." in text


def test_a_long_report_is_short_at_first(empty: District) -> None:
    """80 villages with all that a page shows: the first view and each part stay under 60 kB."""
    count = 80
    fill(empty, 1)
    empty.registry.replace(villages(count), NOW - 40 * DAY)
    empty.forget(code(0), "jaga")
    for number in range(count):
        for name, cause in (("gerbang", "gate_open"), ("wifi", "internet")):
            empty.forget(code(number), name)
            empty.alternating(
                code(number), name, NOW - 3 * DAY,
                (DAY, MET, None), (2 * HOUR, State.FAILED, cause), (DAY, MET, None), (3 * HOUR, State.FAILED, cause),
                (DAY, MET, None),
            )  # fmt: skip
    with empty.served(None, caller=caller()) as client:
        client.headers["Accept-Encoding"] = "identity"
        parts = ("", "facility", "village_indicator", "village", "outages", "below")
        pages = {
            part: client.get("/reports", params={"period": PERIOD, "table": part, "scope": "35.10.15"})
            for part in parts
        }
        assert {part: page.status_code for part, page in pages.items()} == dict.fromkeys(parts, 200)
        assert {part: len(page.content) for part, page in pages.items() if len(page.content) > LIMIT} == {}
        [total] = re.findall(r'data-table="outages" data-total="(\d+)"', pages["outages"].text)
        assert int(total) == 2 * 2 * count
        seen: list[str] = []
        address = f"/reports?period={PERIOD}&table=village"
        while address:
            text = client.get(address).text
            seen += [id_ for id_, _, _ in rows_of(text, "village")]
            further = re.findall(r'rel="next" href="([^"]+)"', text)
            address = further[0].replace("&amp;", "&") if further else ""
        assert seen == sorted(code(number) for number in range(count))


def test_a_phone_without_javascript_chooses_sees_and_issues(lived: District, browser: Browser) -> None:
    with lived.served(None, caller=caller()) as client:
        base = str(client.base_url).rstrip("/")
        context = phone(browser, base, locale="id-ID", java_script_enabled=False)
        page = context.new_page()
        page.goto("/reports")
        page.get_by_label("Periode").select_option("2026-02")
        page.get_by_label("Cakupan").first.select_option(code(0))
        page.get_by_role("button", name="Lihat").first.click()
        assert page.locator("h1").inner_text() == "Februari 2026"
        page.locator('details[data-table="facility"] summary').click()
        assert page.locator('details[data-table="facility"] tbody tr').first.is_visible()
        with page.expect_download() as download:
            page.locator('[data-format="csv"]').click()
        assert download.value.suggested_filename == f"siaga-2026-02-{code(0)}.csv"
        page.get_by_role("link", name="Terbitkan").click()
        page.get_by_label("Faktor penghambat").first.fill("Engsel berkarat")
        page.get_by_role("button", name="Terbitkan").click()
        assert page.locator(".notice").inner_text() == "Laporan terbit."
        assert "Engsel berkarat" in page.locator("main").inner_text()
        address = page.url
        context.close()
        looked(browser, base, [address, f"/r/{address.rpartition('/')[2]}"])


def phone(browser: Browser, base: str, **options: object) -> BrowserContext:
    """A phone of 360 px."""
    return browser.new_context(**({"base_url": base, "viewport": PHONE} | options))  # type: ignore[arg-type]  # keywords of Playwright


def looked(browser: Browser, base: str, paths: list[str]) -> None:
    """Nothing lies sideways on a phone, and axe finds nothing, in both languages and both colour schemes."""
    for language in ("id", "en"):
        context = phone(browser, base, locale=language)
        page = context.new_page()
        for path in paths:
            page.goto(path)
            for one in page.locator("main details").all():
                one.evaluate("(details) => details.open = true")
            assert page.evaluate("document.documentElement.scrollWidth") == 360, path
            axe.finds_nothing(page, dark=language == "id")
        context.close()
