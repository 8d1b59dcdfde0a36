"""A session opens the API as a token does: the same roles, and only from our own pages where something changes."""

from collections.abc import Callable

import httpx
import pytest

from siaga.database.people import Persons, Sessions
from siaga.database.tokens import Tokens
from siaga.model.caller import Role
from siaga.model.clock import HOUR
from siaga.model.scope import Scopes
from tests.http.district import District
from tests.people.accounts import FOREIGN, OWN, signed_in


def test_a_cookie_opens_what_a_token_does(client: httpx.Client, district: District) -> None:
    cookie = signed_in(district, Role.VIEWER)
    assert client.get("/api/v1/villages").status_code == 401
    assert client.get("/api/v1/villages", headers={"Cookie": "siaga=x"}).status_code == 401
    assert client.get("/api/v1/villages", headers=cookie).status_code == 200


def test_a_person_acts_under_the_own_name(client: httpx.Client, district: District) -> None:
    alert = district.raise_alert(1)
    cookie = signed_in(district, Role.TECHNICIAN)
    answer = client.post(f"/api/v1/alerts/{alert}/acknowledge", headers=cookie | OWN)
    assert (answer.status_code, answer.json()["acknowledged_by"]) == (200, "ratih")


def test_a_viewer_who_is_signed_in_does_not_act(client: httpx.Client, district: District) -> None:
    alert = district.raise_alert(1)
    answer = client.post(f"/api/v1/alerts/{alert}/acknowledge", headers=signed_in(district, Role.VIEWER) | OWN)
    assert answer.status_code == 403
    assert answer.json()["detail"] == "this call needs the role technician; you have the role viewer"


@pytest.mark.parametrize(
    ("from_where", "status"),
    [
        (OWN, 200),
        ({"Origin": "http://HOST"}, 200),
        ({}, 403),
        (FOREIGN, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://HOST"}, 403),
    ],
    ids=str,
)
def test_a_change_with_a_cookie_comes_from_our_own_pages(
    client: httpx.Client, district: District, from_where: dict[str, str], status: int
) -> None:
    alert = district.raise_alert(1)
    host = f"{client.base_url.host}:{client.base_url.port}"
    headers = {name: value.replace("HOST", host) for name, value in from_where.items()}
    cookie = signed_in(district, Role.TECHNICIAN)
    answer = client.post(f"/api/v1/alerts/{alert}/acknowledge", headers=cookie | headers)
    assert answer.status_code == status
    if status == 403:
        assert answer.headers["content-type"] == "application/problem+json"
        assert "from another page than ours" in answer.json()["detail"]
        assert client.get(f"/api/v1/alerts/{alert}", headers=cookie).json()["acknowledged_by"] is None


def test_a_token_is_not_touched_by_that(client: httpx.Client, district: District) -> None:
    alert = district.raise_alert(1)
    headers = district.bearer(Role.TECHNICIAN) | FOREIGN
    assert client.post(f"/api/v1/alerts/{alert}/acknowledge", headers=headers).status_code == 200


def test_a_wrong_token_beside_a_right_cookie_is_nobody(client: httpx.Client, district: District) -> None:
    cookie = signed_in(district, Role.ADMIN)
    answer = client.get("/api/v1/villages", headers=cookie | {"Authorization": "Bearer siaga_wrong"})
    assert answer.status_code == 401
    assert client.get("/api/v1/villages", headers=cookie | {"Authorization": "Basic YTpi"}).status_code == 200


def test_the_password_of_a_proxy_does_not_stand_for_a_token(client: httpx.Client, district: District) -> None:
    """A browser adds `Basic` by itself, also for a form of somebody else's."""
    alert = district.raise_alert(1)
    headers = signed_in(district, Role.TECHNICIAN) | FOREIGN | {"Authorization": "Basic YTpi"}
    assert client.post(f"/api/v1/alerts/{alert}/acknowledge", headers=headers).status_code == 403


def test_who_signed_out_or_was_removed_is_nobody_from_the_next_call_on(
    client: httpx.Client, district: District
) -> None:
    cookie, other = signed_in(district, Role.ADMIN), signed_in(district, Role.ADMIN, "joko")
    Sessions(district.engine, district.clock).end(cookie["Cookie"].removeprefix("siaga="))
    Persons(district.engine, district.clock).remove("joko")
    for gone in (cookie, other):
        assert client.get("/api/v1/villages", headers=gone).status_code == 401


def test_behind_a_proxy_with_tls_the_cookie_is_the_one_with_the_prefix(
    client: httpx.Client, district: District
) -> None:
    secret = signed_in(district, Role.VIEWER)["Cookie"].removeprefix("siaga=")
    by_tls = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    for name, status in (("siaga", 401), ("__Host-siaga", 200)):
        answer = client.get("/api/v1/villages", headers=by_tls | {"Cookie": f"{name}={secret}"})
        assert answer.status_code == status, name


def test_an_open_stream_ends_with_the_session_and_when_its_reader_sees_something_else(
    client: httpx.Client, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.http.stream.LOOKED_EVERY", 0.02)
    monkeypatch.setattr("api.http.stream.LOOKED_AT_MOST", 0.02)
    monkeypatch.setattr("api.http.stream.HEARTBEAT", 600)
    persons = Persons(district.engine, district.clock)
    first, second = signed_in(district, Role.VIEWER), signed_in(district, Role.TECHNICIAN, "joko")
    endings: list[Callable[[], object]] = [
        lambda: Sessions(district.engine, district.clock).end(first["Cookie"].removeprefix("siaga=")),
        lambda: persons.change("joko", Role.VIEWER, Scopes.of(["35.10"]), ""),
        lambda: persons.remove("joko"),
        lambda: Tokens(district.engine, district.clock).revoke(1),
    ]
    for headers, end in zip((first, second, second, district.bearer(Role.VIEWER)), endings, strict=True):
        with client.stream("GET", "/api/v1/alerts/stream", headers=headers, timeout=20) as answer:
            lines = answer.iter_lines()
            assert next(lines) == ": siaga"
            end()
            assert set(lines) <= {"retry: 3000", "", ":"}, "it ends, or this waits for the timeout"


def test_whose_session_has_ended_is_told_of_one_more_event_at_most(
    client: httpx.Client, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    for never in ("LOOKED_EVERY", "HEARTBEAT"):
        monkeypatch.setattr(f"api.http.stream.{never}", 600)
    headers = signed_in(district, Role.VIEWER)
    with client.stream("GET", "/api/v1/alerts/stream", headers=headers, timeout=20) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": siaga"
        Sessions(district.engine, district.clock).end(headers["Cookie"].removeprefix("siaga="))
        district.raise_alert(1)
        assert sum(line.startswith("data:") for line in lines) == 1, "it ends, or this waits for the timeout"


def test_an_open_stream_does_not_keep_a_session_alive(district: District) -> None:
    sessions = Sessions(district.engine, district.clock)
    secret = signed_in(district, Role.ADMIN)["Cookie"].removeprefix("siaga=")
    for _ in range(13):
        district.clock.advance(HOUR)
        sessions.look(secret)
    assert sessions.look(secret) is None
