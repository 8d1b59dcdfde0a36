"""The gateway: what devices say goes to disk, then to the centre, then from the disk.

`receive` and `hear` take messages in, `tick` does what is due; nothing in them waits. The one loop that waits is `run`.
A message of a device is acknowledged to its broker after the commit that holds its readings, and not before.
"""

import random
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import orjson
import structlog

from gateway.buffer import Buffer, BufferUnavailable, FormedBatch, OnlineState
from gateway.clocks import PLAUSIBLE_FROM
from gateway.intake import Intake, Taken
from gateway.metrics import GatewayMetrics
from gateway.pollers import Polling
from gateway.presence import Presence
from gateway.refusals import Refusals
from gateway.uplink import Uplink
from siaga.clock import SECOND, Clock
from siaga.observation import Reading
from siaga.sites import Village
from siaga.topics import gateway_status_topic
from siaga.transport import Message, Transport

__all__ = ["Gateway", "last_will", "marker_topic"]

log = structlog.get_logger(__name__)

BEAT = 30 * SECOND
"""Between two of the gateway's own heartbeats (contract, section 2)."""
SETTLE = 5 * SECOND
"""After a connection to the village's broker: births and wills of meanwhile come first, then `online` is repeated."""
DISK_AGAIN = SECOND
"""Until a commit that failed is tried again."""
GROUP = 500
"""Messages that share a commit at most; with them in hand nothing more is taken from the broker."""
LOOK_AGAIN = 10 * SECOND
"""Between two looks at all devices at least, whatever the clock does."""
HEALTH_EVERY = 10 * SECOND
"""Between two reports of the gateway's own health, when there is something new."""
ALL_OF_SIAGA = tuple("siaga/" + "/".join("+" * levels) for levels in range(1, 5))
"""Filters for a gateway that watches over all of siaga's topics but the gateways' own, which have six levels."""


def last_will(village: Village) -> Message:
    """What the centre's broker is to publish when the gateway of this village is lost.

    A session has one will. A gateway of one village sets it; one process that serves many villages has a session for
    all of them and sets none: it says `offline` for all when it ends, and when it is lost its heartbeats say so.
    """
    return Message(gateway_status_topic(village.code, village.gateway), _state("offline"), retain=True)


def marker_topic(client_id: str) -> str:
    """The topic on which a gateway's session with the village's broker marks where its backlog ends."""
    return f"siaga/v1/gateway/{client_id}/mark/backlog"


def _state(state: str) -> bytes:
    return orjson.dumps({"state": state})


@dataclass(slots=True)
class _Group:
    """What one commit is to hold; kept until it did."""

    messages: list[Message]
    taken: list[Taken]
    acks: list[FormedBatch]


class Gateway:
    """One gateway process: for one village on site, or for many at the centre.

    Args:
        villages: for which it speaks.
        known: the codes of all villages, for a gateway that watches all of `siaga/`; `None` for one that hears its own.
        village_transport: the brokers of its devices; a persistent session.
        centre_transport: the central broker; may be the same broker, never the same session.
        chance: spreads what would otherwise happen at one moment.
        polling: asks the devices that do not report by themselves.
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
    ) -> None:
        self._village, self._centre = village_transport, centre_transport
        self._buffer, self._clock, self._metrics = buffer, clock, metrics
        self._gateways: dict[str, str] = {}
        self._refusals = Refusals(lambda village: self._gateways.get(village, "gw"), metrics)
        self._uplink = Uplink(buffer, centre_transport, chance, metrics, flush_after=flush_after)
        self._intake = Intake(self._refusals, metrics)
        self._polling = polling
        if polling is not None:
            polling.asker.ring(village_transport.wake)
        self._group = _Group([], [], [])
        self._filters: set[str] = set()
        self._remembered = {
            device: Presence(state.online, state.since, state.since, overruled=state.overruled)
            for device, state in buffer.online().items()
        }
        self._beat_due = 0
        self._repeat_from = self._repeat_at = 0
        self._served: list[str] = []
        self._disk_again = 0
        self._disk_problem: str | None = None
        self._village_connections = self._centre_connections = 0
        self._told_health: dict[str, bytes] = {}
        self._health_due = 0
        self._closed = False
        self.update(villages, known)

    # Verbs

    def update(self, villages: Sequence[Village], known: Collection[str] | None = None) -> None:
        """Take over what the registry says now: subscribe to what is new, unsubscribe from what is gone."""
        self._gateways.update({village.code: village.gateway for village in villages})
        self._intake.update(villages, known, self._remembered)
        if self._polling is not None:
            self._polling.update(self._intake.router.installed, self._clock.monotonic())
        self._uplink.update({village.code: village.gateway for village in villages})
        for gone in set(self._served) - {village.code for village in villages}:
            self._centre.publish(gateway_status_topic(gone, self._gateways[gone]), _state("offline"), retain=True)
        self._served = [village.code for village in villages]
        self._repeat_at = 0
        filters = self._intake.router.filters() | {f"siaga/v1/{village.code}/+/+" for village in villages}
        if known is not None:  # what takes all of them would take each a second time
            filters = {each for each in filters if not each.startswith("siaga/")} | set(ALL_OF_SIAGA)
        for topic_filter in sorted(self._filters - filters):
            self._village.unsubscribe(topic_filter)
        for topic_filter in sorted(filters - self._filters):
            self._village.subscribe(topic_filter)
        self._filters = filters

    def receive(self, message: Message) -> None:
        """Take in a message of the village's broker. It is safe, and acknowledged, after the next `tick`."""
        self._notice_connections()
        self._group.messages.append(message)
        taken = self._intake.take(message, self._clock.now())
        self._group.taken.append(taken)
        if taken.sessions:
            self._repeat_at = 0  # somebody else may be the next to be repeated

    def hear(self, message: Message) -> None:
        """Take in a message of the centre."""
        batch = self._uplink.acknowledged(message)
        if batch is not None:
            self._group.acks.append(batch)
        self._centre.acknowledge(message)

    @property
    def full(self) -> bool:
        """Whether nothing more is to be taken in now: a commit has to succeed first, or a clock has to be set."""
        return len(self._group.messages) >= GROUP or self._clock.now() < PLAUSIBLE_FROM

    def tick(self) -> int:
        """Do what is due: heartbeat, repeat, commit, acknowledge, send. The next deadline, monotonic ms."""
        now, wall = self._clock.monotonic(), self._clock.now()
        if wall < PLAUSIBLE_FROM:
            return now + SECOND  # no clock was set yet: the broker keeps what devices say
        self._notice_connections()
        if now >= self._disk_again:
            self._add_own_readings(now, wall)
            self._poll(now, wall)
            if self._commit(now):
                self._send(now, wall)
        self._refusals.send(self._centre)
        self._report_health(now)
        return self._deadline(now)

    def close(self) -> None:
        """Say `offline` for every village, and commit what is in hand. The transports are closed by who made them."""
        if self._closed:
            return
        self._closed = True
        if self._polling is not None:
            self._polling.close()
        now, wall = self._clock.monotonic(), self._clock.now()
        if wall >= PLAUSIBLE_FROM and self._commit(now, last=True):
            self._send(now, wall)
        for village in self._served:
            topic = gateway_status_topic(village, self._gateways[village])
            self._centre.publish(topic, _state("offline"), retain=True)

    def problems(self) -> list[str]:
        """Why this gateway is not ready, in sentences; nothing when it is."""
        sentences = []
        for name, transport in (("village's", self._village), ("centre's", self._centre)):
            if not transport.connected:
                sentences.append(f"the {name} broker: {transport.problem or 'subscriptions are not granted yet'}")
        if self._disk_problem:
            sentences.append(self._disk_problem)
        if self._clock.now() < PLAUSIBLE_FROM:
            sentences.append("this machine's clock is not set: it reads a time before 2020")
        return sentences

    @property
    def skewed(self) -> Mapping[tuple[str, str], object]:
        """Devices whose clock is not trusted, by village and id."""
        return self._intake.skewed

    # Steps of a tick

    def _notice_connections(self) -> None:
        now = self._clock.monotonic()
        if self._village.connections != self._village_connections:
            self._village_connections = self._village.connections
            self._repeat_from = now + SETTLE
            if not self._village.resumed:
                # The broker lost its sessions, ours among them: it may have lost devices without a will.
                for presence in self._intake.presences.values():
                    presence.forget()
        if self._centre.connections != self._centre_connections and self._centre.connected:
            if all(
                self._centre.publish(gateway_status_topic(v, self._gateways[v]), _state("online"), retain=True)
                for v in self._served
            ):
                self._centre_connections = self._centre.connections
            self._told_health.clear()
            self._uplink.reconnected(now)

    def _add_own_readings(self, now: int, wall: int) -> None:
        """The gateway's own: its heartbeat, and what it repeats of its devices."""
        if len(self._group.taken) > 2 * GROUP:
            return  # a disk that takes nothing must not fill the memory instead
        own: dict[str, list[Reading]] = {}
        if now >= self._beat_due:
            self._beat_due = now + BEAT
            for village in self._served:
                own[village] = [Reading(self._gateways[village], "alive", wall, value=True)]
        if self._village.connected and now >= self._repeat_from and now >= self._repeat_at:
            self._repeat(now, wall, own)
        if own:
            self._group.taken.append(Taken(own))

    def _poll(self, now: int, wall: int) -> None:
        """Take in what devices answered, at the time at which they did, and ask those that are due."""
        if self._polling is None or len(self._group.taken) > 2 * GROUP:
            return
        for polled in self._polling.finish():
            self._group.taken.append(self._intake.polled(polled.installed, polled.translation, wall - now + polled.at))
        self._polling.begin(now)

    def _repeat(self, now: int, wall: int, into: dict[str, list[Reading]]) -> None:
        """Say again what is due of `online`, and find out when the next is."""
        soonest = wall + LOOK_AGAIN
        for (village, device), presence in self._intake.presences.items():
            every = self._intake.router.installed[village, device].device.every
            due = presence.due(every)
            if due is None or presence.online is None:
                continue
            if wall >= due or presence.said > wall:  # the clock was put back: what it said before counts for nothing
                presence.said = wall
                into.setdefault(village, []).append(Reading(device, "online", wall, presence.online))
                due = presence.due(every) or due
            soonest = min(soonest, due)
        self._repeat_at = now + max(0, soonest - wall)

    def _commit(self, now: int, *, last: bool = False) -> bool:
        """Make what is in hand durable, then acknowledge it. False: the disk does not take it, it stays in hand."""
        group = self._group
        try:
            count = 0
            for taken in group.taken:
                for village, readings in taken.readings.items():
                    count += self._buffer.add(village, readings)
                    self._uplink.stored(village, now)
                for device in taken.sessions:
                    presence = self._intake.presences.get(device)
                    if presence is not None:
                        state = OnlineState(presence.online, presence.since, presence.overruled)
                        self._buffer.remember(*device, state)
            acknowledged = [b for b in group.acks if self._buffer.acknowledged(b.village, b.epoch, b.seq)]
            self._uplink.form(now, all_of_it=last)
            self._buffer.commit()
        except BufferUnavailable as error:
            self._disk_failed(str(error), now)
            return False
        self._group = _Group([], [], [])
        self._disk_problem = None
        for batch in acknowledged:
            self._uplink.done(batch)
        for message in group.messages:
            self._village.acknowledge(message)
        self._metrics.readings.inc(count)
        self._metrics.buffered.set(self._buffer.readings)
        self._metrics.fill.set(self._buffer.fill)
        self._metrics.thinned.set(self._buffer.thinned)
        self._metrics.in_flight.set(self._uplink.in_flight)
        return True

    def _disk_failed(self, problem: str, now: int) -> None:
        if self._disk_problem is None:
            log.warning("buffer_unavailable", problem=problem)
        self._disk_problem = problem
        self._disk_again = now + DISK_AGAIN
        self._metrics.disk_problems.inc()
        try:
            self._uplink.rolled_back(now)
        except BufferUnavailable:
            return  # the next attempt comes here again, until the disk can be read

    def _send(self, now: int, wall: int) -> None:
        try:
            self._uplink.send(now, wall)
        except BufferUnavailable as error:
            self._disk_failed(str(error), now)

    def _report_health(self, now: int) -> None:
        """Say, retained and only when it changed, whose clocks are not trusted and how full the buffer is."""
        if now < self._health_due or not self._centre.connected:
            return
        self._health_due = now + HEALTH_EVERY
        for village in self._served:
            clocks = {
                device: {"offset": skew.offset / 1000, "since": skew.since / 1000}
                for (place, device), skew in self._intake.skewed.items()
                if place == village
            }
            text = orjson.dumps(
                {"clocks": clocks, "buffer": round(self._buffer.fill, 2), "thinned": self._buffer.thinned}
            )
            if self._told_health.get(village) != text:
                topic = f"siaga/v1/{village}/gateway/{self._gateways[village]}/health"
                if self._centre.publish(topic, text, retain=True):
                    self._told_health[village] = text

    def _deadline(self, now: int) -> int:
        times = [self._beat_due]
        uplink = self._uplink.deadline()
        if uplink is not None:
            times.append(uplink)
        if self._refusals.waiting:
            times.append(now + SECOND)
        if self._polling is not None and (polls := self._polling.deadline()) is not None:
            times.append(polls)
        if self._village.connected:
            times.append(max(self._repeat_at, self._repeat_from))
        return max(now, self._disk_again, min(times))

    # The loop

    def run(self, stop: threading.Event, longest_wait: float = 1.0) -> None:
        """Serve until `stop` is set; whoever sets it wakes the village's transport. Ends with `close`."""
        self._centre.ring(self._village.wake)
        deadline = 0
        while not stop.is_set():
            wait = min(max(0, deadline - self._clock.monotonic()) / 1000, longest_wait)
            message = None if self.full else self._village.receive(wait)
            if self.full:
                stop.wait(wait)
            while message is not None:
                self.receive(message)
                message = None if self.full else self._village.receive(0)
            while (answer := self._centre.receive(0)) is not None:
                self.hear(answer)
            deadline = self.tick()
        self.close()
