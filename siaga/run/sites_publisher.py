"""Tells gateways on site their village's part of the sites file: a retained message each, on the gateway's own topic.

It reads first what the broker has already, and publishes what differs. So a restart, or several of it on one broker,
send nothing to a gateway that knows it already.
"""

import secrets
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import orjson
import structlog

from siaga.database.follower import RegistryFollower, RegistrySource
from siaga.model.clock import SECOND, Clock
from siaga.model.sites import Village
from siaga.mqtt import Message, MqttTransport, Tls, Transport
from siaga.mqtt.worker import Inlet, WorkerLoop
from siaga.run.leading import KEEPALIVE
from siaga.sites.published import UnreadableSites, read_published, write_published
from siaga.sites.writing import village_part
from siaga.wire.topics import GATEWAY_SITES, ForeignTopic, parse_topic, sites_topic

__all__ = ["SitesPublisher", "SitesService"]

log = structlog.get_logger(__name__)

QUIET = 2 * SECOND
"""How long nothing retained has arrived, ms, when all of it has."""
LOOK = SECOND
END_WITHIN = 3.0
RESTART_AFTER = 5.0
MAX_QUEUE_BYTES = 8 << 20

Digest = bytes


class SitesPublisher:
    """A worker: keeps the broker's retained messages equal to the registry."""

    def __init__(self, source: RegistrySource, transport: Transport, clock: Clock) -> None:
        self.inlets: Sequence[Inlet] = (Inlet(transport, self.receive),)
        self._transport, self._clock = transport, clock
        self._follower = RegistryFollower(source, list[Village], clock)
        self._wanted: dict[str, tuple[Village, Digest]] = {}
        self._codes: set[str] = set()
        self._retained: dict[str, Digest | None] = {}
        self._connections = 0
        self._heard = 0
        self._is_settled = False
        """Whether the broker retains what it is to, and nothing has changed since."""
        transport.subscribe(GATEWAY_SITES)

    def receive(self, message: Message) -> None:
        """Note what the broker retains for a gateway."""
        self._notice_connection()
        self._heard = self._clock.monotonic()
        self._is_settled = False
        self._transport.acknowledge(message)
        if not message.payload:
            self._retained.pop(message.topic, None)
            return
        try:
            self._retained[message.topic] = _digest(read_published(message.payload).village)
        except UnreadableSites:
            self._retained[message.topic] = None

    def tick(self) -> int:
        """Publish what differs. Returns when to call it again, monotonic ms."""
        now = self._clock.monotonic()
        if self._follower.poll():
            self._read(self._follower.kept or ())
        self._notice_connection()
        if not self._is_settled and self._transport.connected and now - self._heard >= QUIET:
            self._is_settled = self._publish()
        return now + LOOK

    def close(self) -> None:
        """Nothing is in hand."""

    def _notice_connection(self) -> None:
        if self._transport.connections != self._connections:  # another broker, or one that lost what it retained
            self._connections = self._transport.connections
            self._retained.clear()
            self._is_settled = False
            self._heard = self._clock.monotonic()

    def _read(self, villages: Iterable[Village]) -> None:
        every, before, self._wanted = list(villages), self._wanted, {}
        self._codes = {village.code for village in every}
        for village in every:
            if village.remote:
                topic = sites_topic(village.code, village.gateway)
                known = before.get(topic)  # a country's villages take half a minute to digest
                self._wanted[topic] = (village, known[1] if known and known[0] == village else _digest(village))
        self._is_settled = False

    def _publish(self) -> bool:
        """Publish what differs. Returns whether the transport took all of it."""
        for topic, (village, digest) in self._wanted.items():
            if self._retained.get(topic) == digest:
                continue
            if not self._transport.publish(topic, write_published(village, self._clock.now() // SECOND), retain=True):
                return False
            self._retained[topic] = digest
            log.info("sites_published", village=village.code)
        for topic in [topic for topic in self._retained if topic not in self._wanted and self._is_known(topic)]:
            if not self._transport.publish(topic, b"", retain=True):
                return False
            del self._retained[topic]
        return True

    def _is_known(self, topic: str) -> bool:
        """Returns whether a topic is of a village of the registry. Others may belong to another registry."""
        try:
            return parse_topic(topic).village in self._codes
        except ForeignTopic:
            return False


def _digest(village: Village) -> Digest:
    return blake2b(orjson.dumps(village_part(village)), digest_size=16).digest()


class SitesService:
    """Runs the publisher in a thread of its own."""

    def __init__(self, source: RegistrySource, url: str, tls: Tls, clock: Clock) -> None:
        name = f"siaga-sites-{secrets.token_hex(6)}"
        self._transport = MqttTransport(url, name, max_bytes=MAX_QUEUE_BYTES, keepalive=KEEPALIVE, tls=tls)
        self._loop = WorkerLoop(
            "sites", lambda: SitesPublisher(source, self._transport, clock), clock, restart_after=RESTART_AFTER
        )

    @property
    def connected(self) -> bool:
        """Whether there is a connection to the broker."""
        return self._transport.connected

    def start(self) -> None:
        """Begin."""
        self._loop.start()

    def stop(self) -> None:
        """End the thread, and leave the broker."""
        self._loop.stop(END_WITHIN)
        self._transport.close()
