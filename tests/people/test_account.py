"""`/account`: what somebody sees and changes of the own account, and of nobody else's."""

import re

import httpx
import pytest

from siaga.database.people import Persons, Sessions
from siaga.model.caller import Role
from siaga.model.clock import MINUTE
from siaga.model.scope import Scopes
from tests.http.district import District
from tests.people.accounts import FOREIGN, OWN, PASSWORD, account, cookie_of, sign_in, signed_in

NEW = "tukang bakso lewat"


def secret(cookie: dict[str, str]) -> str:
    return cookie["Cookie"].removeprefix("siaga=")


def shown(client: httpx.Client, cookie: dict[str, str]) -> str:
    answer = client.get("/account", headers=cookie)
    assert answer.status_code == 200
    return answer.text


def alive(district: District, *cookies: dict[str, str]) -> list[bool]:
    sessions = Sessions(district.engine, district.clock)
    return [sessions.verify(secret(cookie)) is not None for cookie in cookies]


def test_it_shows_who_may_do_what_where(client: httpx.Client, district: District) -> None:
    page = shown(client, signed_in(district, Role.TECHNICIAN, scopes=Scopes.of(["35.10.15", "35.10.16.2003"])))
    assert "ratih, teknisi" in page
    assert "35.10.15, 35.10.16.2003" in page


def test_it_shows_all_own_sessions_and_nobody_else_s(client: httpx.Client, district: District) -> None:
    mine = signed_in(district)
    cookie_of(district, Role.VIEWER, "ratih")
    signed_in(district, Role.ADMIN, "joko")
    page = shown(client, mine)
    assert page.count("data-session=") == 2
    assert page.count("sesi ini") == 1
    assert "127.0.0.0/24" in page
    assert secret(mine) not in page


def test_a_session_is_known_by_browser_and_network(client: httpx.Client, district: District) -> None:
    account(district)
    client.headers["User-Agent"] = "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0"
    fields = {"name": "ratih", "password": PASSWORD}
    client.post("/login", data=fields, headers=OWN | {"X-Forwarded-For": "203.0.113.77"})
    page = client.get("/account").text
    assert "Firefox, Android" in page
    assert "203.0.113.0/24" in page
    assert "203.0.113.77" not in page


def test_one_is_ended_by_its_owner_alone(client: httpx.Client, district: District) -> None:
    mine, other = signed_in(district), cookie_of(district, Role.VIEWER, "ratih")
    joko = signed_in(district, Role.ADMIN, "joko")
    (number,) = re.findall(r'name="session" value="(\d+)"', shown(client, mine))
    assert client.post("/account/sessions/end", data={"session": number}, headers=OWN | joko).status_code == 303
    assert alive(district, mine, other, joko) == [True, True, True]
    assert client.post("/account/sessions/end", data={"session": number}, headers=FOREIGN | mine).status_code == 403
    answer = client.post("/account/sessions/end", data={"session": number}, headers=OWN | mine)
    assert answer.headers["location"] == "/account"
    assert alive(district, mine, other, joko) == [True, False, True]


def test_all_others_are_ended(client: httpx.Client, district: District) -> None:
    mine = signed_in(district)
    others = [cookie_of(district, Role.VIEWER, "ratih") for _ in range(3)]
    assert client.post("/account/sessions/end-others", headers=OWN | mine).status_code == 303
    assert alive(district, mine, *others) == [True, False, False, False]


class TestPassword:
    """A new password needs the current one."""

    def change(self, client: httpx.Client, cookie: dict[str, str], **fields: str) -> httpx.Response:
        whole = {"current": PASSWORD, "password": NEW, "again": NEW} | fields
        return client.post("/account/password", data=whole, headers=OWN | cookie)

    def test_it_ends_all_other_sessions_and_changes_this_one_s_secret(
        self, client: httpx.Client, district: District
    ) -> None:
        mine, other = signed_in(district), cookie_of(district, Role.VIEWER, "ratih")
        answer = self.change(client, mine)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert alive(district, mine, other) == [False, False]
        assert "Kata sandi diganti" in client.get("/account").text, "the client keeps the new cookie"
        client.cookies.clear()
        assert (sign_in(client).status_code, sign_in(client, password=NEW).status_code) == (401, 303)

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"current": "salah-salah"}, "Kata sandi sekarang salah."),
            ({"current": ""}, "Kata sandi sekarang salah."),
            ({"password": "pendek", "again": "pendek"}, "sedikitnya 10 karakter"),
            ({"password": "ratih12345", "again": "ratih12345"}, "mudah ditebak"),
            ({"again": "lain"}, "tidak sama"),
        ],
        ids=str,
    )
    def test_what_is_not_taken_changes_nothing(
        self, client: httpx.Client, district: District, fields: dict[str, str], sentence: str
    ) -> None:
        mine, other = signed_in(district), cookie_of(district, Role.VIEWER, "ratih")
        answer = self.change(client, mine, **fields)
        assert (answer.status_code, sentence in answer.text) == (422, True)
        assert alive(district, mine, other) == [True, True]
        assert sign_in(client).status_code == 303

    def test_who_has_a_session_and_guesses_the_password_has_to_wait(
        self, client: httpx.Client, district: District
    ) -> None:
        mine = signed_in(district)
        for number in range(5):
            self.change(client, mine, current=f"salah-{number}")
        assert "Tunggulah" in self.change(client, mine).text
        district.clock.advance(5 * MINUTE)
        assert self.change(client, mine).status_code == 303


def test_language_and_colours_follow_to_the_next_browser(client: httpx.Client, district: District) -> None:
    account(district)
    sign_in(client)
    assert client.post("/preferences", data={"language": "en", "theme": "dark"}, headers=OWN).status_code == 303
    ratih = Persons(district.engine, district.clock).find("ratih")
    assert ratih is not None
    assert (ratih.language, ratih.theme) == ("en", "dark")
    client.cookies.clear()
    sign_in(client)
    page = client.get("/account", headers={"Accept-Language": "id"}).text
    assert '<html lang="en" data-theme="dark">' in page
    assert "All other sessions end." in page


def test_who_has_not_signed_in_keeps_a_choice_in_the_browser_alone(client: httpx.Client) -> None:
    assert client.post("/preferences", data={"language": "en"}, headers=OWN).status_code == 303
    assert '<html lang="en"' in client.get("/login").text
