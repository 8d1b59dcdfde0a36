"""`/complaints`: made without a token, beside what the sensors said; answered by technicians; limited."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from api.complaints.rows import erase_old
from api.http import complaint_desk
from api.queries import complaints as read
from siaga.database import tables
from siaga.database.tokens import Tokens
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.scope import EVERYWHERE
from tests.attestations.photos import as_file, jpeg, picture
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOW, District, names

URL = "/api/v1/complaints"
GATE = f"{GLAGAH}/gerbang"
SHUT = {"facility": GATE, "problem": "gate_closed"}


class Citizen:
    """Somebody without a token, behind the proxy at an address."""

    def __init__(self, client: httpx.Client, address: str = "10.0.0.1") -> None:
        self._client, self._address = client, address

    def get(self, path: str) -> httpx.Response:
        """Read what anybody may."""
        return self._send(self._client.build_request("GET", path))

    def post(self, *photos: bytes, **said: object) -> httpx.Response:
        """Complain, as a form where there are photos."""
        whole = SHUT | said
        if not photos:
            return self._send(self._client.build_request("POST", URL, json=whole))
        files = [("photo", (f"{n}.jpg", photo, "image/jpeg")) for n, photo in enumerate(photos)]
        return self._send(self._client.build_request("POST", URL, data=whole, files=files))

    def say(self, **said: object) -> dict[str, Any]:
        """Complain, and be heard."""
        answer = self.post(**said)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        assert answer.headers["Location"] == f"{URL}/{found['id']}"
        return found

    def _send(self, request: httpx.Request) -> httpx.Response:
        request.headers.pop("Authorization", None)
        request.headers["X-Forwarded-For"] = self._address
        return self._client.send(request)


def test_it_stands_beside_what_the_sensors_said_and_late_data_corrects_that(both: District) -> None:
    both.alternating(GLAGAH, "gerbang", NOW - DAY, (DAY - HOUR, FAILED, "gate_open"), (2 * HOUR, MET, None))
    with both.served() as client:
        found = Citizen(client).say(note=" Tutup sejak pagi ")
        assert found == {
            "id": found["id"],
            "facility": GATE,
            "problem": "gate_closed",
            "note": "Tutup sejak pagi",
            "photos": [],
            "created_at": "2026-03-04T05:00:00Z",
            "state": "new",
            "contradicts": True,
            "sensors": "met",
            "cause": None,
            "answer": None,
            "repeats": 0,
            "seen_at": None,
            "seen_by": None,
            "ended_at": None,
            "ended_by": None,
        }
        assert client.get(f"{URL}/{found['id']}").json() == found
        assert client.get(URL).json() == {"items": [found], "next": None}
        with both.engine.connect() as connection:
            assert read.doubts(connection, NOW - DAY) == {(GLAGAH, "gerbang"): (NOW,)}
            [one] = read.dated(connection, EVERYWHERE, (NOW - DAY, NOW + 1), "gerbang")
        assert (one.kind, one.created_at, one.contradicts) == ("gate", NOW, True)
        both.forget(GLAGAH, "gerbang")
        both.alternating(GLAGAH, "gerbang", NOW - DAY, (2 * DAY, FAILED, "gate_open"))
        corrected = found | {"contradicts": False, "sensors": "failed", "cause": "gate_open"}
        assert client.get(f"{URL}/{found['id']}").json() == corrected
        both.forget(GLAGAH, "gerbang")
        both.alternating(GLAGAH, "gerbang", NOW + 1, (HOUR, MET, None))  # half-open: not judged yet at that time
        assert client.get(f"{URL}/{found['id']}").json() == found | {"contradicts": False, "sensors": None}


def test_a_technician_answers_and_the_citizen_reads_state_and_answer_alone(both: District) -> None:
    with both.served(Role.TECHNICIAN) as client:
        found = Citizen(client).say()
        here, citizen = f"{URL}/{found['id']}", Citizen(client)
        assert citizen.get(here).json() == {"state": "new", "answer": None}
        both.clock.advance(HOUR)
        assert client.post(f"{here}/seen").json()["seen_by"] == "technician-budi"
        assert citizen.get(here).json() == {"state": "seen", "answer": None}
        both.clock.advance(HOUR)
        assert client.post(f"{here}/seen").json()["seen_at"] == "2026-03-04T06:00:00Z"
        assert client.post(f"{here}/close", json={"answer": "  "}).status_code == 422
        closed = client.post(f"{here}/close", json={"answer": "Kunci sudah diganti."}).json()
        assert (closed["state"], closed["ended_at"], closed["ended_by"]) == (
            "closed",
            "2026-03-04T07:00:00Z",
            "technician-budi",
        )
        assert citizen.get(here).json() == {"state": "closed", "answer": "Kunci sudah diganti."}
        assert client.post(f"{here}/seen").json()["state"] == "closed"
        answer = client.post(f"{here}/reject")
        assert (answer.status_code, "is closed already" in answer.json()["detail"]) == (409, True)
        other = Citizen(client).say(problem="other", note="bukan di sini")["id"]
        rejected = client.post(f"{URL}/{other}/reject", json={"answer": "Bukan fasilitas kami."}).json()
        assert (rejected["state"], rejected["seen_by"]) == ("rejected", "technician-budi")
        assert names(client.get(URL, params={"state": "rejected"})) == [other]
        assert names(client.get(URL, params={"limit": 1})) == [other]


def test_roles_and_scopes(district: District) -> None:
    token = Tokens(district.engine, district.clock).create(Role.TECHNICIAN, "licin", [LICIN])
    limited = {"Authorization": f"Bearer {token}"}
    with district.served(None) as client:
        found = Citizen(client).say()["id"]
        viewer = district.bearer(Role.VIEWER)
        assert client.get(URL).status_code == 401
        assert names(client.get(URL, headers=viewer)) == [found]
        assert client.post(f"{URL}/{found}/seen", headers=viewer).status_code == 403
        assert client.post(f"{URL}/{found}/seen").status_code == 401
        assert client.get(f"{URL}/{found}", headers={"Authorization": "Bearer none"}).status_code == 401
        assert names(client.get(URL, headers=limited)) == []
        assert names(client.get(URL, params={"facility": GATE}, headers=limited)) == []
        assert client.get(f"{URL}/{found}", headers=limited).status_code == 404
        for verb, body in (("seen", {}), ("close", {"answer": "x"}), ("reject", {})):
            assert client.post(f"{URL}/{found}/{verb}", json=body, headers=limited).status_code == 404
        assert names(client.get(URL, params={"facility": GATE}, headers=viewer)) == [found]
        assert names(client.get(URL, params={"village": "35.10.16"}, headers=viewer)) == []


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        ({"facility": f"{GLAGAH}/none"}, 422, f"body facility: there is no facility '{GLAGAH}/none'"),
        ({"facility": "35.10.15.9999/gerbang"}, 422, "there is no facility"),
        ({"facility": "gerbang"}, 422, "is not of the form VILLAGE/ID"),
        ({"problem": "toilet_dirty"}, 422, "is no problem of a gate: it is one of gate_closed, gate_broken, other"),
        ({"name": "Budi"}, 422, "name"),
        ({"note": "x" * 2001}, 422, "note"),
        ({"draft": "short"}, 422, "draft"),
    ],
)
def test_what_is_none_is_refused(reader: httpx.Client, said: dict[str, str], status: int, why: str) -> None:
    answer = Citizen(reader).post(**said)
    assert (answer.status_code, why in answer.json()["detail"]) == (status, True), answer.text


def test_a_photo_is_encoded_anew_and_shown_to_technicians_alone(both: District) -> None:
    with both.served(Role.VIEWER) as client:
        form = {"problem": "gate_broken"}
        citizen = Citizen(client)
        bad = citizen.post(b"<svg onload='x'/>", **form)
        assert (bad.status_code, "body photo 1: it is an SVG" in bad.json()["detail"]) == (422, True)
        made = citizen.post(jpeg(3000, 2000), **form)
        assert made.status_code == 201, made.text
        [photo] = made.json()["photos"]
        assert (photo["n"], photo["width"], photo["height"]) == (1, 1600, 1067)
        answer = client.get(photo["url"])
        assert (answer.status_code, len(answer.content)) == (200, photo["bytes"])
        assert citizen.get(photo["url"]).status_code == 401
        assert client.get(f"{URL}/{made.json()['id']}/photos/2").status_code == 404


def test_a_photo_that_a_browser_has_is_not_sent_again(district: District) -> None:
    with district.served(Role.TECHNICIAN) as client:
        made = Citizen(client).post(jpeg()).json()
        first = client.get(made["photos"][0]["url"])
        tag = first.headers["ETag"]
        same = client.get(made["photos"][0]["url"], headers={"If-None-Match": f'"x", {tag}'})
        assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
        assert client.get(made["photos"][0]["url"], headers={"If-None-Match": '"x"'}).content == first.content


def test_the_same_again_is_one_and_three_citizens_are_three(both: District) -> None:
    with both.served() as client:
        first = Citizen(client).say(note="Tutup")
        again = Citizen(client).post(note=" tutup ")
        assert (again.status_code, again.json()["id"], again.json()["repeats"]) == (200, first["id"], 1)
        others = [Citizen(client, f"10.1.1.{n}").post(note="Tutup") for n in range(2)]
        assert [answer.status_code for answer in others] == [201, 201]
        both.clock.advance(11 * MINUTE)
        assert Citizen(client).say(note="Tutup")["id"] != first["id"]
        draft = {"draft": "0123456789", "note": "dengan nama"}
        made = Citizen(client).say(**draft)["id"]
        assert [Citizen(client).post(**draft).json()["id"] for _ in range(2)] == [made, made]
        assert Citizen(client).post(**draft | {"problem": "other"}).status_code == 409


def test_a_robot_is_slowed_and_a_person_beside_it_is_not(both: District) -> None:
    """Of one address ten an hour come in, and after sixty attempts nothing of it is even read."""
    with both.served() as client:
        robot = Citizen(client, "10.2.2.2")
        found = [robot.post(note=str(n)) for n in range(70)]
        assert [answer.status_code for answer in found] == [201] * 10 + [429] * 60
        assert "limit sender_here" in found[10].json()["detail"]
        assert "more than 60 complaints of your address" in found[-1].json()["detail"]
        assert int(found[-1].headers["Retry-After"]) == 600
        assert Citizen(client, "10.3.3.3").post().status_code == 201
        assert len(names(client.get(URL, params={"limit": 100}))) == 11


def test_many_addresses_fill_one_facility_and_no_other(both: District) -> None:
    with both.served() as client:
        found = [Citizen(client, f"10.4.{n}.1").post(note=str(n)).status_code for n in range(61)]
        assert found == [201] * 60 + [429]
        assert Citizen(client, "10.5.5.5").post(facility=f"{GLAGAH}/wifi-balai", problem="other").status_code == 201
        both.clock.advance(HOUR)
        assert Citizen(client, "10.4.1.1").post().status_code == 201


def test_an_address_cannot_be_told_from_what_is_kept_and_is_gone_with_its_day(both: District) -> None:
    table = tables.complaint
    with both.served() as client:
        Citizen(client, "10.6.6.6").post()
        with both.engine.connect() as connection:
            [sender] = connection.execute(select(table.c.sender)).scalars()
        assert len(sender) == 64
        both.clock.advance(DAY)
        Citizen(client, "10.6.6.6").post()
        with both.engine.connect() as connection:
            old, new = connection.execute(select(table.c.sender).order_by(table.c.number)).scalars()
        assert (old, new == sender, len(new)) == (None, False, 64)


def test_text_and_photos_go_ninety_days_after_the_end_and_figures_stay(both: District) -> None:
    with both.served() as client:
        kept = Citizen(client).say(problem="other", note="masih terbuka")["id"]
        photo = as_file(picture(20, 10))
        ended = Citizen(client).post(photo, problem="gate_broken", note="engsel").json()["id"]
        client.post(f"{URL}/{ended}/close", json={"answer": "Pak Budi memperbaiki."})
        assert erase_old(both.engine, NOW + 90 * DAY - 1) == 0
        assert erase_old(both.engine, NOW + 90 * DAY) == 1
        assert erase_old(both.engine, NOW + 90 * DAY) == 0
        found = client.get(f"{URL}/{ended}").json()
        assert (found["note"], found["answer"], found["photos"], found["state"]) == ("", None, [], "closed")
        assert client.get(f"{URL}/{kept}").json()["note"] == "masih terbuka"
        assert erase_old(both.engine, NOW + 365 * DAY) == 1
        with both.engine.connect() as connection:
            assert connection.execute(select(tables.complaint_photo.c.n)).all() == []


def test_the_time_of_a_text_runs_from_its_late_end_and_an_answer_goes_after_its_own(district: District) -> None:
    with district.served() as client:
        late, later = (Citizen(client).say(note=note)["id"] for note in ("malam", "pagi"))
        district.clock.advance(364 * DAY)
        client.post(f"{URL}/{late}/close", json={"answer": "Sudah dibuka."})
        assert erase_old(district.engine, NOW + 365 * DAY) == 1
        assert client.get(f"{URL}/{late}").json()["note"] == "malam"
        district.clock.advance(2 * DAY)
        client.post(f"{URL}/{later}/close", json={"answer": "Pak Budi memperbaiki."})
        assert erase_old(district.engine, NOW + 456 * DAY - 1) == 1
        assert client.get(f"{URL}/{later}").json()["answer"] == "Pak Budi memperbaiki."
        assert [erase_old(district.engine, NOW + 456 * DAY) for _ in range(2)] == [1, 0]
        assert [client.get(f"{URL}/{one}").json()["answer"] for one in (late, later)] == [None, None]


def test_more_than_some_at_once_are_told_to_come_again(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(complaint_desk, "MOST_SENDERS", 0)
    with district.served() as client:
        answer = Citizen(client).post()
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "20")
