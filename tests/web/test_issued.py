"""The page of an issued report on a phone, without JavaScript."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from siaga.database import connect
from siaga.model.clock import DAY
from tests.http.district import FAILED, GLAGAH, MET, NOW, District
from tests.http.test_issued_page import order, reports
from tests.stores import empty_store


@pytest.fixture
def issued(tmp_path: Path) -> Iterator[District]:
    """A report of one village."""
    engine, store = connect(f"sqlite:///{tmp_path / 'siaga.db'}"), empty_store()
    district = District(engine, store)
    district.alternating(GLAGAH, "gerbang", NOW - 40 * DAY, (DAY, FAILED, "gate_open"), (DAY, MET, None))
    order(district)
    yield district
    store.close()
    engine.dispose()


def test_it_fits_a_phone_and_a_fingerprint_is_compared_without_javascript(issued: District, browser: Browser) -> None:
    [report] = reports(issued)
    sha256 = str(report["files"][1]["sha256"])  # type: ignore[index] # JSON
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 700}, locale="id-ID")
    with issued.served(None) as client:
        page = context.new_page()
        page.goto(f"{client.base_url}/r/{report['id']}")
        assert page.locator("h1").inner_text() == "Laporan ini asli"
        page.get_by_label("Sidik jari berkas Anda").fill(sha256)
        page.get_by_role("button", name="Bandingkan").click()
        assert "ini berkas XLSX dari laporan ini" in page.get_by_role("status").inner_text()
        box = page.locator("code").first.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 360
    context.close()
