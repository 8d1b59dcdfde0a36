"""Sign-in, sign-out and the link that sets a password, as a browser without JavaScript sends them."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from siaga.database.people import Persons, Sessions
from siaga.model.caller import Role
from siaga.model.clock import HOUR, MINUTE
from tests.http.district import District
from tests.people.accounts import FOREIGN, OWN, PASSWORD, account, sign_in, signed_in
from tests.wait import PATIENCE

NEW = "tukang bakso lewat"


def welcome(district: District, name: str = "ratih", role: Role = Role.TECHNICIAN) -> str:
    """The path of a new account's sign-in link."""
    return f"/welcome/{Persons(district.engine, district.clock).add(name, role)}"


class TestLogin:
    """Name and password."""

    def test_the_right_ones_open_the_pages_and_the_api(self, client: httpx.Client, district: District) -> None:
        account(district)
        answer = sign_in(client)
        assert (answer.status_code, answer.headers["location"]) == (303, "/alerts")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("siaga=")
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
        assert client.get("/account").status_code == 200
        assert client.get("/api/v1/villages").status_code == 200

    def test_a_phone_may_begin_the_name_with_a_capital(self, client: httpx.Client, district: District) -> None:
        account(district)
        assert sign_in(client, " Ratih ").status_code == 303

    def test_wrong_name_and_wrong_password_are_one_answer(self, client: httpx.Client, district: District) -> None:
        account(district)
        Persons(district.engine, district.clock).add("baru", Role.VIEWER)
        answers = [sign_in(client, name, "salah-salah") for name in ("ratih", "siapa", "baru")]
        assert [answer.status_code for answer in answers] == [401] * 3
        assert not any("set-cookie" in answer.headers for answer in answers)
        pages = {
            answer.text.replace(name, "NAME") for answer, name in zip(answers, ("ratih", "siapa", "baru"), strict=True)
        }
        assert len(pages) == 1
        assert "Nama atau kata sandi salah." in pages.pop()

    def test_the_page_never_repeats_a_password(self, client: httpx.Client, district: District) -> None:
        account(district)
        assert "salah-salah" not in sign_in(client, "ratih", "salah-salah").text

    def test_many_wrong_ones_wait_and_are_told_how_long(self, client: httpx.Client, district: District) -> None:
        account(district)
        assert [sign_in(client, password=f"salah-{n}").status_code for n in range(6)] == [401] * 5 + [429]
        waiting = sign_in(client)
        assert (waiting.status_code, waiting.headers["retry-after"]) == (429, "1")
        assert "Coba lagi setelah 1 detik." in waiting.text
        elsewhere = {"X-Forwarded-For": "203.0.113.9"} | OWN
        answer = client.post("/login", data={"name": "ratih", "password": PASSWORD}, headers=elsewhere)
        assert answer.status_code == 303, "another address, by a proxy of this machine"
        district.clock.advance(1_000)
        assert sign_in(client).status_code == 303

    def test_sign_ins_are_counted(self, client: httpx.Client, district: District) -> None:
        account(district)
        for n in range(7):
            sign_in(client, password=f"salah-{n}")
        district.clock.advance(MINUTE)
        sign_in(client)
        text = client.get("/metrics").text
        for outcome, count in (("right", 1), ("wrong", 5), ("wait", 2)):
            assert f'siaga_sign_ins_total{{outcome="{outcome}"}} {count}.0' in text

    def test_each_sign_in_has_a_new_secret_and_ends_the_one_before(
        self, client: httpx.Client, district: District
    ) -> None:
        """Who planted a secret, or read one before, has nothing of it."""
        account(district)
        sign_in(client)
        before = client.cookies["siaga"]
        sign_in(client)
        after = client.cookies["siaga"]
        assert before != after
        client.cookies.clear()
        for secret, status in ((before, 401), (after, 200)):
            assert client.get("/api/v1/villages", headers={"Cookie": f"siaga={secret}"}).status_code == status

    def test_a_planted_secret_is_not_taken_over(self, client: httpx.Client, district: District) -> None:
        account(district)
        planted = "A" * 43
        answer = client.post(
            "/login", data={"name": "ratih", "password": PASSWORD}, headers=OWN | {"Cookie": f"siaga={planted}"}
        )
        assert planted not in answer.headers["set-cookie"]
        client.cookies.clear()
        assert client.get("/api/v1/villages", headers={"Cookie": f"siaga={planted}"}).status_code == 401

    @pytest.mark.parametrize(
        ("wanted", "location"),
        [
            ("/alerts?village=35.10&fold=1", "/alerts?village=35.10&fold=1"),
            ("/setup/people", "/setup/people"),
            ("//evil.example", "/alerts"),
            ("https://evil.example/", "/alerts"),
            ("/\\evil.example", "/alerts"),
            ("/a\r\nSet-Cookie: siaga=x", "/alerts"),
        ],
    )
    def test_it_leads_on_to_our_own_paths_alone(
        self, client: httpx.Client, district: District, wanted: str, location: str
    ) -> None:
        account(district)
        page = client.get("/login", params={"next": wanted})
        (kept,) = re.findall(r'name="next" value="([^"]*)"', page.text)
        assert kept.replace("&amp;", "&") == location
        answer = sign_in(client, next=wanted)
        assert (answer.headers["location"], len(answer.headers.get_list("set-cookie"))) == (location, 1)
        again = client.get("/login", params={"next": wanted})
        assert (again.status_code, again.headers["location"]) == (303, location)

    def test_the_way_back_survives_a_wrong_password(self, client: httpx.Client, district: District) -> None:
        account(district)
        assert 'name="next" value="/account"' in sign_in(client, password="salah-salah", next="/account").text

    @pytest.mark.parametrize("body", ["", "name=ratih", "name=ratih&password=", "%ff=%fe", "password=x&password=y"])
    def test_half_a_form_is_a_wrong_one(self, client: httpx.Client, body: str) -> None:
        headers = OWN | {"Content-Type": "application/x-www-form-urlencoded"}
        assert client.post("/login", content=body, headers=headers).status_code == 401

    def test_an_oversized_form_is_refused_and_a_long_password_is_wrong(
        self, client: httpx.Client, district: District
    ) -> None:
        account(district)
        assert sign_in(client, password="x" * 70_000).status_code == 413
        assert sign_in(client, password="x" * 50_000).status_code == 401
        assert sign_in(client, password=PASSWORD + "x" * 300).status_code == 401

    def test_it_needs_our_own_page_too(self, client: httpx.Client, district: District) -> None:
        """Else somebody else's form could sign a browser in to an account of theirs."""
        account(district)
        for headers in ({}, FOREIGN):
            answer = client.post("/login", data={"name": "ratih", "password": PASSWORD}, headers=headers)
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers
            assert "Formulir ini bukan dari sini" in answer.text

    def test_too_many_at_once_are_told_to_come_again(
        self, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.http.hash_desk.MOST_WAITING", -1)
        answer = sign_in(client)
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


class TestLogout:
    """The end of a session."""

    def test_the_secret_is_of_no_use_afterwards(self, client: httpx.Client, district: District) -> None:
        account(district)
        sign_in(client)
        stolen = client.cookies["siaga"]
        answer = client.post("/logout", headers=OWN)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert "siaga" not in client.cookies
        thief = {"Cookie": f"siaga={stolen}"}
        assert client.get("/api/v1/villages", headers=thief).status_code == 401
        assert client.get("/account", headers=thief).status_code == 303

    def test_a_link_alone_signs_nobody_out(self, client: httpx.Client, district: District) -> None:
        assert client.get("/logout").headers["location"] == "/login"
        account(district)
        sign_in(client)
        assert 'action="/logout"' in client.get("/logout").text
        assert client.post("/logout", headers=FOREIGN).status_code == 403
        assert client.get("/account").status_code == 200


class TestWelcome:
    """The link of a new account."""

    def test_it_sets_the_password_and_signs_in(self, client: httpx.Client, district: District) -> None:
        path = welcome(district)
        page = client.get(path)
        assert (page.status_code, "Selamat datang, ratih" in page.text) == (200, True)
        answer = client.post(path, data={"password": NEW, "again": NEW}, headers=OWN)
        assert (answer.status_code, answer.headers["location"]) == (303, "/alerts")
        assert client.get("/account").status_code == 200
        client.cookies.clear()
        assert sign_in(client, password=NEW).status_code == 303

    def test_it_works_once(self, client: httpx.Client, district: District) -> None:
        path = welcome(district)
        assert [client.get(path).status_code for _ in range(3)] == [200] * 3, "a preview uses nothing up"
        assert client.post(path, data={"password": NEW}, headers=OWN).status_code == 303
        client.cookies.clear()
        replay = client.post(path, data={"password": "orang lain masuk"}, headers=OWN)
        assert (replay.status_code, "set-cookie" in replay.headers) == (404, False)
        assert client.get(path).status_code == 404
        assert sign_in(client, password="orang lain masuk").status_code == 401
        assert sign_in(client, password=NEW).status_code == 303

    def test_sent_many_times_at_once_it_works_once(self, client: httpx.Client, district: District) -> None:
        path = welcome(district)

        def send(number: int) -> int:
            fields = {"password": f"{NEW} {number}"}
            return httpx.post(client.base_url.join(path), data=fields, headers=OWN, timeout=PATIENCE).status_code

        with ThreadPoolExecutor(6) as pool:
            codes = list(pool.map(send, range(6)))
        assert sorted(codes) == [303, 404, 404, 404, 404, 404]

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"password": "pendek"}, "sedikitnya 10 karakter"),
            ({}, "sedikitnya 10 karakter"),
            ({"password": "password123"}, "mudah ditebak"),
            ({"password": "ratih12345"}, "mudah ditebak"),
            ({"password": "siagasiaga"}, "mudah ditebak"),
            ({"password": "x" * 201}, "paling banyak 200 karakter"),
            ({"password": NEW, "again": "tukang bakso"}, "tidak sama"),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_a_password_that_is_not_taken_leaves_the_link(
        self, client: httpx.Client, district: District, fields: dict[str, str], sentence: str
    ) -> None:
        path = welcome(district)
        answer = client.post(path, data=fields, headers=OWN)
        assert (answer.status_code, sentence in answer.text, "set-cookie" in answer.headers) == (422, True, False)
        assert client.post(path, data={"password": NEW}, headers=OWN).status_code == 303

    def test_it_holds_for_72_hours(self, client: httpx.Client, district: District) -> None:
        path = welcome(district)
        district.clock.advance(72 * HOUR)
        assert client.get(path).status_code == 404
        assert client.post(path, data={"password": NEW}, headers=OWN).status_code == 404

    @pytest.mark.parametrize("secret", ["x", "A" * 43, "%00", "x" * 5_000])
    def test_what_is_no_link_is_a_page_that_says_so(self, client: httpx.Client, secret: str) -> None:
        answer = client.get(f"/welcome/{secret}")
        assert (answer.status_code, "Tautan ini tidak berlaku" in answer.text) == (404, True)

    def test_somebody_else_s_form_cannot_use_it(self, client: httpx.Client, district: District) -> None:
        path = welcome(district)
        for headers in ({}, FOREIGN):
            assert client.post(path, data={"password": NEW}, headers=headers).status_code == 403
        assert client.get(path).status_code == 200

    def test_a_session_of_somebody_else_in_this_browser_ends(self, client: httpx.Client, district: District) -> None:
        other = signed_in(district, Role.ADMIN, "joko")
        answer = client.post(welcome(district), data={"password": NEW}, headers=OWN | other)
        assert answer.status_code == 303
        assert Sessions(district.engine, district.clock).verify(other["Cookie"].removeprefix("siaga=")) is None


class TestHeaders:
    """What every one of these pages says to a browser."""

    @pytest.mark.parametrize("path", ["/login", "/welcome/x", "/account"])
    def test_nobody_keeps_or_frames_them_and_no_script_stands_in_them(
        self, client: httpx.Client, district: District, path: str
    ) -> None:
        headers = signed_in(district) if path == "/account" else {}
        answer = client.get(path, headers=headers)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe-inline" not in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|javascript:|<style|\bstyle=", answer.text)

    def test_nobody_is_led_back_by_a_forged_host(self, client: httpx.Client) -> None:
        answer = client.get("/account", headers={"Host": "evil.example"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/account")
