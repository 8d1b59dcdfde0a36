"""The notify file that the pages write: all or nothing, for its owner alone, used at once."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from api.notifications.book import Book, Recipient, Rule
from api.notifications.channels import open_channel
from api.notifications.live_book import BookDesk, ChannelsOf, FileChanged, LiveBook, Tree
from siaga.model.clock import HOUR
from siaga.sites.mistakes import SitesFileError
from tests.notifications.desk import Desk, book
from tests.notifications.webhook import Webhook

RATIH = {"name": "ratih", "channels": {"web": "json://127.0.0.1:1/rahasia"}}


def tell_ratih(tree: Tree) -> None:
    tree["people"], tree["rules"] = [RATIH], [{"name": "semua", "tell": ["ratih"]}]


def without_link(tree: Tree) -> None:
    del tree["link"]


def nobody(tree: Tree) -> None:
    tree["rules"] = [{"name": "semua", "tell": ["joko"]}]


def test_a_book_that_stands_for_another_has_all_that_a_book_has() -> None:
    book = Book(link="https://siaga.example", gather=5, repeat_after=7)
    live = LiveBook(Book())
    live.become(book)
    for field in fields(Book):
        assert getattr(live, field.name) == getattr(book, field.name), field.name


def test_what_is_written_is_used_at_once_and_by_the_next_process(tmp_path: Path) -> None:
    path, book = tmp_path / "notify.yaml", LiveBook(Book(link="https://siaga.example"))
    desk, channels = BookDesk(path, book, open_channel, "https://siaga.example"), ChannelsOf(book)
    assert (dict(channels), book.recipients(["ratih"])) == ({}, [])
    desk.change(desk.read()[1], tell_ratih)
    assert book.recipients(["ratih"]) == [Recipient("ratih", "web")]
    assert book.url("ratih/web") == "json://127.0.0.1:1/rahasia"
    assert book.link == "https://siaga.example", "where the pages are is not in the file"
    assert dict(channels) == {"ratih": ("web",)}
    assert path.stat().st_mode & 0o777 == 0o600
    desk.change(desk.read()[1], lambda tree: tree.update(link="https://lain.example"))
    assert book.link == "https://lain.example"
    desk.change(desk.read()[1], without_link)
    assert book.link == "https://siaga.example", "what the file says no more is not kept"
    again = LiveBook(Book())
    tree, _ = BookDesk(path, again, open_channel).read()
    assert tree["people"] == [RATIH]


def test_a_mistake_or_another_s_change_writes_nothing(tmp_path: Path) -> None:
    path, book = tmp_path / "notify.yaml", LiveBook(Book())
    desk = BookDesk(path, book, open_channel)
    before = desk.read()[1]
    desk.change(before, tell_ratih)
    text = path.read_bytes()
    with pytest.raises(FileChanged):
        desk.change(before, tell_ratih)
    with pytest.raises(SitesFileError) as refused:
        desk.change(desk.read()[1], nobody)
    assert "rahasia" not in str(refused.value)
    assert (path.read_bytes(), [rule.tell for rule in book.rules]) == (text, [("ratih",)])
    assert [one.name for one in tmp_path.iterdir()] == ["notify.yaml"]


def test_how_long_is_gathered_counts_from_the_change_on(desk: Desk, hook: Webhook) -> None:
    live = LiveBook(book(hook, gather=HOUR))
    desk.tell(live)
    desk.failed()
    assert not desk.planner.plan_one(desk.clock.now())
    live.become(book(hook, gather=0))
    assert desk.planner.plan_one(desk.clock.now())


def test_a_plan_is_made_by_one_book_although_it_is_replaced_meanwhile(desk: Desk, hook: Webhook) -> None:
    """People of the book before with rules of the one after would be nobody, and the notice gone."""
    before = book(hook, Rule("joko", ("joko",)), gather=0)
    after = replace(book(hook, Rule("sari", ("sari",)), gather=0), people={"sari": before.people["joko"]})
    live = Changing(before, after)
    desk.tell(live)
    desk.failed()
    assert desk.planner.plan_one(desk.clock.now())
    assert [row["recipient"] for row in desk.rows()] == ["joko/web"]


class Changing(LiveBook):
    """A book that is replaced as soon as its rules were read."""

    def __init__(self, book: Book, after: Book) -> None:
        super().__init__(book)
        object.__setattr__(self, "after_it", after)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Those of the book before; from then on it is the other one."""
        found = super().rules
        self.become(object.__getattribute__(self, "after_it"))
        return found
