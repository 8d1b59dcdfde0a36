"""The public pages as a browser shows them, and as they go over the line."""

import re

import httpx
import pytest
from playwright.sync_api import Browser, Page

from siaga.database import tables, writing
from siaga.database.registry import Registry
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Caller, Role
from siaga.model.clock import DAY, MINUTE, SECOND
from siaga.model.scope import EVERYWHERE
from siaga.model.sites import Facility, Village
from siaga.timeline.span_algebra import FOREVER
from siaga.timeline.spans import Span
from tests.http.district import FAILED, MET, NOW, UNKNOWN, District
from tests.wait import PATIENCE, until
from tests.web.kampung import NAMES, code, fill

PHONE = {"width": 360, "height": 640}
LIMIT = 60_000
"""Bytes of a first look, unpacked (design.md: 60 kB on a 100 kbit/s link)."""


def opened(
    browser: Browser, client: httpx.Client, path: str = "/", *, clock: bool = False, **context: object
) -> tuple[Page, list[str]]:
    """A page in a context of its own, and all that went wrong on it or went elsewhere; `clock`: its time is ours."""
    wrong: list[str] = []
    page = browser.new_context(**({"viewport": PHONE, "locale": "id-ID"} | context)).new_page()  # type: ignore[arg-type]  # keywords of Playwright
    if clock:
        page.clock.install()
    page.on("console", lambda said: None if said.type == "info" else wrong.append(said.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.on("request", lambda request: None if str(client.base_url) in request.url else wrong.append(request.url))
    page.goto(f"{str(client.base_url).rstrip('/')}{path}")
    return page, wrong


def test_a_phone_shows_all_villages_with_states_causes_strips_and_alerts(empty: District, browser: Browser) -> None:
    fill(empty)
    empty.forget(code(0), "gerbang")
    empty.alternating(code(0), "gerbang", NOW - 2 * DAY, (DAY, MET, None), (DAY, UNKNOWN, "village_offline"))
    empty.raise_alert(1, village=code(2))
    empty.raise_alert(2, village=code(5), facility=None, kind=Kind.VILLAGE_OFFLINE)
    with empty.served(None) as client:
        page, wrong = opened(browser, client)
        assert page.locator("h1").inner_text() == "Keadaan fasilitas desa"
        assert page.locator("article").count() == 12
        assert page.locator("article svg.strip").count() == 48, "a strip for each facility with an indicator"
        gate = page.locator("article li").first
        assert gate.locator(".badge").inner_text() == "?tidak diketahui"
        assert "gateway desa tidak terdengar, sejak 3 Mar 12.00" in gate.inner_text()
        described = gate.locator("svg").get_attribute("aria-label")
        assert described == "30 hari: 1 hari terpenuhi, 2 hari tidak diketahui"
        assert "terputus sejak 09.00 WIB" in page.locator("article").nth(5).inner_text()
        alerts = page.locator(".alerts").inner_text()
        assert "Gerbang kantor desa: terganggu, gerbang tertutup" in alerts
        assert "Desa terputus: gateway tidak terdengar" in alerts
        assert page.evaluate("document.documentElement.scrollWidth") == 360, "nothing to scroll sideways"
        assert wrong == []
        page.context.close()


def test_a_first_look_at_twelve_villages_is_under_60_kilobytes_unpacked(empty: District) -> None:
    fill(empty)
    for number in range(12):
        empty.raise_alert(number, village=code(number))
    with empty.served(None) as client:
        client.headers["Accept-Encoding"] = "identity"
        page = client.get("/")
        assert page.status_code == 200
        files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        assert len(files) == 3
        weights = {path: len(client.get(path).content) for path in files} | {"/": len(page.content)}
        assert sum(weights.values()) < LIMIT, weights
        assert "http://" not in page.text
        assert "https://" not in page.text
        packed = client.get("/", headers={"Accept-Encoding": "gzip"})
        assert int(packed.headers["content-length"]) < 12_000


def test_a_change_appears_by_itself(empty: District, browser: Browser) -> None:
    """The gate closes and an alert is raised, and cleared; nobody touches the page."""
    fill(empty)
    empty.forget(code(0), "gerbang")
    empty.alternating(code(0), "gerbang", NOW - 2 * DAY, (DAY, MET, None))
    with empty.served(None) as client:
        page, wrong = opened(browser, client)
        page.evaluate("document.querySelector('header').dataset.seen = 'yes'")
        assert page.locator("article li").first.locator(".badge").inner_text() == "✓terpenuhi"
        empty.clock.advance(MINUTE)
        empty.spans(code(0), "gerbang", Span(NOW - 2 * DAY, NOW, MET), Span(NOW, FOREVER, FAILED, "gate_open"))
        alert = empty.raise_alert(1, village=code(0), at=NOW)
        page.get_by_text("Gerbang kantor desa: terganggu").wait_for()
        assert page.locator("article li").first.locator(".badge").inner_text() == "✕terganggu"
        assert page.locator("#updated").inner_text() == "Diperbarui 12.01 WIB"
        empty.clock.advance(MINUTE)
        empty.clear_alert(alert, NOW + MINUTE)
        page.get_by_text("Tidak ada peringatan terbuka.").wait_for()
        assert page.evaluate("document.querySelector('header').dataset.seen") == "yes", "the page was not loaded anew"
        assert wrong == []
        page.context.close()


def test_a_page_that_lost_its_server_says_so(empty: District, browser: Browser) -> None:
    fill(empty, 1)
    with empty.served(None) as client:
        page, _ = opened(browser, client, clock=True)
        status = page.locator("#updated")
        page.route("**/*", lambda route: route.abort())

        def later(text: str) -> bool:
            page.clock.fast_forward(30_000)
            return status.inner_text().startswith(text)

        until(lambda: later("Sambungan ke server terputus."))
        page.unroute("**/*")
        empty.clock.advance(MINUTE)
        until(lambda: later("Diperbarui 12.01 WIB"))
        page.context.close()


def test_without_javascript_it_shows_the_same_and_reloads_itself(empty: District, browser: Browser) -> None:
    fill(empty)
    with empty.served(None) as client:
        page, wrong = opened(browser, client, java_script_enabled=False)
        assert page.locator("article svg.strip").count() == 48
        assert '<noscript><meta http-equiv="refresh" content="60"></noscript>' in client.get("/").text
        assert wrong == []
        page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(empty: District, browser: Browser, scheme: str) -> None:
    """WCAG AA: 4.5 to 1 for all text, in both colour schemes."""
    fill(empty)
    empty.raise_alert(1, village=code(2))
    with empty.served(None) as client:
        page, _ = opened(browser, client, color_scheme=scheme)
        worst = page.evaluate(
            """() => {
              const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
                .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
                .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
              const parse = (text) => text.match(/[\\d.]+/g).map(Number);
              const ground = (node) => {
                for (; node; node = node.parentElement) {
                  const colour = parse(getComputedStyle(node).backgroundColor);
                  if (colour.length === 3 || colour[3] > 0) return colour;
                }
              };
              let worst = [99, ""];
              for (const node of document.querySelectorAll("body *")) {
                const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
                if (!own || node.closest("svg, noscript, script")) continue;
                const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
                const ratio = (a + 0.05) / (b + 0.05);
                if (ratio < worst[0]) worst = [ratio, `${node.tagName}.${node.className} ${node.textContent}`];
              }
              return worst;
            }"""
        )
        assert worst[0] >= 4.5, worst
        page.context.close()


def test_many_villages_are_folded_each_with_a_page_of_its_own(empty: District, browser: Browser) -> None:
    fill(empty, 30)
    with empty.served(None) as client:
        page, wrong = opened(browser, client, "/?lang=en")
        assert page.locator("article[data-region]").count() == 1
        assert page.locator("[data-village]").count() == 30
        page.locator("summary").first.click()
        page.get_by_role("link", name="Pakel").first.click()
        assert page.url.endswith(f"/desa/{code(2)}?lang=en")
        assert page.locator("article").count() == 1
        assert page.locator("article svg.strip").count() == 8, "30 days and 24 hours of each facility"
        page.get_by_role("link", name="All villages").click()
        assert page.locator("[data-village]").count() == 30
        assert wrong == []
        page.context.close()


def test_more_villages_than_a_page_lists_go_on_on_the_next(empty: District) -> None:
    fill(empty, 303)
    with empty.served(None) as client:
        first = client.get("/")
        assert (first.text.count("data-village="), len(first.content) < LIMIT) == (300, True)
        further = re.search(r'href="(/\?after=[0-9.]+)"', first.text)
        assert further is not None
        assert client.get(further[1]).text.count("data-village=") == 3


def test_names_are_text_and_never_markup(empty: District) -> None:
    evil = '<script>alert("x")</script>'
    facility = Facility("gerbang", "gate", evil)
    Registry(empty.engine).replace([Village(code(0), evil, 0, 0, "Asia/Jakarta", (facility,))], NOW)
    empty.raise_alert(1, village=code(0))
    with empty.served(None) as client:
        for path in ("/", f"/desa/{code(0)}"):
            answer = client.get(path)
            assert evil not in answer.text
            assert "&lt;script&gt;" in answer.text
            assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_nobody_is_named_on_the_public_page(empty: District) -> None:
    fill(empty, 1)
    alert = empty.raise_alert(1, village=code(0))
    with empty.served() as client:
        client.post(f"/api/v1/alerts/{alert}/assign", json={"assignee": "Budi Santoso"})
        client.post(f"/api/v1/alerts/{alert}/acknowledge")
        text = httpx.get(client.base_url, timeout=PATIENCE).text
    assert "Gerbang kantor desa: terganggu" in text
    assert "Budi" not in text
    assert "admin" not in text


def test_an_unchanged_page_is_not_sent_again(empty: District) -> None:
    fill(empty)
    with empty.served(None) as client:
        empty.clock.advance(MINUTE)
        first = client.get("/")
        empty.clock.advance(3 * SECOND)
        same = client.get("/", headers={"If-None-Match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        empty.raise_alert(1, village=code(0))
        empty.clock.advance(3 * SECOND)
        assert client.get("/", headers={"If-None-Match": first.headers["etag"]}).status_code == 200
        english = client.get("/", headers={"Accept-Language": "en"})
        assert (english.headers["content-language"], english.headers["vary"]) == (
            "en",
            "Accept-Language, Cookie, Accept-Encoding",
        )


@pytest.mark.parametrize("path", ["/", f"/desa/{code(0)}"])
def test_the_pages_can_be_switched_off(empty: District, path: str) -> None:
    fill(empty, 1)
    empty.public_page = False
    with empty.served(None) as client:
        answer = client.get(path)
        assert (answer.status_code, NAMES[0] in answer.text) == (404, False)
        assert "Halaman umum dimatikan" in answer.text
        assert client.get("/healthz").status_code == 200
        assert 'class="brand" href="/alerts"' in answer.text


def test_where_the_public_page_is_off_nothing_leads_to_it(empty: District) -> None:
    empty.public_page = False
    with empty.served(None, caller=Caller(Role.VIEWER, "budi", EVERYWHERE, "person/budi")) as client:
        assert client.get("/").headers["location"] == "/alerts"
        page = client.get("/alerts").text
    assert 'href="/"' not in page
    assert "Halaman umum" not in page


def test_a_village_that_is_not_there_is_a_page_that_says_so(empty: District) -> None:
    with empty.served(None) as client:
        for path in (f"/desa/{code(0)}", "/desa/%00", "/desa/<b>"):
            answer = client.get(path)
            assert (answer.status_code, "Tidak ada desa dengan kode itu." in answer.text) == (404, True)
        assert "Belum ada desa" in client.get("/").text
        assert client.get("/static/../web.py").status_code == 404
        assert client.get("/static/none.js").status_code == 404


def test_while_the_data_cannot_be_read_the_page_says_so_and_tries_again(empty: District) -> None:
    with writing(empty.engine) as connection:
        connection.exec_driver_sql(f"ALTER TABLE {tables.village.name} RENAME TO village_away")
    with empty.served(None) as client:
        answer = client.get("/")
        assert (answer.status_code, answer.headers["refresh"]) == (503, "3")
        assert "Halaman ini belum dapat dibuat" in answer.text
