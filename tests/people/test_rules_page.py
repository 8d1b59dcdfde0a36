"""`/setup/rules`: the rules in words, who would be told, and a test of a channel."""

import html
import re
from pathlib import Path

import httpx
import pytest

from api.notifications.book import Book, Outside, Person, Rule, Step
from api.notifications.channels import Answer, BadChannel, Channel, Outcome, open_channel
from api.notifications.live_book import BookDesk, ChannelsOf, LiveBook, Tree
from api.notifications.messages import Message
from siaga.database import tables, writing
from siaga.model.caller import Role
from siaga.model.clock import HOUR, MINUTE
from siaga.model.scope import Scopes
from siaga.timeline.schedule import parse_schedule
from tests.http.district import GLAGAH, LICIN, NOW, District
from tests.people.accounts import OWN, signed_in

SECRET = "tgram://123456789:AbCdEfGhIjKlMnOpQrStUvWxYz012345678/987654321"
BOOK = Book(
    {
        "ratih": Person("ratih", "id", {"telegram": SECRET, "email": "mailtos://u:rahasia@mail.example?to=r@example"}),
        "kepala": Person("kepala", "en", {"web": "json://127.0.0.1:1/rahasia"}),
    },
    {"teknisi": ("ratih",)},
    (
        Rule("siang", ("teknisi",), hours=parse_schedule(("Mon-Sun 06:00-21:00",)), outside=Outside.WAIT,
             by=frozenset({"telegram"}), escalate=(Step(30 * MINUTE, ("kepala",)),)),
        Rule("licin", ("kepala",), villages=("35.10.16.*",), kinds=frozenset({"village_offline"})),
        Rule("berat", ("ratih",), severities=frozenset({"critical"})),
    ),
)  # fmt: skip


@pytest.fixture
def admin(district: District) -> dict[str, str]:
    """Who manages everything."""
    district.book = BOOK
    return signed_in(district, Role.ADMIN, "joko") | OWN


def told(page: httpx.Response) -> list[tuple[str, str]]:
    """Whom the page says would be told: the channel, and when and why."""
    return [
        (html.unescape(who), html.unescape(when))
        for who, when in re.findall(r'data-recipient="([^"]+)".*?<small>(.*?)</small>', page.text)
    ]


def test_nobody_is_told_without_a_file_and_the_page_says_so(client: httpx.Client, district: District) -> None:
    page = client.get("/setup/rules", headers=signed_in(district, Role.ADMIN, "joko")).text
    assert "Belum ada aturan: tidak seorang pun diberi tahu." in page


def test_rules_are_sentences_and_no_address_is_shown(district: District, admin: dict[str, str]) -> None:
    with district.served(None) as client:
        page = client.get("/setup/rules", headers=admin).text
        english = client.get("/setup/rules", headers=admin | {"Accept-Language": "en"}).text
    shown = " ".join(html.unescape(re.sub("<[^>]+>", " ", page)).split())
    assert "Memberi tahu teknisi (ratih), lewat telegram Desa semua" in shown
    assert "Jam setiap hari 06.00–21.00; di luar itu menunggu sampai mulai" in shown
    assert "Setelah 30 menit tanpa ditangani: kepala" in shown
    assert "Desa 35.10.16.* Jenis" in shown
    assert "every day 06:00–21:00; outside of them it waits until they begin" in html.unescape(english)
    for word in ("tgram", "AbCdEf", "/rahasia", "mailtos"):
        assert word not in page + english


@pytest.mark.parametrize(
    ("query", "first"),
    [
        pytest.param(
            {"village": GLAGAH, "at": "2026-03-04T12:00"},
            [("ratih/telegram", "setelah dikumpulkan 1 menit · siang: dalam jamnya"),
             ("kepala/web", "bila sampai 12.31 WIB belum ditangani · siang")],
            id="by day",
        ),
        pytest.param(
            {"village": GLAGAH, "at": "2026-03-04T22:00"},
            [("ratih/telegram", "menunggu sampai 5 Mar 06.00 WIB · siang: menunggu jamnya"),
             ("kepala/web", "bila sampai 5 Mar 06.31 WIB belum ditangani · siang")],
            id="by night it waits",
        ),
        pytest.param(
            {"village": GLAGAH, "at": "2026-03-04T22:00", "kind": "indicator_missed"},
            [("ratih/email", "setelah dikumpulkan 1 menit · berat: setiap saat"),
             ("ratih/telegram", "setelah dikumpulkan 1 menit · berat: setiap saat"),
             ("kepala/web", "bila sampai 5 Mar 06.31 WIB belum ditangani · siang")],
            id="a severity that does not wait",
        ),
        pytest.param(
            {"village": LICIN, "at": "2026-03-04T12:00", "kind": "village_offline"},
            [("kepala/web", "setelah dikumpulkan 1 menit · licin: setiap saat"),
             ("ratih/telegram", "setelah dikumpulkan 1 menit · siang: dalam jamnya"),
             ("kepala/web", "bila sampai 12.31 WIB belum ditangani · siang")],
            id="a rule of another sub-district",
        ),
    ],
)  # fmt: skip
def test_who_would_be_told(
    district: District, admin: dict[str, str], query: dict[str, str], first: list[tuple[str, str]]
) -> None:
    with district.served(None) as client:
        assert told(client.get("/setup/rules", headers=admin, params=query)) == first


def test_how_each_channel_has_fared(district: District, admin: dict[str, str]) -> None:
    row = {"provider": "p", "created": NOW - HOUR, "due": NOW, "attempts": 1}
    sent = row | {"key": "a", "recipient": "ratih/telegram", "state": "sent", "settled": NOW - HOUR}
    dead = row | {"key": "b", "recipient": "ratih/telegram", "state": "dead", "settled": NOW - MINUTE}
    older = row | {"key": "c", "recipient": "ratih/email", "state": "dead", "settled": NOW - 2 * HOUR}
    with writing(district.engine) as connection:
        for one in (sent, dead | {"problem": "answered 404"}, older | {"problem": "did not answer"}):
            connection.execute(tables.notification.insert().values(one))
        later = sent | {"key": "d", "recipient": "ratih/email"}
        connection.execute(tables.notification.insert().values(later))
    with district.served(None) as client:
        page = client.get("/setup/rules", headers=admin).text
    found = re.findall(r'<li data-channel="(.*?)"><div>(.*?)</div>', page)
    said = {to: " ".join(html.unescape(re.sub("<[^>]+>", " ", text)).split()) for to, text in found}
    assert said == {
        "kepala/web": "kepala · web belum pernah dipakai",
        "ratih/email": "ratih · email ✓ gagal 10.00 WIB: tidak sampai, tidak menjawab"
        " terakhir diterima penyedia 11.00 WIB",
        "ratih/telegram": "ratih · telegram ✗ gagal 11.59 WIB: tidak sampai, menjawab 404, pesan tidak diterima"
        " terakhir diterima penyedia 11.00 WIB",
    }


def test_what_cannot_be_answered_is_a_sentence(district: District, admin: dict[str, str]) -> None:
    with district.served(None) as client:
        for query, sentence in (
            ({"village": "35.10.15.2999"}, "Tidak ada desa 35.10.15.2999"),
            ({"village": GLAGAH, "at": "besok"}, "besok bukan waktu"),
        ):
            page = client.get("/setup/rules", headers=admin, params=query)
            assert (page.status_code, sentence in page.text) == (422, True)
        district.book = Book(BOOK.people, BOOK.groups, BOOK.rules[1:])
    with district.served(None) as client:
        page = client.get("/setup/rules", headers=admin, params={"village": GLAGAH})
        assert "Tidak seorang pun diberi tahu." in page.text
        assert "licin: untuk desa lain" in page.text
        assert "berat: untuk tingkat lain" in page.text


def test_a_test_message_is_sent_and_the_provider_s_answer_is_said(district: District, admin: dict[str, str]) -> None:
    sent: list[tuple[str, Message]] = []

    class Provider:
        def __init__(self, url: str) -> None:
            self.url = url

        def send(self, message: Message) -> Outcome:
            sent.append((self.url, message))
            if self.url == SECRET:
                return Outcome(Answer.TAKEN, "took it")
            return Outcome(Answer.REFUSED, "answered 404")

    def open_(url: str) -> Channel:
        if url.startswith("mailtos"):
            raise BadChannel("is not a complete address of mailtos")
        return Provider(url)

    district.open_channel = open_
    with district.served(None) as client:
        for to, sentence in (
            ("ratih/telegram", "ratih/telegram: pesan diterima penyedia."),
            ("kepala/web", "kepala/web: menjawab 404, pesan tidak diterima."),
            ("ratih/email", "ratih/email: tidak dihubungi: alamatnya bukan alamat mailtos yang lengkap."),
        ):
            answer = client.post("/setup/rules/test", headers=admin, data={"to": to})
            assert answer.headers["location"] == "/setup/rules"
            cookies = f"{admin['Cookie']}; {answer.headers['set-cookie'].split(';')[0]}"
            assert sentence in html.unescape(client.get("/setup/rules", headers=admin | {"Cookie": cookies}).text)
        assert client.post("/setup/rules/test", headers=admin, data={"to": "nobody/web"}).status_code == 404
    assert [url for url, _ in sent] == [SECRET, BOOK.url("kepala/web")]
    assert sent[0][1].title != sent[1][1].title, "each in the language of the person"


def test_who_manages_a_part_sees_its_rules_and_tests_their_channels_alone(district: District) -> None:
    glagah = signed_in(district, Role.ADMIN, "ratih", Scopes.of(["35.10.15"])) | OWN
    district.book = Book(BOOK.people, BOOK.groups, BOOK.rules[1:])
    with district.served(None) as client:
        page = client.get("/setup/rules", headers=glagah).text
        assert re.findall(r'data-rule="(\w+)"', page) == ["berat"]
        assert re.findall(r'data-channel="([^"]+)"', page) == ["ratih/email", "ratih/telegram"]
        assert "35.10.16" not in page
        assert client.post("/setup/rules/test", headers=glagah, data={"to": "kepala/web"}).status_code == 404
        assert client.get("/setup/rules", headers=glagah, params={"village": LICIN}).status_code == 422


# The forms


@pytest.fixture
def own(district: District, tmp_path: Path) -> LiveBook:
    """A book that the pages write."""
    book = LiveBook(Book())
    district.book = book
    district.book_desk = BookDesk(tmp_path / "notify.yaml", book, open_channel)
    district.channels = ChannelsOf(book)  # type: ignore[assignment] # read alone
    return book


def test_the_first_channel_tells_of_everything_and_can_be_taken_away(district: District, own: LiveBook) -> None:
    admin = signed_in(district, Role.ADMIN, "joko") | OWN
    with district.served(None) as client:
        page = client.get("/setup/rules", headers=admin).text
        sent = {"person": "Ratih", "address": "http://127.0.0.1:1/rahasia", "everything": "true", "seen": seen_of(page)}
        assert client.post("/setup/rules/channels", headers=admin, data=sent).status_code == 303
        assert own.url("ratih/web") == "json://127.0.0.1:1/rahasia", "an ordinary address is a web hook"
        assert [(rule.name, rule.tell) for rule in own.rules] == [("semua", ("ratih",))]
        again = client.post("/setup/rules/channels", headers=admin, data=sent)
        assert (again.status_code, "muat ulang halaman" in again.text) == (409, True)
        page = client.get("/setup/rules", headers=admin).text
        assert "rahasia" not in page.replace("sebagai rahasia", "")
        second = sent | {"person": "kepala", "address": "ntfy://siaga-topik", "seen": seen_of(page)}
        assert client.post("/setup/rules/channels", headers=admin, data=second).status_code == 303
        assert [rule.tell for rule in own.rules] == [("ratih", "kepala")]
        for to in ("ratih/web", "kepala/ntfy"):
            seen = seen_of(client.get("/setup/rules", headers=admin).text)
            gone = client.post("/setup/rules/channels/remove", headers=admin, data={"to": to, "seen": seen})
            assert gone.status_code == 303
        assert (own.people, own.rules) == ({}, ())
        assert client.get("/setup/people", headers=admin).status_code == 200


def test_a_group_whose_last_person_goes_goes_out_of_the_rules_too(district: District, own: LiveBook) -> None:
    admin = signed_in(district, Role.ADMIN, "joko") | OWN
    with district.served(None) as client:
        for person, address in (("budi", "ntfy://satu"), ("ani", "ntfy://dua")):
            seen = seen_of(client.get("/setup/rules", headers=admin).text)
            sent = {"person": person, "address": address, "seen": seen}
            assert client.post("/setup/rules/channels", headers=admin, data=sent).status_code == 303
        desk = district.book_desk
        assert desk is not None

        def by_group(tree: Tree) -> None:
            tree["groups"] = [{"name": "malam", "people": ["budi"]}]
            tree["rules"] = [
                {"name": "a", "tell": ["malam"]},
                {"name": "b", "tell": ["malam", "ani"], "escalate": [{"after": "30m", "tell": "budi"}]},
                {"name": "c", "tell": "budi"},
            ]

        desk.change(desk.read()[1], by_group)
        seen = seen_of(client.get("/setup/rules", headers=admin).text)
        gone = client.post("/setup/rules/channels/remove", headers=admin, data={"to": "budi/ntfy", "seen": seen})
        assert gone.status_code == 303
        assert [(rule.name, rule.tell, rule.escalate) for rule in own.rules] == [("b", ("ani",), ())]


def test_a_rule_by_the_form_is_what_the_file_would_say(district: District, own: LiveBook) -> None:
    admin = signed_in(district, Role.ADMIN, "joko") | OWN
    with district.served(None) as client:
        for person, address in (("ratih", "ntfy://satu"), ("kepala", "ntfy://dua")):
            sent = {
                "person": person,
                "address": address,
                "seen": seen_of(client.get("/setup/rules", headers=admin).text),
            }
            assert client.post("/setup/rules/channels", headers=admin, data=sent).status_code == 303
        rule: dict[str, str | list[str]] = {
            "name": "Siang hari", "tell": ["ratih"], "villages": "35.10.15.*, 35.10.16.2003", "severities": ["major"],
            "hours": "Mon-Sun 06:00-21:00", "outside": "wait", "after": "30m", "next_tell": ["kepala"],
            "seen": seen_of(client.get("/setup/rules", headers=admin).text),
        }  # fmt: skip
        wrong = client.post("/setup/rules/rules", headers=admin, data=rule | {"hours": "pagi", "tell": []})
        assert wrong.status_code == 422
        said = html.unescape(wrong.text)
        assert "Jam: " in said
        assert "bukan jadwal" in said
        assert "Memberi tahu: belum diisi: pilih sedikitnya satu" in said
        assert 'name="hours" value="pagi"' in said, "what was filled in stays"
        assert client.post("/setup/rules/rules", headers=admin, data=rule).status_code == 303
        assert own.rules == (
            Rule("siang-hari", ("ratih",), ("35.10.15.*", "35.10.16.2003"), severities=frozenset({"major"}),
                 hours=parse_schedule(("Mon-Sun 06:00-21:00",)), outside=Outside.WAIT,
                 escalate=(Step(30 * MINUTE, ("kepala",)),)),
        )  # fmt: skip
        seen = seen_of(client.get("/setup/rules", headers=admin).text)
        assert (
            client.post("/setup/rules/rules/remove", headers=admin, data={"name": "x", "seen": seen}).status_code == 404
        )
        gone = client.post("/setup/rules/rules/remove", headers=admin, data={"name": "siang-hari", "seen": seen})
        assert (gone.status_code, own.rules) == (303, ())


def test_a_rule_is_changed_and_what_its_form_does_not_say_stays(district: District, own: LiveBook) -> None:
    admin = signed_in(district, Role.ADMIN, "joko") | OWN
    desk = district.book_desk
    assert desk is not None

    def written(tree: Tree) -> None:
        tree["people"] = [{"name": name, "channels": {"ntfy": f"ntfy://{name}"}} for name in ("ratih", "kepala")]
        steps = [{"after": "30m", "tell": "kepala", "by": ["ntfy"]}, {"after": "2h", "tell": "ratih"}]
        tree["rules"] = [
            {
                "name": "a",
                "tell": "ratih",
                "by": ["ntfy"],
                "hours": "night",
                "kinds": ["clock_skew"],
                "escalate": steps,
            },
            {"name": "b", "tell": ["kepala"]},
        ]

    desk.change(desk.read()[1], written)
    with district.served(None) as client:
        page = client.get("/setup/rules?rule=a", headers=admin).text
        form = page.split('id="rule-form" open')[1].split("</form>")[0]
        for part in ('name="replaces" value="a"', 'name="hours" value="night"', 'value="clock_skew" checked',
                     'name="tell" value="ratih" checked', '<option value="skip" selected>', 'name="after" value="30m"',
                     'name="next_tell" value="kepala" checked'):  # fmt: skip
            assert part in form, part
        assert client.get("/setup/rules?rule=c", headers=admin).status_code == 404
        sent: dict[str, str | list[str]] = {"name": "c", "tell": ["kepala"], "replaces": "a", "seen": seen_of(page)}
        sent |= {"after": "15m", "next_tell": ["ratih"], "severities": ["major"]}
        assert client.post("/setup/rules/rules", headers=admin, data=sent | {"name": "b"}).status_code == 422, "two b"
        assert client.post("/setup/rules/rules", headers=admin, data=sent | {"replaces": "x"}).status_code == 404
        assert client.post("/setup/rules/rules", headers=admin, data=sent).status_code == 303
        part_only = signed_in(district, Role.ADMIN, "dewi", Scopes.of([LICIN]))
        assert client.get("/setup/rules?rule=b", headers=part_only).status_code == 404
    by = frozenset({"ntfy"})
    steps = (Step(15 * MINUTE, ("ratih",), by), Step(120 * MINUTE, ("ratih",)))
    changed = Rule("c", ("kepala",), severities=frozenset({"major"}), by=by, escalate=steps)
    assert own.rules == (changed, Rule("b", ("kepala",))), "in its place"


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("tgram://kurang", "bukan alamat tgram yang lengkap"),
        ("bukan alamat", "bukan alamat layanan yang dikenal Apprise"),
        ("", "bukan alamat saluran"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_without_being_shown(
    district: District, own: LiveBook, address: str, sentence: str
) -> None:
    admin = signed_in(district, Role.ADMIN, "joko") | OWN
    with district.served(None) as client:
        seen = seen_of(client.get("/setup/rules", headers=admin).text)
        page = client.post(
            "/setup/rules/channels", headers=admin, data={"person": "ratih", "address": address, "seen": seen}
        )
        assert (page.status_code, sentence in html.unescape(page.text)) == (422, True)
        assert own.people == {}


def test_only_who_manages_everything_writes_the_rules(district: District, own: LiveBook) -> None:
    admin = signed_in(district, Role.ADMIN, "ratih", Scopes.of([LICIN])) | OWN
    with district.served(None) as client:
        page = client.get("/setup/rules", headers=admin).text
        assert "/setup/rules/channels" not in page
        sent = {"person": "ratih", "address": "ntfy://satu", "seen": "0"}
        assert client.post("/setup/rules/channels", headers=admin, data=sent).status_code == 404
    assert own.people == {}


def seen_of(page: str) -> str:
    """What the page says that it was made of."""
    found = re.search(r'name="seen" value="(\w+)"', page)
    assert found is not None
    return found[1]
