"""What both drivers of the broker's core keep: the embedded broker on its socket, and the broker in memory."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from siaga.broker import EmbeddedBroker
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.mqtt import Message, MqttTransport
from tests.mqtt.link import Link
from tests.wait import PATIENCE, until

Client = MqttTransport | MemoryTransport


class Desk:
    """A broker, clients of it, and their connections, which can break without a word."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def join(self, name: str, *filters: str, clean: bool = True, will: Message | None = None) -> Client:
        client = self.connect(name, clean=clean, will=will)
        self._stack.callback(client.close)
        for topic_filter in filters:
            client.subscribe(topic_filter)
        until(lambda: client.connected, what=f"{name} is connected")
        return client

    def connect(self, name: str, *, clean: bool, will: Message | None) -> Client:
        raise NotImplementedError

    def sever(self, client: Client) -> None:
        """Break a client's connection; it never comes back."""
        raise NotImplementedError


class OnSockets(Desk):
    def __init__(self, stack: ExitStack, path: Path) -> None:
        super().__init__(stack)
        self._broker = EmbeddedBroker(path / "broker.sqlite", 0)
        self._broker.start()
        stack.callback(self._broker.close)
        self._links: dict[Client, Link] = {}

    def connect(self, name: str, *, clean: bool, will: Message | None) -> Client:
        link = self._stack.enter_context(Link(self._broker.port))
        client = MqttTransport(link.url, name, clean=clean, will=will)
        self._links[client] = link
        return client

    def sever(self, client: Client) -> None:
        self._links[client].cut()
        until(lambda: not client.connected, what="its connection broke")


class InMemory(Desk):
    def __init__(self, stack: ExitStack) -> None:
        super().__init__(stack)
        self._broker = MemoryBroker()

    def connect(self, name: str, *, clean: bool, will: Message | None) -> Client:
        return MemoryTransport(self._broker, name, clean=clean, will=will)

    def sever(self, client: Client) -> None:
        assert isinstance(client, MemoryTransport)
        client.vanish()


@pytest.fixture(params=["on sockets", "in memory"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as stack:
        yield OnSockets(stack, tmp_path) if request.param == "on sockets" else InMemory(stack)


def take(client: Client, count: int, *, acknowledge: bool = True) -> list[Message]:
    """The next `count` messages."""
    taken: list[Message] = []
    deadline = time.monotonic() + PATIENCE
    while len(taken) < count:
        assert time.monotonic() < deadline, f"{count} messages within {PATIENCE} s; had {taken}"
        message = client.receive(0.1)
        if message is not None:
            taken.append(message)
            if acknowledge:
                client.acknowledge(message)
    return taken


def payloads(client: Client, count: int, *, acknowledge: bool = True) -> list[bytes]:
    return [message.payload for message in take(client, count, acknowledge=acknowledge)]


def until_end(client: Client, speaker: Client) -> list[bytes]:
    """What a client gets before a message on the topic `end`."""
    until(lambda: speaker.publish("end", b"end"))
    got: list[bytes] = []
    while not got or got[-1] != b"end":
        got += payloads(client, 1)
    return got[:-1]


def say(client: Client, topic: str, *payloads: bytes, retain: bool = False) -> None:
    for payload in payloads:
        assert client.publish(topic, payload, retain=retain)


def test_a_message_reaches_who_subscribed_and_nobody_else(desk: Desk) -> None:
    one, other, speaker = (
        desk.join("one", "tele/+/LWT", "end"),
        desk.join("other", "stat/#", "end"),
        desk.join("speaker"),
    )
    say(speaker, "tele/gerbang/LWT", b"Online")
    say(speaker, "stat/gerbang/POWER", b"ON")
    assert (until_end(one, speaker), payloads(other, 2)) == ([b"Online"], [b"ON", b"end"])


def test_overlapping_subscriptions_of_one_client_give_a_message_once(desk: Desk) -> None:
    one, speaker = desk.join("one", "a/#", "a/+", "a/b", "end"), desk.join("speaker")
    say(speaker, "a/b", b"x")
    assert until_end(one, speaker) == [b"x"]


def test_what_was_not_acknowledged_and_what_came_meanwhile_come_in_order_to_the_kept_session(desk: Desk) -> None:
    one, speaker = desk.join("one", "a", "end", clean=False), desk.join("speaker")
    say(speaker, "a", b"1", b"2", b"3")
    first, *_ = take(one, 3, acknowledge=False)
    one.acknowledge(first)
    one.acknowledge(first)
    until_safe(one)
    desk.sever(one)
    say(speaker, "a", b"4")
    again = desk.join("one", "a", "end", clean=False)
    assert again.resumed
    assert [payload for payload in until_end(again, speaker) if payload] == [b"2", b"3", b"4"], "but for the echo"


def until_safe(client: Client) -> None:
    """Until the broker has heard all that a client said: its own message is back."""
    client.subscribe("echo")
    until(lambda: client.connected)
    say(client, "echo", b"")
    take(client, 1)


def test_a_clean_session_ends_with_its_connection_and_ends_the_one_before(desk: Desk) -> None:
    kept, speaker = desk.join("one", "a", "end", clean=False), desk.join("speaker")
    watcher = desk.join("watcher", "a")
    desk.sever(kept)
    say(speaker, "a", b"for the kept one")
    take(watcher, 1)  # the broker has it
    clean = desk.join("one", "a", "end")
    assert not clean.resumed
    say(speaker, "a", b"now")
    assert until_end(clean, speaker) == [b"now"]
    desk.sever(clean)
    new = desk.join("one", "end", clean=False)
    assert not new.resumed
    assert until_end(new, speaker) == []


@pytest.mark.parametrize("retain", [False, True])
def test_a_broken_connection_leaves_the_last_will(desk: Desk, retain: bool) -> None:
    watcher = desk.join("watcher", "status")
    device = desk.join("device", will=Message("status", b"offline", retain=retain))
    desk.sever(device)
    (will,) = take(watcher, 1)
    assert (will.payload, will.retain) == (b"offline", False)
    if retain:
        (later,) = take(desk.join("later", "status"), 1)
        assert (later.payload, later.retain) == (b"offline", True)


def test_a_good_bye_leaves_no_last_will(desk: Desk) -> None:
    watcher, speaker = desk.join("watcher", "status", "end"), desk.join("speaker")
    desk.join("device", will=Message("status", b"offline")).close()
    assert until_end(watcher, speaker) == []


def test_a_second_connection_takes_the_session_over_and_the_will_of_the_first_comes_before(desk: Desk) -> None:
    watcher = desk.join("watcher", "status")
    first = desk.join("device", "a", clean=False, will=Message("status", b"offline"))
    second = desk.connect("device", clean=False, will=None)
    second.subscribe("a")
    until(lambda: second.connected and second.resumed, what="the second connection has the session")
    assert take(watcher, 1)[0].payload == b"offline"
    first.close()
    say(second, "status", b"online")
    assert payloads(watcher, 1) == [b"online"]
    say(watcher, "a", b"x")
    assert payloads(second, 1) == [b"x"]
    second.close()


def test_an_empty_retained_message_clears_the_topic(desk: Desk) -> None:
    speaker = desk.join("speaker", "state")
    say(speaker, "state", b"old", b"", retain=True)
    say(speaker, "other", b"kept", retain=True)
    assert payloads(speaker, 2) == [b"old", b""]
    until_safe(speaker)
    assert until_end(desk.join("one", "#"), speaker) == [b"kept"]
