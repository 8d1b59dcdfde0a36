"""The core of a broker: sessions, subscriptions, retained messages, wills, queues and retransmission.

Two modules use it: the socket server of the embedded broker (`server.py`), and the broker in memory of tests and
simulations (`memory.py`). It does no I/O, never blocks, and gets the time as an argument.

A message with QoS 1 for a session that outlives its connection stays in the journal until the session has acknowledged
it. `publish` returns whether the journal must be committed before the publisher gets its PUBACK. So a message that was
acknowledged to a device survives a crash of the whole process.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from siaga.broker.packets import Connect, Publish
from siaga.mqtt.filters import is_filter, matches, unshared

__all__ = ["MOST_INFLIGHT", "Delivery", "Exchange", "Journal", "Limits", "Outlet", "Session", "Stored"]

MOST_INFLIGHT = 60_000
"""The largest window, because a packet identifier has 16 bits."""
IN_MEMORY = 4 * 1024 * 1024
"""Bytes of queued payloads that a session holds in memory. Further payloads are read back from the journal."""
MAX_RETAINED = 50_000
ROUTES = 20_000
"""Topics whose receivers are cached."""
FAILURE = 0x80
"""The SUBACK code of a filter that is not granted."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many messages and bytes may be in flight to a session, and queued for it. More are dropped and counted."""

    window: int = 500
    window_bytes: int = 8 * 1024 * 1024
    queue: int = 200_000
    queue_bytes: int = 512 * 1024 * 1024
    """The queue of a session that outlives its connection, on disk."""
    fleeting_queue: int = 10_000
    fleeting_bytes: int = 32 * 1024 * 1024
    """The queue of a session that ends with its connection, in memory."""


class Stored(NamedTuple):
    """A session in the journal: its subscriptions with their QoS, when it was last seen (ms), and its queue."""

    client: str
    subscriptions: dict[str, int]
    seen: int
    waiting: list[tuple[int, str, int]]
    """Message id, topic and size of each, in order."""


class Journal(Protocol):
    """What a broker must not lose. The embedded broker's journal is a file, that of a broker in memory is empty."""

    def sessions(self) -> Iterable[Stored]:
        """Returns all sessions, with their queues."""
        ...

    def retained(self) -> dict[str, bytes]:
        """Returns the retained message of each topic."""
        ...

    def save_session(self, client: str, subscriptions: dict[str, int], seen: int) -> None:
        """Save a session and its subscriptions."""
        ...

    def forget_session(self, client: str, messages: list[int]) -> None:
        """Delete a session and its queue."""
        ...

    def add(self, topic: str, payload: bytes, clients: set[str]) -> int:
        """Add a message that is queued for these sessions. Returns its id, which increases; 0: it is not kept."""
        ...

    def done(self, client: str, message: int) -> None:
        """Note that a session has acknowledged a message."""
        ...

    def retain(self, topic: str, payload: bytes) -> None:
        """Save a topic's retained message; an empty one deletes it."""
        ...

    def payload(self, message: int) -> bytes:
        """Returns the payload of a queued message."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message on its way to a client. `packet_id` is 0 with QoS 0.

    `again`: it was sent earlier, and not acknowledged. `kept`: it arrived before this connection began.
    """

    topic: str
    payload: bytes
    packet_id: int = 0
    retain: bool = False
    again: bool = False
    kept: bool = False


class Outlet(Protocol):
    """The sending side of one client's connection."""

    def send(self, delivery: Delivery) -> None:
        """Send a message, without blocking."""
        ...

    def congested(self) -> bool:
        """Returns whether so much is unsent that messages with QoS 0 should be dropped."""
        ...

    def displace(self) -> None:
        """End the connection: another one has taken the session over."""
        ...


@dataclass(slots=True)
class _Waiting:
    """A message for one session. `number`: its id in the journal, else 0. `payload`: `None` if it is in the journal."""

    number: int
    topic: str
    size: int
    payload: bytes | None
    retain: bool = False
    connection: int = 0
    """The number of the session's connection at its arrival, or of the last one before it."""


@dataclass(slots=True)
class Session:
    """A client's session. A `lasting` one outlives its connection and is in the journal."""

    client_id: str
    lasting: bool
    limits: Limits
    connections: int = 0
    """How many connections it has had."""
    subscriptions: dict[str, int] = field(default_factory=dict)
    outlet: Outlet | None = None
    will: Publish | None = None
    waiting: deque[_Waiting] = field(default_factory=deque)
    waiting_bytes: int = 0
    inflight: dict[int, _Waiting] = field(default_factory=dict)
    inflight_bytes: int = 0
    received: set[int] = field(default_factory=set)
    last_id: int = 0

    def full(self) -> bool:
        """Returns whether its queue is full."""
        limits = self.limits
        if self.lasting:
            return len(self.waiting) >= limits.queue or self.waiting_bytes >= limits.queue_bytes
        return len(self.waiting) >= limits.fleeting_queue or self.waiting_bytes >= limits.fleeting_bytes

    def enqueue(self, message: _Waiting) -> None:
        """Add a message to the queue."""
        message.connection = self.connections
        if message.number and self.waiting_bytes > IN_MEMORY:
            message.payload = None
        self.waiting.append(message)
        self.waiting_bytes += message.size


_Route = tuple[tuple[str, str], list[tuple[Session, int]]]
"""Group and filter of a shared subscription, empty for all others, and the sessions with their QoS."""


class Exchange:
    """All sessions, subscriptions and retained messages of one broker. Used from one thread."""

    def __init__(self, journal: Journal, now: int, limits: Limits | None = None) -> None:
        self._journal, self._limits = journal, limits or Limits()
        self._retained = journal.retained()
        self._sessions: dict[str, Session] = {}
        self._routes: dict[str, list[_Route]] = {}
        self._turns: dict[tuple[str, str], int] = {}
        self._seen: dict[str, int] = {}
        self._unnamed = 0
        self.dropped = 0
        """Messages dropped because of a full queue, or with QoS 0 because of a congested client."""
        self.published = 0
        """Messages received from clients."""
        for stored in journal.sessions():
            session = Session(stored.client, True, self._limits, subscriptions=stored.subscriptions)
            for number, topic, size in stored.waiting:
                session.enqueue(_Waiting(number, topic, size, None))
            self._sessions[stored.client] = session
            self._seen[stored.client] = stored.seen or now

    @property
    def connected(self) -> int:
        """Returns how many clients are connected."""
        return sum(session.outlet is not None for session in self._sessions.values())

    def session(self, client_id: str) -> Session | None:
        """Returns a client's session, connected or not."""
        return self._sessions.get(client_id)

    def retained(self, topic: str) -> bytes | None:
        """Returns a topic's retained message."""
        return self._retained.get(topic)

    def connect(self, client: Connect, outlet: Outlet, now: int, limits: Limits | None = None) -> tuple[Session, bool]:
        """Begin or resume a client's session. Returns it, and whether it existed already.

        An older connection of the client is ended. `limits`: the session's own limits instead of the broker's.
        """
        client_id = client.client_id
        if not client_id:
            self._unnamed += 1
            client_id = f"unnamed-{now}-{self._unnamed}"
        old = self._sessions.get(client_id)
        if old is not None and old.outlet is not None:
            stale = old.outlet
            self.leave(old, stale, now)
            stale.displace()
            old = self._sessions.get(client_id)
        if old is not None and client.clean:
            self._forget(old)
            old = None
        session = old or Session(client_id, not client.clean, self._limits)
        session.outlet, session.will, session.limits = outlet, client.will, limits or session.limits
        session.connections += 1
        self._sessions[client_id] = session
        if session.lasting:
            self._journal.save_session(client_id, session.subscriptions, now)
        return session, old is not None

    def resume(self, session: Session) -> None:
        """Send, after CONNACK, the unacknowledged messages again, then the queued ones."""
        for packet_id, message in session.inflight.items():
            self._send(session, message, packet_id, again=True)
        self._pump(session)

    def leave(self, session: Session, outlet: Outlet, now: int, *, on_purpose: bool = False) -> bool:
        """End a connection; unless `on_purpose`, publish its will. Returns whether a commit is due (see `publish`)."""
        if session.outlet is not outlet:
            return False  # another connection has taken the session over
        session.outlet, will, session.will = None, session.will, None
        if session.lasting:
            self._seen[session.client_id] = now
            self._journal.save_session(session.client_id, session.subscriptions, now)
        else:
            self._forget(session)
        return self.publish(will) if will and not on_purpose else False

    def expire(self, before: int) -> int:
        """Delete the sessions whose clients were not seen since `before` (ms). Returns how many."""
        gone = [
            session
            for session in self._sessions.values()
            if session.outlet is None and self._seen.get(session.client_id, before) < before
        ]
        for session in gone:
            self._forget(session)
        return len(gone)

    def end(self, session: Session) -> None:
        """Delete a session whose connection has ended, with its queue."""
        if session.outlet is None and self._sessions.get(session.client_id) is session:
            self._forget(session)

    def forget_retained(self) -> None:
        """Delete all retained messages."""
        for topic in self._retained:
            self._journal.retain(topic, b"")
        self._retained.clear()

    def _forget(self, session: Session) -> None:
        self._sessions.pop(session.client_id, None)
        self._seen.pop(session.client_id, None)
        self._routes.clear()
        if session.lasting:
            numbers = [message.number for message in (*session.inflight.values(), *session.waiting) if message.number]
            self._journal.forget_session(session.client_id, numbers)

    def subscribe(self, session: Session, filters: list[tuple[str, int]], now: int) -> list[int]:
        """Grant subscriptions. Returns the SUBACK codes; after these, `greet` sends the retained messages."""
        codes = []
        for topic_filter, qos in filters:
            granted = is_filter(topic_filter)
            codes.append(min(qos, 1) if granted else FAILURE)
            if granted:
                session.subscriptions[topic_filter] = min(qos, 1)
        self._subscribed(session, now)
        return codes

    def unsubscribe(self, session: Session, filters: list[str], now: int) -> None:
        """End subscriptions."""
        for topic_filter in filters:
            session.subscriptions.pop(topic_filter, None)
        self._subscribed(session, now)

    def _subscribed(self, session: Session, now: int) -> None:
        self._routes.clear()
        if session.lasting:
            self._journal.save_session(session.client_id, session.subscriptions, now)

    def greet(self, session: Session, filters: list[tuple[str, int]]) -> None:
        """Send the retained messages of new subscriptions. Shared ones get none."""
        for topic_filter, qos in filters:
            if session.subscriptions.get(topic_filter) is None or unshared(topic_filter)[0]:
                continue
            for topic, payload in self._retained.items():
                if matches(topic_filter, topic):
                    self._deliver(session, topic, payload, min(qos, 1), retain=True)

    def publish(self, message: Publish) -> bool:
        """Deliver a message to all subscribers. Returns whether the journal must be committed before its PUBACK."""
        self.published += 1
        due = False
        if message.retain:
            due = self._retain(message.topic, message.payload)
        receivers = [(session, min(message.qos, qos)) for session, qos in self._receivers(message.topic)]
        journalled = []
        for session, qos in receivers:
            if qos and session.lasting:
                if session.full():
                    self.dropped += 1
                else:
                    journalled.append(session)
            else:
                self._deliver(session, message.topic, message.payload, qos)
        if journalled:
            number = self._journal.add(message.topic, message.payload, {session.client_id for session in journalled})
            for session in journalled:
                session.enqueue(_Waiting(number, message.topic, len(message.payload), message.payload))
                self._pump(session)
        return due or bool(journalled)

    def _retain(self, topic: str, payload: bytes) -> bool:
        if payload and (topic in self._retained or len(self._retained) < MAX_RETAINED):
            self._retained[topic] = payload
        elif payload:
            self.dropped += 1
            return False
        elif self._retained.pop(topic, None) is None:
            return False
        self._journal.retain(topic, payload)
        return True

    def _receivers(self, topic: str) -> Iterator[tuple[Session, int]]:
        """Yields each receiver of a topic once, with its highest QoS; of a shared subscription one member in turn."""
        if (routes := self._routes.get(topic)) is None:
            routes = self._find_routes(topic)
            if len(self._routes) >= ROUTES:
                self._routes.clear()
            self._routes[topic] = routes
        for key, members in routes:
            if not key[0]:
                yield from members
                continue
            awake = [member for member in members if member[0].outlet is not None] or members
            turn = self._turns.get(key, 0)
            self._turns[key] = turn + 1
            yield awake[turn % len(awake)]

    def _find_routes(self, topic: str) -> list[_Route]:
        plain: dict[str, tuple[Session, int]] = {}
        groups: dict[tuple[str, str], list[tuple[Session, int]]] = {}
        for session in self._sessions.values():
            for topic_filter, qos in session.subscriptions.items():
                group, wanted = unshared(topic_filter)
                if not matches(wanted, topic):
                    continue
                if group:
                    groups.setdefault((group, wanted), []).append((session, qos))
                elif session.client_id not in plain or plain[session.client_id][1] < qos:
                    plain[session.client_id] = (session, qos)
        return [(("", ""), list(plain.values())), *groups.items()]

    def _deliver(self, session: Session, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> None:
        """Send a message that is not journalled."""
        if qos:
            if session.full():
                self.dropped += 1
                return
            session.enqueue(_Waiting(0, topic, len(payload), payload, retain))
            self._pump(session)
        elif session.outlet is not None:
            if session.outlet.congested():
                self.dropped += 1
            else:
                session.outlet.send(Delivery(topic, payload, retain=retain))

    def _pump(self, session: Session) -> None:
        """Send queued messages, as far as the client's window permits."""
        while (
            session.outlet is not None
            and session.waiting
            and len(session.inflight) < session.limits.window
            and session.inflight_bytes < session.limits.window_bytes
        ):
            message = session.waiting.popleft()
            session.waiting_bytes -= message.size
            packet_id = session.last_id
            while not packet_id or packet_id in session.inflight:
                packet_id = packet_id % 0xFFFF + 1
            session.last_id = packet_id % 0xFFFF + 1
            session.inflight[packet_id] = message
            session.inflight_bytes += message.size
            self._send(session, message, packet_id)

    def _send(self, session: Session, message: _Waiting, packet_id: int, *, again: bool = False) -> None:
        if session.outlet is not None:
            payload = self._journal.payload(message.number) if message.payload is None else message.payload
            kept = message.connection != session.connections and not message.retain
            session.outlet.send(Delivery(message.topic, payload, packet_id, message.retain, again, kept))

    def acknowledged(self, session: Session, packet_id: int) -> None:
        """Delete a message that a client has acknowledged, and send the next."""
        if (message := session.inflight.pop(packet_id, None)) is None:
            return
        session.inflight_bytes -= message.size
        if message.number:
            self._journal.done(session.client_id, message.number)
        self._pump(session)

    def receive_once(self, session: Session, message: Publish) -> bool:
        """Receive a message with QoS 2: only its first copy is published. Returns whether a commit is due."""
        if message.packet_id in session.received:
            return False
        session.received.add(message.packet_id)
        return self.publish(message)

    def released(self, session: Session, packet_id: int) -> None:
        """Handle PUBREL: the packet identifier may be used again."""
        session.received.discard(packet_id)
