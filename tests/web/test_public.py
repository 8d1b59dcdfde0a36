"""The public page over 30 days: what a day comes to, by whom it is seen, and what programs read of it."""

from datetime import date

import pytest
from playwright.sync_api import Browser
from sqlalchemy.exc import SQLAlchemyError

from api.web import public_status
from api.web.months import AT_ONCE, EVERY, Months
from siaga.database import tables, writing
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.timeline.span_algebra import FOREVER
from siaga.timeline.spans import Span
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOW, UNKNOWN, District
from tests.wait import until
from tests.web import axe
from tests.web.kampung import code, fill
from tests.web.test_pages import LIMIT, opened

MIDNIGHT = NOW - 12 * HOUR
"""Today's, in western Indonesia."""


def days_of(district: District, village: str, kind: str) -> str:
    """What `/status.json` says of the days of an indicator."""
    with district.served(None) as client:

        def read() -> str | None:
            district.clock.advance(3 * SECOND)
            listed = client.get("/status.json").json()["villages"]
            mine = next(one for one in listed if one["code"] == village)
            return next((one["days"] for one in mine["indicators"] if one["kind"] == kind), None)

        until(lambda: read() is not None)
        found = read()
        assert found is not None
        return found


def test_each_day_is_judged_as_everywhere_else(district: District) -> None:
    """Ten minutes of failure miss a day, four do not; half a silent day is not known."""
    start = MIDNIGHT - 5 * DAY
    district.spans(
        GLAGAH,
        "gerbang",
        Span(start, start + DAY, MET),
        Span(start + DAY, start + DAY + 10 * MINUTE, FAILED, "gate_open"),
        Span(start + DAY + 10 * MINUTE, start + 2 * DAY, MET),
        Span(start + 2 * DAY, start + 2 * DAY + 12 * HOUR, UNKNOWN, "village_offline"),
        Span(start + 2 * DAY + 12 * HOUR, start + 3 * DAY, MET),
        Span(start + 3 * DAY, start + 3 * DAY + 4 * MINUTE, FAILED, "gate_open"),
        Span(start + 3 * DAY + 4 * MINUTE, FOREVER, MET),
    )
    assert days_of(district, GLAGAH, "gate") == "-" * 24 + "mxummm"
    with district.served() as client:
        query = {"from": "2026-02-27", "to": "2026-03-05", "facility": f"{GLAGAH}/gerbang"}
        verdicts = [one["verdict"] for one in client.get("/api/v1/days", params=query).json()["items"]]
        assert verdicts == ["met", "missed", "unjudged", "met", "met", "met"], "the same as the API says"


def test_programs_read_the_days_the_rules_and_the_last_measurement(district: District) -> None:
    district.alternating(
        GLAGAH, "gerbang", NOW - 2 * DAY, (DAY, MET, None), (HOUR, FAILED, "gate_open"), (DAY, UNKNOWN, "device_silent")
    )
    assert days_of(district, GLAGAH, "gate") == "-" * 27 + "mxu"
    with district.served(None) as client:

        def read() -> dict[str, object]:
            found: dict[str, object] = client.get("/status.json?lang=en", headers={"Accept-Language": "en"}).json()
            district.clock.advance(3 * SECOND)
            return found

        until(lambda: all(one["until"] for one in read()["villages"]))  # type: ignore[attr-defined]  # JSON
        document = read()
    (village,) = [one for one in document["villages"] if one["code"] == GLAGAH]  # type: ignore[attr-defined]  # JSON
    gate = next(one for one in village["indicators"] if one["kind"] == "gate")
    assert gate["measured_at"] == "2026-03-03T06:00:00Z"
    assert village["until"] == date(2026, 3, 4).isoformat()
    assert document["rules"]["gate"] == "The gate is open, day and night."  # type: ignore[index]  # JSON
    assert document["days"]["letters"]["u"] == "unjudged"  # type: ignore[index]  # JSON
    assert "power" not in document["rules"]  # type: ignore[operator]  # JSON


def test_counts_add_up_and_what_is_left_out_is_said(empty: District, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(empty, 12)
    monkeypatch.setattr(public_status, "_MOST", 10)
    monkeypatch.setattr(public_status, "_FAILING", 1)
    with empty.served(None) as client:
        cut = client.get("/status.json").json()
        monkeypatch.undo()
        empty.clock.advance(3 * SECOND)
        whole = client.get("/status.json").json()
    sums = {state: sum(one["facilities"][state] for one in whole["villages"]) for state in whole["counts"]}
    assert (sums, sum(sums.values())) == (whole["counts"], 12 * 4), "the mains have no indicator"
    assert whole["left_out"] == {"villages": 0, "failing": 0}
    assert cut["counts"] == whole["counts"]
    assert cut["left_out"] == {"villages": 2, "failing": whole["counts"]["failed"] - 1}


def test_unknown_is_never_green_and_says_when_it_was_measured(district: District, browser: Browser) -> None:
    district.link(GLAGAH, "online", NOW - DAY, NOW)
    district.alternating(GLAGAH, "gerbang", NOW - 3 * DAY, (DAY, MET, None), (DAY, UNKNOWN, "device_silent"))
    with district.served(None) as client:
        page, wrong = opened(browser, client)
        gate = page.locator(f'[data-facility="{GLAGAH}/gerbang"]')
        assert gate.get_attribute("data-state") == "unknown"
        assert "terakhir diukur 2 Mar 12.00 WIB" in gate.inner_text()
        assert gate.locator("path.met").get_attribute("d") == "M26 4h1V12h-1z"
        assert gate.locator("path.unknown").get_attribute("d") == "M27 4h3V12h-3z"
        hatched = gate.locator("path.unknown").evaluate("(one) => getComputedStyle(one).fill")
        assert "url" in hatched, "unknown is hatched, with nothing of green"
        assert page.locator("#rules").inner_text().startswith("Bagaimana diukur")
        assert wrong == []
        page.context.close()


def test_a_village_s_page_tells_each_failure_of_the_month(district: District, browser: Browser) -> None:
    district.link(GLAGAH, "online", NOW - DAY, NOW)
    lengths = [(2 * HOUR, FAILED, "gate_open"), (DAY, MET, None), (4 * MINUTE, FAILED, "gate_open"), (DAY, MET, None)]
    district.alternating(GLAGAH, "gerbang", NOW - 3 * DAY, *lengths, (HOUR, FAILED, "gate_open"))
    with district.served(None) as client:
        page, wrong = opened(browser, client, f"/desa/{GLAGAH}")
        past = page.locator(f'[data-facility="{GLAGAH}/gerbang"] details.past')
        past.locator("summary").click()
        assert past.locator("summary").inner_text() == "2 gangguan dalam 30 hari", "without what was within its grace"
        assert past.locator("li").all_inner_texts() == [
            "sejak 3 Mar 14.04 WIB (21 jam 56 menit), masih berlangsung: gerbang tertutup",
            "1 Mar 12.00 WIB sampai 1 Mar 14.00 WIB (2 jam): gerbang tertutup",
        ]
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        axe.finds_nothing(page)
        assert wrong == []
        district.clock.advance(MINUTE)
        past.get_by_text("21 jam 57 menit").wait_for()
        assert past.locator("li").first.is_visible(), "it stays unfolded when the page follows"
        page.context.close()
        assert "past" not in client.get("/kecamatan/35.10.15").text.split("<main")[1], "of one village alone"


def test_many_villages_are_folded_by_sub_district_with_a_column_a_day(empty: District, browser: Browser) -> None:
    fill(empty, 30)
    with empty.served(None) as client:
        page, wrong = opened(browser, client)
        page.locator(".columns30").wait_for()  # its days are read in the background, the page asks again
        assert page.locator("[data-region='35.10.15'] h2 a").inner_text() == "35.10.15"
        assert page.locator("[data-village]").first.is_hidden()
        page.locator("[data-region] summary").click()
        assert page.locator(f"[data-village='{code(2)}']").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.locator("[data-region] h2 a").click()
        assert page.url.endswith("/kecamatan/35.10.15")
        assert page.locator("article[data-village]").count() == 24
        page.get_by_role("link", name="Desa berikutnya").click()
        assert page.locator("article[data-village]").count() == 6
        assert wrong == []
        page.context.close()


@pytest.mark.parametrize("language", ["id", "en"])
def test_axe_finds_nothing_for_whom_nobody_knows(empty: District, browser: Browser, language: str) -> None:
    fill(empty, 30)
    empty.raise_alert(1, village=code(2))
    with empty.served(None) as client:
        for path in ("/", "/kecamatan/35.10.15", f"/desa/{code(3)}"):
            page, _ = opened(browser, client, path, locale=language)
            if path == "/":
                page.locator(".columns30").wait_for()
            page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
            axe.finds_nothing(page, dark=language == "id")
            page.context.close()


def test_the_first_page_of_300_villages_is_small(empty: District) -> None:
    fill(empty, 300)
    months = Months(empty.engine, empty.clock)
    while months.refresh():
        pass
    with empty.served(None) as client:

        def whole() -> bool:
            empty.clock.advance(3 * SECOND)
            return "columns30" in client.get("/").text

        until(whole)
        page = client.get("/", headers={"Accept-Encoding": "identity"})
        assert page.text.count("data-village=") == 300
        assert len(page.content) < LIMIT, "unpacked"
        packed = client.get("/", headers={"Accept-Encoding": "gzip"})
        assert int(packed.headers["content-length"]) < 10_000


@pytest.mark.parametrize("path", ["/kecamatan/35.10.99", "/kecamatan/35.10", "/kecamatan/%00"])
def test_a_sub_district_that_is_not_there_is_a_page_that_says_so(empty: District, path: str) -> None:
    fill(empty, 1)
    with empty.served(None) as client:
        assert client.get(path).status_code == 404


def test_where_no_village_is_heard_the_feed_says_so(district: District) -> None:
    for village in (GLAGAH, LICIN):
        district.link(village, "offline", NOW - DAY)
    with district.served(None) as client:
        feed = client.get("/feed.atom").text
        assert feed.count("<entry>") == 1
        assert "Tidak ada yang diketahui sejak" in feed


def test_the_feed_leads_to_where_it_was_asked_for_and_is_made_once(district: District) -> None:
    for village in (GLAGAH, LICIN):
        district.link(village, "offline", NOW - DAY)
    with district.served(None) as client:
        feeds = [client.get("/feed.atom", headers={"Host": host}).text for host in ("satu.example", "dua.example")]
        assert [feed.count("http://satu.example/") for feed in feeds] == [feeds[0].count("http://satu.example/"), 0]
        assert feeds[0].replace("satu.example", "dua.example") == feeds[1]


def test_days_are_read_in_turn_and_a_village_that_is_gone_is_forgotten(empty: District) -> None:
    fill(empty, AT_ONCE + 1)
    months = Months(empty.engine, empty.clock)
    assert months.refresh()
    assert len(months.kept()) == AT_ONCE
    assert months.refresh()
    assert len(months.kept()) == AT_ONCE + 1
    assert not months.refresh(), "the next round is not due"
    with writing(empty.engine) as connection:
        connection.execute(tables.village.delete().where(tables.village.c.code == code(0)))
    empty.clock.advance(EVERY)
    assert months.refresh()
    assert set(months.kept()) == {code(number) for number in range(1, AT_ONCE + 1)}


def test_a_database_that_is_away_loses_no_turn(empty: District) -> None:
    fill(empty, 2)
    months = Months(empty.engine, empty.clock)
    with writing(empty.engine) as connection:
        connection.exec_driver_sql(f"ALTER TABLE {tables.span.name} RENAME TO span_away")
    with pytest.raises(SQLAlchemyError):
        months.refresh()
    with writing(empty.engine) as connection:
        connection.exec_driver_sql(f"ALTER TABLE span_away RENAME TO {tables.span.name}")
    assert months.refresh()
    assert len(months.kept()) == 2


def test_a_village_of_which_nothing_ever_arrived_is_not_green(district: District) -> None:
    for village in (GLAGAH, LICIN):
        district.link(village, "online", NOW)  # as the engine has a new one, before its absence is an alert
    with district.served(None) as client:
        page = client.get("/", headers={"Accept-Language": "id"}).text
        told = client.get("/status.json").json()
    assert "belum pernah terdengar" in page
    assert "periksa alamat" not in page, "an administrator's business"
    assert 'class="link online"' not in page
    assert {one["link"] for one in told["villages"]} == {"offline"}
