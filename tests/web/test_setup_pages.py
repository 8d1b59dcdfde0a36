"""Pages of set-up that no address leads to by itself: accessible, nothing sideways, nothing too small to hit."""

import pytest
from playwright.sync_api import Browser, FilePayload, Page

from api.notifications.live_book import BookDesk, LiveBook
from siaga.database.quarantine import Quarantine, Refusal
from siaga.database.unknown_devices import UnknownDevices
from siaga.model.clock import MINUTE
from siaga.model.sites import Adapter
from siaga.sites.writing import write_document
from siaga.wire.unknown_device import UnknownDevice
from tests.http.district import NOW, District
from tests.people.test_rules_page import BOOK
from tests.web import axe
from tests.web.kampung import code, fill, villages
from tests.web.test_every_page import ADMIN, fits, opened

WRONG = "villages:\n  - code: '35.10.15.2012'\n    name: A\n    lat: -99\n    lon: 1\n    timezone: WIB\n"


@pytest.mark.parametrize("language", ["id", "en"])
def test_previews_claims_and_rules_are_for_everybody(
    empty: District, browser: Browser, language: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    fill(empty, 2)
    book = LiveBook(BOOK)
    empty.book = book
    empty.book_desk = BookDesk(tmp_path_factory.mktemp("own") / "notify.yaml", book, lambda _: None)
    empty.sites_file = "/etc/siaga/sites.yaml"
    village, name = code(0), "pintu-belakang-yang-namanya-panjang-sekali"
    reason = f"{name} is no device with the adapter senml in {village}"
    said = '[{"n":"pintu","vb":true},{"n":"zz","v":4}]'
    Quarantine(empty.engine).add(
        [Refusal(village, NOW - MINUTE, f"siaga/v1/{village}/{name}/senml", reason, said, "unknown_device")]
    )
    values = {f"binary_sensor/pintu_depan_yang_namanya_panjang_{n}/state": "ON" for n in range(20)}
    unknown = UnknownDevice(
        village, "gw", Adapter.ESPHOME, f"kantor-desa/{name}" * 3, NOW, NOW, 9, MINUTE, "t" * 300, "ON", values, {}
    )
    UnknownDevices(empty.engine).add([unknown], NOW)
    with empty.served(None, caller=ADMIN) as client:
        page = opened(browser, client, locale=language)
        for path in ("/setup/sites", "/setup/unknown", f"/setup/rules?village={village}", "/setup/sites/new"):
            page.goto(path)
            is_for_everybody(page)
        for text, only in ((write_document(villages(3)[1:]), True), (WRONG, False)):
            page.goto("/setup/sites")
            page.locator("textarea[name=text]").fill(text)
            page.locator("input[name=only]").set_checked(only)
            page.locator("form[action='/setup/sites/preview'] button").click()
            assert page.locator("[data-change], .mistakes li").count() > 0
            is_for_everybody(page)
        page.context.close()


def is_for_everybody(page: Page) -> None:
    """Fail where something of a page is out of somebody's reach."""
    fits(page, 360)
    axe.finds_nothing(page, dark=page.locator("html[lang=id]").count() > 0)


def test_a_village_is_set_up_without_a_script(empty: District, browser: Browser) -> None:
    """As a file that is downloaded, changed and sent again."""
    fill(empty, 2)
    with empty.served(None, caller=ADMIN) as client:
        file = client.get("/setup/sites.yaml").text.replace("Kampunganyar", "Kampung Anyar")
        page = opened(browser, client, java_script_enabled=False, locale="id-ID")
        page.goto("/setup/sites")
        payload = FilePayload(name="sites.yaml", mimeType="application/yaml", buffer=file.encode())
        page.locator("input[type=file]").set_input_files(payload)
        page.get_by_role("button", name="Lihat perubahannya").click()
        assert page.locator(f"[data-village='{code(0)}'] del").inner_text() == "Kampunganyar"
        page.get_by_role("button", name="Terapkan").click()
        assert page.get_by_role("status").inner_text().startswith("Berkas diterapkan: 0 desa baru, 1 berubah")
        assert {one.name for one in empty.registry.villages()} == {"Kampung Anyar", "Banjar"}
        page.context.close()
