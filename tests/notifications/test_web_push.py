"""Push messages to browsers: sealed as RFC 8291 says, sent to public hosts alone, and to who is signed in there."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Engine, select

from api.notifications.book import Book, Person, Rule
from api.notifications.messages import Message, Tone, trial
from api.notifications.outcome import Answer
from api.notifications.planner import Planner
from api.notifications.sender import Sender
from api.notifications.web_push import BadEndpoint, Deadlines, PushDesk, Subscribers, parse_endpoint
from api.notifications.web_push.channel import payload
from api.notifications.web_push.endpoint import public_address
from api.notifications.web_push.seal import LONGEST, BadKey, from_base64url, seal
from api.notifications.web_push.subscribers import with_push
from api.notifications.web_push.vapid import Vapid
from siaga.database import tables
from siaga.database.people import MOST_SUBSCRIPTIONS, Persons, PushSubscriptions, Sessions
from siaga.model.caller import Role
from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.scope import EVERYWHERE, Scopes
from tests.notifications.desk import CODE, Desk
from tests.notifications.push_service import HOST, PhoneBrowser, PushService, push_service

QUICK = Deadlines(connect=2.0, read=0.2, whole=3.0)


def test_the_example_of_the_standard_comes_out_byte_for_byte() -> None:
    """RFC 8291, appendix A."""
    browser = PhoneBrowser(private="q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")
    number = int.from_bytes(from_base64url("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    salt = from_base64url("DGv6ra1nlYgDCS1FRnbzlw")
    text = b"When I grow up, I want to be a watermelon"
    sealed = seal(text, browser.p256dh, browser.auth, ec.derive_private_key(number, ec.SECP256R1()), salt)
    assert sealed == from_base64url(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
        "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert browser.read(sealed) == text


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [("", "BTBZMqHH6r4Tts7J_aSIgg"), ("AAAA", "BTBZMqHH6r4Tts7J_aSIgg"), (None, "AAAA"), (None, "é"), ("B" * 87, "")],
)
def test_a_key_that_no_browser_has_is_refused(p256dh: str | None, auth: str) -> None:
    ours = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(BadKey):
        seal(b"x", PhoneBrowser().p256dh if p256dh is None else p256dh, auth, ours, b"0" * 16)


@pytest.mark.parametrize(
    "address",
    [
        "http://push.example/a",
        "https://user:secret@push.example/a",
        "https://push.example:8443/a",
        "https://push.example/a#b",
        "https://127.0.0.1/a",
        "https://[::1]/a",
        "https://2130706433/a",
        "https://0x7f.0.0.1/a",
        "https://localhost/a",
        "https://push..example/a",
        "https://.push.example/a",
        "https://" + "a" * 64 + ".example/a",
        "https://push.example:port/a",
        "https://push.example/a b",
        "https://push.example/\r\nHost: evil",
        "https://pusħ.example/a",
        "https://push.example/" + "a" * 2_000,
        "ftp://push.example/a",
        "/a",
        "",
    ],
)
def test_an_address_that_is_no_public_push_service_is_refused(address: str) -> None:
    with pytest.raises(BadEndpoint) as problem:
        parse_endpoint(address)
    assert "secret" not in str(problem.value)


def test_an_address_of_a_push_service_is_taken() -> None:
    assert parse_endpoint("https://fcm.googleapis.com/fcm/send/a:b?c=d").path == "/fcm/send/a:b?c=d"
    assert parse_endpoint("https://Web.Push.Apple.com:443/Q").origin == "https://web.push.apple.com"


def test_a_name_that_leads_into_the_own_network_is_not_asked() -> None:
    with pytest.raises(BadEndpoint, match="not public"):
        public_address("localhost")


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("64:ff9b::7f00:1", id="NAT64 of 127.0.0.1"),
        pytest.param("2002:7f00:1::", id="6to4 of 127.0.0.1"),
        pytest.param("::8.8.8.8", id="an IPv4 address in an IPv6 one"),
        pytest.param("224.0.1.1", id="multicast"),
        pytest.param("ff0e::1", id="multicast of IPv6"),
        pytest.param("10.0.0.1", id="a private one"),
    ],
)
def test_an_address_that_leads_elsewhere_is_not_asked(address: str) -> None:
    """Also where another address of the host is public. Looking up a number asks nobody."""
    with pytest.raises(BadEndpoint, match="not public"):
        public_address(address)


def test_a_long_text_is_cut_to_what_push_services_take() -> None:
    long = payload(Message("Gangguan", '\n"é' * 4_000, Tone.FAILURE), "id", 3)
    assert LONGEST - 700 < len(long) <= LONGEST
    assert "…" in long.decode()


# --- To the browsers of people ---------------------------------------------------------------------------------------


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service() as service:
        yield service


class Phones:
    """People with phones: their subscriptions, and a desk that tells them."""

    def __init__(self, desk: Desk, service: PushService) -> None:
        self.desk, self.service = desk, service
        clock = desk.clock
        self.push = PushDesk(
            desk.engine, clock, "https://siaga.example", resolve=service.resolve, context=service.context
        )
        self.subscriptions = PushSubscriptions(desk.engine, clock)
        self.secrets: dict[str, str] = {}

    def subscribe(
        self, name: str, scopes: Scopes = EVERYWHERE, language: str = "id", browser: PhoneBrowser | None = None
    ) -> PhoneBrowser:
        browser = browser or PhoneBrowser(f"/send/{name}")
        sessions = Sessions(self.desk.engine, self.desk.clock)
        if name not in self.secrets:
            Persons(self.desk.engine, self.desk.clock).add(name, Role.TECHNICIAN, scopes)
            self.secrets[name] = sessions.begin(name, Role.TECHNICIAN, "Firefox", "127.0.0.0/24")
        visit = sessions.verify(self.secrets[name])
        assert visit is not None
        self.subscriptions.keep(
            name, visit.session.id, browser.endpoint, browser.p256dh, browser.auth, language, "Firefox, Android"
        )
        return browser

    def tell(self, book: Book) -> None:
        """From now on by this book, and to browsers."""
        self.desk.tell(book)
        subscribers = Subscribers(self.push.subscriptions)
        self.desk.planner = Planner(self.desk.engine, book, subscribers)
        self.desk.sender = Sender(self.desk.engine, book, self.desk.metrics, self.push, chance=lambda: 0.0)


@pytest.fixture
def phones(desk: Desk, service: PushService) -> Phones:
    found = Phones(desk, service)
    found.tell(Book())
    return found


def test_who_subscribed_is_told_in_the_language_of_the_phone_and_when_it_is_over(phones: Phones) -> None:
    english, indonesian = phones.subscribe("ratih", language="en"), phones.subscribe("joko")
    alert = phones.desk.failed()
    phones.desk.after(2 * MINUTE)
    (said,) = phones.service.read(english)
    assert said["title"] == "Alert: Gerbang balai, Paspan"
    assert (said["path"], said["tag"], said["badge"], said["lang"]) == (f"/alerts/{alert}", alert, 1, "en")
    assert "https://" not in str(said["body"])
    assert phones.service.read(indonesian)[0]["title"] == "Gangguan: Gerbang balai, Paspan"
    post = phones.service.posts[0]
    assert post.claims["aud"] == f"https://{HOST}"
    assert post.claims["sub"] == "https://siaga.example"
    told_at = phones.desk.clock.now() - MINUTE
    assert abs(int(str(post.claims["exp"])) - (told_at + 12 * HOUR) // SECOND) <= 1
    assert post.key == phones.push.vapid.public
    assert (post.headers["Urgency"], post.headers["Topic"], post.headers["Host"]) == ("high", alert, HOST)
    phones.desk.cleared(alert)
    phones.desk.after(2 * MINUTE)
    over = phones.service.read(indonesian)[1]
    assert (over["title"], over["tag"], over["badge"]) == ("Pulih: Gerbang balai, Paspan", alert, 0)
    assert len(phones.service.posts) == 4


def test_who_is_limited_is_told_of_their_villages_alone(phones: Phones) -> None:
    here = phones.subscribe("ratih", Scopes.of(["35.10.17"]))
    village = phones.subscribe("joko", Scopes.of([CODE]))
    elsewhere = phones.subscribe("wati", Scopes.of(["35.10.16", "51"]))
    phones.desk.failed()
    phones.desk.after(2 * MINUTE)
    assert [len(phones.service.read(one)) for one in (here, village, elsewhere)] == [1, 1, 0]


def test_rules_of_the_notify_file_count_where_they_name_somebody(phones: Phones) -> None:
    named, other = phones.subscribe("ratih"), phones.subscribe("joko")
    rule = Rule("teknisi", ("ratih",), kinds=frozenset({"village_offline"}), by=frozenset({"push"}))
    phones.tell(Book({"ratih": Person("ratih", "id", {"web": phones.desk.hook.url("ratih")})}, {}, (rule,)))
    phones.desk.failed()
    phones.desk.after(2 * MINUTE)
    assert [len(phones.service.read(one)) for one in (named, other)] == [0, 1]
    phones.desk.lost()
    phones.desk.after(2 * MINUTE)
    assert len(phones.service.read(named)) == 1
    assert phones.desk.hook.posts == [], "the rule is for push alone"


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_unsubscribed_is_forgotten_and_no_dead_letter(phones: Phones, status: int) -> None:
    browser = phones.subscribe("ratih")
    phones.service.answers[browser.path] = status
    alert = phones.desk.failed()
    phones.desk.after(2 * MINUTE)
    assert phones.subscriptions.of("ratih") == []
    assert [row["state"] for row in phones.desk.rows()] == ["void"]
    phones.desk.cleared(alert)
    phones.desk.after(2 * MINUTE)
    assert len(phones.service.posts) == 1


def test_a_push_service_that_is_down_is_asked_again(phones: Phones) -> None:
    browser = phones.subscribe("ratih")
    phones.service.answers[browser.path] = 503
    phones.desk.failed()
    phones.desk.after(2 * MINUTE)
    assert phones.desk.rows()[0]["state"] == "waiting"
    del phones.service.answers[browser.path]
    phones.desk.after(3 * MINUTE)
    assert phones.desk.rows()[0]["state"] == "sent"


@pytest.mark.parametrize("status", [401, 403, 413])
def test_what_a_push_service_will_never_take_is_given_up_at_once(phones: Phones, status: int) -> None:
    """It says nothing of how the service does: what failed before is still counted."""
    browser = phones.subscribe("ratih")
    phones.service.answers[browser.path] = 503
    phones.desk.failed()
    phones.desk.after(90 * SECOND)
    asked = len(phones.service.posts)
    phones.service.answers[browser.path] = status
    phones.desk.after(5 * MINUTE)
    assert [(row["state"], row["problem"]) for row in phones.desk.rows()] == [("dead", f"answered {status}")]
    assert (asked >= 1, len(phones.service.posts)) == (True, asked + 1)
    with phones.desk.engine.connect() as connection:
        assert connection.execute(select(tables.notification_provider.c.failures)).scalar_one() >= 1


def test_one_that_signed_out_is_told_nothing(phones: Phones) -> None:
    phones.subscribe("ratih")
    phones.desk.failed()
    Sessions(phones.desk.engine, phones.desk.clock).end(phones.secrets["ratih"])
    phones.desk.after(2 * MINUTE)
    assert phones.service.posts == []


def test_one_that_signed_out_while_a_message_waits_is_told_nothing(phones: Phones) -> None:
    browser = phones.subscribe("ratih")
    phones.service.answers[browser.path] = 503
    phones.desk.failed()
    phones.desk.after(90 * SECOND)
    asked = len(phones.service.posts)
    assert asked >= 1
    Sessions(phones.desk.engine, phones.desk.clock).end(phones.secrets["ratih"])
    phones.desk.after(3 * MINUTE)
    assert len(phones.service.posts) == asked
    assert [row["state"] for row in phones.desk.rows()] == ["void"]


def test_a_redirect_is_not_followed(phones: Phones) -> None:
    browser = phones.subscribe("ratih")
    phones.service.answers[browser.path] = 307
    (one,) = phones.subscriptions.of("ratih")
    assert phones.push.channel(one.id).send(trial("id")).answer is Answer.REFUSED
    assert [post.path for post in phones.service.posts] == [browser.path]


def test_one_that_never_answers_is_left_in_time(phones: Phones) -> None:
    browser = phones.subscribe("ratih")
    phones.service.hanging.add(browser.path)
    (one,) = phones.subscriptions.of("ratih")
    assert phones.push.channel(one.id, QUICK).send(trial("id")).answer is Answer.UNSURE


def test_another_host_s_certificate_is_not_trusted(phones: Phones) -> None:
    phones.subscribe("ratih")
    table = tables.push_subscription
    with phones.desk.engine.begin() as connection:
        connection.execute(table.update().values(endpoint="https://other.example/send/1"))
    push = PushDesk(
        phones.desk.engine,
        phones.desk.clock,
        resolve=lambda _: ("127.0.0.1", phones.service.port),
        context=phones.service.context,
    )
    (one,) = phones.subscriptions.of("ratih")
    assert push.channel(one.id).send(trial("id")).answer is Answer.UNREACHABLE
    assert phones.service.posts == []


def test_renewing_keeps_one_subscription_and_another_person_takes_it_over(phones: Phones) -> None:
    browser = phones.subscribe("ratih")
    (first,) = phones.subscriptions.of("ratih")
    phones.desk.clock.advance(MINUTE)
    phones.subscribe("ratih", browser=browser, language="en")
    (again,) = phones.subscriptions.of("ratih")
    assert (again.id, again.language, again.renewed_at - first.renewed_at) == (first.id, "en", MINUTE)
    phones.subscribe("joko", browser=browser)
    assert phones.subscriptions.of("ratih") == []
    assert len(phones.subscriptions.of("joko")) == 1


def test_the_browser_that_was_renewed_longest_ago_makes_room(phones: Phones) -> None:
    for number in range(MOST_SUBSCRIPTIONS + 1):
        phones.subscribe("ratih", browser=PhoneBrowser(f"/send/{number}"))
        phones.desk.clock.advance(SECOND)
    kept = [one.endpoint for one in phones.subscriptions.of("ratih")]
    assert len(kept) == MOST_SUBSCRIPTIONS
    assert f"https://{HOST}/send/0" not in kept


def test_the_key_is_made_once_for_all_processes(engine: Engine) -> None:
    subscriptions = PushSubscriptions(engine)
    first = subscriptions.key(Vapid.new_key())
    assert subscriptions.key(Vapid.new_key()) == first
    with engine.connect() as connection:
        assert connection.execute(select(tables.push_key.c.private)).scalars().all() == [first]


def test_phones_that_fail_together_wait_together(phones: Phones) -> None:
    phones.subscribe("ratih")
    phones.subscribe("joko")
    book = with_push(Book(), phones.subscriptions.listed())
    urls = [url for person in book.people.values() for url in person.channels.values()]
    assert {url.rpartition("/")[0] for url in urls} == {f"siaga-push://{HOST}"}
    assert replace(book, rules=()).recipients(["ratih"], frozenset({"telegram"})) == []
