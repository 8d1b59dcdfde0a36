"""The alerts page in browsers: it follows what happens, and never moves what a finger is about to touch."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import update

from siaga.database import tables, writing
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Caller, Role
from siaga.model.clock import HOUR, MINUTE
from siaga.model.scope import EVERYWHERE
from tests.http.district import NOW, District
from tests.wait import until
from tests.web.kampung import code, fill

RATIH = Caller(Role.TECHNICIAN, "ratih", EVERYWHERE, "person/ratih")
PHONE = {"width": 360, "height": 640}


@pytest.fixture
def client(empty: District) -> Iterator[httpx.Client]:
    fill(empty, 3)
    with empty.served(None, caller=RATIH) as client:
        yield client


@contextmanager
def browsing(
    browser: Browser, client: httpx.Client, name: str = "ratih", **options: object
) -> Iterator[BrowserContext]:
    """A browser of its own, of the person `name`."""
    base = str(client.base_url).rstrip("/")
    context = browser.new_context(**({"viewport": PHONE, "locale": "id-ID", "base_url": base} | options))  # type: ignore[arg-type]  # keywords of Playwright
    context.add_cookies([{"name": "tester", "value": name, "url": base}])
    yield context
    context.close()


def opened(context: BrowserContext, path: str = "/alerts", *, still: bool = False) -> Page:
    """A page whose stream is open, and which fails the test when anything goes wrong on it.

    `still`: its time stands still, so that the list is never at rest.
    """
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    if still:
        page.clock.install(time=0)
    page.goto(path)
    page.locator("#live[data-state=live]").wait_for()
    if still:
        page.clock.pause_at(3_600_000)
    return page


def told(client: httpx.Client, district: District, alert: str) -> dict[str, Any]:
    """What the call says of an alert."""
    found: dict[str, Any] = client.get(f"/api/v1/alerts/{alert}", headers=district.bearer(Role.ADMIN)).json()
    return found


def test_an_alert_appears_in_two_browsers_and_is_taken_in_one(
    client: httpx.Client, empty: District, browser: Browser
) -> None:
    with browsing(browser, client) as one, browsing(browser, client, "wahyu") as other:
        ratih, wahyu = opened(one, still=True), opened(other, still=True)
        alert = empty.raise_alert(1, village=code(0))
        for page in (ratih, wahyu):
            expect(page.locator("#news")).to_have_text("1 baru")
            assert page.title().startswith("(1) ")
            assert page.locator(f"[data-alert='{alert}']").count() == 0, "it is announced, and not put in"
            page.locator("#news").click()
            page.locator(f"[data-alert='{alert}']").wait_for()
            expect(page.locator("#news")).to_be_hidden()
        ratih.get_by_role("button", name="Tangani").first.click()
        expect(ratih.locator(f"[data-alert='{alert}'] .who")).to_have_text("Sedang ditangani oleh Anda")
        wahyu.clock.resume()
        mine = wahyu.locator(f"[data-alert='{alert}']")
        expect(mine.locator(".who")).to_have_text("Sedang ditangani ratih")
        expect(mine).to_have_attribute("data-state", "taken")
        empty.clear_alert(alert, NOW + MINUTE)
        expect(mine.locator(".who")).to_have_text("Selesai 12.01")


def test_the_alert_that_the_finger_went_down_on_is_the_one_that_is_taken(
    client: httpx.Client, empty: District, browser: Browser
) -> None:
    alerts = [empty.raise_alert(n, village=code(n), at=NOW - n * HOUR) for n in range(3)]
    with browsing(browser, client, has_touch=True) as context:
        page = opened(context)
        button = page.locator(f"[data-alert='{alerts[1]}'] .take")
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        empty.raise_alert(9, kind=Kind.INDICATOR_MISSED, village=code(1), facility="wifi", at=NOW)
        empty.clear_alert(alerts[0], NOW)
        page.locator("#news:not([hidden])").wait_for()
        assert button.bounding_box() == box, "nothing moves"
        assert page.locator(f"[data-alert='{alerts[0]}']").get_attribute("data-state") == "new", "nothing changes"
        page.mouse.up()
        expect(page.locator(".notice")).to_have_text("1 peringatan kini Anda tangani.")
        taken = page.evaluate(
            "[...document.querySelectorAll('#list [data-state=taken]')].map(one => one.dataset.alert)"
        )
        assert taken == [alerts[1]]


def test_a_tap_while_the_line_is_gone_keeps_the_page_and_is_sent_again(
    client: httpx.Client, empty: District, browser: Browser
) -> None:
    alert = empty.raise_alert(1, village=code(0))
    with browsing(browser, client) as context:
        page = opened(context)
        context.set_offline(True)
        page.locator(f"[data-alert='{alert}'] .take").click()
        expect(page.locator(".notice")).to_contain_text("Tidak terkirim")
        expect(page.locator(f"[data-alert='{alert}']")).to_have_attribute("data-state", "new")
        context.set_offline(False)
        page.get_by_role("button", name="Kirim lagi").click()
        expect(page.locator(".notice")).to_have_text("1 peringatan kini Anda tangani.")
        page.goto(f"/alerts/{alert}")
        page.locator("textarea").fill("magnet lepas")
        context.set_offline(True)
        page.get_by_role("button", name="Kirim catatan").click()
        expect(page.locator(".notice")).to_contain_text("Tidak terkirim")
        expect(page.locator("textarea")).to_have_value("magnet lepas")
        context.set_offline(False)
        page.get_by_role("button", name="Kirim lagi").click()
        expect(page.locator(".trail blockquote")).to_have_text("magnet lepas")
        assert page.locator("textarea").input_value() == ""


def test_nobody_is_told_that_nothing_was_changed_where_that_is_not_known(
    client: httpx.Client, empty: District, browser: Browser
) -> None:
    alert = empty.raise_alert(1, village=code(0))
    unknown = "Siaga tidak menjawab, jadi ini mungkin belum tersimpan."

    def lose(route: Route) -> None:
        context.set_offline(True)
        route.abort("internetdisconnected")

    with browsing(browser, client, service_workers="block") as context:
        page = opened(context)
        page.route("**/acknowledge", lose, times=1)
        page.locator(f"[data-alert='{alert}'] .take").click()
        expect(page.locator(".notice")).to_contain_text(unknown)
        context.set_offline(False)
        page.evaluate("document.querySelector('#list [name=back]').value = '/alerts/none'")
        page.locator(f"[data-alert='{alert}'] .take").click()
        until(lambda: told(client, empty, alert)["acknowledged_by"] == "ratih")
        expect(page.locator(".notice")).to_have_text(unknown)


def test_enter_in_the_note_acknowledges_the_chosen_ones(
    client: httpx.Client, empty: District, browser: Browser
) -> None:
    alerts = [empty.raise_alert(n, village=code(n), at=NOW - n * HOUR) for n in range(3)]
    with browsing(browser, client) as context:
        page = opened(context)
        page.locator(f"[data-alert='{alerts[1]}'] input").check()
        page.locator("#acts [name=note]").fill("magnet lepas")
        page.locator("#acts [name=note]").press("Enter")
        expect(page.locator(".notice")).to_have_text("1 peringatan kini Anda tangani.")
    found = [told(client, empty, alert) for alert in alerts]
    assert [one["acknowledged_by"] for one in found] == [None, "ratih", None]
    assert [one["text"] for one in found[1]["comments"]] == ["magnet lepas"]


def test_all_is_seen_on_the_rows_and_ends_with_one_that_is_left_out(
    client: httpx.Client, empty: District, browser: Browser
) -> None:
    alerts = [empty.raise_alert(n, village=code(n)) for n in range(3)]
    with browsing(browser, client) as context:
        page = opened(context)
        page.locator("#all").check()
        expect(page.locator("#chosen")).to_have_text("3 dipilih")
        assert page.locator("input[name=alert]:checked").count() == 3
        page.get_by_label("Catatan").fill("x")
        expect(page.locator("#all")).to_be_checked()
        page.locator(f"[data-alert='{alerts[0]}'] input[name=alert]").uncheck()
        expect(page.locator("#chosen")).to_have_text("2 dipilih")
        expect(page.locator("#all")).not_to_be_checked()
        assert page.locator("input[name=group]:checked").count() == 2
        page.locator(".acts button.main").click()
        expect(page.locator(".notice")).to_have_text("2 peringatan kini Anda tangani.")
        expect(page.locator(f"[data-alert='{alerts[0]}']")).to_have_attribute("data-state", "new")


def test_two_hundred_alerts_of_one_uplink_are_taken_in_three_taps(empty: District, browser: Browser) -> None:
    fill(empty, 200)
    with writing(empty.engine) as connection:
        for village in connection.execute(tables.village.select()).all():
            document = village.document | {"uplink": "odp-glagah-2"}
            connection.execute(
                update(tables.village).where(tables.village.c.code == village.code).values(document=document)
            )
    for n in range(200):
        empty.raise_alert(n, village=code(n))
    with empty.served(None, caller=RATIH) as client, browsing(browser, client) as context:
        page = opened(context)
        assert "Jalur bersama odp-glagah-2" in page.locator(".group").inner_text()
        assert page.locator("[data-alert]").count() == 0, "it is folded"
        page.get_by_label("Pilih semua: Jalur bersama odp-glagah-2").click()
        expect(page.locator("#chosen")).to_have_text("200 dipilih")
        page.locator("#acts").get_by_role("button", name="Tangani").click()
        expect(page.locator(".notice")).to_have_text("200 peringatan kini Anda tangani.")
    with empty.engine.connect() as connection:
        named = connection.execute(tables.alert.select().where(tables.alert.c.acknowledged_by == "ratih")).all()
    assert len(named) == 200


def test_at_rest_the_list_takes_in_what_is_new(client: httpx.Client, empty: District, browser: Browser) -> None:
    empty.raise_alert(1, village=code(0))
    with browsing(browser, client) as context:
        page = context.new_page()
        page.clock.install()
        page.goto("/alerts")
        page.locator("#live[data-state=live]").wait_for()
        late = empty.raise_alert(2, village=code(1), at=NOW)

        def is_in() -> bool:
            page.clock.run_for(2_000)
            return page.locator(f"[data-alert='{late}']").count() == 1

        until(is_in)


def test_ten_tabs_share_one_stream_and_the_next_one_leads_when_the_first_is_closed(
    client: httpx.Client, empty: District, browser: Browser
) -> None:
    with browsing(browser, client) as context:
        tabs = [opened(context, still=True) for _ in range(10)]
        assert "siaga_alert_streams 1.0" in client.get("/metrics").text
        empty.raise_alert(1, village=code(0))
        for tab in tabs:
            expect(tab.locator("#news")).to_have_text("1 baru")
        tabs[0].close()
        empty.raise_alert(2, village=code(1))
        for tab in tabs[1:]:
            expect(tab.locator("#news")).to_have_text("2 baru")


def test_a_lost_stream_is_said_and_caught_up(empty: District, browser: Browser) -> None:
    fill(empty, 1)
    with ExitStack() as stack:
        with empty.served(None, caller=RATIH) as client:
            page = opened(stack.enter_context(browsing(browser, client)))
            page.mouse.down()  # the list is not at rest, and the page's time goes on, which the stream needs
            port = client.base_url.port
        expect(page.locator("#link")).to_contain_text("Terputus sejak")
        empty.raise_alert(1, village=code(0))
        with empty.served(None, caller=RATIH, port=port or 0):
            expect(page.locator("#news")).to_have_text("1 baru")
            expect(page.locator("#link")).to_have_text("Langsung")


def test_without_locks_and_channels_a_page_polls(client: httpx.Client, empty: District, browser: Browser) -> None:
    with browsing(browser, client) as context:
        context.add_init_script("delete window.BroadcastChannel")
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.clock.install()
        page.goto("/alerts")
        expect(page.locator("#link")).to_have_text("Diperiksa tiap menit")
        alert = empty.raise_alert(1, village=code(0))
        page.clock.run_for(61_000)
        page.clock.run_for(2_000)
        page.locator(f"[data-alert='{alert}']").wait_for()
        assert "siaga_alert_streams 0.0" in client.get("/metrics").text


def test_folds_and_filters_live_in_the_address(client: httpx.Client, empty: District, browser: Browser) -> None:
    alerts = [empty.raise_alert(n, village=code(n)) for n in range(2)]
    empty.raise_alert(5, kind=Kind.CLOCK_SKEW, village=code(2), facility=None, device="gerbang-1")
    with browsing(browser, client) as context:
        page = opened(context)
        page.locator(f"section[data-group='{code(1)}'] a.fold").click()
        expect(page.locator(f"[data-alert='{alerts[1]}']")).to_have_count(0)
        page.reload()
        assert page.locator(f"[data-alert='{alerts[0]}']").count() == 1
        assert page.locator(f"[data-alert='{alerts[1]}']").count() == 0, "the address says so"
        page.get_by_role("link", name="perhatian").click()
        assert page.url.endswith("severity=warning")
        assert page.locator("[data-alert]").count() == 1
        page.get_by_label("Cari").fill("pakel")
        page.get_by_role("button", name="Terapkan").click()
        assert "text=pakel" in page.url


@pytest.mark.parametrize(("locale", "take", "live"), [("id-ID", "Tangani", "Langsung"), ("en-GB", "Take", "Live")])
def test_by_keyboard_alone(
    client: httpx.Client, empty: District, browser: Browser, locale: str, take: str, live: str
) -> None:
    alert = empty.raise_alert(1, village=code(0))
    with browsing(browser, client, locale=locale) as context:
        page = opened(context)
        expect(page.locator("#link")).to_have_text(live)
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        for _ in range(12):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.classList.contains('take')"):
                break
        assert page.evaluate("document.activeElement.textContent") == take
        page.keyboard.press("Enter")
        page.locator(".notice").wait_for()
        assert page.locator(f"[data-alert='{alert}']").get_attribute("data-state") == "taken"


def test_without_javascript_it_is_all_there(client: httpx.Client, empty: District, browser: Browser) -> None:
    alerts = [empty.raise_alert(n, village=code(n)) for n in range(3)]
    with browsing(browser, client, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/alerts")
        page.locator(f"[data-alert='{alerts[0]}'] .take").click()
        assert page.locator(".notice").inner_text() == "1 peringatan kini Anda tangani."
        page.locator(f"input[value='{alerts[1]}.1']").check()
        page.get_by_label("Catatan (boleh kosong)").fill("besok")
        page.get_by_role("button", name="Tunda", exact=True).click()
        assert page.locator(".notice").inner_text() == "1 peringatan ditunda."
        page.get_by_role("button", name="English").click()
        assert page.locator("h1").inner_text() == "Alerts"
        page.locator("a.fold").first.click()
        assert page.locator("[data-alert]").count() == 2


def test_streams_end_when_the_server_does(empty: District) -> None:
    """SIGTERM leads to `HttpServer.stop`, which returns while fifty browsers still listen."""
    with empty.served(None, caller=RATIH) as client:
        streams = [httpx.Client(base_url=client.base_url, timeout=20) for _ in range(50)]
        answers = [one.stream("GET", "/alerts/stream") for one in streams]
        for answer in answers:
            assert answer.__enter__().headers["content-type"].startswith("text/event-stream")
        until(lambda: "siaga_alert_streams 50.0" in client.get("/metrics").text)
    for answer, one in zip(answers, streams, strict=True):
        answer.__exit__(None, None, None)
        one.close()
