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
from tests.web.test_alerts_live import browsing
from tests.web.test_every_page import ADMIN, fits, opened
from tests.web.test_parts_live import at_rest, resting

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
            page.locator("[data-change], .mistakes li").first.wait_for()
            is_for_everybody(page)
        page.context.close()


def test_both_coordinates_may_be_pasted_as_maps_copy_them(empty: District) -> None:
    with empty.served(None, caller=ADMIN) as client:
        for n, (lat, lon) in enumerate(
            (("-8.190123, 114.300456", ""), ("-8,190123 114,300456", ""), ("-8,190123", "114.300456"))
        ):
            form = {"code": code(n), "name": "Desa", "lat": lat, "lon": lon, "timezone": "Asia/Jakarta"}
            assert client.post("/setup/sites/new", data=form).status_code == 303
        assert {(one.latitude, one.longitude) for one in empty.registry.villages()} == {(-8.190123, 114.300456)}
        form = {"code": code(9), "name": "Desa", "lat": "-8,19", "lon": "", "timezone": "Asia/Jakarta"}
        answer = client.post("/setup/sites/new", data=form)
        assert answer.status_code == 422
        assert "Bujur" in answer.text


def test_the_next_step_is_said_until_all_are_taken(empty: District) -> None:
    book = LiveBook(BOOK)
    empty.book = book
    with empty.served(None, caller=ADMIN) as client:
        form = {"code": code(0), "name": "Desa", "lat": "-8", "lon": "114", "timezone": "Asia/Jakarta"}
        saved = client.post("/setup/sites/new", data=form, follow_redirects=True).text
        assert "Langkah berikutnya:" in saved
        assert 'href="/setup/unknown">Hubungkan perangkat' in saved
        fill(empty, 1)
        village = f"/setup/sites/{code(0)}"
        assert f'href="/devices/{code(0)}/gerbang-1">gerbang-1 terdaftar. Tunggu datanya' in client.get(village).text
        empty.heard(code(0), "gerbang-1")
        trial = f"{village}/facilities/gerbang"
        assert f'href="{trial}#trial">Coba: mulai uji coba' in client.get(village).text
        begun = client.post(f"{trial}/trial", data={"seen": seen(client.get(trial).text)})
        assert begun.headers["location"] == f"{trial}#trial"
        empty.clear_alert(empty.raise_alert(1, village=code(0)), NOW)
        assert "Langkah berikutnya:" not in client.get(village).text
        assert f'href="{trial}#trial"' in client.get("/setup").text
        assert "Akhiri uji coba: Gerbang kantor desa, Kampunganyar" in client.get("/setup").text
        client.post(f"{trial}/trial", data={"seen": seen(client.get(trial).text), "ends": "true"})
        assert "Langkah pertama" not in client.get("/setup").text


def seen(page: str) -> str:
    """Returns the fingerprint that a form carries."""
    return page.split('name="seen" value="', 1)[1].split('"', 1)[0]


def test_a_device_that_is_heard_appears_by_itself(empty: District, browser: Browser) -> None:
    fill(empty, 1)
    with empty.served(None, caller=ADMIN) as client, browsing(browser, client) as context:
        page = resting(context, "/setup/unknown")
        assert page.get_by_text("Tidak ada perangkat tak dikenal.").is_visible()
        device = UnknownDevice(code(0), "gw", Adapter.TASMOTA, "gerbang", NOW, NOW, 1, MINUTE, "t", "ON", {}, {})
        UnknownDevices(empty.engine).add([device], NOW)
        at_rest(page, lambda: page.get_by_role("button", name="Daftarkan gerbang").count() == 1)


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
