"""The embedded broker on its port: connections, keep-alive, commits. One thread with one event loop."""

import asyncio
import contextlib
import errno
import sqlite3
import threading
from pathlib import Path

import structlog

from siaga.broker.exchange import Delivery, Exchange, Session
from siaga.broker.journal import FileJournal
from siaga.broker.packets import (
    CONNECTION_ACCEPTED,
    IDENTIFIER_REJECTED,
    PINGRESP,
    PUBACK,
    PUBCOMP,
    PUBREC,
    UNSUPPORTED_PROTOCOL,
    UNSUPPORTED_PROTOCOL_V5,
    Connect,
    Disconnect,
    Flow,
    Packet,
    Ping,
    ProtocolViolation,
    Publish,
    Subscribe,
    Unsubscribe,
    connack,
    decode,
    flow,
    publish,
    split,
    suback,
)
from siaga.model.clock import DAY, Clock, SystemClock

__all__ = ["EmbeddedBroker", "PortTaken"]

log = structlog.get_logger(__name__)

COMMIT_AFTER = 0.001
"""Seconds that a publisher's acknowledgement waits for company, so that many share one `fsync`."""
COMMIT_AGAIN = 1.0
"""Seconds until a failed commit is tried again."""
FORGET_AFTER = 30 * DAY
"""A session whose client stays away so long is forgotten, with what waits for it."""
FIRST_PACKET = 10.0
"""Seconds that a new connection has to introduce itself."""
CONGESTED = 4 * 1024 * 1024
"""Unsent bytes of one client from which messages with QoS 0 are dropped."""
STUCK = 64 * 1024 * 1024
"""Unsent bytes at which a client that does not read is disconnected."""
MAX_CONNECTIONS = 10_000


class PortTaken(Exception):
    """The broker cannot listen on the port. The message names the port and the reason."""


class EmbeddedBroker:
    """An MQTT 3.1.1 broker for one machine, on the loopback interface. Messages with QoS 1 survive a crash.

    Anyone on the machine may connect. Sessions without `clean session`, their queues, and retained messages are in
    the SQLite file at `path`.
    """

    def __init__(self, path: Path, port: int, *, host: str = "127.0.0.1", clock: Clock | None = None) -> None:
        self.host, self.port = host, port
        self._path = path
        self._clock = clock or SystemClock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._exchange: Exchange | None = None
        self._journal: FileJournal | None = None
        self._connections: set[_Connection] = set()
        self._unacknowledged: list[tuple[_Connection, bytes]] = []
        self._commit_timer: asyncio.TimerHandle | None = None
        self.refused = 0
        """Connections that broke the protocol or were too many."""

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"mqtt://{self.host}:{self.port}"

    @property
    def dropped(self) -> int:
        """Returns how many messages could not be queued."""
        return self._exchange.dropped if self._exchange else 0

    def start(self) -> None:
        """Listen, in a thread of its own.

        Raises:
            PortTaken: the port is in use or not allowed.
            sqlite3.Error: the journal cannot be opened.
        """
        ready = threading.Event()
        problems: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(ready, problems), name="broker", daemon=True)
        self._thread.start()
        ready.wait()
        if problems:
            self._thread.join()
            raise problems[0]

    def close(self) -> None:
        """End all connections, write the journal, end the thread. No wills are published, because the broker ends."""
        if self._loop and self._thread and self._thread.is_alive() and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _run(self, ready: threading.Event, problems: list[BaseException]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except (PortTaken, sqlite3.Error) as problem:
            problems.append(problem)
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._journal = FileJournal(self._path)
        self._exchange = Exchange(self._journal, self._clock.now())
        try:
            server = await self._loop.create_server(lambda: _Connection(self), self.host, self.port)
        except OSError as problem:
            self._journal.close()
            why = "is in use" if problem.errno == errno.EADDRINUSE else f"cannot be used ({problem.strerror})"
            sentence = f"the broker's port {self.port} on {self.host} {why}: set SIAGA_MQTT_PORT to another"
            raise PortTaken(sentence) from None
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        rounds = asyncio.create_task(self._rounds())
        await self._stop.wait()
        server.close()
        rounds.cancel()
        self._commit()
        for connection in list(self._connections):
            connection.abandon()
        await asyncio.sleep(0)
        with contextlib.suppress(sqlite3.Error):  # said when the commit failed; the file is closed in any case
            self._journal.close()

    async def _rounds(self) -> None:
        """Every second: end silent connections, write acknowledgements, expire sessions."""
        beat = 0
        while True:
            await asyncio.sleep(1)
            beat += 1
            now = self._clock.monotonic()
            for connection in list(self._connections):
                connection.check_silence(now)
            if self._commit_timer is None:
                self._commit()
            if beat % 3600 == 0 and self._exchange:
                self._exchange.expire(self._clock.now() - FORGET_AFTER)

    def _commit_soon(self) -> None:
        if self._commit_timer is None and self._loop is not None:
            self._commit_timer = self._loop.call_later(COMMIT_AFTER, self._commit)

    def _commit(self) -> None:
        """Make published messages durable, then acknowledge them to the publishers."""
        self._commit_timer = None
        if self._journal is None or self._loop is None:
            return
        try:
            self._journal.commit()
        except sqlite3.Error as problem:
            log.warning("broker_journal_not_written", problem=str(problem), path=str(self._path))
            self._commit_timer = self._loop.call_later(COMMIT_AGAIN, self._commit)
            return
        waiting, self._unacknowledged = self._unacknowledged, []
        for connection, acknowledgement in waiting:
            connection.write(acknowledgement)


class _Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, broker: EmbeddedBroker) -> None:
        self._broker = broker
        self._buffer = bytearray()
        self._session: Session | None = None
        self._transport: asyncio.Transport | None = None
        self._heard = broker._clock.monotonic()
        self._patience = FIRST_PACKET
        self._on_purpose = False

    # --- the Outlet of the exchange

    def send(self, delivery: Delivery) -> None:
        self.write(
            publish(
                delivery.topic,
                delivery.payload,
                packet_id=delivery.packet_id,
                retain=delivery.retain,
                again=delivery.again,
            )
        )

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
            if self._transport.get_write_buffer_size() > STUCK:
                log.warning("broker_client_does_not_read", client=self._session and self._session.client_id)
                self._transport.abort()

    def congested(self) -> bool:
        return self._transport is None or self._transport.get_write_buffer_size() > CONGESTED

    def displace(self) -> None:
        self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def abandon(self) -> None:
        """Close the connection without a will: the broker ends."""
        self._on_purpose = True
        self.close()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_server gives
        self._transport = transport
        if len(self._broker._connections) >= MAX_CONNECTIONS:
            self._broker.refused += 1
            transport.abort()
            return
        self._broker._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._session is not None:  # bytes that trickle in do not prolong the time to introduce itself
            self._heard = self._broker._clock.monotonic()
        self._buffer += data
        try:
            while (taken := split(self._buffer)) is not None:
                self._handle(decode(*taken))
        except ProtocolViolation as violation:
            self._broker.refused += 1
            log.info("broker_connection_refused", reason=str(violation))
            self._buffer.clear()
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio.Protocol has it so
        self._broker._connections.discard(self)
        exchange, session = self._broker._exchange, self._session
        if (
            session is not None
            and exchange is not None
            and exchange.leave(session, self, self._broker._clock.now(), on_purpose=self._on_purpose)
        ):
            self._broker._commit_soon()

    def check_silence(self, now: int) -> None:
        """End the connection after 1.5 keep-alives without a packet (3.1.2.10), and publish its will."""
        if self._patience and now - self._heard > self._patience * 1000 and self._transport is not None:
            self._transport.abort()

    # --- packets

    def _handle(self, packet: Packet) -> None:
        exchange = self._broker._exchange
        assert exchange is not None  # noqa: S101 - it is there before the port is open
        if self._on_purpose:
            return
        if isinstance(packet, Connect):
            self._connect(exchange, packet)
            return
        if (session := self._session) is None:
            raise ProtocolViolation("a packet before CONNECT")
        match packet:
            case Publish():
                self._publish(exchange, session, packet)
            case Flow(kind=4):
                exchange.acknowledged(session, packet.packet_id)
            case Flow(kind=6):
                exchange.released(session, packet.packet_id)
                self.write(flow(PUBCOMP, packet.packet_id))
            case Subscribe():
                codes = exchange.subscribe(session, packet.filters, self._broker._clock.now())
                self.write(suback(packet.packet_id, codes))
                exchange.greet(session, packet.filters)
            case Unsubscribe():
                exchange.unsubscribe(session, packet.filters, self._broker._clock.now())
                self.write(suback(packet.packet_id, None))
            case Ping():
                self.write(PINGRESP)
            case Disconnect():
                self._on_purpose = True
                self.close()
            case _:
                pass  # PUBREC and PUBCOMP: nothing is sent with QoS 2

    def _connect(self, exchange: Exchange, packet: Connect) -> None:
        if self._session is not None:
            raise ProtocolViolation("a second CONNECT")
        if packet.level != 4:
            self.write(UNSUPPORTED_PROTOCOL_V5 if packet.level == 5 else connack(UNSUPPORTED_PROTOCOL))
            self.close()
            return
        if not packet.client_id and not packet.clean:
            self.write(connack(IDENTIFIER_REJECTED))
            self.close()
            return
        self._patience, self._heard = packet.keep_alive * 1.5, self._broker._clock.monotonic()
        self._session, present = exchange.connect(packet, self, self._broker._clock.now())
        self.write(connack(CONNECTION_ACCEPTED, session_present=present))
        exchange.resume(self._session)

    def _publish(self, exchange: Exchange, session: Session, packet: Publish) -> None:
        if packet.qos == 2:
            due, acknowledgement = exchange.receive_once(session, packet), flow(PUBREC, packet.packet_id)
        else:
            due = exchange.publish(packet)
            acknowledgement = flow(PUBACK, packet.packet_id) if packet.qos else b""
        if due:
            self._broker._unacknowledged.append((self, acknowledgement))
            self._broker._commit_soon()
        elif acknowledgement:
            self.write(acknowledgement)
