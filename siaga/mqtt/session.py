"""One connection to a broker on paho-mqtt, served by one thread. `siaga.mqtt.client` makes one after another.

Every connection has a paho client of its own. So a receipt of one connection can never be acknowledged on the next, and
only one place decides what is sent again.
"""

import selectors
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from siaga.mqtt.address import BrokerAddress
from siaga.mqtt.backlog import Backlog
from siaga.mqtt.bulk_client import BulkClient
from siaga.mqtt.filters import unshared
from siaga.mqtt.tls import Tls

__all__ = ["Deliver", "Outgoing", "Session", "SessionOptions"]

log = structlog.get_logger(__name__)

CONNECT_WITHIN = 5.0
"""Seconds for the TCP connection and the TLS handshake."""
CONNACK_WITHIN = {5: 3.0, 4: 15.0}
"""Seconds for the broker's answer, by protocol version: some 3.1.1 brokers misread an MQTT 5 CONNECT, and wait."""
SMALLEST_WINDOW, LARGEST_WINDOW = 20, 1_000
"""Limits of published messages without a PUBACK: if the broker sets none (3.1.1), and in any case. Each round costs a
thread switch, so a collector that acknowledges thousands of batches a second needs many."""
READ_AT_ONCE = 100
"""Messages to read before queued messages are sent."""
FILTERS_AT_ONCE = 100
"""Filters in one SUBSCRIBE."""
TICK = 0.5
"""Seconds between two checks of keep-alive and timeouts."""


class Outgoing(NamedTuple):
    """A message to publish."""

    topic: str
    payload: bytes
    retain: bool


Deliver = Callable[[str, bytes, bool, int | None, bool], bool]
"""Takes a message: topic, payload, retain, id (`None` with QoS 0, which needs no acknowledgement), and whether the
broker kept it during a disconnect. Returns whether there is room for another."""


FAILURES = 0x80
"""Reason codes from here on are failures (MQTT 5, section 2.4)."""
REFUSAL_HOLDS = 180.0
"""Seconds for which a topic counts as refused after the last refusal: a gateway sends a batch again within 150."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What all connections of a transport have in common; seconds."""

    address: BrokerAddress
    client_id: str
    will: Outgoing | None
    clean: bool
    receive_maximum: int
    keepalive: int
    expiry: int
    marker: str | None
    tls: Tls


class _TlsSocket(ssl.SSLSocket):
    """A socket that is closed when its handshake fails: paho drops it open, and each attempt would cost a file."""

    def do_handshake(self, block: bool = False) -> None:
        """Agree on TLS.

        Raises:
            OSError: the broker is not trusted, or speaks no TLS; the socket is closed.
        """
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class Session:
    """One connection. All methods but `wake` belong to the thread that serves it."""

    def __init__(self, options: SessionOptions, version: int) -> None:
        self.version = version
        self.alive = False
        """Whether there is a socket to serve."""
        self.accepted = False
        """Whether the broker has accepted the connection (CONNACK)."""
        self.unanswered = False
        """Whether the broker accepted the TCP connection and never answered the CONNECT."""
        self.resumed = False
        """Whether the broker had kept the session."""
        self.shares = False
        """Whether the broker shares subscriptions."""
        self.window = SMALLEST_WINDOW
        """How many messages may be published without a PUBACK: the broker's receive maximum."""
        self.refused_version = False
        """Whether the broker said that it does not speak this version."""
        self.problem = f"no connection to {options.address}"
        """Why the connection ended, for people."""
        self.granted: dict[str, None] = {}
        """The filters that the broker granted, as the worker wrote them."""
        self.denied: set[str] = set()
        """The filters that it refused."""
        self.refused_topics: dict[str, tuple[str, float, Outgoing]] = {}
        """Topics whose last message the broker refused (only MQTT 5 tells): reason, time and message."""
        self.reconciled = -1
        """The version of the worker's subscriptions at the last `reconcile`."""
        self._options = options
        self._asked: dict[str, str] = {}  # the worker's filter -> as it was sent
        self._subscribing: dict[int, list[str]] = {}
        self._confirmed: list[int] = []
        self._published: dict[int, Outgoing] = {}
        self._encoded: list[bytes] = []
        self._messages = 0
        self._backlog = Backlog()
        self._began = time.monotonic()
        self._deliver: Deliver | None = None
        self._read_until = 0
        self._far, self._near = socket.socketpair()
        self._far.setblocking(False)
        self._near.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._near, selectors.EVENT_READ)
        self._watched: tuple[socket.socket, int] | None = None
        self._client = self._make_client()

    def _make_client(self) -> BulkClient:
        options = self._options
        client = BulkClient(
            CallbackAPIVersion.VERSION2,
            client_id=options.client_id,
            clean_session=options.clean if self.version == 4 else None,
            protocol=MQTTv5 if self.version == 5 else MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_WITHIN
        client.max_inflight_messages = 0  # `window` is kept by who publishes
        if options.address.user is not None:
            client.username_pw_set(options.address.user, options.address.password)
        if options.address.tls:
            context = options.tls.context()
            context.sslsocket_class = _TlsSocket
            client.tls_set_context(context)
        if options.will is not None:
            client.will_set(options.will.topic, options.will.payload, qos=1, retain=options.will.retain)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        client.on_arrival = self._on_arrival
        client.on_confirmation = self._on_confirmation
        # Without this callback paho would write to the socket from within publish().
        client.on_socket_register_write = lambda _client, _data, _socket: None
        return client

    def connect(self) -> bool:
        """Open the connection and send CONNECT. Returns False, and sets `problem`, if that fails."""
        options = self._options
        properties: Properties | None = None
        if self.version == 5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no types there
            properties.SessionExpiryInterval = 0 if options.clean else options.expiry
            properties.ReceiveMaximum = min(options.receive_maximum, 65_535)
        host, port = options.address.host, options.address.port
        try:
            if properties is None:
                self._client.connect(host, port, options.keepalive)
            else:
                self._client.connect(host, port, options.keepalive, clean_start=options.clean, properties=properties)
        except (OSError, ValueError) as error:  # ssl.SSLError and gaierror are OSErrors
            self.problem = f"no connection to {options.address}: {error}"
            return False
        self.unanswered = self.alive = True
        self.problem = f"{options.address} did not answer"
        self._began = time.monotonic()
        return True

    def wake(self) -> None:
        """Make a waiting `serve` return. Any thread may call it, also when the session is over."""
        try:
            self._far.send(b"\0")
        except (BlockingIOError, OSError):
            return  # a full pipe wakes as well; a closed one has nobody to wake

    def serve(self, *, room: bool, deliver: Deliver) -> None:
        """Wait up to half a second for the network or `wake`, then read and write.

        Messages are read until `deliver` returns that there is no room for another. Without `room` the socket is not
        read, and TCP flow control stops the broker.
        """
        self._deliver = deliver
        sock = self._client.socket()
        if not isinstance(sock, socket.socket) or not self._watch(sock, room):
            self.alive = False
            return
        pending = room and (self._client.has_input or (isinstance(sock, ssl.SSLSocket) and sock.pending() > 0))
        ready = self._selector.select(0 if pending else TICK)
        for key, events in ready:
            if key.fileobj is self._near:
                self._drain_wakes()
            elif events & selectors.EVENT_WRITE:
                self._client.loop_write()
        if pending or any(key.fileobj is sock and events & selectors.EVENT_READ for key, events in ready):
            self._read()
        if not room:
            self._client.excuse()
        self._client.loop_misc()
        if self._client.want_write():
            self._client.loop_write()
        unanswered = not self.accepted and time.monotonic() - self._began > CONNACK_WITHIN[self.version]
        if unanswered or self._client.socket() is None:
            self.alive = False

    def _read(self) -> None:
        """Read packets until the socket has none, there is no room for another message, or many were read."""
        self._read_until = self._messages + READ_AT_ONCE
        self._client.paused = False
        while not self._client.paused:
            before = self._messages
            self._client.loop_read()
            if self._messages == before:
                return

    def _watch(self, sock: socket.socket, reading: bool) -> bool:
        events = (selectors.EVENT_READ if reading else 0) | (selectors.EVENT_WRITE if self._client.want_write() else 0)
        if self._watched == (sock, events):
            return True
        if self._watched is not None and self._watched[1]:
            self._selector.unregister(self._watched[0])
        if events:
            try:
                self._selector.register(sock, events)
            except (ValueError, OSError):  # closed under our hands
                self._watched = None
                return False
        self._watched = (sock, events)
        return True

    def _drain_wakes(self) -> None:
        try:
            while self._near.recv(4096):
                pass
        except BlockingIOError:
            return

    def reconcile(self, wanted: Iterable[str], version: int) -> None:
        """Subscribe to wanted filters that are not requested yet, unsubscribe from those no longer wanted."""
        self.reconciled = version
        wanted = dict.fromkeys(wanted)
        if self._backlog.mark is not None and self._options.marker:
            wanted[self._options.marker] = None
        for topic_filter in [each for each in self._asked if each not in wanted]:
            self._client.unsubscribe(self._asked.pop(topic_filter))
            self.granted.pop(topic_filter, None)
        new = [each for each in wanted if each not in self._asked and each not in self.denied]
        for start in range(0, len(new), FILTERS_AT_ONCE):
            some = new[start : start + FILTERS_AT_ONCE]
            result, mid = self._client.subscribe([(self._as_sent(each), 1) for each in some])
            if result is MQTTErrorCode.MQTT_ERR_SUCCESS and mid is not None:
                self._asked.update((each, self._as_sent(each)) for each in some)
                self._subscribing[mid] = some

    @property
    def settled_filters(self) -> bool:
        """Returns whether the broker has answered every requested subscription, and refused none."""
        return not self._subscribing and not self.denied

    def _as_sent(self, topic_filter: str) -> str:
        if topic_filter.startswith("$share/") and not self.shares:
            return unshared(topic_filter)[1]
        return topic_filter

    def publish(self, outgoing: Outgoing) -> int | None:
        """Encode a message, to be sent by `flush`. Returns its id; `None` if it can never be sent."""
        try:
            mid, packet = self._client.encode(outgoing.topic, outgoing.payload, retain=outgoing.retain)
        except ValueError:  # a wildcard in the topic, a payload over 256 MB: a mistake of the caller
            log.exception("mqtt_publish_impossible", topic=outgoing.topic)
            return None
        self._encoded.append(packet)
        self._published[mid] = outgoing
        return mid

    def flush(self) -> None:
        """Queue what was published since the last call."""
        if self._encoded:
            self._client.send(b"".join(self._encoded))
            self._encoded.clear()

    @property
    def objection(self) -> str | None:
        """Returns what the broker refuses although the session is connected, as a sentence; `None` if nothing."""
        for topic, (reason, _, _) in self.refused_topics.items():
            return f"{self._options.address} refuses what is published to {topic}: {reason}"
        return None

    def publish_refused(self) -> None:
        """Publish refused retained messages again; forget other refusals that have not recurred for some time."""
        now = time.monotonic()
        for topic, (_, refused, outgoing) in list(self.refused_topics.items()):
            if outgoing.retain:
                self.publish(outgoing)
            elif now - refused > REFUSAL_HOLDS:
                del self.refused_topics[topic]

    def acknowledge(self, mids: Sequence[int]) -> None:
        """PUBACK."""
        self._client.acknowledge(mids)
        now = time.monotonic()
        for mid in mids:
            self._backlog.acknowledged(mid, now)

    def confirmed(self) -> list[int]:
        """Returns the ids of published messages that the broker has acknowledged since the last call."""
        confirmed, self._confirmed = self._confirmed, []
        return confirmed

    @property
    def has_output(self) -> bool:
        """Whether bytes wait to be written."""
        return self._client.want_write()

    def disconnect(self, *, for_good: bool) -> None:
        """Disconnect: the broker sends no last will, and with `for_good` it keeps no session."""
        properties: Properties | None = None
        if for_good and self.version == 5:
            properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]  # as in `connect`
            properties.SessionExpiryInterval = 0
        elif for_good and self._asked:
            self._client.unsubscribe(list(self._asked.values()))
        self._client.disconnect(properties=properties)
        deadline = time.monotonic() + 1
        while self._client.want_write() and self._client.socket() is not None and time.monotonic() < deadline:
            self._client.loop_write()

    def release(self) -> None:
        """Give back sockets; the session is over."""
        self.alive = self.accepted = False
        sock = self._client.socket()
        if sock is not None:
            sock.close()
        self._selector.close()
        self._far.close()
        self._near.close()

    # paho's callbacks, within `serve`.

    def _on_connect(
        self, _client: Client, _data: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self.unanswered = False
        if reason.is_failure:
            self.refused_version = "protocol version" in str(reason).lower()
            self.problem = f"{self._options.address} refused the connection: {reason}"
            self.alive = False
            return
        self.accepted = True
        self.resumed = bool(flags.session_present) and not self._options.clean
        self.problem = f"the connection to {self._options.address} broke"
        self.shares = self.version == 5 and bool(getattr(properties, "SharedSubscriptionAvailable", 1))
        if self.version == 5:
            self.window = min(LARGEST_WINDOW, int(getattr(properties, "ReceiveMaximum", LARGEST_WINDOW)))
        if self.resumed and self._options.marker:
            self._backlog.begin(time.monotonic())

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self.accepted and reason.is_failure:
            self.problem = f"the connection to {self._options.address} broke: {reason}"
        self.alive = False

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        """Take a message that paho read: with QoS 0, or with properties."""
        self._take(message._topic, bytes(message.payload), message.retain, message.mid if message.qos else None)

    def _on_arrival(self, topic: bytes, payload: bytes, retain: bool, mid: int) -> None:
        self._take(topic, payload, retain, mid)

    def _take(self, name: bytes, payload: bytes, retain: bool, mid: int | None) -> None:
        self._messages += 1
        try:
            topic = name.decode()
        except UnicodeDecodeError:  # the broker should have refused it; taken again it would come again for ever
            log.warning("mqtt_topic_unreadable")
            self._drop(mid)
            return
        if topic == self._options.marker:
            self._backlog.came(payload)
            self._drop(mid)
            return
        kept = self._backlog.heard(mid, time.monotonic()) and not retain
        room = self._deliver is None or self._deliver(topic, payload, retain, mid, kept)
        self._client.paused = not room or self._messages >= self._read_until

    def _drop(self, mid: int | None) -> None:
        if mid is not None:
            self._client.acknowledge([mid])

    def _on_subscribe(
        self, _client: Client, _data: object, mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        for topic_filter, reason in zip(self._subscribing.pop(mid, ()), reasons, strict=False):
            if topic_filter not in self._asked:
                continue
            if reason.is_failure:
                self._refused(topic_filter)
                continue
            self.granted[topic_filter] = None
            if topic_filter == self._options.marker and self._backlog.mark is not None:
                self._client.send(self._client.encode(topic_filter, self._backlog.mark, retain=False)[1])

    def _refused(self, topic_filter: str) -> None:
        del self._asked[topic_filter]
        log.warning("mqtt_subscription_refused", broker=str(self._options.address), filter=topic_filter)
        if topic_filter == self._options.marker:
            self._backlog.mark = None
            return
        self.denied.add(topic_filter)
        self.problem = f"{self._options.address} refuses the subscription to {topic_filter}"

    def _on_confirmation(self, mid: int, reason: int) -> None:
        self._confirmed.append(mid)
        outgoing = self._published.pop(mid, None)
        if outgoing is None:  # the mark of the backlog
            return
        if reason < FAILURES:
            if self.refused_topics:
                self.refused_topics.pop(outgoing.topic, None)
            return
        said = str(ReasonCode(PacketTypes.PUBACK, identifier=reason))
        if outgoing.topic not in self.refused_topics:
            at = str(self._options.address)
            log.warning("mqtt_publication_refused", broker=at, topic=outgoing.topic, reason=said)
        self.refused_topics[outgoing.topic] = said.lower(), time.monotonic(), outgoing
