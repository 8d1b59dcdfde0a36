"""The whole way of a complaint: a phone scans the printed sheet, a technician answers, the citizen reads it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pypdfium2  # type: ignore[import-untyped]  # it has no types
import pytest
import zxingcpp
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from api.complaints.sheets import form_address, sheets_as_pdf
from api.queries.complaints import Place
from api.words import WORDS, Language
from siaga.database import tables
from siaga.model.caller import Role
from siaga.model.clock import DAY, SECOND
from tests.attestations.photos import jpeg
from tests.http.district import GLAGAH, MET, NOW, District
from tests.people.accounts import signed_in

GATE = f"{GLAGAH}/gerbang"


BROKEN_WORDS = """
    [...document.querySelectorAll(".problem span")].flatMap((span) => {
        const text = span.firstChild, range = document.createRange();
        return [...text.data.matchAll(/\\S+/g)].filter((word) => {
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            return new Set([...range.getClientRects()].map((one) => one.top)).size > 1;
        }).map((word) => word[0]);
    })
"""
"""The words of the problems that stand on more than one line."""


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
        assert not scripts or phone.evaluate(BROKEN_WORDS) == []
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


@contextmanager
def form_on_a_phone(browser: Browser, client: httpx.Client) -> Iterator[Page]:
    """The form as a citizen has filled it in, on a clock of the test."""
    context = browser.new_context(locale="id-ID", base_url=str(client.base_url))
    phone = context.new_page()
    phone.clock.install(time=0)
    phone.goto(f"/lapor/{GATE}")
    phone.clock.pause_at(3_600_000)
    phone.get_by_text("Gerbang tertutup").click()
    phone.get_by_label("Catatan").fill("Tutup sejak pagi")
    yield phone
    context.close()


def complaints(district: District) -> list[str]:
    """The notes of all that were stored."""
    with district.engine.connect() as connection:
        return list(connection.execute(select(tables.complaint.c.note)).scalars())


def test_on_a_bad_link_it_is_sent_until_it_is_answered_and_stored_once(
    district: District, browser: Browser, tmp_path: Path
) -> None:
    photo = tmp_path / "gerbang.jpg"
    photo.write_bytes(jpeg(2400, 1800))
    with district.served(None) as client, form_on_a_phone(browser, client) as phone:
        phone.get_by_label("Foto").set_input_files(photo)
        district.clock.advance(10 * SECOND)
        sent: list[int] = []

        def bad_link(route: Any) -> None:
            sent.append(route.fetch().status if not sent else 0)
            if len(sent) == 1:
                route.abort()  # it was taken, and the phone never heard of it
            elif len(sent) < 5:
                route.fulfill(status=(503, 502, 504)[len(sent) - 2], headers={"Retry-After": "50"}, body="later")
            else:
                route.continue_()

        phone.route(re.compile(r"/complaints\?"), bad_link)
        phone.get_by_role("button", name="Kirim").click()
        for number, pause in enumerate((5, 50, 50, 50), start=1):
            phone.get_by_text("Belum terkirim").wait_for()  # it counts from here
            phone.locator(".said").evaluate("node => { node.textContent = '' }")
            phone.clock.run_for((pause - 1) * SECOND)
            assert len(sent) == number
            with phone.expect_request(re.compile(r"/complaints\?")):
                phone.clock.run_for(SECOND)
        phone.wait_for_url("**/lapor/*")
        assert len(sent) == 5
        assert complaints(district) == ["Tutup sejak pagi"]


def test_what_is_refused_is_said_and_what_was_typed_stays(district: District, browser: Browser, tmp_path: Path) -> None:
    """The page stood open for a day, and the photo is no photo: each is said, and the form goes again."""
    photo = tmp_path / "gerbang.jpg"
    photo.write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    with district.served(None) as client, form_on_a_phone(browser, client) as phone:
        phone.get_by_label("Foto").set_input_files(photo)
        for wait, why in ((2 * DAY, "terlalu lama terbuka"), (10 * SECOND, "Foto itu tidak dapat dibaca")):
            district.clock.advance(wait)
            phone.get_by_role("button", name="Kirim").click()
            phone.get_by_role("alert").get_by_text(why).wait_for()
            assert phone.get_by_label("Catatan").input_value() == "Tutup sejak pagi"
            assert phone.get_by_label("Gerbang tertutup").is_checked()
        phone.get_by_label("Foto").set_input_files([])
        phone.get_by_role("button", name="Kirim").click()
        phone.wait_for_url("**/lapor/*")
        assert complaints(district) == ["Tutup sejak pagi"]


def test_a_photo_is_made_smaller_and_stands_on_white(district: District, browser: Browser) -> None:
    with district.served(None) as client, form_on_a_phone(browser, client) as phone:
        found = phone.evaluate(
            """async () => {
                const canvas = document.createElement("canvas");
                [canvas.width, canvas.height] = [2000, 1000];
                canvas.getContext("2d");
                const clear = await new Promise((done) => canvas.toBlob(done, "image/png"));
                const made = await siagaShrink(clear);
                const picture = await createImageBitmap(made);
                const pen = canvas.getContext("2d");
                pen.drawImage(picture, 0, 0);
                const no = new File(["<svg/>"], "a.jpg");
                const pixel = [...pen.getImageData(9, 9, 1, 1).data];
                return [made.type, picture.width, picture.height, pixel, (await siagaShrink(no)) === no];
            }"""
        )
        assert found == ["image/jpeg", 1600, 800, [255, 255, 255, 255], True]


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


def test_the_text_for_elsewhere_is_copied_by_a_button(district: District, browser: Browser) -> None:
    technician = signed_in(district, Role.TECHNICIAN, "wahyu")
    with district.served(None) as client:
        client.post("/api/v1/complaints", json={"facility": GATE, "problem": "other", "note": "Lampu jalan mati"})
        context = browser.new_context(locale="id-ID", base_url=str(client.base_url))
        cookie = {"name": "siaga", "value": technician["Cookie"].partition("=")[2], "url": str(client.base_url)}
        context.add_cookies([cookie])  # type: ignore[list-item] # playwright's own type of a dict
        desk = context.new_page()
        desk.goto("/complaints")
        desk.get_by_text("Bukan urusan fasilitas ini?").click()
        desk.get_by_role("button", name="Salin").click()
        desk.get_by_role("button", name="Sudah disalin").wait_for()
        chosen = "[getSelection().toString(), document.activeElement.value]"
        assert any("Lampu jalan mati" in text for text in desk.evaluate(chosen))
        context.close()


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
