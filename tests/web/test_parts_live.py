"""The pages of one alert, village, facility and device: they follow, and nothing changes under a finger."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from api.web.visit import REFRESH
from siaga.database import tables, writing
from siaga.model.alert_kinds import Kind
from siaga.model.clock import HOUR, MINUTE
from siaga.model.observation import Point
from siaga.timeline.span_algebra import FOREVER
from siaga.timeline.spans import Span, State
from tests.http.district import NOW, District
from tests.wait import until
from tests.web.kampung import code, fill
from tests.web.test_alerts_live import RATIH, browsing, opened

GATE = f"/facilities/{code(0)}/gerbang"


@pytest.fixture
def client(empty: District) -> Iterator[httpx.Client]:
    fill(empty, 2)
    with empty.served(None, caller=RATIH) as client:
        yield client


def at_rest(page: Page, condition: Callable[[], bool]) -> None:
    """Let the page's time go on, without a touch, until a condition holds."""

    def holds() -> bool:
        page.clock.run_for(2_000)
        return condition()

    until(holds)


def resting(context: BrowserContext, path: str) -> Page:
    """A page whose time the test lets go on."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.clock.install()
    page.goto(path)
    page.locator("#live[data-state=live]").wait_for()
    return page


def fail(district: District, at: int = NOW) -> None:
    """The gate of the first village is shut from now on."""
    district.forget(code(0), "gerbang")
    met, failed = (NOW - 9 * HOUR, at), (at, FOREVER)
    district.spans(code(0), "gerbang", Span(*met, State.MET, None), Span(*failed, State.FAILED, "gate_open"))


def test_an_alert_that_somebody_else_takes_says_so_and_changes_by_a_tap(
    client: httpx.Client, empty: District, browser: Browser
) -> None:
    alert = empty.raise_alert(1, village=code(0))
    with browsing(browser, client) as one, browsing(browser, client, "wahyu") as other:
        ratih, wahyu = opened(one, f"/alerts/{alert}"), opened(other, f"/alerts/{alert}")
        ratih.get_by_label("Catatan (boleh kosong)").fill("saya ke sana")
        button = ratih.get_by_role("button", name="Tangani", exact=True)
        box = button.bounding_box()
        assert box is not None
        ratih.mouse.move(box["x"] + 5, box["y"] + 5)
        ratih.mouse.down()
        wahyu.get_by_role("button", name="Tangani").click()
        expect(wahyu.locator("p.who")).to_have_text("Sedang ditangani oleh Anda")
        expect(ratih.locator("#news")).to_have_text(
            "Berubah: gerbang tertutup · Sedang ditangani wahyu, Catatan dan tindakan"
        )
        assert ratih.title().startswith("(2) ")
        assert button.bounding_box() == box, "nothing moves"
        expect(ratih.locator("p.who")).to_have_text("Baru")
        ratih.mouse.move(1, 600)
        ratih.mouse.up()
        ratih.locator("#news").click()
        expect(ratih.locator("p.who")).to_have_text("Sedang ditangani wahyu")
        expect(ratih.locator("#news")).to_be_hidden()
        expect(ratih.get_by_label("Catatan (boleh kosong)")).to_have_value("saya ke sana")
        expect(ratih.get_by_role("button", name="Kembalikan")).to_be_visible()
        ratih.get_by_role("button", name="Kirim catatan").click()
        expect(ratih.locator(".trail blockquote")).to_have_text("saya ke sana")
        expect(ratih.locator("#live")).to_have_attribute("data-state", "live")


def test_an_alert_that_is_over_is_shown_so_at_rest(client: httpx.Client, empty: District, browser: Browser) -> None:
    alert = empty.raise_alert(1, village=code(0))
    with browsing(browser, client) as context:
        page = resting(context, f"/alerts/{alert}")
        empty.clear_alert(alert, NOW + MINUTE)
        at_rest(page, lambda: page.locator("p.who").inner_text() == "Selesai 12.01 WIB")
        expect(page.get_by_role("button", name="Tangani")).to_have_count(0)
        assert page.locator("[data-part=head].let-in").count() == 1, "what changed is marked"
        page.mouse.click(5, 5)
        assert page.locator(".let-in").count() == 0


def test_a_facility_follows_its_state_before_there_is_an_alert(
    client: httpx.Client, empty: District, browser: Browser
) -> None:
    empty.forget(code(0), "gerbang")
    empty.spans(code(0), "gerbang", Span(NOW - 9 * HOUR, FOREVER, State.MET, None))
    with browsing(browser, client) as context:
        page = resting(context, GATE)
        start = page.locator("#maintenance input[name=start]")
        page.locator("#maintenance input[name=reason]").fill("ganti magnet")
        page.mouse.click(5, 5)
        page.evaluate("document.activeElement.blur()")
        proposed = start.input_value()
        fail(empty, NOW - MINUTE)
        at_rest(page, lambda: page.locator("[data-part=head]").get_attribute("data-state") == "failed")
        expect(page.locator("#day tbody tr").first).to_have_attribute("data-state", "failed")
        expect(page.locator("#maintenance input[name=reason]")).to_have_value("ganti magnet")
        assert start.input_value() == proposed
        stops = page.locator(".days.month a[tabindex='0']")
        assert stops.count() == 1, "still one tab stop"


def test_a_field_that_somebody_writes_in_is_left_alone(client: httpx.Client, empty: District, browser: Browser) -> None:
    empty.forget(code(0), "gerbang")
    empty.spans(code(0), "gerbang", Span(NOW - 9 * HOUR, FOREVER, State.MET, None))
    with browsing(browser, client) as context:
        page = resting(context, GATE)
        page.locator("#maintenance input[name=reason]").fill("ganti")
        fail(empty)
        empty.raise_alert(1, village=code(0))
        at_rest(page, page.locator("#news").is_visible)
        expect(page.locator("#news")).to_have_text("Berubah: terganggu: gerbang tertutup, Riwayat peringatan")
        page.clock.run_for(20_000)
        expect(page.locator("[data-part=head]")).to_have_attribute("data-state", "met")
        page.keyboard.type(" magnet")
        expect(page.locator("#maintenance input[name=reason]")).to_have_value("ganti magnet")
        page.locator("#news").click()
        expect(page.locator("[data-part=head]")).to_have_attribute("data-state", "failed")
        expect(page.locator("#maintenance input[name=reason]")).to_have_value("ganti magnet")


def test_a_village_follows_its_facilities_and_alerts(client: httpx.Client, empty: District, browser: Browser) -> None:
    with browsing(browser, client) as context:
        page = resting(context, f"/villages/{code(0)}")
        fail(empty)
        alert = empty.raise_alert(1, village=code(0))
        at_rest(page, lambda: page.locator(f"[data-alert='{alert}']").count() == 1)
        expect(page.locator("li.card[data-facility$='/gerbang']")).to_have_attribute("data-state", "failed")
        assert page.locator("[data-part='facility gerbang'].let-in").count() == 1


def test_what_happens_elsewhere_is_not_announced(client: httpx.Client, empty: District, browser: Browser) -> None:
    with browsing(browser, client) as context:
        page = opened(context, GATE)
        page.mouse.down()
        empty.raise_alert(1, village=code(1))
        empty.raise_alert(2, village=code(0), facility="wifi")
        empty.raise_alert(3, village=code(0))
        expect(page.locator("#news")).to_have_text("Berubah: Riwayat peringatan")
        page.mouse.up()


def test_a_device_follows_its_values_and_keeps_a_table_open(
    client: httpx.Client, empty: District, browser: Browser
) -> None:
    empty.store.write([Point(code(0), "gerbang-1", NOW - 2 * MINUTE, NOW, {"gate_open": True, "rx_bytes": 5})])
    with browsing(browser, client) as context:
        page = resting(context, f"/devices/{code(0)}/gerbang-1")
        page.locator("[data-key=rx_bytes] summary").click()
        empty.store.write([Point(code(0), "gerbang-1", NOW - MINUTE, NOW, {"gate_open": False, "rx_bytes": 7})])
        value = page.locator("tr[data-signal=gate_open] b")
        at_rest(page, lambda: value.inner_text() == "tidak")
        assert page.locator("[data-key=rx_bytes] details[open]").count() == 1
        assert page.locator("#charts details[open]").count() == 1


def test_a_page_that_has_not_changed_is_not_sent_again(client: httpx.Client, empty: District) -> None:
    alert = empty.raise_alert(1, village=code(0), kind=Kind.NO_EVIDENCE, device="gerbang-1")
    for path in (f"/alerts/{alert}", f"/villages/{code(0)}", GATE, f"/devices/{code(0)}/gerbang-1"):
        assert "etag" not in client.get(path).headers, "who looks gets the page"
        first = client.get(path, headers={REFRESH: "1"})
        known = {REFRESH: "1", "If-None-Match": first.headers["etag"]}
        again = client.get(path, headers=known)
        assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", "no-store")
        assert "content-security-policy" in again.headers
        empty.clock.advance(6 * MINUTE)
        assert client.get(path, headers=known).status_code == 200


def test_what_comes_to_be_there_is_put_in(client: httpx.Client, empty: District, browser: Browser) -> None:
    alert = empty.raise_alert(1, village=code(0))
    with browsing(browser, client) as context:
        page = resting(context, f"/alerts/{alert}")
        page.get_by_label("Catatan (boleh kosong)").fill("kunci hilang")
        page.evaluate("document.activeElement.blur()")
        said = {"facility": "gerbang", "kind": "gate", "problem": "gate_closed", "note": "", "created_at": NOW - HOUR}
        with writing(empty.engine) as connection:
            row = {"id": "k7w29fqh3mzt", "village": code(0), "way": "form", "repeats": 1, "state": "new"}
            connection.execute(tables.complaint.insert(), row | said)
        at_rest(page, lambda: page.locator("#complaints").count() == 1)
        expect(page.get_by_label("Catatan (boleh kosong)")).to_have_value("kunci hilang")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        empty.clear_alert(alert, NOW)
        at_rest(page, lambda: page.locator("p.who").inner_text().startswith("Selesai"))
