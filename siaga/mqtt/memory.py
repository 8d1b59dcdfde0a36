"""A broker in memory, and transports on it: no threads, no waiting, the same every time.

Unit tests and the simulation of the whole system run the production workers on it. It keeps what the protocol
promises and nothing more: wildcards, retained messages, last wills, sessions that outlive a connection, messages sent
again that were never acknowledged, shared subscriptions.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from siaga.mqtt.filters import matches, unshared
from siaga.mqtt.transport import Message

__all__ = ["MemoryBroker", "MemoryTransport"]


@dataclass(slots=True)
class _Session:
    """What the broker knows of a client. `unacknowledged`: handed over, without a PUBACK yet, in order."""

    client_id: str
    clean: bool
    filters: dict[str, None] = field(default_factory=dict)
    queue: deque[Message] = field(default_factory=deque)
    unacknowledged: dict[int, Message] = field(default_factory=dict)
    transport: "MemoryTransport | None" = None


class MemoryBroker:
    """Sessions, retained messages and the delivery between them, at once and in order.

    `max_queue` bounds what is kept for a client, as mosquitto's `max_queued_messages` does; what is over is counted in
    `dropped`. With `shares` false the broker takes `$share/…` for no subscription, as 3.1.1 brokers do.
    """

    def __init__(self, *, shares: bool = True, max_queue: int = 100_000) -> None:
        self.shares = shares
        self.dropped = 0
        self.running = True
        self.stalled = False
        self._max_queue = max_queue
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, Message] = {}
        self._turns: dict[tuple[str, str], int] = {}
        self._transports: list[MemoryTransport] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Deliver a message to every session that subscribed to its topic: once to each, once to each shared group."""
        message = Message(topic, payload)
        if retain:
            if payload:
                self._retained[topic] = replace(message, retain=True)
            else:
                self._retained.pop(topic, None)
        groups: dict[tuple[str, str], list[_Session]] = {}
        for session in list(self._sessions.values()):
            alone = False
            for topic_filter in session.filters:
                group, plain = unshared(topic_filter)
                if not matches(plain, topic):
                    continue
                if group is None:
                    alone = True
                else:
                    groups.setdefault((group, plain), []).append(session)
            if alone:
                self._enqueue(session, message)
        for key, members in groups.items():
            present = [member for member in members if member.transport is not None] or members
            turn = self._turns[key] = self._turns.get(key, -1) + 1
            self._enqueue(present[turn % len(present)], message)

    def stop(self) -> None:
        """End all connections, as a broker that is stopped: sessions and retained messages stay, wills are sent."""
        self.running = False
        for transport in list(self._transports):
            transport.cut()

    def start(self) -> None:
        """Take connections again; the transports of before come back by themselves."""
        self.running = True
        for transport in list(self._transports):
            transport.restore()

    def forget(self) -> None:
        """Lose sessions and retained messages, as a broker without a disk does when it is killed."""
        for session in self._sessions.values():
            if session.transport is None:
                session.queue.clear()
        self._sessions = {name: each for name, each in self._sessions.items() if each.transport is not None}
        self._retained.clear()

    def retained(self, topic: str) -> bytes | None:
        """The retained payload of a topic."""
        message = self._retained.get(topic)
        return message.payload if message else None

    def _enqueue(self, session: _Session, message: Message) -> None:
        if len(session.queue) >= self._max_queue:
            self.dropped += 1
            return
        session.queue.append(replace(message, kept=session.transport is None))
        if session.transport is not None:
            session.transport.heard()

    def _attach(self, transport: "MemoryTransport", client_id: str, *, clean: bool) -> tuple[_Session, bool]:
        """A connection's session, and whether it was there before."""
        old = self._sessions.get(client_id)
        if old is not None and old.transport is not None and old.transport is not transport:
            old.transport.cut()  # the newer connection takes over
        if clean or old is None:
            session, resumed = _Session(client_id, clean), False
        else:
            session, resumed = old, True
            # What the connection before left, taken or not: all of it is of before this one.
            left = [*session.unacknowledged.values(), *session.queue]
            session.unacknowledged.clear()
            session.queue = deque(replace(message, kept=not message.retain) for message in left)
        session.transport = transport
        self._sessions[client_id] = session
        if transport not in self._transports:
            self._transports.append(transport)
        return session, resumed

    def _detach(self, session: _Session, *, will: Message | None) -> None:
        session.transport = None
        if session.clean and self._sessions.get(session.client_id) is session:
            del self._sessions[session.client_id]
        if will is not None:
            self.publish(will.topic, will.payload, retain=will.retain)

    def _subscribe(self, session: _Session, topic_filter: str) -> None:
        session.filters[topic_filter] = None
        group, plain = unshared(topic_filter)
        if group is None:
            session.queue.extend(each for each in self._retained.values() if matches(plain, each.topic))


class MemoryTransport:
    """A `Transport` on a `MemoryBroker`. It connects when made; `cut` and `restore` are for faults.

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
    ) -> None:
        self.before_publish: Callable[[str, bytes], bool] | None = None
        self._problem: str | None = None
        self._resumed = False
        self._bell: Callable[[], None] | None = None
        self._broker, self._client_id, self._will, self._clean = broker, client_id, will, clean
        self._max_queue, self._max_outbound = max_queue, max_outbound
        self._wanted: dict[str, None] = {}
        self._outbox: deque[tuple[str, bytes, bool]] = deque()
        self._session: _Session | None = None
        self._connection = self._connections = 0
        self._next_id = 0
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

    def ring(self, bell: Callable[[], None]) -> None:
        """Call `bell` whenever a message is queued for this transport or `wake` is called."""
        self._bell = bell

    @property
    def shared_subscriptions(self) -> bool:
        """Whether the broker shares subscriptions."""
        return self._broker.shares

    @property
    def inbound(self) -> int:
        """How many messages wait for `receive`."""
        return len(self._session.queue) if self._session else 0

    def cut(self, *, will: bool = True) -> None:
        """The connection breaks; the broker publishes the last will (without `will`, it has not noticed yet)."""
        session, self._session = self._session, None
        self._connection += 1
        if session is not None:
            self._problem = "the connection to the broker in memory broke"
            self._broker._detach(session, will=self._will if will else None)

    def restore(self) -> None:
        """The connection stands again, with its subscriptions, where the broker runs."""
        if self._closed or self._session is not None or not self._broker.running:
            return
        self._session, self._resumed = self._broker._attach(self, self._client_id, clean=self._clean)
        self._problem = None
        self._connections += 1
        for topic_filter in self._wanted:
            self._broker._subscribe(self._session, self._as_sent(topic_filter))
        self._flush()

    def subscribe(self, topic_filter: str) -> None:
        """Subscribe now and after every reconnect."""
        if topic_filter in self._wanted:
            return
        self._wanted[topic_filter] = None
        if self._session is not None:
            self._broker._subscribe(self._session, self._as_sent(topic_filter))

    def unsubscribe(self, topic_filter: str) -> None:
        """End a subscription."""
        self._wanted.pop(topic_filter, None)
        if self._session is not None:
            self._session.filters.pop(self._as_sent(topic_filter), None)

    def receive(self, timeout: float) -> Message | None:  # noqa: ARG002 - the same interface; here nobody waits
        """The next message, or None at once: nothing arrives while somebody waits."""
        session = self._session
        if session is None or not session.queue or len(session.unacknowledged) >= self._max_queue:
            return None
        self._next_id += 1
        message = replace(session.queue.popleft(), receipt=(self._connection, self._next_id))
        session.unacknowledged[self._next_id] = message
        return message

    def wake(self) -> None:
        """Ring the bell; nobody waits in `receive`."""
        self.heard()

    def heard(self) -> None:
        """The broker's word to the transport that a message was queued for it."""
        if self._bell is not None:
            self._bell()

    def acknowledge(self, message: Message) -> None:
        """PUBACK; of a message from an earlier connection nothing is said."""
        match message.receipt:
            case (int() as connection, int() as number) if self._session and connection == self._connection:
                self._session.unacknowledged.pop(number, None)
            case _:
                return

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Publish. False: not connected, or the broker is stalled and the queue full; nothing was taken."""
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
        """Say good-bye: no last will; and no session is left of it if it is `for_good`."""
        self._flush()
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            session.clean = session.clean or for_good
            self._broker._detach(session, will=None)
        if self in self._broker._transports:
            self._broker._transports.remove(self)

    def _as_sent(self, topic_filter: str) -> str:
        return topic_filter if self._broker.shares else unshared(topic_filter)[1]
