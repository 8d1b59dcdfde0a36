"""Strips and grids by keyboard: one tab stop each, and arrows inside."""

import httpx
import pytest
from playwright.sync_api import Browser, Page

from siaga.model.caller import Caller, Role
from siaga.model.scope import EVERYWHERE
from tests.http.district import District
from tests.web.kampung import code, fill

RATIH = Caller(Role.TECHNICIAN, "ratih", EVERYWHERE, "person/ratih")
ACROSS = """(group) => {
  const tops = [...group.querySelectorAll("a")].map((one) => one.getBoundingClientRect().top);
  return tops.filter((one) => one === tops[0]).length;
}"""
"""How many links stand in the first line."""
STOPS = "(group) => [...group.querySelectorAll('a')].filter((one) => one.tabIndex === 0).length"
IN_GROUP = """() => {
  const all = [...document.querySelectorAll("[data-roving]")], at = document.activeElement;
  const group = at.closest("[data-roving]");
  return group && [all.indexOf(group), [...group.querySelectorAll("a")].indexOf(at)];
}"""
"""Which group the focus is in, and which of its links has it."""


def opened(browser: Browser, client: httpx.Client, path: str, **options: object) -> Page:
    context = browser.new_context(
        base_url=str(client.base_url),
        locale="id-ID",
        **({"viewport": {"width": 900, "height": 800}} | options),  # type: ignore[arg-type]  # keywords of Playwright
    )
    page = context.new_page()
    page.goto(path)
    return page


def test_a_strip_is_one_tab_stop_and_arrows_move_in_it(empty: District, browser: Browser) -> None:
    fill(empty, 2)
    with empty.served(None, caller=RATIH) as client:
        page = opened(browser, client, f"/facilities/{code(0)}/gerbang")
        groups = page.locator("[data-roving]")
        assert groups.count() == 2, "7 and 30 days"
        assert [groups.nth(n).evaluate(STOPS) for n in range(2)] == [1, 1]
        last = groups.nth(1).locator("a").count() - 1
        assert last >= 1
        groups.nth(1).locator("a").last.focus()
        assert page.evaluate(IN_GROUP) == [1, last], "the day of today is where it begins"
        steps = [("ArrowLeft", last - 1), ("ArrowRight", last), ("ArrowRight", last), ("Home", 0), ("End", last)]
        for key, expected in steps:
            page.keyboard.press(key)
            assert page.evaluate(IN_GROUP) == [1, expected], key
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Shift+Tab")
        assert page.evaluate(IN_GROUP)[0] == 0, "the strip before, in one step"
        page.keyboard.press("Tab")
        assert page.evaluate(IN_GROUP) == [1, last - 1], "back where it was left"
        page.keyboard.press("Tab")
        assert page.evaluate(IN_GROUP) is None
        page.context.close()


def test_enter_opens_the_day(empty: District, browser: Browser) -> None:
    fill(empty, 1)
    with empty.served(None, caller=RATIH) as client:
        page = opened(browser, client, f"/facilities/{code(0)}/gerbang")
        page.locator("[data-roving]").nth(1).locator("a").last.focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
        page.wait_for_url("**?date=2026-03-03")
        page.context.close()


def test_in_a_grid_arrows_go_up_and_down_too(empty: District, browser: Browser) -> None:
    fill(empty, 12)
    with empty.served(None, caller=RATIH) as client:
        page = opened(browser, client, "/villages")
        grid = page.locator("[data-roving]").first
        assert grid.evaluate(STOPS) == 1
        grid.locator("a").first.focus()
        across = grid.evaluate(ACROSS)
        assert 1 < across < 12, grid.inner_html()
        for key, expected in (("ArrowDown", across), ("ArrowRight", across + 1), ("ArrowUp", 1), ("ArrowUp", 1)):
            page.keyboard.press(key)
            assert page.evaluate(IN_GROUP)[1] == expected, key
        page.context.close()


@pytest.mark.parametrize("path", [f"/facilities/{code(0)}/gerbang", "/villages"])
def test_without_the_script_each_link_is_a_stop(empty: District, browser: Browser, path: str) -> None:
    fill(empty, 2)
    with empty.served(None, caller=RATIH) as client:
        page = opened(browser, client, path, java_script_enabled=False)
        assert page.locator("[data-roving] a").count() >= 2
        assert page.locator("[data-roving] a[tabindex]").count() == 0
        page.context.close()
