"""`/lapor/…` for citizens, `/complaints` for technicians: without JavaScript, in two languages."""

import re
import socket
from contextlib import ExitStack
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from api.complaints.problems import PROBLEMS
from api.complaints.rules import Way
from api.http import photo_body
from api.http.complaint_desk import MOST_ATTEMPTS, MOST_SENDERS, Attempts, ComplaintDesk
from api.http.problems import Refused
from api.web import complaints as complaints_page
from api.words import read_added
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR, SECOND
from siaga.model.scope import EVERYWHERE, Scopes
from tests.attestations.photos import jpeg
from tests.complaints.robot import Caller, multipart, storm
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOW, District
from tests.people.accounts import OWN, account, cookie_of

GATE = f"{GLAGAH}/gerbang"
FORM = f"/lapor/{GATE}"
ACTION = re.compile(r'action="(/complaints\?[^"]+)"')


def filled_in(district: District, client: httpx.Client, path: str = FORM) -> str:
    """Open the form, and take a person's time; answers where it is sent."""
    page = client.get(path)
    assert page.status_code == 200, page.text
    district.clock.advance(10 * SECOND)
    found = ACTION.search(page.text)
    assert found is not None
    return found[1].replace("&amp;", "&")


def test_a_citizen_fills_in_the_form_and_follows_it(district: District) -> None:
    with district.served(None) as client:
        client.headers.update(OWN)
        sent_to = filled_in(district, client)
        fields = {"problem": "gate_closed", "note": "Tutup <b>sejak</b> pagi"}
        taken = send(client, sent_to, fields, jpeg())
        assert (taken.status_code, taken.headers["Location"][:7]) == (303, "/lapor/")
        again = send(client, sent_to, fields, jpeg())
        assert again.headers["Location"] == taken.headers["Location"], "sent again it is the same"
        page = client.get(taken.headers["Location"])
        assert 'data-state="new"' in page.text
        assert "sejak" not in page.text, "who finds the number reads state and answer alone"
        assert client.get("/lapor/none").status_code == 404
        assert client.get(f"/lapor/{GLAGAH}/none").status_code == 404


def send(client: httpx.Client, path: str, fields: dict[str, str], photo: bytes | None = None) -> httpx.Response:
    """Send the form as a browser does; by default without a photo."""
    parts: list[tuple[str, tuple[str | None, str | bytes]]] = [(name, (None, value)) for name, value in fields.items()]
    if photo is not None:
        parts.append(("photo", ("a.jpg", photo)))
    return client.post(path, files=parts)


@pytest.mark.parametrize(
    ("wait", "fields", "status", "sentence"),
    [
        (10 * SECOND, {"note": "x"}, 422, "Pilih salah satu masalah"),
        (10 * SECOND, {"problem": "toilet_dirty"}, 422, "Pilih salah satu masalah"),
        (10 * SECOND, {"problem": "gate_closed", "note": "x" * 2001}, 422, "paling panjang 2.000 huruf"),
        (SECOND, {"problem": "gate_closed"}, 429, "Terlalu cepat"),
        (25 * HOUR, {"problem": "gate_closed"}, 422, "terlalu lama terbuka"),
    ],
)
def test_what_is_wrong_is_said_on_the_form(
    district: District, wait: int, fields: dict[str, str], status: int, sentence: str
) -> None:
    with district.served(None) as client:
        client.headers.update(OWN)
        sent_to = filled_in(district, client)
        district.clock.advance(wait - 10 * SECOND)
        answer = send(client, sent_to, fields)
        assert (answer.status_code, sentence in answer.text) == (status, True), answer.text
        assert ACTION.search(answer.text) is not None
        for name in ("toilet_dirty", "gate_closed"):
            checked = f'value="{name}" required checked' in answer.text
            assert checked == (name == fields.get("problem") == "gate_closed" and wait < HOUR)


def test_a_form_is_of_our_own_page_its_facility_and_its_photo_is_one(district: District) -> None:
    with district.served(None) as client:
        sent_to = filled_in(district, client)
        assert client.post(sent_to, data={"problem": "other"}).status_code == 403, "no page of ours"
        client.headers.update(OWN)
        bad = send(client, sent_to, {"problem": "other"}, b"<svg/>")
        assert (bad.status_code, "Foto itu tidak dapat dibaca" in bad.text) == (422, True)
        moved = sent_to.replace("gerbang", "wifi-balai")
        assert send(client, moved, {"problem": "other"}).status_code == 422


def test_the_form_is_small_and_speaks_both_languages(district: District) -> None:
    """Under 20 kB with its style and script, also where nothing is packed."""
    with district.served(None) as client:
        page = client.get(f"/lapor/{GLAGAH}/wifi-balai")
        files = re.findall(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"', page.text)
        assert len(page.content) + sum(len(client.get(path).content) for path in files) < 20_000
        english = client.get(page.url.path, params={"lang": "en"}).text
        assert "&amp;lang=en" in ACTION.search(english)[1]  # type: ignore[index] # there is one
        for language, sentence in (("id", "Wi-Fi minta kata sandi"), ("en", "Wi-Fi asks for a password")):
            assert sentence in client.get(page.url.path, params={"lang": language}).text
        assert page.text.count('type="radio"') == len(PROBLEMS["free_wifi"])


def test_addresses_are_counted_within_a_bound() -> None:
    attempts = Attempts(most=2, within=100, addresses=1_000)
    assert [attempts.wait("a", 0), attempts.wait("a", 1), attempts.wait("a", 40)] == [0, 0, 60]
    assert [attempts.wait("a", 100), attempts.wait("a", 101), attempts.wait("a", 102)] == [0, 0, 98]
    assert {attempts.wait(str(n), 103) for n in range(10_000)} == {0}
    assert attempts.wait("a", 104) == 0, "it made room for others"


def test_an_attempt_that_is_to_be_sent_again_does_not_count() -> None:
    attempts = Attempts(most=1, within=100)
    attempts.take_back("a")
    assert attempts.wait("a", 0) == 0
    attempts.take_back("a")
    assert [attempts.wait("a", 1), attempts.wait("a", 2)] == [0, 98]


def test_who_sends_slowly_keeps_two_places_and_no_more(district: District) -> None:
    async def come() -> None:
        desk = ComplaintDesk(district.engine, district.clock, anyio.CapacityLimiter(1))
        with desk.place(Way.FORM, "10.0.0.1"), desk.place(Way.FORM, "10.0.0.1"):
            for _ in range(2 * MOST_ATTEMPTS):
                with (
                    pytest.raises(Refused, match="2 complaints of your address at once") as few,
                    desk.place(Way.FORM, "10.0.0.1"),
                ):
                    pass
                assert (few.value.status, few.value.headers["Retry-After"]) == (503, "20")
            with desk.place(Way.FORM, "10.0.0.2"), desk.place(Way.CALL, "10.0.0.1"):
                pass
        with desk.place(Way.FORM, "10.0.0.1"):
            pass
        with ExitStack() as robots:
            for n in range(MOST_SENDERS):
                robots.enter_context(desk.place(Way.CALL, f"10.1.0.{n}"))
            with desk.place(Way.FORM, "10.0.0.1"):
                pass
            for _ in range(2 * MOST_ATTEMPTS):  # who is told to come again is not locked out by doing so
                with pytest.raises(Refused) as refused, desk.place(Way.CALL, "10.0.0.9"):
                    pass
                assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "20")
        with desk.place(Way.CALL, "10.0.0.9"):
            pass

    with start_blocking_portal() as portal:  # in a thread of its own: a browser's loop may run in this one
        portal.call(come)


@pytest.mark.parametrize("is_old", [False, True], ids=["taken", "refused unread"])
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json"])
def test_a_body_that_trickles_in_keeps_no_place(
    district: District, monkeypatch: pytest.MonkeyPatch, kind: str, is_old: bool
) -> None:
    monkeypatch.setattr(photo_body, "BODY_WITHIN", 0.05)
    with district.served(None) as client:
        path = filled_in(district, client)
        if is_old:
            district.clock.advance(DAY)
        at = client.base_url
        with socket.create_connection((at.host, at.port), timeout=30) as line:
            head = f"POST {path} HTTP/1.1\r\nHost: {at.host}:{at.port}\r\nOrigin: {str(at).rstrip('/')}\r\n"
            line.sendall(f"{head}Content-Type: {kind}\r\nContent-Length: 900\r\n\r\n--x\r\n".encode())
            answer = line.makefile("rb").readline().decode().split()
        assert answer[1] == ("422" if is_old else "408")


def test_a_photo_that_is_too_large_is_answered_although_it_is_sent_to_its_end(district: District) -> None:
    """A browser sends all of it before it reads; closed over what it sends, a connection loses the answer."""
    with district.served(None) as client:
        phone = Caller(str(client.base_url), "10.1.1.1")
        action = phone.form(GATE)
        district.clock.advance(10 * SECOND)
        status, page = phone.call("POST", action, *multipart({"problem": "gate_closed"}, bytes(10 << 20)))
        assert (status, "Foto itu terlalu besar" in page) == (413, True)


def test_a_form_that_is_too_old_is_answered_also_with_a_photo(district: District) -> None:
    with district.served(None) as client:
        client.headers.update(OWN)
        sent_to = filled_in(district, client)
        district.clock.advance(DAY)
        for path in (sent_to, "/complaints?facility=x&stamp=y"):
            answer = send(client, path, {"problem": "gate_closed"}, b"\xff" * 8_000_000)
            assert answer.status_code in (404, 422)


def test_a_form_that_came_too_soon_comes_back_with_what_was_typed(district: District) -> None:
    with district.served(None) as client:
        client.headers.update(OWN)
        sent_to = filled_in(district, client)
        district.clock.advance(-9 * SECOND)
        answer = send(client, sent_to, {"problem": "gate_broken", "note": "Engsel lepas"})
        assert (answer.status_code, "Terlalu cepat" in answer.text) == (429, True)
        assert "Engsel lepas</textarea>" in answer.text
        assert 'value="gate_broken" required checked' in answer.text
        assert f'name="back" value="{FORM}"' in answer.text, "the language is changed on the form"


def test_a_form_of_yesterday_is_taken_after_midnight(district: District) -> None:
    district.clock.advance(-(NOW % DAY) + DAY - 60 * SECOND)
    with district.served(None) as client:
        client.headers.update(OWN)
        sent_to = filled_in(district, client)
        district.clock.advance(110 * SECOND)
        assert send(client, sent_to, {"problem": "gate_closed"}).status_code == 303


def test_a_robot_with_calls_takes_nothing_from_the_form(district: District) -> None:
    with district.served(None) as client:
        client.headers.update(OWN)
        sent_to = filled_in(district, client)
        for n in range(70):
            client.post("/api/v1/complaints", json={"facility": GATE, "problem": "other", "note": str(n)})
            client.post("/complaints", params={"facility": GATE, "stamp": str(n)}, data={"problem": "other"})
        assert send(client, sent_to, {"problem": "other", "name": "Budi"}).status_code == 422
        answer = send(client, sent_to, {"problem": "gate_closed"})
        assert answer.status_code == 303


def after(client: httpx.Client, done: httpx.Response, who: dict[str, str]) -> str:
    """The page to which a form leads, with its notice."""
    cookie = f"{who['Cookie']}; siaga_notice={done.cookies['siaga_notice']}"
    return client.get(done.headers["Location"], headers={"Cookie": cookie}).text


def test_a_technician_sees_it_beside_the_sensors_and_answers(both: District) -> None:
    both.alternating(GLAGAH, "gerbang", NOW - DAY, (2 * DAY, MET, None))
    both.alternating(GLAGAH, "wifi-balai", NOW - DAY, (2 * DAY, FAILED, "internet"))
    account(both, "wahyu", Role.TECHNICIAN, EVERYWHERE)
    account(both, "licin", Role.TECHNICIAN, Scopes.of([LICIN]))
    with both.served(None) as client:
        client.headers.update(OWN)
        for facility, problem in (("gerbang", "gate_closed"), ("wifi-balai", "other")):
            said = {"facility": f"{GLAGAH}/{facility}", "problem": problem, "note": f"<i>{facility}</i>"}
            assert client.post("/api/v1/complaints", json=said).status_code == 201
        wahyu, licin = cookie_of(both, Role.TECHNICIAN, "wahyu"), cookie_of(both, Role.TECHNICIAN, "licin")
        page = client.get("/complaints", headers=wahyu).text
        found = re.findall(r'data-complaint="(\w+)" data-state="new" data-facility="[^"]+"( data-contradicts)?', page)
        assert [bool(contradicts) for _, contradicts in found] == [True, False], "what contradicts stands first"
        assert "Kata sensor saat itu: terpenuhi" in page
        assert "&lt;i&gt;gerbang&lt;/i&gt;" in page
        assert "data-complaint" not in client.get("/complaints", headers=licin).text
        gate = found[0][0]
        alert = both.raise_alert(1, kind=Kind.SENSOR_DOUBTED, evidence={"complaints": 3})
        for path in (f"/facilities/{GATE}", f"/alerts/{alert}"):
            beside = client.get(path, headers=wahyu).text
            assert re.findall(r'data-complaint="(\w+)"', beside) == [gate], path
            assert "Bertentangan dengan sensor" in beside
        for verb, answer, says in (
            ("seen", "", "Ditandai sudah dilihat."),
            ("close", " ", "Tulis jawaban untuk warga"),
            ("close", "Sudah dibuka.", "warga membaca jawabannya"),
            ("reject", "", "sudah selesai atau ditolak"),
        ):
            path = f"/complaints/{gate}/{verb}"
            assert client.post(path, data={"answer": answer}, headers=licin).status_code == 404
            done = client.post(path, data={"answer": answer}, headers=wahyu)
            assert (done.status_code, done.headers["Location"]) == (303, "/complaints")
            assert says in after(client, done, wahyu)
        assert "Sudah dibuka." in client.get(f"/lapor/{gate}").text
        assert "1 pengaduan dalam 30 hari, 1 bertentangan" in client.get(f"/facilities/{GATE}", headers=wahyu).text
        assert gate not in client.get("/complaints", headers=wahyu).text
        assert gate in client.get("/complaints", params={"state": "closed"}, headers=wahyu).text
        assert client.get("/complaints", params={"village": "x"}, headers=wahyu).status_code == 422


def test_a_village_is_quietened_for_a_while(district: District) -> None:
    account(district, "wahyu", Role.TECHNICIAN, Scopes.of([GLAGAH]))
    said = {"facility": GATE, "problem": "gate_closed"}
    with district.served(None) as client:
        client.headers.update(OWN)
        wahyu = cookie_of(district, Role.TECHNICIAN, "wahyu")

        def pause(village: str, length: str) -> str:
            done = client.post("/complaints/quiet", data={"village": village, "length": length}, headers=wahyu)
            return after(client, done, wahyu)

        assert "di luar wilayah Anda" in pause(LICIN, "day")
        sent_to = filled_in(district, client)
        assert 'id="quieted"' not in client.get("/complaints", headers=wahyu).text
        assert "dijeda" in pause(GLAGAH, "day")
        assert "Kampunganyar: tidak menerima pengaduan sampai" in client.get("/complaints", headers=wahyu).text
        form = client.get(FORM).text
        assert "untuk sementara tidak menerima laporan" in form
        assert ACTION.search(form) is None, "nobody fills in what is not taken"
        district.clock.advance(10 * SECOND)
        refused = client.post("/api/v1/complaints", json=said)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "86390")
        page = send(client, sent_to, said)
        assert (page.status_code, "untuk sementara tidak menerima laporan" in page.text) == (429, True)
        other = {"facility": f"{LICIN}/lampu", "problem": "lamp_off"}
        assert client.post("/api/v1/complaints", json=other).status_code == 201
        assert "diterima lagi" in pause(GLAGAH, "end")
        assert 'id="quieted"' not in client.get("/complaints", headers=wahyu).text
        assert client.post("/api/v1/complaints", json=said).status_code == 201


def test_lines_end_as_everywhere_whatever_a_browser_sends(district: District) -> None:
    """A form of a browser sends CR LF, and its `maxlength` counts one character."""
    account(district, "wahyu", Role.TECHNICIAN)
    whole = "x\r\n" * 1_000
    with district.served(None) as client:
        client.headers.update(OWN)
        wahyu = cookie_of(district, Role.TECHNICIAN, "wahyu")
        made = send(client, filled_in(district, client), {"problem": "gate_closed", "note": whole}).headers["Location"]
        token = district.bearer(Role.TECHNICIAN)
        here = f"/api/v1/complaints/{made.removeprefix('/lapor/')}"
        assert client.get(here, headers=token).json()["note"] == "x\n" * 999 + "x"
        act = made.replace("/lapor/", "/complaints/")
        long = client.post(f"{act}/close", data={"answer": whole + "y"}, headers=wahyu)
        assert "paling panjang 2.000 huruf" in after(client, long, wahyu)
        client.post(f"{act}/close", data={"answer": whole}, headers=wahyu)
        assert client.get(here, headers=token).json()["answer"] == "x\n" * 999 + "x"


def test_the_list_goes_on_after_its_last_one(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complaints_page, "_MOST", 2)
    account(district, "wahyu", Role.TECHNICIAN)
    district.alternating(GLAGAH, "gerbang", NOW - DAY, (DAY + 2 * HOUR, MET, None), (DAY, FAILED, "gate_open"))
    with district.served(None) as client:
        wahyu = cookie_of(district, Role.TECHNICIAN, "wahyu")
        made = []
        for hour in range(5):  # the first two contradict the sensors
            said = {"facility": GATE, "problem": "gate_closed", "note": str(hour)}
            made.append(client.post("/api/v1/complaints", json=said).json()["id"])
            district.clock.advance(HOUR)
        address, pages = "/complaints?village=35.10&state=new", []
        while address:
            page = client.get(address, headers=wahyu).text
            pages.append(re.findall(r'data-complaint="(\w+)"', page))
            more = re.search(r'href="(/complaints\?after=[^"]+)"', page)
            address = more[1].replace("&amp;", "&") if more else ""
        assert pages == [[made[1], made[0]], [made[4], made[3]], [made[2]]]
        for other in ("x", "with-x", f"with-{10**20}"):
            found = client.get("/complaints", params={"after": other}, headers=wahyu)
            assert made[1] in found.text, "any other word begins at the first one"


def test_what_belongs_elsewhere_is_there_to_copy(district: District) -> None:
    account(district, "wahyu", Role.TECHNICIAN)
    said = {"facility": GATE, "problem": "other", "note": "Lampu jalan </textarea> mati"}
    with district.served(None) as client:
        made = client.post("/api/v1/complaints", json=said).json()["id"]
        wahyu = cookie_of(district, Role.TECHNICIAN, "wahyu")
        for path in ("/complaints", f"/facilities/{GATE}"):
            page = client.get(path, headers=wahyu).text
            [text] = re.findall(r"<textarea[^>]* data-copy=[^>]*>(.*?)</textarea>", page, re.DOTALL)
            assert text.startswith("Masalah lain\nGerbang kantor desa, Kampunganyar, 4 Maret 2026, 12.00\n")
            assert text.endswith("\nLampu jalan &lt;/textarea&gt; mati")
            assert re.search(r"/static/copy[^\"]*js", page)
        client.post(f"/complaints/{made}/reject", headers=OWN | wahyu)
        assert "data-copy" not in client.get("/complaints?state=all", headers=wahyu).text


def test_a_district_adds_the_language_of_the_guide_to_the_form(district: District, tmp_path: Path) -> None:
    """The guide's own catalogue, in a folder as the guide says."""
    guide = (Path(__file__).parents[2] / "docs" / "complaints.md").read_text()
    [catalogue] = re.findall(r"```po\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "jv.po").write_text(catalogue + '\nmsgid "complaint_note"\nmsgstr "<b>Cathetan</b>"\n')
    district.form_languages = read_added(tmp_path)
    with district.served(None) as client:
        client.headers.update(OWN)
        plain = client.get(FORM).text
        assert "Apa yang tidak beres di" in plain
        assert f'<a href="{FORM}?lang=jv" lang="jv" hreflang="jv">Basa Jawa</a>' in plain
        page = client.get(f"{FORM}?lang=jv")
        assert page.headers["Content-Language"] == "jv"
        assert '<html lang="jv"' in page.text
        for said in ("Apa sing ora beres ing Gerbang kantor desa, Kampunganyar?", "Gapurane tutup", "Kirimna"):
            assert said in page.text
        assert "&lt;b&gt;Cathetan&lt;/b&gt;" in page.text
        assert "<b>Cathetan" not in page.text
        assert "Gerbang rusak" in page.text, "what it lacks is said in Indonesian"
        assert "Gapurane" in client.get(FORM, headers={"Accept-Language": "jv-ID, id;q=0.8"}).text
        assert "What is wrong" in client.get(f"{FORM}?lang=en", headers={"Accept-Language": "jv"}).text
        sent_to = filled_in(district, client, f"{FORM}?lang=jv")
        refused = send(client, sent_to, {"note": "x"})
        assert refused.status_code == 422
        assert "Gapurane" in refused.text
        assert f'href="{FORM}?lang=jv" lang="jv" hreflang="jv" aria-current' in refused.text
        followed = send(client, sent_to, {"problem": "gate_closed"}).headers["Location"]
        assert followed.endswith("?lang=jv")
        assert '<html lang="jv"' in client.get(followed).text
        assert client.get("/login?lang=jv").headers["Content-Language"] == "id", "it is for citizens"
    district.form_languages = {}
    with district.served(None) as client:
        assert "hreflang" not in client.get(f"{FORM}?lang=jv").text


def test_a_robot_of_all_ways_changes_nothing_for_people_who_come_meanwhile(district: District) -> None:
    """`python -m tests.complaints.robot` does the same with 10,000 posts."""
    with district.served(None) as client:
        found = storm(str(client.base_url), GATE, 250, 3, lambda: district.clock.advance(10 * SECOND))
        notes = [
            one["note"]
            for one in client.get("/api/v1/complaints?limit=1000", headers=district.bearer(Role.VIEWER)).json()["items"]
        ]
    assert [person.status for person in found.people] == [303] * 3
    assert [f"dari 10.9.{n}.1" in notes for n in range(3)] == [True] * 3
    assert max(person.sent for person in found.people) < 20, "they wait for their own photo, and for no robot"
    assert found.robot.total() == 250
    assert found.robot.keys() <= {201, 303, 422, 429, 503}
    assert len(notes) - 3 <= 20, "of one address ten an hour by the form, and ten by calls"
