"""What the first visit to a page takes over the line, by a browser that has nothing yet."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser

from siaga.model.caller import Role
from siaga.model.clock import HOUR, MINUTE
from tests.http.district import NOW, District
from tests.people.accounts import signed_in
from tests.web.kampung import KINDS, code, fill
from tests.web.test_phone import KEPT

LIMIT = 60_000
"""Bytes (design: 60 kB on a 100 kbit/s link)."""


def packed(client: httpx.Client, path: str) -> int:
    """The bytes of a file as they go over the line."""
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.status_code == 200, path
        return sum(len(part) for part in answer.iter_raw())


def furnish(district: District) -> None:
    """200 villages, 400 open alerts."""
    fill(district, 200)
    for number in range(400):
        facility = KINDS[number % 4][0]
        district.raise_alert(number, village=code(number // 2), facility=facility, at=NOW - HOUR - number * MINUTE)


@pytest.mark.parametrize("path", ["/alerts", "/villages", "/"])
def test_the_first_visit_is_small_with_all_its_files(empty: District, browser: Browser, path: str) -> None:
    """200 villages, 400 open alerts; style, scripts, icon, manifest and what the service worker keeps are counted."""
    furnish(empty)
    with empty.served(None) as client:
        header = signed_in(empty, Role.TECHNICIAN, "wahyu")
        context = browser.new_context(base_url=str(client.base_url), locale="id-ID")
        context.add_cookies(
            [{"name": "siaga", "value": header["Cookie"].partition("=")[2], "url": str(client.base_url)}]
        )
        page = context.new_page()
        session = context.new_cdp_session(page)
        weights: dict[str, float] = {}
        addresses: dict[str, str] = {}

        def asked(told: dict[str, Any]) -> None:
            addresses[told["requestId"]] = told["request"]["url"]

        def came(told: dict[str, Any]) -> None:
            weights[addresses.get(told["requestId"], told["requestId"])] = told["encodedDataLength"]

        session.on("Network.requestWillBeSent", asked)
        session.on("Network.loadingFinished", came)
        session.send("Network.enable")
        page.goto(path)
        page.wait_for_function("() => navigator.serviceWorker.controller?.state === 'activated'")
        files = [one for one in weights if "/static/" in one]
        assert len(files) >= 4, weights
        kept = [one for one in page.evaluate(KEPT) if one == "/offline" or one.startswith("/static/")]
        seen = {urlsplit(file).path for file in files}
        worker = packed(client, "/worker.js") + sum(packed(client, one) for one in kept if one not in seen)
        assert sum(weights.values()) + worker < LIMIT, (weights, worker)
        context.close()


@pytest.mark.parametrize("path", ["/alerts", "/villages", "/"])
def test_at_100_kbit_per_second_a_first_visit_is_read_within_seconds(
    empty: District, browser: Browser, path: str
) -> None:
    """The line decides: 20 s are three times what 60 kB take with their round trips."""
    furnish(empty)
    with empty.served(None) as client:
        header = signed_in(empty, Role.TECHNICIAN, "wahyu")
        context = browser.new_context(base_url=str(client.base_url), locale="id-ID")
        context.add_cookies(
            [{"name": "siaga", "value": header["Cookie"].partition("=")[2], "url": str(client.base_url)}]
        )
        page = context.new_page()
        slow = {"offline": False, "latency": 300, "downloadThroughput": 12_500, "uploadThroughput": 12_500}
        context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
        page.goto(path, timeout=20_000)
        assert page.get_by_role("heading", level=1).is_visible()
        took = page.evaluate("performance.timing.loadEventStart - performance.timing.navigationStart")
        assert took > 1_000, "the line is slow indeed"
        context.close()
