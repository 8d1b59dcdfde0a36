"""The pages as an app on a phone: without a connection it says since when, and keeps nothing for the next person."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

from siaga.database import tables
from siaga.model.caller import Role
from tests.attestations.photos import jpeg
from tests.http.district import GLAGAH, LICIN, NOW, District
from tests.people.accounts import signed_in
from tests.wait import until
from tests.web.worker import Worker

ROOT = Path(__file__).resolve().parents[2]
KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys())
    found.push(...(await (await caches.open(name)).keys()).map((one) => new URL(one.url).pathname));
  return found;
}"""
"""The paths of all that the phone has kept."""


@pytest.fixture
def served(district: District) -> Iterator[httpx.Client]:
    with district.served(None) as client:
        yield client


@pytest.fixture
def phone(browser: Browser, served: httpx.Client) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=str(served.base_url),
        viewport={"width": 360, "height": 640},
        locale="id-ID",
        timezone_id="Asia/Jakarta",
    )
    yield context
    context.close()


def sign_in(phone: BrowserContext, served: httpx.Client, header: dict[str, str]) -> None:
    name, _, value = header["Cookie"].partition("=")
    phone.add_cookies([{"name": name, "value": value, "url": str(served.base_url)}])


def cut_off(phone: BrowserContext) -> None:
    """Take the connection away, from the worker too: Playwright does that a moment later than from the page."""
    phone.set_offline(True)
    (worker,) = phone.service_workers
    until(lambda: worker.evaluate("() => fetch('/healthz').then(() => false, () => true)"))


def visit(page: Page, code: str) -> None:
    """Look at the form of a village, until the phone has kept it."""
    page.goto(f"/attest/{code}")
    page.wait_for_function("() => navigator.serviceWorker.controller?.state === 'activated'")
    until(lambda: f"/attest/{code}" in page.evaluate(KEPT))


def test_without_a_connection_it_says_since_when_and_shows_no_old_data(
    district: District, phone: BrowserContext, served: httpx.Client
) -> None:
    sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "wahyu"))
    page = phone.new_page()
    visit(page, GLAGAH)
    page.goto("/villages")
    until(lambda: "/answered" in page.evaluate(KEPT))
    cut_off(phone)
    page.goto(f"/villages/{GLAGAH}")
    page.locator("#since", has_text="Jawaban terakhir: ").wait_for()
    assert "WIB" in page.inner_text("#since")
    assert page.locator("[data-village], [data-facility], [data-alert]").count() == 0
    page.locator(f'#kept a[href="/attest/{GLAGAH}"]').click()
    page.wait_for_url(f"**/attest/{GLAGAH}")
    assert "Tidak ada sambungan. Formulir ini disimpan di ponsel pada " in page.inner_text("main")
    assert page.locator("[data-attestation]").count() == 0
    page.goto(f"/attest/{LICIN}")
    assert page.inner_text("h1") == "Tidak ada sambungan", "nobody visited it"
    with page.expect_navigation():
        phone.set_offline(False)
    page.wait_for_selector("#attest")


@pytest.mark.parametrize("how", ["sign_out", "session_ended", "another_person"])
def test_nothing_of_a_person_is_kept_for_the_next(
    district: District, phone: BrowserContext, served: httpx.Client, how: str
) -> None:
    sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "wahyu"))
    page = phone.new_page()
    visit(page, GLAGAH)
    page.goto("/account")
    if how == "sign_out":
        page.click(".menu summary")
        page.click(".menu form button")
        page.wait_for_url("**/login")
    elif how == "session_ended":
        phone.clear_cookies(name="siaga")
        page.goto("/alerts")
        assert "/login" in page.url
    else:
        sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "dewi"))
        page.goto("/alerts")
    until(lambda: f"/attest/{GLAGAH}" not in page.evaluate(KEPT))
    found = [path for path in page.evaluate(KEPT) if not path.startswith("/static/")]
    assert set(found) <= {"/offline", "/answered", "/look", "/person"}
    cut_off(phone)
    page.goto(f"/attest/{GLAGAH}")
    assert page.inner_text("h1") == "Tidak ada sambungan"


def attested(district: District) -> list[tuple[str, str]]:
    with district.engine.connect() as connection:
        return [(row.note, row.made_by) for row in connection.execute(tables.attestation.select())]


@contextmanager
def away(district: District) -> Iterator[None]:
    """The villages cannot be read: pages and calls that need them answer 5xx."""
    with district.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE village RENAME TO village_away")
    yield
    with district.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE village_away RENAME TO village")


def draft(page: Page, note: str) -> None:
    """Fill in the form of Glagah, with a photo, and send it."""
    page.goto(f"/attest/{GLAGAH}")
    page.select_option("select[name=indicator]", "trees")
    page.check("input[name=met][value=false]")
    page.fill("textarea", note)
    page.set_input_files("input[data-source=camera]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg()})
    page.locator(".ready", has_text="1 foto siap").wait_for()
    page.click("#attest button.main")
    page.locator("#waiting li", has_text=GLAGAH).first.wait_for()


def test_drafts_made_without_a_connection_arrive_once(
    district: District, phone: BrowserContext, served: httpx.Client
) -> None:
    """Two of them by one kept form; the page is closed. Online, a form of the person sends them."""
    sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "wahyu"))
    page = phone.new_page()
    visit(page, GLAGAH)
    phone.clock.set_fixed_time(NOW / 1000)
    cut_off(phone)
    draft(page, "Pohon ditebang")
    draft(page, "Pohon layu")
    page.locator("#waiting li").nth(1).wait_for()
    page.goto("about:blank")
    assert attested(district) == []
    phone.set_offline(False)
    page.goto(f"/attest/{GLAGAH}")
    until(lambda: len(attested(district)) == 2)
    page.goto(f"/attest/{GLAGAH}")
    page.locator("[data-attestation]", has_text="Pohon layu").wait_for()
    assert page.locator("#waiting").is_hidden()
    assert sorted(attested(district)) == [("Pohon ditebang", "wahyu"), ("Pohon layu", "wahyu")]


def test_drafts_are_sent_when_the_network_is_back_with_no_page_open(
    district: District, phone: BrowserContext, served: httpx.Client
) -> None:
    """Background Sync: the worker sends. What the server cannot take yet stays, and is sent by the next one."""
    sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "wahyu"))
    page = phone.new_page()
    visit(page, GLAGAH)
    worker = Worker(page)
    phone.clock.set_fixed_time(NOW / 1000)
    cut_off(phone)
    draft(page, "Pohon ditebang")
    page.goto("about:blank")
    (script,) = phone.service_workers
    with away(district):  # from before there is a network: the browser may say so by itself, too
        phone.set_offline(False)
        until(lambda: script.evaluate("() => fetch('/healthz').then(() => true, () => false)"))
        assert script.evaluate("() => sendKept().then(() => 'sent', () => 'later')") == "later"
        assert attested(district) == []
    worker.sync("siaga-drafts")
    until(lambda: attested(district) == [("Pohon ditebang", "wahyu")])
    until(lambda: script.evaluate("() => sendKept().then(() => 'sent', () => 'later')") == "sent")


def test_a_kept_form_stays_while_the_server_fails_and_goes_with_its_village(
    district: District, phone: BrowserContext, served: httpx.Client
) -> None:
    sign_in(phone, served, signed_in(district, Role.TECHNICIAN, "wahyu"))
    page = phone.new_page()
    visit(page, GLAGAH)
    (worker,) = phone.service_workers
    with away(district):
        status = worker.evaluate("(path) => fetch(path).then((one) => one.status)", f"/attest/{GLAGAH}?kept=1")
        assert status >= 500
        worker.evaluate("(path) => keep(path)", f"/attest/{GLAGAH}")
        assert f"/attest/{GLAGAH}" in page.evaluate(KEPT), "nothing is known of the form"
    with district.engine.begin() as connection:
        connection.execute(tables.village.delete().where(tables.village.c.code == GLAGAH))
    worker.evaluate("(path) => keep(path)", f"/attest/{GLAGAH}")
    assert f"/attest/{GLAGAH}" not in page.evaluate(KEPT)


def test_a_draft_is_neither_shown_to_another_person_nor_sent_by_one(
    district: District, phone: BrowserContext, served: httpx.Client
) -> None:
    wahyu, dewi = (signed_in(district, Role.TECHNICIAN, name) for name in ("wahyu", "dewi"))
    sign_in(phone, served, wahyu)
    page = phone.new_page()
    visit(page, GLAGAH)
    phone.clock.set_fixed_time(NOW / 1000)
    cut_off(phone)
    draft(page, "Rahasia Wahyu")
    page.fill("textarea", "Belum selesai")
    sign_in(phone, served, dewi)
    with page.expect_response("**/api/v1/attestations") as refused:
        phone.set_offline(False)  # the page of wahyu still stands there, with the session of dewi
        page.evaluate("window.dispatchEvent(new Event('online'))")
    assert refused.value.status == 403
    again: list[str] = []
    page.on("request", lambda request: again.append(request.url))
    page.evaluate("window.siagaDrafts.send('wahyu')")
    assert again == [], "what was refused is not sent again unchanged"
    page.goto(f"/attest/{GLAGAH}")
    page.locator("#attest").wait_for()
    page.evaluate("window.siagaDrafts.send('dewi')")
    assert page.locator("#waiting").is_hidden()
    assert page.input_value("textarea") == ""
    assert page.locator("text=Rahasia").count() == 0
    assert attested(district) == []
    sign_in(phone, served, wahyu)
    page.goto(f"/attest/{GLAGAH}")
    until(lambda: attested(district) == [("Rahasia Wahyu", "wahyu")])


def test_it_can_be_installed(served: httpx.Client) -> None:
    answer = served.get("/manifest.webmanifest", headers={"Accept-Language": "id"})
    assert answer.headers["content-type"] == "application/manifest+json"
    said = answer.json()
    assert (said["display"], said["start_url"], said["lang"]) == ("standalone", "/alerts", "id")
    for one in said["icons"]:
        got = served.get(one["src"])
        assert (got.status_code, got.headers["content-type"]) == (200, one["type"])
    worker = served.get("/worker.js")
    assert worker.headers["cache-control"] == "no-cache"
    assert "'unsafe" not in worker.headers["content-security-policy"]


def test_sign_out_clears_what_the_browser_itself_keeps(district: District, served: httpx.Client) -> None:
    answer = served.post(
        "/logout", headers=signed_in(district, Role.VIEWER, "budi") | {"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.headers["clear-site-data"] == '"cache"'


def test_the_icons_are_what_the_script_draws() -> None:
    spec = importlib.util.spec_from_file_location("icons", ROOT / "scripts" / "icons.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, drawn in module.icons().items():
        with Image.open(ROOT / "api" / "web" / "static" / name) as image:
            assert image.tobytes() == drawn.tobytes(), f"{name}: run scripts/icons.py"
