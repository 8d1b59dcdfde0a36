"""`/attestations`: made, shown, withdrawn; photos; what is refused; sent again; on both databases."""

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from api.attestations import book
from api.attestations.pictures import encode_anew
from api.http import attestation_body
from api.queries import attestations as read
from siaga.database import tables, writing
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR
from siaga.model.scope import Scopes
from tests.attestations.photos import as_file, jpeg, picture
from tests.http.district import GLAGAH, LICIN, NOW, District, names, villages

URL = "/api/v1/attestations"
SAID = {"village": GLAGAH, "indicator": "playground", "met": True}


def attest(client: httpx.Client, **said: object) -> dict[str, Any]:
    answer = client.post(URL, json=SAID | said)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{URL}/{found['id']}"
    return found


def send(client: httpx.Client, *photos: bytes, **said: object) -> httpx.Response:
    """The same as a form."""
    texts = {name: "true" if value is True else str(value) for name, value in (SAID | said).items()}
    files = [("photo", (f"{n}.jpg", photo, "image/jpeg")) for n, photo in enumerate(photos)]
    return client.post(URL, data=texts, files=files)


def rows(district: District) -> list[int]:
    with district.engine.connect() as connection:
        found = [connection.execute(table.select()).all() for table in (tables.attestation, tables.attestation_photo)]
    return [len(each) for each in found]


def test_what_was_seen_is_kept_shown_and_withdrawn(both: District) -> None:
    with both.served() as client:
        found = attest(client, date="2026-03-01", note="Ayunan baru", device_time="2026-03-04T11:58:00+07:00",
                       lat=-8.1891, lon=114.30)  # fmt: skip
        assert found == {
            "id": found["id"],
            "village": GLAGAH,
            "indicator": "playground",
            "met": True,
            "date": "2026-03-01",
            "expires": "2026-05-30",
            "note": "Ayunan baru",
            "by": "admin-budi",
            "created_at": "2026-03-04T05:00:00Z",
            "device_time": "2026-03-04T04:58:00Z",
            "distance_m": 100,
            "photos": [],
            "withdrawn_at": None,
            "withdrawn_by": None,
            "needs_review": False,
            "confirmed_at": None,
            "confirmed_by": None,
        }
        here = f"{URL}/{found['id']}"
        assert client.get(here).json() == found
        assert client.get(URL).json() == {"items": [found], "next": None}
        both.clock.advance(HOUR)
        assert client.delete(here, headers=both.bearer(Role.TECHNICIAN)).status_code == 204
        both.clock.advance(HOUR)
        assert client.delete(here).status_code == 204  # it is: who was first stays
        gone = found | {"withdrawn_at": "2026-03-04T06:00:00Z", "withdrawn_by": "technician-budi"}
        assert client.get(URL).json()["items"] == [gone]
        assert client.get(here).json() == gone


def test_without_a_date_it_is_the_village_s_today(district: District, client: httpx.Client) -> None:
    """At 17.30 UTC it is the next day in Jakarta; that day is no day to come there."""
    district.clock.advance(12 * HOUR + HOUR // 2)
    assert attest(client)["date"] == "2026-03-05"
    assert attest(client, date="2026-03-05")["date"] == "2026-03-05"
    answer = client.post(URL, json=SAID | {"date": "2026-03-06"})
    assert (answer.status_code, "still to come in village" in answer.json()["detail"]) == (422, True)


def test_the_latest_date_first_then_what_was_made_last_in_pages(both: District) -> None:
    with both.served() as client:
        first = attest(client, date="2026-03-01")["id"]
        second = attest(client, date="2026-03-03", village=LICIN)["id"]
        third = attest(client, date="2026-03-01", indicator="trees")["id"]
        assert names(client.get(URL)) == [second, third, first]
        pages: list[str] = []
        cursor = None
        for _ in range(3):
            answer = client.get(URL, params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
            pages += names(answer)
            cursor = answer.json()["next"]
        assert (pages, cursor) == ([second, third, first], None)
        assert names(client.get(URL, params={"village": "35.10.15"})) == [third, first]
        assert names(client.get(URL, params={"village": "*", "indicator": "trees"})) == [third]
        assert names(client.get(URL, params={"village": "35.10.17"})) == []


def test_photos_are_kept_as_jpeg_beside_facts(both: District) -> None:
    with both.served() as client:
        exif = Image.Exif()
        exif[0x0110] = "Kamera Rahasia"
        large = as_file(picture(2400, 1800), exif=exif)
        said = {"village": GLAGAH, "indicator": "trees", "met": "false", "source": ["camera", "file"]}
        files = [("photo", ("a.jpg", large)), ("photo", ("b.png", as_file(picture(), "PNG")))]
        answer = client.post(URL, data=said, files=files)
        assert answer.status_code == 201, answer.text
        found = answer.json()
        assert (found["met"], [photo["source"] for photo in found["photos"]]) == (False, ["camera", "file"])
        assert [(photo["n"], photo["width"], photo["height"]) for photo in found["photos"]] == [
            (1, 1600, 1200),
            (2, 400, 300),
        ]
        for photo in found["photos"]:
            kept = client.get(photo["url"], headers=both.bearer(Role.VIEWER))
            assert (kept.status_code, kept.headers["content-type"]) == (200, "image/jpeg")
            assert (kept.headers["x-content-type-options"], len(kept.content)) == ("nosniff", photo["bytes"])
            assert kept.headers["etag"] == f'"{photo["sha256"]}"'
            assert b"Rahasia" not in kept.content
            with Image.open(BytesIO(kept.content)) as image:
                assert (image.format, image.size) == ("JPEG", (photo["width"], photo["height"]))
        for n in ("0", "3", "9" * 30, "-1"):
            assert client.get(f"{URL}/{found['id']}/photos/{n}").status_code == 404, n
        assert client.get(f"{URL}/{found['id']}/photos/satu").status_code == 422
        client.delete(f"{URL}/{found['id']}")
        assert client.get(found["photos"][0]["url"]).status_code == 200, "what is withdrawn stays visible"


def test_the_same_picture_in_an_older_one_is_said(both: District) -> None:
    with both.served() as client:
        first = send(client, jpeg(), jpeg(shade=90)).json()
        other = send(client, jpeg(shade=60), village=LICIN).json()
        again = send(client, as_file(picture(), quality=90, comment=b"lain"), village=LICIN).json()
        assert [photo["same_as"] for photo in first["photos"]] == [None, None]
        assert [photo["same_as"] for photo in other["photos"]] == [None]
        assert [photo["same_as"] for photo in again["photos"]] == [first["id"]]
        assert client.get(f"{URL}/{first['id']}").json() == first


def test_what_lies_outside_of_a_caller_s_scopes_is_not_there(both: District) -> None:
    with both.served() as client:
        glagah = send(client, jpeg()).json()
        licin = send(client, jpeg(), village=LICIN).json()
    with both.engine.connect() as connection:
        for texts, wanted in ((("*",), 2), (("35.10.16",), 1), (("35.10.15", "35.10.16"), 2), ((), 0)):
            seen = Scopes.of(texts)
            assert len(read.listed(connection, seen, seen, None, None, 9)) == wanted, seen
        [alone] = read.listed(connection, Scopes.of(["35.10.16"]), Scopes.of(["35.10.16"]), None, None, 9)
        assert (alone.id, alone.photos[0].same_as) == (licin["id"], None)
        assert read.one(connection, Scopes.of(["35.10.16"]), glagah["id"]) is None
        assert read.photo(connection, Scopes.of(["35.10.16"]), glagah["id"], 1) is None
        assert read.photo(connection, Scopes.of(["35.10.15"]), glagah["id"], 1) is not None


REFUSED = [
    ("an unknown village", {"village": "35.10.15.9999"}, "there is no village '35.10.15.9999'"),
    ("a sensed indicator", {"indicator": "gate"}, "gate is sensed in village 35.10.15.2012"),
    ("power", {"indicator": "power"}, "body indicator: 'power'"),
    ("a date to come", {"date": "2026-03-05"}, "is still to come in village"),
    ("no date", {"date": "kemarin"}, "is not a date such as"),
    ("no place", {"lat": 1}, "body lat: it comes with lon"),
    ("a place off the earth", {"lat": 91, "lon": 0}, "body lat"),
    ("no device's time", {"device_time": "jam tiga"}, "body device_time"),
    ("an unknown name", {"bobot": 3}, "bobot"),
    ("a short name of a draft", {"draft": "x"}, "body draft"),
    ("met is a word", {"met": "perhaps"}, "body met"),
    ("a NUL in the note", {"note": "a\0b"}, "body note"),
]


@pytest.mark.parametrize(("said", "sentence"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
def test_what_cannot_be_is_refused_and_nothing_kept(
    reader: httpx.Client, said: dict[str, object], sentence: str, form: bool
) -> None:
    answer = send(reader, jpeg(), **said) if form else reader.post(URL, json=SAID | said)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
    assert sentence in answer.json()["detail"]
    assert reader.get(URL).json()["items"] == []


FORMS: list[tuple[str, dict[str, Any], int, str]] = [
    ("no photo", {"files": [("photo", ("a.jpg", b"halo"))]}, 422, "body photo 1: it is no picture that siaga knows"),
    (
        "the second",
        {"files": [("photo", ("a", jpeg())), ("photo", ("b", b"GIF89a"))]},
        422,
        "body photo 2: it is a GIF",
    ),
    ("seven photos", {"files": [("photo", ("a", jpeg(8, 8)))] * 7}, 422, "Too many files"),
    ("a file by another name", {"files": [("foto", ("a", jpeg()))]}, 422, "body 'foto': is a file"),
    ("a text as photo", {"data": SAID | {"photo": "x"}, "files": [("photo", ("a", jpeg()))]}, 422, "is not a file"),
    ("a name twice", {"data": SAID | {"note": ["a", "b"]}, "files": [("photo", ("a", jpeg()))]}, 422, "given twice"),
    ("an odd source", {"data": SAID | {"source": "x"}, "files": [("photo", ("a", jpeg()))]}, 422, "not camera or file"),
    ("two sources", {"data": SAID | {"source": ["file"] * 2}, "files": [("photo", ("a", jpeg()))]}, 422, "body source"),
    ("a photo over 8 MB", {"files": [("photo", ("a", jpeg() + b"\0" * 9_000_000))]}, 422, "more than 8 MB"),
    ("a form over 24 MB", {"files": [("photo", ("a", b"\0" * 9_000_000))] * 3}, 413, "larger than 25165824 bytes"),
    ("JSON over 64 kB", {"content": b" " * 70_000, "data": None}, 413, "larger than 65536 bytes"),
    ("no boundary", {"content": b"x", "data": None, "headers": {"Content-Type": "multipart/form-data"}}, 422, "form"),
    ("XML", {"content": b"<a/>", "data": None, "headers": {"Content-Type": "application/xml"}}, 415, "application/xml"),
    ("no JSON", {"content": b"{", "data": None}, 422, "not JSON"),
    ("a list", {"content": b"[]", "data": None}, 422, "not a JSON object"),
    ("nothing", {"content": b"", "data": None}, 422, "not JSON"),
]


@pytest.mark.parametrize(("sent", "status", "sentence"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS])
def test_bodies_that_are_none(reader: httpx.Client, sent: dict[str, Any], status: int, sentence: str) -> None:
    said = {"village": GLAGAH, "indicator": "playground", "met": "true"}
    data = sent.get("data", said)
    answer = reader.post(URL, **sent | {"data": data and data | {"met": "true"}})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert sentence in answer.json()["detail"]
    assert reader.get(URL).json()["items"] == []


def test_an_empty_body_is_said_to_be_no_json_without_a_place(reader: httpx.Client) -> None:
    assert reader.post(URL, headers={"Content-Type": "application/json"}).json()["detail"] == "the body is not JSON"


def test_a_form_whose_photo_was_left_empty_has_none(client: httpx.Client) -> None:
    """As a browser sends it (RFC 7578, section 4.2): a file without a name and without bytes."""
    parts = [f'name="{name}"\r\n\r\n{text}' for name, text in (*SAID.items(), ("note", ""), ("lat", ""))]
    parts.append('name="photo"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n')
    body = "".join(f"--x\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + "--x--\r\n"
    answer = client.post(URL, content=body.encode(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert (answer.status_code, answer.json()["photos"], answer.json()["note"]) == (201, [], "")


def test_a_photo_is_not_read_of_whom_may_not_send_it(client: httpx.Client, district: District) -> None:
    """The answer comes though the body, which is announced, never does."""
    for role, status in ((Role.VIEWER, 403), (None, 401)):
        token = "none" if role is None else district.tokens[role]
        head = (
            f"POST {URL} HTTP/1.1\r\nHost: siaga\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n"
        )
        with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=10) as wire:
            wire.sendall(head.encode())
            assert wire.recv(12) == f"HTTP/1.1 {status}".encode()
    assert rows(district) == [0, 0]


def test_a_viewer_sees_and_attests_nothing(district: District, client: httpx.Client) -> None:
    found = attest(client)
    with district.served(Role.VIEWER) as viewer:
        assert names(viewer.get(URL)) == [found["id"]]
        assert viewer.post(URL, json=SAID).status_code == 403
        assert viewer.delete(f"{URL}/{found['id']}").status_code == 403
    with district.served(Role.TECHNICIAN) as technician:
        assert attest(technician)["by"] == "technician-budi"


def test_one_that_is_not_there(reader: httpx.Client) -> None:
    for name in ("0" * 32, "nothing", "%00"):
        assert reader.get(f"{URL}/{name}").status_code == 404
        assert reader.delete(f"{URL}/{name}").status_code == 404
        assert reader.get(f"{URL}/{name}/photos/1").status_code == 404


def test_a_draft_that_is_sent_again_is_kept_once(both: District) -> None:
    """Also after midnight, and where a device has come in the meantime: it was taken."""
    with both.served() as client:
        first = send(client, jpeg(), draft="a1b2c3d4")
        again = send(client, jpeg(), draft="a1b2c3d4")
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        both.clock.advance(DAY)
        sensed = [
            replace(each, facilities=(replace(each.facilities[0], kind="playground"),)) if each.code == GLAGAH else each
            for each in villages()
        ]
        both.registry.replace(sensed, NOW)
        assert send(client, jpeg(), draft="a1b2c3d4").status_code == 200
        assert rows(both) == [1, 1]
        other = client.post(URL, json=SAID | {"draft": "a1b2c3d4", "met": False})
        assert (other.status_code, first.json()["id"] in other.json()["detail"]) == (409, True)
    with both.served(Role.TECHNICIAN) as someone:
        assert someone.post(URL, json=SAID | {"draft": "a1b2c3d4", "village": LICIN}).status_code == 201


def test_a_draft_that_is_sent_many_times_at_once_is_kept_once(both: District) -> None:
    with both.served() as client, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: send(client, jpeg(64, 48), draft="a1b2c3d4"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert rows(both) == [1, 1]


def test_photos_and_statement_come_together_or_not_at_all(
    district: District, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = book.Draft(
        GLAGAH, "trees", True, __import__("datetime").date(2026, 3, 1), photos=[(encode_anew(jpeg()), None)] * 2
    )
    insert = tables.attestation_photo.insert
    calls: list[int] = []

    def fail_at_the_second() -> object:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        return insert()

    monkeypatch.setattr(tables.attestation_photo, "insert", fail_at_the_second)
    with pytest.raises(RuntimeError, match="power cut"):
        book.make(district.engine, draft, "budi", NOW)
    assert rows(district) == [0, 0]


def test_who_comes_when_the_desk_is_full_is_asked_to_come_again(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, district: District
) -> None:
    monkeypatch.setattr(attestation_body, "MOST_SENDERS", 0)
    with district.served() as full:
        answer = full.post(URL, json=SAID)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "20")


def test_deleting_takes_the_photos_along(both: District) -> None:
    """Nothing in siaga deletes one; a district that has to, by law, does it in the database."""
    with both.served() as client:
        send(client, jpeg())
    with writing(both.engine) as connection:
        connection.execute(tables.attestation.delete())
    assert rows(both) == [0, 0]
