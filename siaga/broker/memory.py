"""A broker in memory, and transports on it: no threads, no waiting, deterministic.

Unit tests and the simulation of the whole system run the production workers on it. Sessions, messages and
wills are in the core that it shares with the embedded broker (`exchange.py`); this module has connections, and faults.
"""

from collections import deque
from collections.abc import Callable

from siaga.broker.exchange import MOST_INFLIGHT, Delivery, Exchange, Limits, Session, Stored
from siaga.broker.packets import LEVEL, Connect, Publish
from siaga.mqtt.filters import unshared
from siaga.mqtt.transport import Message

__all__ = ["MemoryBroker", "MemoryTransport"]

_ENDLESS = 2**62
"""Bytes, or ms: more than there are."""


class _NoJournal:
    """A journal that keeps nothing: sessions and messages end with the process."""

    def sessions(self) -> list[Stored]:
        return []

    def retained(self) -> dict[str, bytes]:
        return {}

    def save_session(self, client: str, subscriptions: dict[str, int], seen: int) -> None:
        pass

    def forget_session(self, client: str, messages: list[int]) -> None:
        pass

    def add(self, topic: str, payload: bytes, clients: set[str]) -> int:  # noqa: ARG002 - the interface
        return 0

    def done(self, client: str, message: int) -> None:
        pass

    def retain(self, topic: str, payload: bytes) -> None:
        pass

    def payload(self, message: int) -> bytes:
        raise KeyError(message)


class MemoryBroker:
    """The broker's core in memory only. Messages are delivered at once and in order.

    `max_queue` bounds what waits for a client, as mosquitto's `max_queued_messages` does; what is over is counted in
    `dropped`. If `shares` is false, the broker does not know `$share/…`, as in MQTT 3.1.1.
    """

    def __init__(self, *, shares: bool = True, max_queue: int = 100_000) -> None:
        self.shares = shares
        self.running = True
        self.stalled = False
        self._max_queue = max_queue
        self._exchange = Exchange(_NoJournal(), 0)
        self._transports: list[MemoryTransport] = []

    @property
    def dropped(self) -> int:
        """Returns how many messages were dropped because of a full queue."""
        return self._exchange.dropped

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Deliver a message to every session that subscribed to its topic: once to each, once to each shared group."""
        self._exchange.publish(Publish(topic, payload, 1, retain))

    def stop(self) -> None:
        """End all connections, as a broker that is stopped: sessions and retained messages stay, wills are sent."""
        self.running = False
        for transport in list(self._transports):
            transport.cut()

    def start(self) -> None:
        """Accept connections again; earlier transports reconnect by themselves."""
        self.running = True
        for transport in list(self._transports):
            transport.restore()

    def forget(self) -> None:
        """Lose sessions and retained messages, as a broker without a disk does when it is killed."""
        self.forget_sessions()
        self._exchange.forget_retained()

    def forget_sessions(self) -> None:
        """Lose the sessions of all disconnected clients."""
        self._exchange.expire(_ENDLESS)

    def retained(self, topic: str) -> bytes | None:
        """Returns the retained payload of a topic."""
        return self._exchange.retained(topic)

    def kept(self, client_id: str) -> int:
        """Returns how many messages it keeps for a client: those that wait, and those without a PUBACK."""
        session = self._exchange.session(client_id)
        return 0 if session is None else len(session.waiting) + len(session.inflight)

    def attach(self, transport: "MemoryTransport", client: Connect, max_queue: int) -> tuple[Session, bool]:
        """Begin a connection. Returns its session, and whether that was there before."""
        limits = Limits(min(max_queue, MOST_INFLIGHT), _ENDLESS, self._max_queue, _ENDLESS, self._max_queue, _ENDLESS)
        if transport not in self._transports:
            self._transports.append(transport)
        return self._exchange.connect(client, transport, 0, limits)

    def leave(self, transport: "MemoryTransport") -> None:
        """Remove a transport: `start` does not reconnect it."""
        if transport in self._transports:
            self._transports.remove(transport)

    @property
    def exchange(self) -> Exchange:
        """The core: for the transports."""
        return self._exchange


class MemoryTransport:
    """A `Transport` on a `MemoryBroker`. It connects when made, or if `held` when told to.

    `cut` and `restore` are for faults.

    `before_publish` may be set by a simulation: False loses the message on its way, after the transport took it.
    """

    def __init__(
        self,
        broker: MemoryBroker,
        client_id: str,
        *,
        will: Message | None = None,
        clean: bool = True,
        max_queue: int = 1000,
        max_outbound: int = 1000,
        held: bool = False,
    ) -> None:
        self._held = held
        self.allowed = not held
        """Whether a connection may be made now; see `Transport.connect`."""
        self.before_publish: Callable[[str, bytes], bool] | None = None
        self._problem: str | None = None
        self._resumed = False
        self._bell: Callable[[], None] | None = None
        self._broker, self._client_id, self._clean = broker, client_id, clean
        self._will = None if will is None else Publish(will.topic, will.payload, 1, will.retain)
        self._max_queue, self._max_outbound = max_queue, max_outbound
        self._wanted: dict[str, None] = {}
        self._outbox: deque[tuple[str, bytes, bool]] = deque()
        self._inbox: deque[Delivery] = deque()
        self._session: Session | None = None
        self._connections = 0
        self._closed = False
        self.restore()

    @property
    def connected(self) -> bool:
        """Whether the session stands now."""
        return self._session is not None

    @property
    def connections(self) -> int:
        """How many connections there were so far."""
        return self._connections

    @property
    def resumed(self) -> bool:
        """Whether the broker had kept the session."""
        return self._resumed

    @property
    def problem(self) -> str | None:
        """Why there is no connection; None while there is one."""
        return self._problem

    def connect(self) -> None:
        """Allow a held transport one connection, and make it if the broker runs."""
        if self._held and self._session is None:
            self.allowed = True
            self.restore()

    def ring(self, bell: Callable[[], None]) -> None:
        """Call `bell` whenever a message is queued for this transport or `wake` is called."""
        self._bell = bell

    @property
    def shared_subscriptions(self) -> bool:
        """Whether the broker shares subscriptions."""
        return self._broker.shares

    @property
    def inbound(self) -> int:
        """Returns how many messages wait for `receive`, delivered or still at the broker."""
        return len(self._inbox) + len(self._session.waiting) if self._session else 0

    def cut(self, *, will: bool = True) -> None:
        """Break the connection. The broker publishes the last will (without `will`, it has not noticed yet)."""
        if self._session is not None:
            self._leave(on_purpose=not will)
            self._problem = "the connection to the broker in memory broke"

    def restore(self) -> None:
        """Reconnect, with the subscriptions, if the broker runs."""
        if self._closed or self._session is not None or not self._broker.running or not self.allowed:
            return
        self.allowed = not self._held
        client = Connect(LEVEL, self._client_id, self._clean, will=self._will)
        self._session, self._resumed = self._broker.attach(self, client, self._max_queue)
        self._problem = None
        self._connections += 1
        self._broker.exchange.resume(self._session)
        for topic_filter in self._wanted:
            self._subscribe(self._session, topic_filter)
        self._flush()

    def vanish(self, *, will: bool = True) -> None:
        """Kill the process: the connection breaks, and is never restored."""
        self.cut(will=will)
        self._closed = True
        self._broker.leave(self)

    def _leave(self, *, on_purpose: bool) -> Session | None:
        session, self._session = self._session, None
        self._inbox.clear()
        if session is not None:
            self._broker.exchange.leave(session, self, 0, on_purpose=on_purpose)
        return session

    # The outlet of the broker's core

    def send(self, delivery: Delivery) -> None:
        """Take a message from the broker."""
        self._inbox.append(delivery)
        self.wake()

    def congested(self) -> bool:
        """Returns whether messages with QoS 0 are better dropped; here they never are."""
        return False

    def displace(self) -> None:
        """Disconnect: another connection has taken the session over."""
        self._session = None
        self._inbox.clear()
        self._problem = "another connection took the session over"

    def subscribe(self, topic_filter: str, *, awaited: bool = True) -> None:  # noqa: ARG002 - it is granted at once
        """Subscribe now and after every reconnect."""
        if topic_filter in self._wanted:
            return
        self._wanted[topic_filter] = None
        if self._session is not None:
            self._subscribe(self._session, topic_filter)

    def _subscribe(self, session: Session, topic_filter: str) -> None:
        filters = [(self._as_sent(topic_filter), 1)]
        self._broker.exchange.subscribe(session, filters, 0)
        self._broker.exchange.greet(session, filters)

    def unsubscribe(self, topic_filter: str) -> None:
        """End a subscription."""
        self._wanted.pop(topic_filter, None)
        if self._session is not None:
            self._broker.exchange.unsubscribe(self._session, [self._as_sent(topic_filter)], 0)

    def receive(self, timeout: float) -> Message | None:  # noqa: ARG002 - the same interface; here nobody waits
        """The next message, or None at once: nothing arrives while somebody waits."""
        if not self._inbox:
            return None
        each = self._inbox.popleft()
        return Message(each.topic, each.payload, each.retain, (self._connections, each.packet_id), each.kept)

    def wake(self) -> None:
        """Ring the bell; nobody waits in `receive`."""
        if self._bell is not None:
            self._bell()

    def acknowledge(self, message: Message) -> None:
        """Send the PUBACK. A message of an earlier connection is ignored."""
        match message.receipt:
            case (int() as connection, int() as number) if self._session and connection == self._connections:
                self._broker.exchange.acknowledged(self._session, number)
            case _:
                return

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Publish. Returns False, with no effect, if not connected, or if the broker is stalled and the queue full."""
        if self._session is None or len(self._outbox) >= self._max_outbound:
            return False
        self._outbox.append((topic, payload, retain))
        self._flush()
        return True

    def _flush(self) -> None:
        while self._outbox and self._session is not None and not self._broker.stalled:
            topic, payload, retain = self._outbox.popleft()
            if self.before_publish is None or self.before_publish(topic, payload):
                self._broker.publish(topic, payload, retain=retain)

    def close(self, *, for_good: bool = False) -> None:
        """Disconnect without a last will. `for_good`: the session is deleted too."""
        self._flush()
        self._closed = True
        session = self._leave(on_purpose=True)
        if session is not None and for_good:
            self._broker.exchange.end(session)
        self._broker.leave(self)

    def _as_sent(self, topic_filter: str) -> str:
        return topic_filter if self._broker.shares else unshared(topic_filter)[1]
