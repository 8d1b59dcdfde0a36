"""Sign-in, the account and set-up in a browser: a phone without JavaScript, both languages, both colours."""

from collections.abc import Sequence

import httpx
import pytest
from playwright.sync_api import Browser, Page

from siaga.database.people import Persons
from siaga.model.caller import Role
from tests.http.district import District
from tests.people.accounts import PASSWORD, account, cookie_of
from tests.web import axe

PHONE = {"width": 360, "height": 640}
NEW = "tukang bakso lewat"
PATHS: Sequence[str] = (
    "/login",
    "/account",
    "/logout",
    "/setup",
    "/setup/people",
    "/setup/people/seorang-yang-namanya-panjang-sekali-sampai-enam-puluh-empat-huru",
    "/setup/tokens",
)


def phone(browser: Browser, client: httpx.Client, **context: object) -> tuple[Page, list[str]]:
    """A phone without JavaScript, and all that went wrong on it or went elsewhere."""
    wrong: list[str] = []
    settings = {"viewport": PHONE, "locale": "id-ID", "java_script_enabled": False, "base_url": str(client.base_url)}
    page = browser.new_context(**(settings | context)).new_page()  # type: ignore[arg-type] # keywords of Playwright
    page.on("console", lambda said: None if said.type == "info" else wrong.append(said.text))
    page.on("request", lambda request: None if str(client.base_url) in request.url else wrong.append(request.url))
    return page, wrong


def test_from_the_first_link_to_a_second_person_s_session(empty: District, browser: Browser) -> None:
    """The first admin sets a password, adds a technician, whose link is opened on another phone."""
    made = Persons(empty.engine, empty.clock).first_admin()
    assert made is not None
    with empty.served(None) as client:
        page, wrong = phone(browser, client)
        page.goto("/setup/people")
        assert page.url.endswith("/login?next=/setup/people"), "nobody is sent to sign in"
        page.goto(f"/welcome/{made[1]}")
        page.get_by_label("Kata sandi baru").fill("siaga12345")
        page.get_by_label("Sekali lagi").fill("siaga12345")
        page.get_by_role("button", name="Simpan dan masuk").click()
        assert "mudah ditebak" in page.get_by_role("alert").inner_text()
        page.get_by_label("Kata sandi baru").fill(NEW)
        page.get_by_label("Sekali lagi").fill(NEW)
        page.get_by_role("button", name="Simpan dan masuk").click()
        page.wait_for_url("**/alerts")
        page.goto("/setup/people")
        page.get_by_label("Nama", exact=True).fill("Ratih")
        page.get_by_label("Nama lengkap").fill("Ratih S.")
        page.get_by_label("Peran").select_option("technician")
        page.get_by_role("button", name="Tambah orang").click()
        link = page.get_by_label("Tautan").input_value()
        other, also_wrong = phone(browser, client, locale="en-GB")
        other.goto(link)
        other.get_by_label("New password").fill(NEW + " lagi")
        other.get_by_label("Once more").fill(NEW + " lagi")
        other.get_by_role("button", name="Save and sign in").click()
        other.wait_for_url("**/alerts")
        other.goto("/setup")
        assert "Anda" not in other.content()
        assert other.locator("h1").inner_text() == "You may not do this"
        other.goto("/logout")
        other.get_by_role("main").get_by_role("button", name="Sign out").click()
        other.wait_for_url("**/login")
        other.get_by_label("Name").fill("ratih")
        other.get_by_label("Password").fill("wrong-wrong")
        other.get_by_role("button", name="Sign in").click()
        assert other.get_by_role("alert").inner_text() == "Wrong name or password."
        other.get_by_label("Password").fill(NEW + " lagi")
        other.get_by_label("Password").press("Enter")
        other.wait_for_url("**/alerts")
        said = [one for one in wrong + also_wrong if "status of 4" not in one]
        assert said == [], "a browser tells of each answer of 401, 403 and 422"
        page.context.close()
        other.context.close()


@pytest.mark.parametrize("language", ["id-ID", "en-GB"])
def test_nothing_is_wider_than_a_phone(empty: District, browser: Browser, language: str) -> None:
    account(empty, "joko", Role.ADMIN)
    account(empty, PATHS[5].rpartition("/")[2], Role.TECHNICIAN)
    empty.channels["ratih"] = ["telegram", "email-dinas-komunikasi-dan-informatika"]
    secret = cookie_of(empty, Role.ADMIN, "joko")["Cookie"].removeprefix("siaga=")
    with empty.served(None) as client:
        page, wrong = phone(browser, client, locale=language, java_script_enabled=True)
        link = Persons(empty.engine, empty.clock).link(PATHS[5].rpartition("/")[2])
        for path in (f"/welcome/{link}", *PATHS):
            if path == "/account":
                page.context.add_cookies([{"name": "siaga", "value": secret, "url": str(client.base_url)}])
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            _is_for_everybody(page)
        page.goto(PATHS[5])
        page.locator("form[action$='/link'] button").click()
        page.locator("[data-copy]").wait_for()
        _is_for_everybody(page)
        page.goto("/setup/tokens")
        page.locator("main input[name=name]").fill("layar-yang-namanya-panjang-sekali")
        page.locator("main button.main").click()
        page.wait_for_url("**/setup/tokens/made")
        _is_for_everybody(page)
        assert wrong == []
        page.context.close()


def _is_for_everybody(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == 360, page.url
    assert page.evaluate(_SMALL) == [], "44 px is what a thumb hits"
    axe.finds_nothing(page, dark=page.locator("html[lang=id]").count() > 0)


_SMALL = """() => [...document.querySelectorAll(
    "main button, main select, main label.check, main .entries a, " +
    "main input:not([type=hidden], [type=checkbox], [hidden])")]
  .filter((node) => !node.closest("[hidden]") && node.getBoundingClientRect().height < 44)
  .map((node) => node.outerHTML)"""


def test_the_cookie_is_out_of_reach_of_scripts(empty: District, browser: Browser) -> None:
    account(empty, "ratih")
    with empty.served(None) as client:
        page, _ = phone(browser, client, java_script_enabled=True)
        page.goto("/login")
        page.get_by_label("Nama").fill("ratih")
        page.get_by_label("Kata sandi").fill(PASSWORD)
        page.get_by_label("Kata sandi").press("Enter")
        page.wait_for_url("**/alerts")
        (cookie,) = [one for one in page.context.cookies() if one["name"] == "siaga"]
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
        assert cookie["value"] not in page.evaluate("document.cookie")
        assert page.evaluate("fetch('/api/v1/villages').then((answer) => answer.status)") == 200
        page.context.close()


def test_a_new_token_is_copied_by_a_tap_and_a_reload_makes_no_other(empty: District, browser: Browser) -> None:
    account(empty, "joko", Role.ADMIN)
    secret = cookie_of(empty, Role.ADMIN, "joko")["Cookie"].removeprefix("siaga=")
    with empty.served(None) as client:
        page, wrong = phone(browser, client, java_script_enabled=True)
        page.context.add_cookies([{"name": "siaga", "value": secret, "url": str(client.base_url)}])
        page.goto("/setup/tokens")
        page.locator("main input[name=name]").fill("layar")
        page.get_by_role("button", name="Buat token").click()
        token = page.get_by_label("Token", exact=True).input_value()
        assert token.startswith("siaga_")
        page.evaluate("() => { window.really = document.execCommand; document.execCommand = () => false; }")
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('by plain HTTP')); }")
        page.get_by_role("button", name="Salin").click()
        assert page.evaluate("getSelection().toString()") == token, "it can be copied by hand"
        assert page.get_by_role("button", name="Sudah disalin").count() == 0, "nothing was copied"
        page.evaluate("() => { document.execCommand = window.really; }")
        page.get_by_role("button", name="Salin").click()
        page.get_by_role("button", name="Sudah disalin").wait_for()
        page.context.grant_permissions(["clipboard-read"])
        assert page.evaluate("navigator.clipboard.readText()") == token
        page.reload()
        page.wait_for_url("**/setup/tokens")
        assert page.get_by_text("layar", exact=True).count() == 1
        assert wrong == []
