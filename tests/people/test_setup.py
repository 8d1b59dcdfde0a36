"""`/setup/people` and `/setup/tokens`: an admin hands on what the admin has, or less."""

import re

import httpx
import pytest

from api.http import Site
from siaga.database.people import Persons
from siaga.database.tokens import Tokens
from siaga.model.caller import Role
from siaga.model.scope import Scopes
from tests.http.district import GLAGAH, District
from tests.people.accounts import FOREIGN, OWN, account, signed_in

SUBDISTRICT = Scopes.of(["35.10.15"])


def send(client: httpx.Client, path: str, cookie: dict[str, str], **fields: str) -> httpx.Response:
    return client.post(path, data=fields, headers=OWN | cookie)


def shown(client: httpx.Client, answer: httpx.Response, cookie: dict[str, str]) -> httpx.Response:
    """The page that an answer leads on to, which shows a secret once."""
    assert answer.status_code == 303, answer.text
    once = {"Cookie": f"{cookie['Cookie']}; siaga_once={answer.cookies['siaga_once']}"}
    return client.get(answer.headers["location"], headers=cookie | once)


def person(district: District, name: str) -> tuple[Role, list[str], str] | None:
    found = Persons(district.engine, district.clock).find(name)
    return None if found is None else (found.role, found.scopes.texts, found.display_name)


class TestPeople:
    """Accounts of people."""

    def test_a_new_account_s_link_is_shown_once_and_works(self, client: httpx.Client, district: District) -> None:
        admin = signed_in(district, Role.ADMIN, "joko")
        fields = {
            "name": "Ratih",
            "display_name": "Ratih S.",
            "role": "technician",
            "scopes": "35.10.15, 35.10.16.2003",
        }
        made = send(client, "/setup/people", admin, **fields)
        assert (made.status_code, made.headers["location"]) == (303, "/setup/people/ratih/link")
        answer = shown(client, made, admin)
        assert answer.status_code == 200
        assert 'siaga_once=""' in answer.headers["set-cookie"], "the browser forgets it"
        (link,) = re.findall(r'value="(http[^"]+/welcome/[^"]+)"', answer.text)
        assert link.startswith(str(client.base_url))
        assert person(district, "ratih") == (Role.TECHNICIAN, ["35.10.15", "35.10.16.2003"], "Ratih S.")
        assert link.rpartition("/")[2] not in client.get("/setup/people", headers=admin).text
        again = client.get("/setup/people/ratih/link", headers=admin)
        assert (again.status_code, again.headers["location"]) == (303, "/setup/people/ratih"), "once"
        assert client.get(link).status_code == 200, "the page that was loaded again has made no other"

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"name": "Bu Ratih"}, "Nama masuk terdiri dari"),
            ({"name": ""}, "Nama masuk terdiri dari"),
            ({"name": "joko"}, "Sudah ada akun joko."),
            ({"display_name": "a\x07b"}, "Nama lengkap terdiri dari"),
            ({"scopes": "35.1"}, "35.1 bukan kode desa atau wilayah."),
            ({"scopes": "<b>"}, "&lt;b&gt; bukan kode"),
        ],
        ids=str,
    )
    def test_what_cannot_be_taken_is_said_and_the_form_is_kept(
        self, client: httpx.Client, district: District, fields: dict[str, str], sentence: str
    ) -> None:
        admin = signed_in(district, Role.ADMIN, "joko")
        whole = {"name": "ratih", "display_name": "Ratih S.", "role": "technician"} | fields
        answer = send(client, "/setup/people", admin, **whole)
        assert (answer.status_code, sentence in answer.text) == (422, True), answer.text
        assert '<option value="technician" selected>' in answer.text
        assert person(district, "ratih") is None

    def test_a_role_that_there_is_not_is_refused(self, client: httpx.Client, district: District) -> None:
        admin = signed_in(district, Role.ADMIN, "joko")
        assert send(client, "/setup/people", admin, name="ratih", role="king").status_code == 422
        assert person(district, "ratih") is None

    def test_an_account_changes_gets_a_new_link_and_is_removed(self, client: httpx.Client, district: District) -> None:
        admin, ratih = signed_in(district, Role.ADMIN, "joko"), signed_in(district)
        fields = {"role": "technician", "scopes": "35.10", "display_name": "Ratih S."}
        assert send(client, "/setup/people/ratih", admin, **fields).headers["location"] == "/setup/people/ratih"
        assert person(district, "ratih") == (Role.TECHNICIAN, ["35.10"], "Ratih S.")
        assert "/welcome/" in shown(client, send(client, "/setup/people/ratih/link", admin), admin).text
        assert client.get("/account", headers=ratih).status_code == 200
        assert send(client, "/setup/people/ratih/remove", admin).headers["location"] == "/setup/people"
        assert client.get("/account", headers=ratih).status_code == 303
        assert client.get("/setup/people/ratih", headers=admin).status_code == 404
        assert 'data-person="ratih"' not in client.get("/setup/people", headers=admin).text

    @pytest.mark.parametrize(
        ("path", "fields"),
        [
            ("/setup/people/joko", {"role": "viewer"}),
            ("/setup/people/joko", {"role": "admin", "scopes": "35.10"}),
            ("/setup/people/joko/remove", {}),
        ],
    )
    def test_nobody_takes_the_own_rights_away(
        self, client: httpx.Client, district: District, path: str, fields: dict[str, str]
    ) -> None:
        admin = signed_in(district, Role.ADMIN, "joko")
        assert send(client, path, admin, **fields).status_code == 422
        assert person(district, "joko") == (Role.ADMIN, ["*"], "joko")
        same = send(client, "/setup/people/joko", admin, role="admin", scopes="*", display_name="Joko")
        assert (same.status_code, person(district, "joko")) == (303, (Role.ADMIN, ["*"], "Joko"))

    def test_an_admin_with_scopes_gives_no_more_than_that(self, client: httpx.Client, district: District) -> None:
        admin = signed_in(district, Role.ADMIN, "joko", SUBDISTRICT)
        for scopes in ("*", "35.10", "35.10.16", "35.10.15 35.10.16.2003"):
            answer = send(client, "/setup/people", admin, name="ratih", role="viewer", scopes=scopes)
            assert (answer.status_code, "di luar wilayah Anda" in answer.text) == (422, True), scopes
        assert send(client, "/setup/people", admin, name="ratih", role="admin", scopes=GLAGAH).status_code == 303
        assert send(client, "/setup/people", admin, name="wati", role="viewer").status_code == 303
        assert person(district, "wati") == (Role.VIEWER, ["35.10.15"], "wati"), "empty: all that the admin has"

    @pytest.mark.parametrize("scopes", ["*", "35.10", "35.10.16", "35.10.15 35.10.16"])
    def test_who_sees_more_is_not_there_for_an_admin_with_scopes(
        self, client: httpx.Client, district: District, scopes: str
    ) -> None:
        admin = signed_in(district, Role.ADMIN, "joko", SUBDISTRICT)
        account(district, "ratih", Role.VIEWER, Scopes.of(scopes.split()))
        account(district, "wati", Role.VIEWER, Scopes.of([GLAGAH]))
        listed = client.get("/setup/people", headers=admin).text
        assert ('data-person="ratih"' in listed, 'data-person="wati"' in listed) == (False, True)
        assert client.get("/setup/people/ratih", headers=admin).status_code == 404
        for path in ("", "/link", "/remove"):
            answer = send(client, f"/setup/people/ratih{path}", admin, role="admin", scopes=GLAGAH)
            assert answer.status_code == 404
        assert person(district, "ratih") == (Role.VIEWER, scopes.split(), "ratih")

    def test_people_of_the_notify_file_are_the_same_people(self, client: httpx.Client, district: District) -> None:
        district.channels |= {"ratih": ["telegram", "email"], "wati": ["web"]}
        admin = signed_in(district, Role.ADMIN, "joko")
        cookie = signed_in(district)
        listed = client.get("/setup/people", headers=admin).text
        assert "menerima pesan lewat telegram, email" in listed
        assert re.search(r"<b>wati</b><small>tanpa akun · menerima pesan lewat web", listed)
        assert "telegram, email" in client.get("/account", headers=cookie).text
        limited = signed_in(district, Role.ADMIN, "budi", SUBDISTRICT)
        assert "wati" not in client.get("/setup/people", headers=limited).text

    def test_names_are_text_and_never_markup(self, client: httpx.Client, district: District) -> None:
        admin = signed_in(district, Role.ADMIN, "joko")
        evil = '<script>alert("x")</script>'
        send(client, "/setup/people", admin, name="ratih", role="viewer", display_name=evil)
        for path in ("/setup/people", "/setup/people/ratih"):
            assert evil not in client.get(path, headers=admin).text


class TestTokens:
    """Tokens of programs."""

    def test_a_new_one_is_shown_once_and_works_until_it_is_revoked(
        self, client: httpx.Client, district: District
    ) -> None:
        admin = signed_in(district, Role.ADMIN, "joko")
        answer = send(client, "/setup/tokens", admin, name="layar", role="viewer", scopes="35.10.15")
        assert (answer.status_code, answer.headers["location"]) == (303, "/setup/tokens/made")
        made = shown(client, answer, admin)
        assert 'siaga_once=""' in made.headers["set-cookie"], "the browser forgets it"
        (token,) = re.findall(r'value="(siaga_[^"]+)"', made.text)
        again = client.get("/setup/tokens/made", headers=admin)
        assert (again.headers["location"], token in again.text) == ("/setup/tokens", False), "once"
        bearer = {"Authorization": f"Bearer {token}"}
        assert client.get("/api/v1/villages", headers=bearer).status_code == 200
        caller = Tokens(district.engine).verify(token)
        assert caller is not None
        assert (caller.name, caller.role, caller.scopes) == ("layar", Role.VIEWER, SUBDISTRICT)
        listed = client.get("/setup/tokens", headers=admin).text
        assert token not in listed
        (number,) = re.findall(r'data-token="(\d+)"><div><b>layar</b>', listed)
        assert send(client, f"/setup/tokens/{number}/revoke", admin).headers["location"] == "/setup/tokens"
        assert client.get("/api/v1/villages", headers=bearer).status_code == 401
        assert f'data-token="{number}"' not in client.get("/setup/tokens", headers=admin).text

    @pytest.mark.parametrize(
        "fields", [{"name": ""}, {"name": "a\x07b"}, {"scopes": "x"}, {"name": "x" * 300}], ids=str
    )
    def test_what_cannot_be_taken_makes_none(
        self, client: httpx.Client, district: District, fields: dict[str, str]
    ) -> None:
        admin = signed_in(district, Role.ADMIN, "joko")
        before = len(Tokens(district.engine).issued())
        answer = send(client, "/setup/tokens", admin, **({"name": "layar", "role": "viewer"} | fields))
        assert (answer.status_code, "siaga_" in answer.text.replace("siaga_notice", "")) == (422, False)
        assert len(Tokens(district.engine).issued()) == before

    def test_an_admin_with_scopes_gives_no_more_than_that(self, client: httpx.Client, district: District) -> None:
        admin = signed_in(district, Role.ADMIN, "joko", SUBDISTRICT)
        assert "data-token=" not in client.get("/setup/tokens", headers=admin).text, "those of the district see all"
        assert send(client, "/setup/tokens", admin, name="layar", role="viewer", scopes="35.10").status_code == 422
        assert send(client, "/setup/tokens/1/revoke", admin).status_code == 404
        send(client, "/setup/tokens", admin, name="layar", role="admin")
        (made,) = [one for one in Tokens(district.engine).issued() if one.name == "layar"]
        assert made.scopes == SUBDISTRICT

    @pytest.mark.parametrize("number", ["0", "999", "x", "9" * 30, "-1"])
    def test_what_is_no_token_cannot_be_revoked(self, client: httpx.Client, district: District, number: str) -> None:
        admin = signed_in(district, Role.ADMIN, "joko")
        assert send(client, f"/setup/tokens/{number}/revoke", admin).status_code in (404, 422)


@pytest.mark.parametrize(
    "path", ["/setup/people", "/setup/people/ratih/remove", "/setup/tokens", "/setup/tokens/1/revoke"]
)
def test_somebody_else_s_form_changes_nothing(client: httpx.Client, district: District, path: str) -> None:
    admin = signed_in(district, Role.ADMIN, "joko")
    account(district)
    fields = {"name": "jahat", "role": "admin"}
    assert client.post(path, data=fields, headers=FOREIGN | admin).status_code == 403
    assert (person(district, "jahat"), person(district, "ratih") is None) == (None, False)
    assert [one.revoked_at for one in Tokens(district.engine).issued()] == [None] * 3


def test_a_proxy_in_front_is_where_links_lead(district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "joko")
    site = Site("https://siaga.example.go.id")
    with district.served(None, site=site) as client:
        answer = shown(client, send(client, "/setup/people", admin, name="ratih", role="viewer"), admin)
    assert 'value="https://siaga.example.go.id/welcome/' in answer.text
