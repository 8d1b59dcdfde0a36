"""The pages for attestations: the list of visits, the form with and without JavaScript, four eyes, the scorecard."""

from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from api.attestations.book import Draft, make
from api.attestations.classes import Classes
from siaga.database import tables
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR
from tests.attestations.photos import jpeg
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOW, District
from tests.people.accounts import OWN, cookie_of, signed_in
from tests.wait import until

FORM = {"village": GLAGAH, "indicator": "playground", "met": "true", "draft": "c0ffee-0001", "date": "2026-03-01"}


def attested(district: District) -> list[Any]:
    with district.engine.connect() as connection:
        return list(connection.execute(tables.attestation.select().order_by(tables.attestation.c.number)).all())


def send(client: httpx.Client, said: dict[str, str], **headers: str) -> httpx.Response:
    """The form as a browser sends it, with a photo."""
    return client.post(
        "/attestations", data=said, files=[("photo", ("a.jpg", jpeg(), "image/jpeg"))], headers=OWN | headers
    )


def photos(district: District) -> list[Any]:
    with district.engine.connect() as connection:
        return list(connection.execute(tables.attestation_photo.select()).all())


@pytest.fixture
def served(district: District) -> Any:
    with district.served(None) as client:
        client.headers.update(OWN)
        client.cookies.set(*signed_in(district, Role.TECHNICIAN, "wahyu")["Cookie"].split("=", 1))
        yield client


def test_the_form_works_without_javascript_and_takes_it_once(district: District, served: httpx.Client) -> None:
    answers = [send(served, FORM) for _ in range(2)]
    assert [(answer.status_code, answer.headers["location"]) for answer in answers] == [(303, f"/attest/{GLAGAH}")] * 2
    (made,) = attested(district)
    assert (made.made_by, made.met, made.date, len(photos(district))) == ("wahyu", True, date(2026, 3, 1), 1)
    page = served.get(f"/attest/{GLAGAH}").text
    assert "Atestasi ini sudah diterima sebelumnya." in page
    assert f'data-attestation="{made.id}"' in page
    assert f'href="/api/v1/attestations/{made.id}/photos/1"' in page
    assert served.get(f"/api/v1/attestations/{made.id}/photos/1").headers["content-type"] == "image/jpeg"
    assert served.post(f"/attestations/{made.id}/withdraw").headers["location"] == f"/attest/{GLAGAH}"
    assert "ditarik wahyu" in served.get(f"/attest/{GLAGAH}").text


@pytest.mark.parametrize(
    "wrong", [{"date": "2027-01-01"}, {"indicator": "gate"}, {"indicator": "none"}, {"met": ""}, {"village": "35"}]
)
def test_what_is_none_comes_back_with_a_sentence(
    district: District, served: httpx.Client, wrong: dict[str, str]
) -> None:
    answer = send(served, FORM | wrong, Referer=f"{served.base_url}/attest/{GLAGAH}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/attest/{GLAGAH}")
    assert "Tidak diterima: " in served.get(f"/attest/{GLAGAH}").text
    assert attested(district) == []


def test_who_may_attest(district: District) -> None:
    with district.served(None) as client:
        client.headers.update(OWN)
        assert client.get(f"/attest/{GLAGAH}").headers["location"].startswith("/login?next=")
        assert send(client, FORM).status_code == 403
        viewer = signed_in(district, Role.VIEWER, "budi")
        assert client.get(f"/attest/{GLAGAH}", headers=viewer).status_code == 403
        assert send(client, FORM, **viewer).status_code == 403
        for address in ("/attest", "/scorecard"):
            assert client.get(address, headers=viewer).status_code == 200
        assert client.get("/attest/35.10.15.9999", headers=signed_in(district, Role.TECHNICIAN)).status_code == 404
    assert attested(district) == []


def test_a_second_person_confirms_on_the_page(district: District) -> None:
    district.attestation_review = True
    with district.served(None) as client:
        mine, other = signed_in(district, Role.TECHNICIAN, "wahyu"), signed_in(district, Role.TECHNICIAN, "dewi")
        send(client, FORM, **mine)
        (made,) = attested(district)
        button = f'action="/attestations/{made.id}/confirm"'
        here = f"/attest/{GLAGAH}"
        assert button not in client.get(here, headers=mine).text
        assert button in client.get(here, headers=other).text
        client.post(f"/attestations/{made.id}/confirm", headers=OWN | mine)
        assert attested(district)[0].confirmed_by is None
        client.post(f"/attestations/{made.id}/confirm", headers=OWN | other)
        assert attested(district)[0].confirmed_by == "dewi"
        assert "dikuatkan dewi" in client.get(here, headers=mine).text


def test_the_list_of_visits_by_sub_district(district: District, served: httpx.Client) -> None:
    make(district.engine, Draft(GLAGAH, "playground", True, date(2025, 10, 1)), "budi", NOW)
    page = served.get("/attest").text
    assert page.index("Kecamatan 35.10.15") < page.index("Kecamatan 35.10.16")
    assert 'data-indicator="playground" data-reason="expired"' in page
    assert 'data-indicator="trees" data-reason="missing"' in page
    assert 'data-indicator="gate" data-reason="unjudged"' in page
    licin = served.get("/attest?scope=35.10.16").text
    assert (GLAGAH in licin, LICIN in licin) == (False, True)
    wrong = served.get("/attest?scope=kota")
    assert (wrong.status_code, "Wilayah ini tidak dikenal" in wrong.text) == (422, True)


def test_the_scorecard_has_the_numbers_of_the_call(district: District, served: httpx.Client) -> None:
    district.link(GLAGAH, "online", NOW - DAY, last_alive=NOW)
    district.alternating(GLAGAH, "gerbang", NOW - 9 * DAY, (8 * DAY, MET, None), (DAY, FAILED, "gate_open"))
    make(district.engine, Draft(GLAGAH, "playground", True, date(2026, 3, 1)), "budi", NOW)
    district.scorecard_classes = Classes(11, 1)
    cards = served.get("/api/v1/scorecard?date=2026-03-02").json()["items"]
    page = served.get("/scorecard?date=2026-03-02").text
    lines = page.split("<tr data-village=")[1:]
    assert [line[1 : 1 + len(GLAGAH)] for line in lines] == [card["village"] for card in cards]
    for card, line in zip(cards, lines, strict=True):
        assert f"<td>{card['met']} dari 14</td>" in line
        told = [line.count(f'<td class="cell {verdict}"') for verdict in ("met", "missed", "unjudged")]
        assert told == [card[verdict] for verdict in ("met", "missed", "unjudged")]
    assert 'data-class="maju"' not in page, "off by default"
    one = served.get(f"/scorecard?scope={GLAGAH}&date=2026-03-02").text
    assert one.count("data-indicator=") == 14
    assert "atestasi, 1 Maret 2026, sampai sebelum 30 Mei 2026" in one
    assert served.get("/scorecard?scope=kota").status_code == 422
    assert served.get("/scorecard?date=2099-01-01").status_code == 422
    with district.served(None) as client:
        page = client.get("/scorecard?date=2026-03-02", headers=cookie_of(district, Role.TECHNICIAN, "wahyu")).text
        assert '<span data-class="berkembang"><b>1</b> berkembang</span>' in page


def test_the_scorecard_says_the_rule_of_the_complaints_box_beside_its_figures(district: District) -> None:
    district.answered_within = 7 * DAY
    with district.served(None) as client:
        mine, token = signed_in(district, Role.TECHNICIAN, "wahyu"), district.bearer(Role.TECHNICIAN)
        shut = {"facility": f"{GLAGAH}/gerbang", "problem": "gate_closed"}
        made = client.post("/api/v1/complaints", json=shut).json()["id"]
        district.clock.advance(2 * HOUR)
        client.post(f"/api/v1/complaints/{made}/close", json={"answer": "Kunci sudah diganti."}, headers=token)
        page = client.get(f"/scorecard?scope={GLAGAH}&date=2026-03-04", headers=mine).text
    line = page[page.index('data-indicator="complaints_box"') :]
    assert "pengaduan yang dijawab, 4 Maret 2026" in line
    assert "30 hari sampai tanggal itu: 1. Dijawab: 1. Terlama menunggu: 2 jam" in line
    assert "tidak ada yang menunggu lebih dari 7 hari. Bila ada atestasi" in line
    assert 'data-no="14"><span aria-label="terpenuhi" role="img">✓</span><small>b 04/03</small>' in page


def test_the_scorecard_says_of_which_day_and_whom_and_shows_nothing_for_a_day_to_come(
    district: District, served: httpx.Client
) -> None:
    make(district.engine, Draft(GLAGAH, "playground", True, date(2026, 3, 1)), "budi", NOW)
    page = served.get("/scorecard").text
    assert "<b>3 Maret 2026</b> (kemarin) · semua desa" in page
    assert "<small>a 01/03</small>" in page, "the evidence and its date stand in the cell"
    assert "<b>2 Maret 2026</b> · " in served.get("/scorecard?date=2026-03-02").text
    to_come = served.get("/scorecard?date=2027-01-01")
    assert (to_come.status_code, "data-village" in to_come.text) == (422, False)


def test_on_a_phone_each_sign_has_its_indicator_s_number(district: District, browser: Browser) -> None:
    with district.served(None) as client:
        phone, page = opened(browser, district, client)
        page.goto(f"{client.base_url}/scorecard")
        cells = page.locator("tbody tr").first.locator("td.cell")
        shown = cells.evaluate_all("cells => cells.map(cell => getComputedStyle(cell, '::before').content)")
        assert shown == [f'"{number}"' for number in range(1, 15)]
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        phone.close()


def opened(browser: Browser, district: District, client: httpx.Client, **context: Any) -> tuple[BrowserContext, Page]:
    """The page of Glagah on the phone of the technician Wahyu."""
    return opened_by(browser, district, client, "wahyu", **context)


def opened_by(
    browser: Browser, district: District, client: httpx.Client, name: str, **context: Any
) -> tuple[BrowserContext, Page]:
    """The page of Glagah on a technician's phone."""
    phone = browser.new_context(viewport={"width": 360, "height": 640}, locale="id-ID", **context)
    cookie, _, value = signed_in(district, Role.TECHNICIAN, name)["Cookie"].partition("=")
    phone.add_cookies([{"name": cookie, "value": value, "url": str(client.base_url)}])
    page = phone.new_page()
    page.goto(f"{client.base_url}/attest/{GLAGAH}")
    return phone, page


def fill(page: Page, photo: Path) -> None:
    page.select_option("select[name=indicator]", "trees")
    page.check("input[name=met][value=false]")
    page.fill("textarea", "Pohon ditebang")
    page.set_input_files("input[data-source=camera]", photo)
    page.locator(".ready", has_text="1 foto siap").wait_for()


def test_a_draft_is_kept_offline_and_sent_once(district: District, browser: Browser, tmp_path: Path) -> None:
    """Offline it is saved with its photo; the page is closed and opened again, online: it goes, shrunk, and once."""
    photo = tmp_path / "taman.jpg"
    photo.write_bytes(jpeg(2400, 1200))
    with district.served(None) as client:
        phone, page = opened(browser, district, client)
        fill(page, photo)
        page.reload()
        page.locator(".ready", has_text="1 foto siap").wait_for()
        assert page.input_value("textarea") == "Pohon ditebang", "what is not finished is kept, too"
        phone.set_offline(True)
        page.click("#attest button.main")
        page.wait_for_selector("#waiting li")
        assert attested(district) == []
        page.close()
        second = phone.new_page()
        phone.set_offline(False)
        second.goto(f"{client.base_url}/attest/{GLAGAH}")
        until(lambda: len(attested(district)) == 1)
        second.wait_for_selector("#waiting", state="hidden")
        (made,), (kept,) = attested(district), photos(district)
        assert (made.indicator, made.met, made.note, made.made_by) == ("trees", False, "Pohon ditebang", "wahyu")
        assert (kept.width, kept.height, kept.source) == (1600, 800, "camera")
        assert made.device_time is not None
        phone.close()


def test_an_answer_that_was_lost_leaves_one_attestation(district: District, browser: Browser, tmp_path: Path) -> None:
    """The server took it, and the phone was never told: it sends again, and it is stored once."""
    photo = tmp_path / "taman.jpg"
    photo.write_bytes(jpeg(64, 48))
    with district.served(None) as client:
        phone, page = opened(browser, district, client)
        lost: list[int] = []

        def lose_the_first(route: Any) -> None:
            if lost:
                route.continue_()
                return
            lost.append(route.fetch().status)
            route.abort()

        page.route("**/api/v1/attestations", lose_the_first)
        fill(page, photo)
        with page.expect_event("requestfailed"):
            page.click("#attest button.main")
        assert lost == [201]
        page.wait_for_selector("#waiting li")
        page.evaluate("window.dispatchEvent(new Event('online'))")
        page.wait_for_selector("#waiting", state="hidden")
        assert len(attested(district)) == 1
        phone.close()


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def test_a_photo_that_is_refused_is_said_in_the_reader_s_language(
    district: District, browser: Browser, served: httpx.Client
) -> None:
    headers = OWN | {"Referer": f"{served.base_url}/attest/{GLAGAH}"}
    served.post("/attestations", data=FORM, files=[("photo", ("a.jpg", SVG, "image/jpeg"))], headers=headers)
    page = served.get(f"/attest/{GLAGAH}").text
    assert "Tidak diterima: foto 1: berkas ini SVG: kirim JPEG, PNG, atau WebP" in page
    with district.served(None) as client:
        phone, page_ = opened_by(browser, district, client, "joko")
        fill_playground(page_, SVG)
        page_.click("button.main")
        page_.wait_for_selector("#waiting li small")
        assert "foto 1: berkas ini SVG: kirim JPEG, PNG, atau WebP" in page_.inner_text("#waiting li small")
        assert not page_.locator("#waiting > p").is_visible(), "it does not go by itself"
        assert page_.inner_text("#attest .said") == ""
        phone.close()


def test_what_was_sent_stands_among_the_last_ones_at_once(district: District, browser: Browser) -> None:
    with district.served(None) as client:
        phone, page = opened(browser, district, client)
        assert page.locator("#recent [data-attestation]").count() == 0
        assert "belum pernah dilihat" in page.inner_text("select[name=indicator] option[value=playground]")
        fill_playground(page, jpeg())
        page.click("button.main")
        page.wait_for_selector("#recent [data-attestation]")
        assert "belum pernah dilihat" not in page.inner_text("select[name=indicator] option[value=playground]")
        phone.close()


def fill_playground(page: Page, photo: bytes) -> None:
    """Fill the form of the playground with one photo from a file."""
    page.select_option("select[name=indicator]", "playground")
    page.check("input[name=met][value=true]")
    page.set_input_files("input[data-source=file]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo})
    until(lambda: page.inner_text("#attest .ready") != "", what="the photo is ready")
