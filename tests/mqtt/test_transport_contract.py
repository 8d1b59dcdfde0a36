"""What every `Transport` keeps: over mosquitto (MQTT 5 and 3.1.1), the embedded broker and memory."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from siaga.broker import EmbeddedBroker
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.mqtt import Message, MqttTransport
from tests.servers import Mosquitto
from tests.wait import PATIENCE, until

AnyTransport = MqttTransport | MemoryTransport


class World:
    """One broker, and transports made on it."""

    def __init__(self, kind: str, stack: ExitStack) -> None:
        self.kind = kind
        self._stack = stack
        self._memory = MemoryBroker()
        self._url, self._version = "", None
        if kind.startswith("mosquitto"):
            self._url = stack.enter_context(Mosquitto()).url
            self._version = 4 if kind == "mosquitto 3.1.1" else None
        elif kind == "siaga's own":
            broker = EmbeddedBroker(Path(stack.enter_context(TemporaryDirectory())) / "broker.sqlite", 0)
            broker.start()
            stack.callback(broker.close)
            self._url = broker.url

    def join(
        self, client_id: str, *filters: str, clean: bool = True, will: Message | None = None, max_queue: int = 1000
    ) -> AnyTransport:
        transport = self.make(client_id, clean=clean, will=will, max_queue=max_queue)
        for topic_filter in filters:
            transport.subscribe(topic_filter)
        until(lambda: transport.connected, what=f"{client_id} is connected")
        return transport

    def make(
        self,
        client_id: str,
        *,
        clean: bool = True,
        will: Message | None = None,
        max_queue: int = 1000,
        held: bool = False,
    ) -> AnyTransport:
        transport: AnyTransport
        if self.kind == "memory":
            transport = MemoryTransport(self._memory, client_id, clean=clean, will=will, max_queue=max_queue, held=held)
        else:
            transport = MqttTransport(
                self._url,
                client_id,
                clean=clean,
                will=will,
                max_queue=max_queue,
                marker=None if clean else f"mark/{client_id}",
                held=held,
                version=self._version,
            )
        self._stack.callback(transport.close)
        return transport


BROKERS = ["mosquitto", "mosquitto 3.1.1", "siaga's own", "memory"]


@pytest.fixture(params=BROKERS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(request.param, stack)


def take(transport: AnyTransport, count: int, *, acknowledge: bool = True) -> list[Message]:
    """The next `count` messages."""
    taken: list[Message] = []
    deadline = time.monotonic() + PATIENCE
    while len(taken) < count:
        assert time.monotonic() < deadline, f"{count} messages within {PATIENCE} s; had {taken}"
        message = transport.receive(0.1)
        if message is None:
            continue
        if acknowledge:
            transport.acknowledge(message)
        taken.append(message)
    return taken


def send(transport: AnyTransport, topic: str, *payloads: bytes, retain: bool = False) -> None:
    for payload in payloads:
        until(lambda payload=payload: transport.publish(topic, payload, retain=retain))  # type: ignore[misc]  # bound now


def test_a_message_goes_from_one_to_the_other(world: World) -> None:
    hearer, speaker = world.join("hearer", "tele/+/STATE"), world.join("speaker")
    send(speaker, "tele/lampu/STATE", b"\xff\x00 any bytes")
    (message,) = take(hearer, 1)
    assert (message.topic, message.payload, message.retain, message.kept) == (
        "tele/lampu/STATE",
        b"\xff\x00 any bytes",
        False,
        False,
    )


def test_the_order_of_one_topic_is_kept(world: World) -> None:
    hearer, speaker = world.join("hearer", "a/#"), world.join("speaker")
    send(speaker, "a/b", *(b"%d" % n for n in range(100)))
    assert [message.payload for message in take(hearer, 100)] == [b"%d" % n for n in range(100)]


def test_a_retained_message_is_told_to_who_comes_later(world: World) -> None:
    speaker = world.join("speaker")
    send(speaker, "tele/lampu/LWT", b"Online", retain=True)
    speaker.close()  # the broker has it
    (message,) = take(world.join("hearer", "tele/+/LWT"), 1)
    assert (message.payload, message.retain) == (b"Online", True)


def test_a_clean_end_leaves_no_last_will(world: World) -> None:
    hearer = world.join("hearer", "will", "end")
    world.join("mortal", will=Message("will", b"gone")).close()
    send(world.join("speaker"), "end", b"")
    assert [message.topic for message in take(hearer, 1)] == ["end"]


def test_a_persistent_session_gets_what_was_sent_while_it_was_away_and_knows_it_is_late(world: World) -> None:
    world.join("hearer", "a/#", clean=False).close()
    speaker = world.join("speaker")
    send(speaker, "a/b", b"1", b"2", b"3")
    speaker.close()  # the broker has them now
    speaker = world.join("speaker")
    hearer = world.join("hearer", "a/#", clean=False)
    late = take(hearer, 3)
    assert [message.payload for message in late] == [b"1", b"2", b"3"]
    assert all(message.kept for message in late)
    send(speaker, "a/b", b"4")

    def live() -> bool:
        send(speaker, "a/b", b"4")
        return not take(hearer, 1)[0].kept

    until(live, what="what is sent after the backlog is live")


def test_who_leaves_for_good_is_kept_nothing(world: World) -> None:
    world.join("hearer", "a", clean=False).close(for_good=True)
    speaker = world.join("speaker")
    send(speaker, "a", b"missed")
    speaker.close()
    speaker = world.join("speaker")
    hearer = world.join("hearer", "a", clean=False)
    send(speaker, "a", b"heard")
    assert [message.payload for message in take(hearer, 1)] == [b"heard"]


def test_a_clean_session_gets_nothing_of_before(world: World) -> None:
    world.join("hearer", "a").close()
    speaker = world.join("speaker")
    send(speaker, "a", b"missed")
    speaker.close()
    speaker = world.join("speaker")
    hearer = world.join("hearer", "a")
    send(speaker, "a", b"heard")
    assert [message.payload for message in take(hearer, 1)] == [b"heard"]


def test_what_was_not_acknowledged_comes_again(world: World) -> None:
    hearer, speaker = world.join("hearer", "a", clean=False), world.join("speaker")
    send(speaker, "a", b"safe", b"not safe")
    first, second = take(hearer, 2, acknowledge=False)
    hearer.acknowledge(first)
    hearer.close()
    again = world.join("hearer", "a", clean=False)
    again.acknowledge(second)  # of the connection before: it must not count for this one
    assert [message.payload for message in take(again, 1)] == [b"not safe"]


def test_what_the_connection_before_left_is_late(world: World) -> None:
    """Taken and not acknowledged, handed over and not taken, still queued: all of it is of before the new one."""
    hearer, speaker = world.join("hearer", "a", clean=False, max_queue=2), world.join("speaker")
    send(speaker, "a", *(b"%d" % n for n in range(30)))
    take(hearer, 1, acknowledge=False)
    speaker.close()  # the broker has them all
    hearer.close()
    again = take(world.join("hearer", "a", clean=False), 30)
    assert [(message.payload, message.kept) for message in again] == [(b"%d" % n, True) for n in range(30)]


def test_no_more_is_in_hand_than_the_queue_holds(world: World) -> None:
    """The broker keeps the rest until something is acknowledged, or (3.1.1) the socket is left unread."""
    hearer, speaker = world.join("hearer", "a", max_queue=5), world.join("speaker")
    send(speaker, "a", *(b"%d" % n for n in range(30)))
    until(lambda: hearer.inbound >= 5 or world.kind == "memory")
    if world.kind != "memory":
        assert hearer.inbound <= 5
    assert [message.payload for message in take(hearer, 30)] == [b"%d" % n for n in range(30)]


def test_a_shared_subscription_gives_each_message_to_one(world: World) -> None:
    one, other = world.join("one", "$share/crew/a"), world.join("other", "$share/crew/a")
    send(world.join("speaker"), "a", *(b"%d" % n for n in range(20)))
    if not one.shared_subscriptions:
        take(other, 20)  # where the broker cannot, both hear all
        take(one, 20)
        return
    got: list[bytes] = []

    def all_heard() -> bool:
        for transport in (one, other):
            message = transport.receive(0.02)
            if message is not None:
                transport.acknowledge(message)
                got.append(message.payload)
        return len(got) >= 20

    until(all_heard)
    assert sorted(got) == sorted(b"%d" % n for n in range(20))


def test_an_ended_subscription_is_silent(world: World) -> None:
    hearer, speaker = world.join("hearer", "a", "b"), world.join("speaker")
    hearer.unsubscribe("a")
    hearer.subscribe("c")
    until(lambda: hearer.connected)
    heard: list[str] = []

    def only_others() -> bool:
        heard.clear()
        send(speaker, "a", b"")
        send(speaker, "c", b"")
        while (message := hearer.receive(0.2)) is not None:
            hearer.acknowledge(message)
            heard.append(message.topic)
        return heard == ["c"]

    until(only_others, what=f"only c is heard: {heard}")


def test_wake_ends_a_wait(world: World) -> None:
    hearer = world.join("hearer", "a")
    hearer.wake()
    assert hearer.receive(30) is None


def test_nothing_is_taken_without_a_connection(world: World) -> None:
    transport = world.join("speaker")
    transport.close()
    assert transport.publish("a", b"") is False
    assert transport.connected is False


def test_a_held_transport_makes_one_connection_a_call(world: World) -> None:
    held = world.make("held", clean=False, held=True)
    other = world.join("other", "a")  # meanwhile a transport that is not held has connected
    assert not held.connected
    held.connect()
    until(lambda: held.connected)
    held.connect()  # it has a connection: this allows no other
    thief = world.join("held", clean=False)  # the broker ends the connection of the first
    until(lambda: not held.connected)
    thief.close()
    send(other, "a", b"x")
    take(other, 1)
    assert (held.connected, held.connections) == (False, 1)
    held.connect()
    until(lambda: held.connected)
    assert (held.resumed, held.connections) == (True, 2)
