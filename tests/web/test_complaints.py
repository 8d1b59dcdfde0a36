"""The whole way of a complaint: a phone scans the printed sheet, a technician answers, the citizen reads it."""

import pypdfium2  # type: ignore[import-untyped]  # it has no types
import pytest
import zxingcpp
from playwright.sync_api import Browser

from api.complaints.sheets import form_address, sheets_as_pdf
from api.queries.complaints import Place
from api.words import WORDS, Language
from siaga.model.caller import Role
from siaga.model.clock import DAY, SECOND
from tests.http.district import GLAGAH, MET, NOW, District
from tests.people.accounts import signed_in

GATE = f"{GLAGAH}/gerbang"


def scanned(pdf: bytes) -> list[str]:
    """What a camera reads out of the printed sheets, one after the other."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [document[n].render(scale=1.5).to_pil() for n in range(len(document))]
    finally:
        document.close()
    return [one.text for page in pages for one in zxingcpp.read_barcodes(page)]


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_from_the_sheet_to_the_answer(district: District, browser: Browser, scripts: bool) -> None:
    district.alternating(GLAGAH, "gerbang", NOW - DAY, (2 * DAY, MET, None))
    admin, technician = (signed_in(district, role, role.value) for role in (Role.ADMIN, Role.TECHNICIAN))
    with district.served(None) as client:
        sheet = client.get("/setup/qr/sheets.pdf", params={"facility": GATE}, headers=admin)
        assert sheet.headers["content-disposition"] == f'attachment; filename="qr-{GATE.replace("/", "-")}.pdf"'
        [address] = scanned(sheet.content)
        assert address == f"{str(client.base_url).rstrip('/')}/lapor/{GATE}"
        citizen = browser.new_context(
            locale="id-ID", viewport={"width": 360, "height": 640}, java_script_enabled=scripts
        )
        phone = citizen.new_page()
        phone.goto(address)
        assert phone.locator("h1").inner_text() == "Apa yang tidak beres di Gerbang kantor desa, Kampunganyar?"
        phone.get_by_text("Gerbang tertutup").click()
        phone.get_by_label("Catatan").fill("Tutup sejak pagi")
        district.clock.advance(10 * SECOND)
        phone.get_by_role("button", name="Kirim").click()
        phone.wait_for_url("**/lapor/*")
        assert "Diterima" in phone.locator("[data-state]").inner_text()
        office = browser.new_context(locale="id-ID", base_url=str(client.base_url))
        office.add_cookies(
            [{"name": "siaga", "value": technician["Cookie"].partition("=")[2], "url": str(client.base_url)}]
        )
        desk = office.new_page()
        desk.goto(f"/facilities/{GATE}")
        shown = desk.locator("[data-complaint]")
        assert "Bertentangan dengan sensor" in shown.inner_text()
        assert "Tutup sejak pagi" in shown.inner_text()
        shown.get_by_label("Jawaban untuk warga").fill("Sudah dibuka, terima kasih.")
        shown.get_by_role("button", name="Selesai").click()
        desk.wait_for_url(f"**/facilities/{GATE}#complaints")
        assert desk.locator("[data-complaint]").get_attribute("data-state") == "closed"
        phone.reload()
        assert phone.locator("[data-state]").get_attribute("data-state") == "closed"
        assert phone.locator(".answer").inner_text() == "Sudah dibuka, terima kasih."
        citizen.close()
        office.close()


def test_every_sheet_of_a_scope_reads_and_leads_to_its_form(district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "ratih")
    with district.served(None) as client:
        found = client.get("/setup/qr/sheets.pdf", params={"village": "35.10", "language": "en"}, headers=admin)
        assert found.headers["content-type"] == "application/pdf"
        codes = scanned(found.content)
        assert len(codes) == len(set(codes)) == 4
        for code in codes:
            assert client.get(code).status_code == 200
        none = client.get("/setup/qr/sheets.pdf", params={"village": "36"}, headers=admin)
        assert (none.status_code, "Tidak ada fasilitas di sana" in none.text) == (404, True)


def test_a_name_is_text_and_a_long_one_fits() -> None:
    names = ("#pagebreak() $x^2$ \\ *b* <a>", "Gerbang " + "panjang sekali " * 8)
    places = [
        Place(GLAGAH, "Kampung 'anyar\"", "Asia/Jakarta", f"g{n}", "gate", name, 0, 0) for n, name in enumerate(names)
    ]
    pdf = sheets_as_pdf(WORDS[Language.ID], places, "https://siaga.example.go.id", NOW)
    document = pypdfium2.PdfDocument(pdf)
    text = document[0].get_textpage().get_text_range()
    assert len(document) == 1
    document.close()
    assert "#pagebreak() $x^2$ \\ *b* <a>" in text
    assert scanned(pdf) == [form_address("https://siaga.example.go.id", place) for place in places]
