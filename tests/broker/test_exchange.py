"""The broker's core by itself: bounds, windows, and that a journal on disk changes nothing but what survives."""

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.broker.exchange import Delivery, Exchange, Limits, Session
from siaga.broker.journal import FileJournal
from siaga.broker.packets import LEVEL, Connect, Publish

SMALL = Limits(window=2, window_bytes=10**6, queue=3, queue_bytes=10**6, fleeting_queue=3, fleeting_bytes=10**6)


@dataclass(eq=False)
class Outlet:
    """A connection that notes what it is sent."""

    sent: list[Delivery] = field(default_factory=list)
    displaced: bool = False
    is_congested: bool = False

    def send(self, delivery: Delivery) -> None:
        self.sent.append(delivery)

    def congested(self) -> bool:
        return self.is_congested

    def displace(self) -> None:
        self.displaced = True

    def payloads(self) -> list[bytes]:
        return [each.payload for each in self.sent]


class Place:
    """A core on a journal in a file, and its clients."""

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self.journal = FileJournal(path)
        self.exchange = Exchange(self.journal, 0, limits)

    def join(self, name: str, *filters: str, clean: bool = False) -> tuple[Session, Outlet]:
        outlet = Outlet()
        session, _ = self.exchange.connect(Connect(LEVEL, name, clean), outlet, 0)
        self.exchange.resume(session)
        if filters:
            self.exchange.subscribe(session, [(each, 1) for each in filters], 0)
        return session, outlet

    def say(self, *payloads: bytes, topic: str = "a", qos: int = 1) -> None:
        for payload in payloads:
            self.exchange.publish(Publish(topic, payload, qos))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "broker.sqlite", SMALL)


@pytest.mark.parametrize("clean", [False, True])
def test_no_more_is_under_way_than_the_window_and_no_more_waits_than_the_queue(place: Place, clean: bool) -> None:
    session, outlet = place.join("one", "a", clean=clean)
    place.say(*(b"%d" % number for number in range(7)))
    assert outlet.payloads() == [b"0", b"1"]
    assert place.exchange.dropped == 2, "two are under way, three wait"
    place.exchange.acknowledged(session, outlet.sent[0].packet_id)
    assert outlet.payloads() == [b"0", b"1", b"2"]


def test_an_acknowledgement_of_nothing_is_none(place: Place) -> None:
    session, outlet = place.join("one", "a")
    place.say(b"0", b"1", b"2")
    place.exchange.acknowledged(session, 999)
    assert outlet.payloads() == [b"0", b"1"]


def test_what_is_sent_again_says_so_and_what_was_kept_says_so(place: Place) -> None:
    session, outlet = place.join("one", "a")
    place.say(b"0")
    assert [(each.again, each.kept) for each in outlet.sent] == [(False, False)]
    place.exchange.leave(session, outlet, 0)
    place.say(b"1")
    _, later = place.join("one")
    place.say(b"2")
    assert [(each.payload, each.again, each.kept) for each in later.sent] == [(b"0", True, True), (b"1", False, True)]
    place.exchange.acknowledged(session, later.sent[0].packet_id)
    assert (later.sent[2].payload, later.sent[2].kept) == (b"2", False)


def test_the_end_of_a_connection_that_was_taken_over_ends_nothing(place: Place) -> None:
    session, old = place.join("one", "a")
    _, new = place.join("one")
    assert old.displaced
    place.exchange.leave(session, old, 0)
    place.say(b"x")
    assert (old.payloads(), new.payloads()) == ([], [b"x"])


def test_quality_of_service_0_is_dropped_for_who_cannot_take_it(place: Place) -> None:
    _, outlet = place.join("one", "a")
    outlet.is_congested = True
    place.say(b"x", qos=0)
    assert (outlet.sent, place.exchange.dropped) == ([], 1)


def test_quality_of_service_2_is_published_once_for_each_identifier(place: Place) -> None:
    session, outlet = place.join("one", "a")
    message = Publish("a", b"x", 2, packet_id=7)
    assert place.exchange.receive_once(session, message), "the receiver outlives its connection: a commit is due"
    assert not place.exchange.receive_once(session, message)
    assert len(outlet.sent) == 1
    place.exchange.released(session, 7)
    place.exchange.receive_once(session, message)
    assert len(outlet.sent) == 2


def test_a_shared_subscription_gives_each_message_to_one_member_in_turn_who_is_there(place: Place) -> None:
    members = [place.join(name, "$share/crew/a") for name in ("one", "two", "three")]
    session, outlet = members.pop(0)
    place.exchange.leave(session, outlet, 0)
    place.say(b"0", b"1", b"2", b"3")
    assert [each.payloads() for _, each in members] == [[b"0", b"2"], [b"1", b"3"]]
    for other in members:
        place.exchange.leave(*other, 0)
    place.say(b"4", b"5", b"6")
    assert sum(len(each.waiting) for each in (session, *(other for other, _ in members))) == 3, (
        "kept, with nobody there"
    )


def test_retained_messages_are_for_plain_subscriptions_alone(place: Place) -> None:
    place.exchange.publish(Publish("a", b"now", 1, retain=True))
    for name, wanted, expected in (("plain", "a", [b"now"]), ("shared", "$share/crew/a", [])):
        session, outlet = place.join(name, wanted)
        place.exchange.greet(session, [(wanted, 1)])
        assert outlet.payloads() == expected


@pytest.mark.parametrize("filter_", ["a/#/b", "a+", "", "$share/crew", "$share//a", "$share/cr+w/a", "$share/crew/"])
def test_a_filter_that_is_none_is_not_granted(place: Place, filter_: str) -> None:
    session, _ = place.join("one")
    assert place.exchange.subscribe(session, [(filter_, 1), ("b", 1)], 0) == [0x80, 1]


def test_sessions_of_clients_that_stay_away_are_forgotten(place: Place) -> None:
    session, outlet = place.join("one", "a")
    place.exchange.leave(session, outlet, 1000)
    assert place.exchange.expire(1000) == 0
    assert place.exchange.expire(1001) == 1
    assert place.exchange.session("one") is None


STEP = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(["a", "b"])),
    st.tuples(st.just("acknowledge"), st.sampled_from(["one", "two"])),
    st.tuples(st.just("break"), st.sampled_from(["one", "two"])),
    st.tuples(st.just("join"), st.sampled_from(["one", "two"])),
    st.tuples(st.just("commit"), st.just("")),
    st.tuples(st.just("restart"), st.just("")),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(STEP, max_size=40))
def test_each_session_gets_everything_in_order_until_it_acknowledged_it_whatever_breaks(
    steps: list[tuple[str, str]],
) -> None:
    """Against a model: a queue for each session. A restart loses nothing, as what was published is committed first."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "broker.sqlite"
        place = Place(path)
        filters = {"one": ("a", "b"), "two": ("b",)}
        there = {name: place.join(name, *wanted) for name, wanted in filters.items()}
        owed: dict[str, deque[bytes]] = {name: deque() for name in filters}
        said = 0
        for verb, what in steps:
            match verb:
                case "say":
                    said += 1
                    place.say(b"%d" % said, topic=what)
                    for name, wanted in filters.items():
                        if what in wanted:
                            owed[name].append(b"%d" % said)
                case "acknowledge" if what in there and owed[what]:
                    session, outlet = there[what]
                    place.exchange.acknowledged(session, outlet.sent.pop(0).packet_id)
                    owed[what].popleft()
                case "break" if what in there:
                    place.exchange.leave(*there.pop(what), 0)
                case "join" if what not in there:
                    there[what] = place.join(what)
                case "commit":
                    place.journal.commit()
                case "restart":
                    place.journal.close()
                    place = Place(path)
                    there.clear()
            for name, (_, outlet) in there.items():
                assert outlet.payloads() == list(owed[name])
        for name in filters.keys() - there.keys():
            assert place.join(name)[1].payloads() == list(owed[name])
        place.journal.close()
