"""`/setup/note`: the sentence of the office on the public page."""

import html
import re

import httpx

from siaga.model.caller import Role
from siaga.model.clock import SECOND
from siaga.model.scope import Scopes
from tests.http.district import GLAGAH, NOW, District
from tests.people.accounts import OWN, signed_in


def test_what_the_office_writes_stands_on_the_public_page_until_it_is_taken_away(
    client: httpx.Client, district: District
) -> None:
    admin = signed_in(district, Role.ADMIN, "joko") | OWN
    assert client.get("/status.json").json()["note"] is None
    client.post("/setup/note", headers=admin, data={"text": " PLN padam\u202e  <b>Kamis</b>\r\n08.00 "})
    district.clock.advance(3 * SECOND)
    page = client.get("/").text
    assert "<b>Catatan kantor, 12.00 WIB:</b> PLN padam &lt;b&gt;Kamis&lt;/b&gt; 08.00" in page
    assert "joko" not in page, "nobody's name"
    assert client.get("/status.json").json()["note"] == {
        "text": "PLN padam <b>Kamis</b> 08.00",
        "written_at": "2026-03-04T05:00:00Z",
    }
    assert "PLN" not in client.get(f"/desa/{GLAGAH}").text
    form = html.unescape(client.get("/setup/note", headers=admin).text)
    assert "Ditulis joko, 12.00 WIB." in form
    seen = re.search(r'name="seen" value="(\d+)"', form)
    assert seen is not None
    assert int(seen[1]) == NOW
    late = client.post("/setup/note", headers=admin, data={"text": "lain"}, follow_redirects=True)
    assert "diubah orang lain" in late.text
    assert "PLN padam" in client.get("/setup/note", headers=admin).text, "it stays"
    long = client.post("/setup/note", headers=admin, data={"text": "a" * 301, "seen": seen[1]}, follow_redirects=True)
    assert "paling banyak 300 huruf" in long.text
    client.post("/setup/note", headers=admin, data={"text": "  ", "seen": seen[1]})
    district.clock.advance(3 * SECOND)
    assert "Catatan kantor" not in client.get("/").text


def test_who_manages_a_part_reads_it_alone(client: httpx.Client, district: District) -> None:
    part = signed_in(district, Role.ADMIN, "ratih", Scopes.of([GLAGAH])) | OWN
    page = client.get("/setup/note", headers=part).text
    assert "Hanya pengelola semua desa yang dapat mengubahnya." in page
    assert "<textarea" not in page
    assert client.post("/setup/note", headers=part, data={"text": "a"}).status_code == 404
