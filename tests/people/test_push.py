"""Push on `/account`: what a browser says of its subscription, and what its owner may do with it."""

from collections.abc import Iterator

import httpx
import pytest

from api.notifications.web_push import PushDesk
from siaga.database.people import PushSubscriptions
from siaga.model.caller import Role
from tests.http.district import District
from tests.notifications.push_service import PhoneBrowser, PushService, push_service
from tests.people.accounts import FOREIGN, OWN, signed_in


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as service:
        yield service


@pytest.fixture
def client(district: District, service: PushService) -> Iterator[httpx.Client]:
    district.push = PushDesk(district.engine, district.clock, resolve=service.resolve, context=service.context)
    with district.served(None) as client:
        yield client


def kept(district: District, name: str) -> list[str]:
    return [one.endpoint for one in PushSubscriptions(district.engine, district.clock).of(name)]


def test_a_browser_subscribes_with_the_key_of_this_siaga(client: httpx.Client, district: District) -> None:
    mine = signed_in(district) | OWN
    key = client.get("/account/push", headers=mine).json()["key"]
    assert len(key) == 87
    assert client.get("/account/push", headers=mine).json()["key"] == key
    browser = PhoneBrowser()
    client.headers["User-Agent"] = "Mozilla/5.0 (Linux; Android 14) Chrome/130.0 Mobile"
    answer = client.post("/account/push", json=browser.subscription, headers=mine | {"Accept-Language": "en"})
    assert answer.status_code == 204
    (one,) = PushSubscriptions(district.engine, district.clock).of("ratih")
    assert (one.endpoint, one.language, one.agent) == (browser.endpoint, "en", "Chrome, Android")
    page = client.get("/account", headers=mine).text
    assert "Chrome, Android" in page
    assert browser.endpoint not in page, "it is a secret"


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "https://127.0.0.1/a"},
        {"endpoint": "http://push.example/a"},
        {"endpoint": "https://push.example:5432/a"},
        {"keys": {"p256dh": "AAAA", "auth": "BTBZMqHH6r4Tts7J_aSIgg"}},
        {"keys": {"p256dh": PhoneBrowser().p256dh, "auth": "AAAA"}},
        {"keys": {}},
        {"endpoint": 1},
    ],
    ids=["address", "no https", "port", "key", "secret", "no keys", "no text"],
)
def test_what_is_no_subscription_is_refused(client: httpx.Client, district: District, wrong: dict[str, object]) -> None:
    mine = signed_in(district) | OWN
    assert client.post("/account/push", json=PhoneBrowser().subscription | wrong, headers=mine).status_code == 422
    assert kept(district, "ratih") == []


def test_another_site_subscribes_nobody(client: httpx.Client, district: District) -> None:
    mine = signed_in(district) | FOREIGN
    assert client.post("/account/push", json=PhoneBrowser().subscription, headers=mine).status_code == 403
    assert kept(district, "ratih") == []


@pytest.mark.parametrize(
    ("status", "said", "still"),
    [
        (201, "Pesan uji diterima layanan peramban", True),
        (410, "Peramban itu tidak menerima pemberitahuan lagi", False),
        (500, "tidak menerima pesan uji", True),
    ],
)
def test_the_button_says_what_the_push_service_answered(
    client: httpx.Client, district: District, service: PushService, status: int, said: str, still: bool
) -> None:
    mine, browser = signed_in(district) | OWN, PhoneBrowser()
    client.post("/account/push", json=browser.subscription, headers=mine)
    service.answers[browser.path] = status
    (one,) = PushSubscriptions(district.engine, district.clock).of("ratih")
    answer = client.post("/account/push/test", data={"subscription": str(one.id)}, headers=mine)
    assert answer.status_code == 303
    notice = answer.headers["set-cookie"].partition(";")[0]
    assert said in client.get("/account", headers=mine | {"Cookie": f"{mine['Cookie']}; {notice}"}).text
    assert [message["title"] for message in service.read(browser)] == ["Siaga: pesan percobaan"]
    assert (kept(district, "ratih") != []) is still


def test_nobody_tests_or_removes_another_person_s(
    client: httpx.Client, district: District, service: PushService
) -> None:
    mine, theirs = signed_in(district) | OWN, signed_in(district, Role.ADMIN, "joko") | OWN
    browser = PhoneBrowser()
    client.post("/account/push", json=browser.subscription, headers=mine)
    (one,) = PushSubscriptions(district.engine, district.clock).of("ratih")
    for path, data in (
        ("test", {"subscription": str(one.id)}),
        ("remove", {"subscription": str(one.id)}),
        ("remove", {"endpoint": browser.endpoint}),
    ):
        assert client.post(f"/account/push/{path}", data=data, headers=theirs).status_code == 303
    assert service.posts == []
    assert kept(district, "ratih") == [browser.endpoint]
    client.post("/account/push/remove", data={"endpoint": browser.endpoint}, headers=mine)
    assert kept(district, "ratih") == []
