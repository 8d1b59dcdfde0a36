"""The notify file: what it means, and each of its mistakes in one sentence that shows no secret."""

# ruff: noqa: E501 - a truth table has one line for a case

from pathlib import Path

import pytest

from api.notifications.book import Outside, Person, Recipient, Rule, Step
from api.notifications.book_file import SitesFileError, load_book, read_book
from api.notifications.channels import open_channel
from siaga.model.clock import MINUTE, SECOND
from siaga.timeline.schedule import parse_schedule

GOOD = """
link: https://siaga.example.go.id/
gather: 30s
repeat_after: 3m
people:
  - name: ratih
    channels:
      telegram: tgram://123456789:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/42
      web: json://127.0.0.1:9/ratih
  - name: joko
    language: en
    channels: {web: "json://127.0.0.1:9/joko"}
groups:
  - name: teknisi
    people: [ratih, joko]
rules:
  - name: siang
    tell: [teknisi]
    villages: ["35.10.17.2004", "35.11.*"]
    kinds: facility_failed
    severities: [major, critical]
    hours: "Mon-Sat 07:00-17:00"
    outside: wait
    by: [web]
    escalate:
      - {after: 15m, tell: joko}
      - {after: 1h, tell: [teknisi], by: [telegram]}
  - name: malam
    tell: ratih
    hours: [night]
"""


def test_a_file_and_what_it_means() -> None:
    book = read_book(GOOD, "notify.yaml", open_channel)
    assert book.link == "https://siaga.example.go.id"
    assert (book.gather, book.repeat_after) == (30 * SECOND, 3 * MINUTE)
    assert book.people["joko"] == Person("joko", "en", {"web": "json://127.0.0.1:9/joko"})
    assert book.rules[0] == Rule(
        name="siang",
        tell=("teknisi",),
        villages=("35.10.17.2004", "35.11.*"),
        kinds=frozenset({"facility_failed"}),
        severities=frozenset({"major", "critical"}),
        hours=parse_schedule(("Mon-Sat 07:00-17:00",)),
        outside=Outside.WAIT,
        by=frozenset({"web"}),
        escalate=(Step(15 * MINUTE, ("joko",)), Step(60 * MINUTE, ("teknisi",), frozenset({"telegram"}))),
    )
    assert book.recipients(("teknisi", "ratih"), frozenset({"web"})) == [
        Recipient("ratih", "web"),
        Recipient("joko", "web"),
    ]
    assert book.url("ratih/web") == "json://127.0.0.1:9/ratih"
    assert book.url("nobody/web") is None
    assert "aaaa" not in repr(book.people)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("link: https://siaga.example.go.id/", "link: siaga.example", 'line 2: link: "siaga.example" is not the address of the pages'),
        ("link: https://siaga.example.go.id/", "link: https://a:b@c", 'line 2: link: "…://…" is not the address of the pages'),
        ("gather: 30s", "gather: 30", "line 3: gather: 30 is not a text; write it in quotes"),
        ("gather: 30s", "gather: 2h", 'line 3: gather: "2h" is not from 0s to 1h'),
        ("repeat_after: 3m", "repeat_after: 5s", 'line 4: repeat_after: "5s" is not from 1m to 1h'),
        ("repeat_after: 3m", "repeet: 3m", 'line 4: repeet: "3m" has no meaning here: there is no key repeet'),
        ("language: en", "language: jv", 'line 11: language: "jv" is not a language: id or en'),
        ("name: ratih", "name: Bu Ratih", 'line 6: name: "Bu Ratih" is not a name: 1 to 64 of a-z'),
        ("name: teknisi", "name: joko", 'line 14: name: "joko" is the name of another person or group, in line 10'),
        ("[ratih, joko]", "[ratih, jaka]", 'line 15: people: "jaka" is not a person of this file: ratih, joko'),
        ("people: [ratih, joko]", "people: []", "line 15: people: is missing: name at least one"),
        ("tell: [teknisi]\n    villages", "tell: [teknis]\n    villages", 'line 18: tell: "teknis" is not a person or group'),
        ('"35.11.*"', '"35.1*"', 'line 19: villages: "35.1*" is not the code of a village'),
        ('"35.11.*"', "35.11", "line 19: villages: 35.11 is not the code of a village"),
        ("kinds: facility_failed", "kinds: gate", 'line 20: kinds: "gate" is not a kind of alert: facility_failed'),
        ("[major, critical]", "[high]", 'line 21: severities: "high" is not a severity: major, critical'),
        ("Mon-Sat 07:00", "Sen-Sab 07:00", 'line 22: hours: "Sen-Sab 07:00-17:00" is not a schedule'),
        ("outside: wait", "outside: later", 'line 23: outside: "later" is not one of these'),
        ("hours: [night]", "outside: wait", 'line 30: outside: "wait" has no use without hours'),
        ("by: [web]", "by: [sms]", 'line 24: by: "sms" is not a channel of anybody in this file'),
        ("after: 1h", "after: 10m", 'line 27: after: "10m" is not later than the step before it'),
        ("after: 15m, ", "", "line 26: after: is missing"),
        ("name: malam", "name: siang", 'line 28: name: "siang" is the name of another rule, in line 17'),
        ("channels: {web:", "chanels: {web:", "line 10: channels: is missing: nobody is told without a channel"),
    ],
)  # fmt: skip
def test_a_mistake_is_a_sentence_with_its_line(old: str, new: str, sentence: str) -> None:
    assert old in GOOD
    with pytest.raises(SitesFileError) as refused:
        read_book(GOOD.replace(old, new, 1), "notify.yaml", open_channel)
    assert f"notify.yaml {sentence}" in str(refused.value)
    assert "aaaa" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("tgram://s3cret", "telegram: is not a complete address of tgram"),
        ("s3cret", "telegram: is not an address of a service that Apprise knows"),
        ("nosuch://s3cret", "telegram: is not an address of a service that Apprise knows"),
        (
            "tgram://123456789:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaas3cret/1/2",
            "telegram: names 2 recipients: write one channel",
        ),
        ("{a: s3cret}", "telegram: is not the address of a channel"),
    ],
)
def test_an_address_is_checked_and_never_shown(url: str, sentence: str) -> None:
    text = GOOD.replace("tgram://123456789:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/42", url)
    with pytest.raises(SitesFileError) as refused:
        read_book(text, "notify.yaml", open_channel)
    assert f"notify.yaml line 8: {sentence}" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_an_address_at_the_wrong_place_is_not_shown_either() -> None:
    text = GOOD.replace("      telegram: ", "    telegram: ").replace("name: malam", '"json://s3cret": 1')
    with pytest.raises(SitesFileError) as refused:
        read_book(text, "notify.yaml", open_channel)
    assert "aaaa" not in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "notify.yaml line 1: people: is missing: the file is empty"),
        ("people: [", "notify.yaml line 2: this is not YAML"),
        ("- a", "a list is not a group of keys"),
        ("people: x\nrules: []", 'notify.yaml line 1: people: "x" is not a list'),
        ("rules: []", "notify.yaml line 1: people: is missing"),
    ],
)
def test_another_kind_of_file(text: str, sentence: str) -> None:
    with pytest.raises(SitesFileError) as refused:
        read_book(text, "notify.yaml", open_channel)
    assert sentence in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.yaml: cannot be read: No such file"):
        load_book(tmp_path / "nowhere.yaml", open_channel)
