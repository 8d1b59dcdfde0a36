"""The gateway: stores devices' readings on disk, sends them to the centre, deletes them once acknowledged.

`receive` and `hear` take messages, `tick` does what is due. None of them blocks. The loop is in `siaga.mqtt.worker`.
A device's message is acknowledged to its broker only once its readings are durable (`gateway.outbox`).
"""

import random
from collections.abc import Collection, Mapping, Sequence

import orjson

from gateway.buffer import Buffer, OnlineState, Undated
from gateway.health import Health
from gateway.intake import Intake, Taken
from gateway.metrics import GatewayMetrics
from gateway.outbox import Outbox
from gateway.pollers import Polling
from gateway.presence import Presence
from gateway.refusals import Refusals
from gateway.report import GatewayReport, make_report
from gateway.sites_copy import SitesCopy
from gateway.stall import Stall
from gateway.time_sync import TimeSync, boot_id
from gateway.unknown_devices import UnknownDevices
from siaga.model.clock import SECOND, Clock
from siaga.model.observation import Reading
from siaga.model.sites import Village
from siaga.mqtt.transport import Message, Transport
from siaga.mqtt.worker import Inlet
from siaga.wire.topics import gateway_status_topic

__all__ = ["Gateway", "last_will", "marker_topic"]

BEAT = 30 * SECOND
"""The interval of the gateway's own heartbeat, ms (contract, section 2)."""
REPEAT_PAUSE = 5 * SECOND
"""Pause after a connection to the village's broker before `online` is repeated: births and wills arrive first."""
LOOK_AGAIN = 10 * SECOND
"""The longest time between two checks of all devices, ms, even if the wall clock is changed."""
OWN_BEAT = "alive"
"""The topic under which an undated heartbeat is stored. No device has a topic of one level."""
ALL_OF_SIAGA = tuple("siaga/" + "/".join("+" * levels) for levels in range(1, 5))
"""Filters for all topics below `siaga/`, except the gateways' own, which have six levels."""


def last_will(village: Village) -> Message:
    """Returns the last will of this village's gateway.

    A session has only one will, so only a gateway of a single village sets it. A process that serves many villages sets
    none. It publishes `offline` for each village when it ends; if it is lost, its heartbeats stop.
    """
    return Message(gateway_status_topic(village.code, village.gateway), _state("offline"), retain=True)


def marker_topic(client_id: str) -> str:
    """Returns the topic on which a gateway's session with the village's broker marks the end of its backlog."""
    return f"siaga/v1/gateway/{client_id}/mark/backlog"


def _state(state: str) -> bytes:
    return orjson.dumps({"state": state})


class Gateway:
    """One gateway process: for one village on site, or for many at the centre.

    Args:
        villages: the villages that it serves.
        known: the codes of all villages, for a gateway that subscribes to all of `siaga/`; `None` for one that
            subscribes to its own villages only.
        village_transport: a persistent session with the devices' broker.
        centre_transport: a session with the central broker. It may be the same broker, but never the same session.
        chance: the random source for jitter.
        flush_after: how long the first unsent reading waits for others, ms.
        polling: polls the devices that do not publish.
        time_sync: tells whether the gateway knows the time.
        sites: the copy of the village's part of the sites file, for a gateway on site.
        unknown: listens for devices that no sites file has; `None`: nobody does.
    """

    def __init__(
        self,
        villages: Sequence[Village],
        village_transport: Transport,
        centre_transport: Transport,
        buffer: Buffer,
        clock: Clock,
        chance: random.Random,
        metrics: GatewayMetrics,
        *,
        known: Collection[str] | None = None,
        flush_after: int = 200,
        polling: Polling | None = None,
        time_sync: TimeSync | None = None,
        sites: SitesCopy | None = None,
        unknown: UnknownDevices | None = None,
    ) -> None:
        self._village, self._centre = village_transport, centre_transport
        self._clock, self._metrics = clock, metrics
        self._time_sync = time_sync or TimeSync(clock, boot_id())
        self._gateways: dict[str, str] = {}
        self._refusals = Refusals(lambda village: self._gateways.get(village, "gw"), metrics)
        self._outbox = Outbox(buffer, centre_transport, chance, metrics, self._state_of, flush_after=flush_after)
        self._health = Health(centre_transport)
        self._intake = Intake(self._refusals, metrics)
        self._polling = polling
        self._sites = sites
        self._unknown = unknown
        self._followed: Village | None = None
        if polling is not None:
            polling.asker.ring(village_transport.wake)
        self._filters: set[str] = set()
        self._remembered = {
            device: Presence(state.online, state.since, state.since, overruled=state.overruled)
            for device, state in self._outbox.remembered().items()
        }
        self._said = self._outbox.said()
        self._stall = Stall()
        self._beat_due = 0
        self._repeat_from = self._repeat_at = 0
        self._served: list[str] = []
        self._village_connections = self._centre_connections = 0
        self._closed = False
        self.inlets = (
            Inlet(village_transport, self.receive, lambda: self.full),
            Inlet(centre_transport, self.hear),
            *([] if unknown is None else [Inlet(unknown.transport, unknown.hear)]),
        )
        """The message sources of the loop: devices, the centre, and unknown devices."""
        self.update(villages, known)

    # Verbs

    def update(self, villages: Sequence[Village], known: Collection[str] | None = None) -> None:
        """Apply the current registry: subscribe to new topics, unsubscribe from those that are gone."""
        self._gateways.update({village.code: village.gateway for village in villages})
        self._intake.update(villages, known, self._remembered, self._said)
        if self._polling is not None:
            self._polling.update(self._intake.router.installed, self._clock.monotonic())
        self._outbox.update(
            {village.code: village.gateway for village in villages},
            {key: installed.device for key, installed in self._intake.router.installed.items()},
        )
        if self._sites is not None:
            self._sites.follow(self._followed, self._centre)
            self._followed = self._sites.village
        for gone in set(self._served) - {village.code for village in villages}:
            self._centre.publish(gateway_status_topic(gone, self._gateways[gone]), _state("offline"), retain=True)
        self._served = [village.code for village in villages]
        self._repeat_at = 0
        if self._unknown is not None:
            self._unknown.update(self._intake.router, villages)
        filters = self._intake.router.filters() | {f"siaga/v1/{village.code}/+/+" for village in villages}
        if known is not None:  # overlapping filters would deliver each message twice
            filters = {each for each in filters if not each.startswith("siaga/")} | set(ALL_OF_SIAGA)
        for topic_filter in sorted(self._filters - filters):
            self._village.unsubscribe(topic_filter)
        for topic_filter in sorted(filters - self._filters):
            self._village.subscribe(topic_filter)
        self._filters = filters

    def receive(self, message: Message) -> None:
        """Process a message of the village's broker. A later `tick` makes it durable and acknowledges it."""
        self._notice_connections()
        if self._stall.is_late(self._clock.monotonic()):
            message = message._replace(kept=True)
        if not self._time_sync.known:
            self._outbox.take_undated(message, self._time_sync.boot, self._clock.monotonic())
            return
        self._date()  # earlier messages first
        taken = self._intake.take(message, self._clock.now())
        self._outbox.take(message, taken, self._clock.monotonic())
        if taken.sessions:
            self._repeat_at = 0  # the next repetition may be another device's

    def hear(self, message: Message) -> None:
        """Process a message of the centre, and acknowledge it."""
        if self._sites is None or not self._sites.hear(message):
            self._outbox.hear(message, self._clock.monotonic())
        self._centre.acknowledge(message)

    @property
    def full(self) -> bool:
        """Whether the gateway has to make messages durable before it takes more."""
        return self._outbox.full

    def tick(self) -> int:
        """Do what is due: heartbeat, repeat, poll, commit, acknowledge, send.

        Returns the next deadline, monotonic ms.
        """
        now, wall = self._clock.monotonic(), self._clock.now()
        known = self._time_sync.known
        self._notice_connections()
        if self._outbox.takes_own:
            self._beat(now, wall, known=known)
            if known:
                self._date()
                self._repeat_sessions(now, wall)
                self._poll(now, wall)
        self._commit(now, wall)
        if self.full:
            self._stall.note(now)
        if known:
            self._outbox.send(now, wall)
            self._refusals.send(self._centre)
            if self._unknown is not None:
                self._unknown.tick(self._centre)
            self._health.report(self._served, self._gateways, self._intake, self._outbox, now, wall)
        return self._deadline(now, known=known)

    def close(self) -> None:
        """Commit, send, and publish `offline` for every village. The owner of the transports closes them."""
        if self._closed:
            return
        self._closed = True
        if self._polling is not None:
            self._polling.close()
        now, wall = self._clock.monotonic(), self._clock.now()
        self._commit(now, wall, last=True)
        if self._time_sync.known:
            self._outbox.send(now, wall)
        for village in self._served:
            topic = gateway_status_topic(village, self._gateways[village])
            self._centre.publish(topic, _state("offline"), retain=True)

    def problems(self) -> list[str]:
        """Returns why this gateway is not ready, in sentences; empty if it is ready."""
        sentences = []
        for name, transport in (("village's", self._village), ("centre's", self._centre)):
            if transport.problem or not transport.connected:
                sentences.append(f"the {name} broker: {transport.problem or 'subscriptions are not granted yet'}")
        if self._outbox.problem:
            sentences.append(self._outbox.problem)
        if not self._time_sync.known:
            sentences.append("this machine's clock is not set: it reads a time before 2020, or waits for the network's")
        return sentences

    def report(self) -> GatewayReport:
        """Returns the status, for a technician on site."""
        return make_report(
            self._intake,
            self._outbox,
            self._clock.now(),
            time_known=self._time_sync.known,
            village_problem=self._village.problem or (None if self._village.connected else "not connected yet"),
            centre_problem=self._centre.problem or (None if self._centre.connected else "not connected yet"),
            polled=self._polling.states if self._polling is not None else {},
            sites_problem=None if self._sites is None else self._sites.problem,
        )

    @property
    def skewed(self) -> Mapping[tuple[str, str], object]:
        """Devices whose clock is not trusted, by village and id."""
        return self._intake.skewed

    # Steps of a tick

    def _notice_connections(self) -> None:
        now = self._clock.monotonic()
        if self._village.connections != self._village_connections:
            self._village_connections = self._village.connections
            self._repeat_from = now + REPEAT_PAUSE
            if not self._village.resumed:
                # The broker lost its sessions, including this one: devices may be gone without a will.
                for presence in self._intake.presences.values():
                    presence.forget()
        if self._centre.connections != self._centre_connections and self._centre.connected:
            if all(
                self._centre.publish(gateway_status_topic(v, self._gateways[v]), _state("online"), retain=True)
                for v in self._served
            ):
                self._centre_connections = self._centre.connections
            self._health.forget()
            self._outbox.reconnected(now)

    def _state_of(self, device: tuple[str, str]) -> OnlineState | None:
        presence = self._intake.presences.get(device)
        return None if presence is None else OnlineState(presence.online, presence.since, presence.overruled)

    def _date(self) -> None:
        """Process the messages received before the gateway knew the time, the oldest first."""
        if self._outbox.date(self._dated, self._clock.monotonic()):
            self._repeat_at = 0

    def _dated(self, undated: Undated) -> Taken:
        message = undated.message
        if undated.boot != self._time_sync.boot:
            # Power failed before the time was known. The age is unknown, as with a retained message.
            if message.topic == OWN_BEAT:
                return Taken()
            return self._intake.take(message._replace(retain=True, kept=True), self._clock.now())
        at = self._time_sync.of(undated.at)
        if message.topic == OWN_BEAT:
            return self._beats(at)
        return self._intake.take(message, at)

    def _beats(self, at: int) -> Taken:
        alive = {village: [Reading(self._gateways[village], "alive", at, value=True)] for village in self._served}
        return Taken(alive)

    def _beat(self, now: int, wall: int, *, known: bool) -> None:
        """Queue the gateway's own heartbeat if it is due."""
        if now < self._beat_due:
            return
        self._beat_due = now + BEAT
        if known:
            self._outbox.take(None, self._beats(wall), now)
        else:
            self._outbox.take_undated(Message(OWN_BEAT, b""), self._time_sync.boot, now)

    def _repeat_sessions(self, now: int, wall: int) -> None:
        if self._village.connected and now >= self._repeat_from and now >= self._repeat_at:
            own: dict[str, list[Reading]] = {}
            self._repeat(now, wall, own)
            if own:
                self._outbox.take(None, Taken(own), now)

    def _poll(self, now: int, wall: int) -> None:
        """Process the answers of polled devices with the times at which they came, and poll those that are due."""
        if self._polling is None:
            return
        for polled in self._polling.finish():
            self._outbox.take(
                None, self._intake.polled(polled.installed, polled.translation, wall - now + polled.at), now
            )
        self._polling.begin(now)

    def _repeat(self, now: int, wall: int, into: dict[str, list[Reading]]) -> None:
        """Repeat each `online` that is due, and compute when the next is."""
        soonest = wall + LOOK_AGAIN
        for (village, device), presence in self._intake.presences.items():
            every = self._intake.router.installed[village, device].device.every
            due = presence.due(every)
            if due is None or presence.online is None:
                continue
            if wall >= due or presence.said > wall:  # the second: the clock was put back
                presence.said = wall
                into.setdefault(village, []).append(Reading(device, "online", wall, presence.online))
                due = presence.due(every) or due
            soonest = min(soonest, due)
        self._repeat_at = now + max(0, soonest - wall)

    def _commit(self, now: int, wall: int, *, last: bool = False) -> None:
        for message in self._outbox.commit(now, wall, last=last):
            self._village.acknowledge(message)

    def _deadline(self, now: int, *, known: bool) -> int:
        times = [self._beat_due]
        if not known:
            times.append(now + SECOND)
        sends = self._outbox.deadline()
        if sends is not None:
            times.append(sends)
        if self._refusals.waiting:
            times.append(now + SECOND)
        if self._polling is not None and (polls := self._polling.deadline()) is not None:
            times.append(polls)
        if self._village.connected:
            times.append(max(self._repeat_at, self._repeat_from))
        return max(now, min(times))
