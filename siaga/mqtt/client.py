"""`MqttTransport`: a `siaga.mqtt.transport.Transport` to a real broker, on paho-mqtt."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import structlog

from siaga.mqtt.address import BrokerAddress
from siaga.mqtt.session import Deliver, Outgoing, Session, SessionOptions
from siaga.mqtt.tls import Tls
from siaga.mqtt.transport import Message

__all__ = ["MqttTransport"]

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 15.0
"""Back-off between attempts to connect, s: doubles from the first to the longest; jitter shortens it by up to half."""
DENIED_AGAIN = 30.0
"""Seconds after which a refused subscription is requested again, and a refused retained message published again."""
CLOSE_WITHIN = 3.0
"""The timeout of `close` for sending what is queued, s."""


class _Receipt(NamedTuple):
    session: Session
    mid: int


def _fresh(message: Message, session: Session) -> bool:
    return not isinstance(message.receipt, _Receipt) or message.receipt.session is session


class MqttTransport:
    """A session with a real broker, with MQTT 5 if the broker has it, otherwise 3.1.1.

    One thread does all network work, and only it uses paho. Bounded queues connect it with the worker. While the
    inbound queue is full, the socket is not read (with MQTT 5 the receive maximum limits the broker as well). So memory
    is bounded, and the broker keeps the rest.

    Args:
        url: `mqtt[s]://[user:password@]host[:port]`; the password appears in no log.
        client_id: the session's name at the broker.
        will: what the broker publishes (QoS 1) when the connection breaks.
        clean: if False, the broker keeps the session for `expiry` seconds after a disconnect.
        max_queue: the limit of messages that are received and not acknowledged, or not yet returned by `receive`.
        max_outbound: the limit of messages that are published and not acknowledged by the broker.
        marker: a topic of the session's own. With it, and with a session that the broker had kept, the transport
            publishes a mark to itself, and sets `Message.kept` on all messages that arrive before it.
        held: if True, each connection waits for a call of `connect`.
        version: 5 or 4 (3.1.1) if the composition root knows the broker's version; `None`: it is detected.
        tls: what to trust with `mqtts` and how to prove who this is; by default the system's certificates and no own.

    Raises:
        ValueError: the URL is not valid, or a certificate or key of `tls`.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        *,
        will: Message | None = None,
        clean: bool = True,
        max_queue: int = 1000,
        max_outbound: int = 1000,
        max_bytes: int = 64 * 1024 * 1024,
        keepalive: int = 30,
        expiry: int = 30 * 86_400,
        marker: str | None = None,
        held: bool = False,
        version: int | None = None,
        tls: Tls | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._options = SessionOptions(
            address=BrokerAddress.parse(url),
            client_id=client_id,
            will=Outgoing(will.topic, will.payload, will.retain) if will else None,
            clean=clean,
            receive_maximum=max_queue,
            keepalive=keepalive,
            expiry=expiry,
            marker=marker,
            tls=tls or Tls(),
        )
        if tls is not None:
            tls.context()  # what is wrong is said here, not by the thread
        self._max_queue, self._max_outbound, self._max_bytes = max_queue, max_outbound, max_bytes
        self._version = version
        self._chance = chance or random.Random()  # noqa: S311 - spreads reconnects, protects nothing
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._inbox: deque[Message] = deque()
        self._inbox_bytes = 0
        self._woken = False
        self._waiting = 0
        """How many threads wait in `receive`."""
        self._wanted: dict[str, None] = {}
        self._wanted_version = 0
        self._granted_version = -1
        self._settled = False
        """Whether the broker has granted, on this connection, all subscriptions that `connected` waits for."""
        self._outbox: deque[Outgoing] = deque()
        self._receipts: deque[_Receipt] = deque()
        self._flying: dict[int, Outgoing] = {}
        self._session: Session | None = None
        self._connected = False
        self._denied_again = 0.0
        self._closing: float | None = None
        self._for_good = False
        self._pause_over = threading.Event()
        self._held, self._allowed = held, threading.Event()
        if not held:
            self._allowed.set()
        self._problem: str | None = f"not connected to {self._options.address} yet"
        self._connections, self._resumed, self._unsure = 0, False, False
        self._bell: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._run, name=f"mqtt {client_id}", daemon=True)
        self._thread.start()

    # The worker's side: any thread.

    @property
    def connected(self) -> bool:
        """Returns whether the session is connected now, and the subscriptions are granted, but for unawaited ones."""
        return self._connected and (self._settled or self._granted_version == self._wanted_version)

    @property
    def connections(self) -> int:
        """Returns how many connections the broker has accepted so far."""
        return self._connections

    @property
    def resumed(self) -> bool:
        """Returns whether the broker had kept the session when it accepted the current, or last, connection."""
        return self._resumed

    @property
    def problem(self) -> str | None:
        """Returns why there is no connection, or what the broker refuses, as a sentence for people; else `None`."""
        return self._problem

    def connect(self) -> None:
        """Allow one connection, if there is none. Only a transport that was made `held` waits for it."""
        with self._lock:
            if not self._connected:
                self._allowed.set()

    def ring(self, bell: Callable[[], None]) -> None:
        """Call `bell`, from any thread, whenever a message arrives or `wake` is called."""
        self._bell = bell

    @property
    def shared_subscriptions(self) -> bool:
        """Returns whether the current broker has shared subscriptions (`$share/…`)."""
        session = self._session
        return session is not None and session.shares

    @property
    def outbound(self) -> int:
        """Returns how many messages of the worker have no PUBACK of the broker yet."""
        return len(self._outbox) + len(self._flying)

    @property
    def inbound(self) -> int:
        """Returns how many messages wait for `receive`."""
        return len(self._inbox)

    def subscribe(self, topic_filter: str, *, awaited: bool = True) -> None:
        """Subscribe with QoS 1, now and after every reconnect. `awaited`: `connected` is False until it is granted."""
        with self._lock:
            self._wanted[topic_filter] = None
            self._wanted_version += 1
            self._settled &= not awaited
        self._nudge()

    def unsubscribe(self, topic_filter: str) -> None:
        """End a subscription."""
        with self._lock:
            self._wanted.pop(topic_filter, None)
            self._wanted_version += 1
        self._nudge()

    def receive(self, timeout: float) -> Message | None:
        """Wait up to `timeout` seconds. Returns the next message; `None` if there is none, or `wake` was called."""
        with self._lock:
            if not self._inbox and not self._woken and timeout > 0:
                self._waiting += 1
                self._arrived.wait_for(lambda: self._inbox or self._woken, timeout)
                self._waiting -= 1
            self._woken = False
            if not self._inbox:
                return None
            was_full = not self._room()
            message = self._inbox.popleft()
            self._inbox_bytes -= len(message.payload)
            resumes = was_full and self._room()
        if resumes:
            self._nudge()
        return message

    def wake(self) -> None:
        """Make a waiting `receive` return at once, and ring the bell. May be called from any thread."""
        with self._arrived:
            self._woken = True
            self._arrived.notify_all()
        if self._bell is not None:
            self._bell()

    def acknowledge(self, message: Message) -> None:
        """Send the broker the PUBACK. A message of an earlier connection is ignored: the broker sends it again."""
        if isinstance(message.receipt, _Receipt):
            with self._lock:
                idle = not self._receipts and not self._outbox
                self._receipts.append(message.receipt)
            if idle:  # else the thread was already woken, and processes all receipts that it finds
                self._nudge()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Queue a message with QoS 1. Returns False, without queueing it, if not connected or the queue is full.

        While the inbox is full, `max_outbound` does not apply, to avoid a deadlock: the socket is not read then, so no
        PUBACK arrives, and the worker that would empty the inbox may be the one that has to publish its answer first.
        """
        with self._lock:
            if not self._connected or self._closing is not None:
                return False
            if len(self._outbox) + len(self._flying) >= self._max_outbound and self._room():
                return False
            idle = not self._receipts and not self._outbox
            self._outbox.append(Outgoing(topic, payload, retain))
        if idle:
            self._nudge()
        return True

    def close(self, *, for_good: bool = False) -> None:
        """Send what is queued (within 3 s), disconnect (the broker sends no last will), and end the thread.

        `for_good`: the broker also deletes the session; with 3.1.1, which cannot do that, only its subscriptions.
        """
        with self._lock:
            self._for_good = for_good
            if self._closing is None:
                self._closing = time.monotonic() + CLOSE_WITHIN
        self._pause_over.set()
        self._allowed.set()
        self._nudge()
        self._thread.join(CLOSE_WITHIN + 1)
        self.wake()

    def _nudge(self) -> None:
        session = self._session
        if session is not None:
            session.wake()

    def _room(self) -> bool:
        return len(self._inbox) < self._max_queue and self._inbox_bytes < self._max_bytes

    # The network's side: the one thread.

    def _run(self) -> None:
        """Connect, serve the connection until it breaks, wait, and repeat until `close`.

        If a broker refuses MQTT 5, 3.1.1 is used from then on. If it does not answer, 3.1.1 is used for one connection
        only, because it may just have been slow.
        """
        pause, refused_5, silent_5 = FIRST_PAUSE, False, False
        while self._may_connect():
            session = Session(self._options, self._version or (4 if refused_5 or silent_5 else 5))
            try:
                stood = self._hold(session)
            finally:
                self._lost(session)
            self._unsure |= session.unanswered
            if session.version == 5 and self._version is None:
                refused_5, silent_5 = session.refused_version, session.unanswered
                if refused_5 or silent_5:
                    continue
            silent_5 = False
            if self._is_closing():
                return
            self._complain(session.problem)
            pause = FIRST_PAUSE if stood else pause
            self._pause_over.wait(pause * self._chance.uniform(0.5, 1))
            pause = min(pause * 2, LONGEST_PAUSE)

    def _may_connect(self) -> bool:
        """Wait until a connection is allowed. Returns False if the transport is closing."""
        self._allowed.wait()
        return not self._is_closing()

    def _is_closing(self) -> bool:
        return self._closing is not None

    def _complain(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("mqtt_connection_lost", broker=str(self._options.address), problem=problem)
        self._problem = problem

    def _hold(self, session: Session) -> bool:
        """Connect and serve one connection. Returns whether the broker accepted it."""
        with self._lock:
            self._session = session
        if not session.connect():
            return False
        stood = False
        deliver = self._delivery(session)
        while session.alive:
            session.serve(room=self._room(), deliver=deliver)
            if not session.accepted:
                if self._is_closing():
                    break
                continue
            if not stood:
                stood = True
                self._stands(session)
            self._reconcile(session)
            self._send(session)
            if self._is_closing() and self._done(session, time.monotonic()):
                session.disconnect(for_good=self._for_good)
                break
        return stood

    def _reconcile(self, session: Session) -> None:
        """Make the broker's subscriptions those that the worker wants. Refused ones are requested again later."""
        now = time.monotonic()
        again = (session.denied or session.refused_topics) and now >= self._denied_again
        if again:
            self._denied_again = now + DENIED_AGAIN
            session.denied.clear()
            session.publish_refused()
        with self._lock:
            version = self._wanted_version
            wanted = list(self._wanted) if again or session.reconciled != version else None
        if wanted is not None:
            session.reconcile(wanted, version)
        self._problem = session.problem if session.denied else session.objection
        self._granted_version = version if session.settled_filters else -1
        self._settled |= bool(self._wanted) and self._granted_version == self._wanted_version

    def _stands(self, session: Session) -> None:
        """Begin an accepted connection: messages without a PUBACK from the previous one are sent first."""
        with self._lock:
            left = list(self._flying.values())
            self._flying.clear()
            self._outbox.extendleft(reversed(left))
            if session.resumed:
                # The broker repeats all messages without a PUBACK, so those still in the inbox would arrive twice.
                kept = [message for message in self._inbox if _fresh(message, session)]
                self._inbox = deque(kept)
                self._inbox_bytes = sum(len(message.payload) for message in kept)
            self._connected = True
            if self._held and not self._is_closing():
                self._allowed.clear()
            self._problem = None
            # An unanswered CONNECT may have begun the session that is kept now
            self._resumed, self._unsure = session.resumed and not self._unsure, False
            self._connections += 1
        log.info("mqtt_connected", broker=str(self._options.address), version=session.version, resumed=session.resumed)

    def _lost(self, session: Session) -> None:
        with self._lock:
            self._connected = self._settled = False
            self._granted_version = -1
            self._session = None
            self._receipts.clear()
        session.release()
        if self._held:
            self.wake()  # the worker allows the next connection

    def _delivery(self, session: Session) -> Deliver:
        """Returns what puts a message of a connection into the inbox, and says whether there is room for another."""

        def deliver(topic: str, payload: bytes, retain: bool, mid: int | None, kept: bool) -> bool:
            message = Message(topic, payload, retain, None if mid is None else _Receipt(session, mid), kept)
            with self._lock:
                self._inbox.append(message)
                self._inbox_bytes += len(payload)
                if self._waiting:
                    self._arrived.notify()
                room = self._room()
            if self._bell is not None:
                self._bell()
            return room

        return deliver

    def _send(self, session: Session) -> None:
        """Give the session what the worker has queued: acknowledgements, then messages."""
        with self._lock:
            mids = [receipt.mid for receipt in self._receipts if receipt.session is session]
            self._receipts.clear()
            for mid in session.confirmed():
                self._flying.pop(mid, None)
        if mids:
            session.acknowledge(mids)
        while self._outbox and session.alive and len(self._flying) < session.window:
            with self._lock:
                outgoing = self._outbox[0]
                self._outbox.popleft()
                sent = session.publish(outgoing)
                if sent is not None:
                    self._flying[sent] = outgoing
        session.flush()

    def _done(self, session: Session, now: float) -> bool:
        with self._lock:
            idle = not (self._outbox or self._flying or self._receipts) and not session.has_output
            return idle or (self._closing is not None and now >= self._closing)
