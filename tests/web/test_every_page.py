"""What holds of every page: accessible in both languages and themes, nothing sideways, nothing too small to hit."""

import httpx
import pytest
from playwright.sync_api import Browser, Page

from siaga.database import tables, writing
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Caller, Role
from siaga.model.clock import HOUR
from siaga.model.scope import EVERYWHERE
from siaga.model.sites import Facility, Village
from tests.http.district import NOW, District
from tests.web import axe
from tests.web.kampung import code, fill

COMPLAINT = "k7w29fqh3mzt"
ADMIN = Caller(Role.ADMIN, "ratih", EVERYWHERE, "person/ratih")
PAGES = (
    "/",
    f"/desa/{code(0)}",
    "/kecamatan/35.10.15",
    "/alerts",
    "/alerts?severity=major&text=a",
    f"/alerts/{'0' * 31}1",
    "/villages",
    "/villages?view=table&state=failed",
    "/map",
    "/wall",
    f"/villages/{code(1)}",
    f"/facilities/{code(1)}/wifi?date=2026-03-03",
    f"/devices/{code(1)}/gerbang-1",
    "/attest",
    f"/attest/{code(0)}",
    "/complaints",
    f"/lapor/{code(1)}/wifi",
    f"/lapor/{COMPLAINT}",
    "/scorecard",
    f"/scorecard?scope={code(0)}",
    "/reports",
    "/reports?period=2026-03",
    "/reports?period=2026-03&table=outages",
    "/reports?period=2026-03&table=often",
    "/reports/months",
    "/reports/months?by=place&kind=gate",
    f"/reports/months?scope={code(1)}",
    f"/reports/new?period=2026-03&scope={code(0)}",
    "/offline",
    "/nowhere",
    "/setup",
    "/setup/sites",
    "/setup/sites/regions",
    "/setup/sites/holidays",
    f"/setup/sites/{code(1)}",
    f"/setup/sites/{code(1)}/facilities/wifi",
    f"/setup/sites/{code(1)}/devices/gerbang-1",
    f"/setup/rules?village={code(1)}",
    "/setup/qr",
    "/setup/quarantine",
    "/setup/gateways",
    "/setup/health",
    "/setup/unknown",
)
"""A new page is added here."""
LONG_ALERT = f"/alerts/{'0' * 30}1e"
LONG = "Sumberanyar-Kebondalem-Watukebo-" * 5
CONTROLS = "button, select, input:not([type=hidden]), summary, .chips a, nav a, .fold"
TOO_SMALL = """(controls) => [...document.querySelectorAll(controls)]
  .filter((one) => one.getClientRects().length && !one.closest("[hidden]"))
  .filter((one) => (one.closest("label.pick, label.check") || one).getBoundingClientRect().height < 43.5)
  .map((one) => one.outerHTML.slice(0, 120))"""
"""WCAG 2.2, success criterion 2.5.5: 44 px."""


def furnished(district: District) -> None:
    """Some villages, one with names that are too long, and alerts of every kind."""
    fill(district, 3)
    district.raise_alert(1, village=code(0))
    for number, kind in enumerate(Kind, start=2):
        device = "gerbang-1" if kind in (Kind.DEVICE_SILENT, Kind.CLOCK_SKEW, Kind.NO_EVIDENCE) else None
        facility = "wifi" if kind in (Kind.FACILITY_FAILED, Kind.INDICATOR_MISSED, Kind.SENSOR_DOUBTED) else None
        district.raise_alert(
            number, kind=kind, village=code(1), facility=facility, device=device, at=NOW - number * HOUR
        )
    said = {"facility": "wifi", "kind": "free_wifi", "problem": "wifi_slow", "note": "lambat", "created_at": NOW - HOUR}
    with writing(district.engine) as connection:
        row = {"id": COMPLAINT, "village": code(1), "way": "form", "repeats": 1, "state": "new"}
        connection.execute(tables.complaint.insert(), row | said)
    over = district.raise_alert(20, village=code(2))
    district.clear_alert(over, NOW - HOUR)


def furnished_with_long_names(district: District) -> None:
    """As above, and an alert of a village and a facility whose names are long."""
    furnished(district)
    known, long = district.registry.villages(), Facility("gerbang", "gate", LONG)
    district.registry.replace([*known, Village(code(9), LONG, 0, 0, "Asia/Jakarta", (long,))], NOW)
    district.raise_alert(30, village=code(9))


def opened(browser: Browser, client: httpx.Client, **options: object) -> Page:
    base = str(client.base_url).rstrip("/")
    context = browser.new_context(**({"base_url": base, "viewport": {"width": 360, "height": 640}} | options))  # type: ignore[arg-type]  # keywords of Playwright
    return context.new_page()


@pytest.mark.parametrize("language", ["id", "en"])
def test_axe_finds_nothing_in_light_and_dark(empty: District, browser: Browser, language: str) -> None:
    """And on a phone nothing lies sideways, and nothing is too small."""
    furnished_with_long_names(empty)
    with empty.served(None, caller=ADMIN) as client:
        page = opened(browser, client, locale=language)
        for path in (*PAGES, LONG_ALERT):
            page.goto(path)
            fits(page, 360)
            axe.finds_nothing(page, dark=language == "id")
        page.context.close()


def test_nothing_lies_sideways_at_400_percent_of_1280(empty: District, browser: Browser) -> None:
    furnished_with_long_names(empty)
    with empty.served(None, caller=ADMIN) as client:
        page = opened(browser, client, viewport={"width": 320, "height": 640}, locale="id-ID")
        for path in (*PAGES, LONG_ALERT):
            page.goto(path)
            fits(page, 320)
        page.context.close()


def fits(page: Page, width: int) -> None:
    """Fail where something of a page lies beside the screen, or is too small to hit."""
    assert page.evaluate("document.documentElement.scrollWidth") == width, page.url
    assert page.evaluate(TOO_SMALL, CONTROLS) == [], page.url


def test_a_chosen_language_and_theme_stay(empty: District, browser: Browser) -> None:
    fill(empty, 1)
    with empty.served(None, caller=ADMIN) as client:
        page = opened(browser, client, locale="en-GB")
        page.goto("/alerts?sort=newest")
        assert page.locator("h1").inner_text() == "Alerts", "until one is chosen, the browser's"
        page.get_by_role("button", name="Bahasa Indonesia").click()
        assert page.url.endswith("/alerts?sort=newest")
        assert page.locator("html").get_attribute("lang") == "id"
        page.get_by_role("button", name="Ganti ke warna terang").click()
        page.get_by_role("button", name="Ganti ke warna gelap").click()
        page.goto("/")
        assert page.locator("html").get_attribute("data-theme") == "dark"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 21, 19)"
        page.context.close()


def test_a_printed_page_has_its_content_and_no_buttons(empty: District, browser: Browser) -> None:
    furnished(empty)
    with empty.served(None, caller=ADMIN) as client:
        page = opened(browser, client)
        page.goto("/alerts")
        page.emulate_media(media="print")
        assert page.locator(".take").first.is_hidden()
        assert page.locator("nav").is_hidden()
        assert page.locator("[data-alert]").first.is_visible()
        page.context.close()


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/a\nb"])
def test_a_choice_leads_back_to_this_site_alone(empty: District, back: str) -> None:
    with empty.served(None, caller=ADMIN) as client:
        answer = client.post("/preferences", data={"language": "en", "back": back})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert client.post("/preferences", data={"language": "fr"}).status_code == 422


def test_files_are_kept_for_a_year_by_the_hash_of_what_they_hold(empty: District) -> None:
    with empty.served(None) as client:
        page = client.get("/", headers={"Accept": "text/html"}).text
        address = page.split('rel="stylesheet" href="')[1].split('"')[0]
        assert client.get(address).headers["cache-control"] == "public, max-age=31536000, immutable"
        for other in ("/static/siaga.css", "/static/siaga-000000000000.css"):
            answer = client.get(other)
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=60")
        assert client.get("/static/none.css").status_code == 404
