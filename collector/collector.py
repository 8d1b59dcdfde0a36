"""The collector: batches in, stored, acknowledged, in this order and never another.

`receive` checks a message and adds it to the group that is gathered. `commit` stores a group and then acknowledges it:
first each batch to its gateway, then its message to the broker. A service runs the two side by side, so that one group
is gathered while another one is on its way to the store. `collect` does one after the other, for tests. While the store
is away one group is gathered until it is full, so the transport's queue bounds what waits.
"""

from collections.abc import Sequence

import orjson
import structlog

from collector.deduplication import Deduplication
from collector.group import MAX_MESSAGES, MAX_READINGS, Group
from collector.intake import Intake
from collector.metrics import CollectorMetrics
from collector.refusals import Refusals
from siaga.model.clock import MINUTE, Clock
from siaga.model.observation import Point
from siaga.mqtt import Message, Transport
from siaga.mqtt.worker import Inlet
from siaga.telemetry import RefusedPoint, StoreUnavailable, TelemetryStore
from siaga.wire.refusal import sample
from siaga.wire.topics import BATCHES, REFUSED

__all__ = ["Collector"]

log = structlog.get_logger(__name__)

SHARE = "$share/siaga-collector/"
"""The group in which all collectors share the gateways' messages, where the broker can."""
FIRST_PAUSE, LONGEST_PAUSE = 250, 10_000
"""Milliseconds between two attempts on the same group: the first pause, doubling up to the longest."""

LIMIT_SAID_FOR = 5 * MINUTE
"""Milliseconds after which a limit that nothing ran into any more is thought raised: gateways send again each 2.5 m."""


class Collector:
    """One collector. One thread gathers (`receive`, `hand_over`). A group belongs to the thread that commits it."""

    def __init__(
        self,
        store: TelemetryStore,
        intake: Intake,
        refusals: Refusals,
        deduplication: Deduplication,
        transport: Transport,
        clock: Clock,
        metrics: CollectorMetrics,
        *,
        max_readings: int = MAX_READINGS,
        max_messages: int = MAX_MESSAGES,
    ) -> None:
        self._store = store
        self._intake = intake
        self._refusals = refusals
        self._deduplication = deduplication
        self._transport = transport
        self._clock = clock
        self._metrics = metrics
        self._max_readings = max_readings
        self._max_messages = max_messages
        self._gathered: Group | None = None
        self._in_hand: Group | None = None
        self._problems: dict[int, str] = {}
        self._limit: tuple[str, int] | None = None
        """What the store said of a limit of its own that points ran into, and when: monotonic, ms."""
        self.inlet = Inlet(transport, self.receive, lambda: self.full, at_once=max_messages)
        """What the loop takes in: gateways' batches and refusals."""

    @property
    def problem(self) -> str | None:
        """Why a group that is in hand could not be stored, in one sentence; `None` when all can be."""
        return next(iter([*self._problems.values()]), None)

    @property
    def limit(self) -> str | None:
        """Which limit of the store keeps some readings with their gateways, in one sentence; `None` when none does."""
        if self._limit is None or self._clock.monotonic() - self._limit[1] > LIMIT_SAID_FOR:
            return None
        return self._limit[0]

    def subscribe(self) -> None:
        """Ask for the gateways' batches and refusals, shared with other collectors."""
        self._transport.subscribe(SHARE + BATCHES)
        self._transport.subscribe(SHARE + REFUSED)

    def collect(self, timeout: float) -> bool:
        """Gather (waiting up to `timeout` seconds), store, acknowledge: one group. Whether it went all the way.

        A group that could not be stored or acknowledged stays in hand; the next calls try the same again once the
        pause is over, and answer False at once until then.
        """
        if self._in_hand is None:
            self._in_hand = self.gather(timeout)
        if self._in_hand is None or not self.commit(self._in_hand):
            return False
        self._in_hand = None
        return True

    @property
    def full(self) -> bool:
        """Whether nothing more is to be taken in now.

        A full group has to be handed over first. Before the registry was read for the first time nothing is taken: no
        village could be told from an unknown one.
        """
        return not self._intake.ready or (self._gathered is not None and self._gathered.full)

    @property
    def gathered(self) -> Group | None:
        """The group that takes in what arrives; `None`: nothing has arrived since the last one was handed over."""
        return self._gathered

    def receive(self, message: Message) -> None:
        """Check a message and add it to the group that is gathered."""
        group = self._gathered = self._gathered or Group(self._max_readings, self._max_messages)
        size = group.bytes
        self._admit(message, self._clock.now(), group)
        group.changed()
        self._metrics.unacknowledged.inc()
        self._metrics.waiting_bytes.inc(group.bytes - size)

    def hand_over(self) -> Group | None:
        """Returns what was gathered, ready to be committed; the next message begins another group."""
        group, self._gathered = self._gathered, None
        if group is not None:
            self.make_ready(group)
        return group

    def gather(self, timeout: float) -> Group | None:
        """Take in what has arrived, up to a full group, waiting up to `timeout` seconds for the first message.

        Returns the group; `None` when nothing came or nothing may be taken yet.
        """
        self._intake.load()
        message = None if self.full else self._transport.receive(timeout)
        while message is not None:
            self.receive(message)
            message = None if self.full else self._transport.receive(0)
        return self.hand_over()

    def make_ready(self, group: Group) -> None:
        """Make the write ready, while the store may still be busy with another group."""
        if not group.points or group.write is not None:
            return
        try:
            group.write = self._store.prepare(group.points, group.arrivals)
        except Exception:
            log.exception("a group of batches cannot be made ready for the store")  # `commit` looks at each batch

    def _admit(self, message: Message, received: int, group: Group) -> None:
        try:
            self._intake.admit(message, received, group)
        except Exception as error:
            # Whatever a message brings out in us, the others go on; it is refused, and we hear of it.
            log.exception("a message cannot be handled", topic=message.topic)
            reason = f"siaga cannot read this message, by a mistake of its own ({type(error).__name__})"
            self._intake.refuse("internal", reason, message)

    def wait(self, group: Group | None = None) -> int:
        """Milliseconds until a group, or the one that `collect` has in hand, may be tried again; 0: now."""
        group = group or self._in_hand
        return max(0, group.try_again - self._clock.monotonic()) if group is not None else 0

    def commit(self, group: Group) -> bool:
        """Store a group and acknowledge it. False: try the same group again after `wait(group)`; nothing is lost by it.

        Every batch of it is acknowledged only after all points are stored; PUBACK follows the batch's own ack.
        """
        if self.wait(group):
            return False
        if not group.stored and not self._store_group(group):
            return False
        return self._acknowledge(group)

    def _store_group(self, group: Group) -> bool:
        began = self._clock.monotonic()
        try:
            if group.points:
                if group.write is None:  # kept: an attempt goes on where the one before was stopped
                    group.write = self._store.prepare(group.points, group.arrivals)
                self._sort_out(group, group.write())
        except StoreUnavailable as error:
            self._fail(group, str(error))
            return False
        except Exception:
            log.exception("a group of batches cannot be stored, trying each batch alone")
            if not self._store_apart(group):
                return False
        self._metrics.write_seconds.observe((self._clock.monotonic() - began) / 1000)
        if self._problems.pop(id(group), None) is not None and not self._problems:
            log.info("the store takes data again")
        group.stored, group.write = True, None
        for batch in group.batches:
            if not batch.repeated:
                self._deduplication.stored(batch.fingerprint)
        self._metrics.readings.inc(group.readings)
        self._metrics.late.inc(group.late)
        return True

    def _store_apart(self, group: Group) -> bool:
        """Store batch by batch what a mistake of ours does not let through together; the batch at fault is refused.

        It is not acknowledged, so its gateway keeps it until we have mended the mistake.
        """
        sound = []
        refusals: list[RefusedPoint] = []
        for batch in group.batches:
            points = group.points[batch.first : batch.last]
            try:
                refused = self._store.write(points, [batch.arrival] if batch.arrival else [])
            except StoreUnavailable as error:
                self._fail(group, str(error))
                return False
            except Exception as error:
                log.exception("a batch cannot be stored", topic=batch.topic)
                self._deduplication.forget(batch.fingerprint)
                reason = f"siaga cannot store this batch, by a mistake of its own ({type(error).__name__})"
                self._refusals.note(
                    "internal", reason, village=batch.village, topic=batch.topic, payload=str(batch.ack_payload)
                )
            else:
                sound.append(batch)
                refusals += refused
        group.batches = sound
        self._sort_out(group, refusals)
        return True

    def _fail(self, group: Group, problem: str) -> None:
        if not self._problems:
            log.warning("the store does not take data, holding on", problem=problem)
        self._problems[id(group)] = problem
        self._metrics.failed_writes.inc()
        group.pause = min(2 * group.pause or FIRST_PAUSE, LONGEST_PAUSE)
        group.try_again = self._clock.monotonic() + group.pause

    def _sort_out(self, group: Group, refused: Sequence[RefusedPoint]) -> None:
        """Put what the store will never take where people look; leave with its gateway what a limit stands against.

        A batch of which something runs into a limit is not acknowledged. It comes again, until the limit is raised.
        """
        self._quarantine(group, [item for item in refused if item.for_good])
        limited = {_key(item.point): item.reason for item in refused if not item.for_good}
        if not limited:
            return
        reason = next(iter(limited.values()))
        self._limit = f"the telemetry store takes no more devices: {reason}", self._clock.monotonic()
        kept = []
        for batch in group.batches:
            note = batch.arrival
            keys = [_key(point) for point in group.points[batch.first : batch.last]]
            keys += [(note.village, note.gateway, note.first)] if note else []
            if not limited.keys().isdisjoint(keys):
                self._deduplication.forget(batch.fingerprint)
            else:
                kept.append(batch)
        group.batches = kept

    def _quarantine(self, group: Group, refused: Sequence[RefusedPoint]) -> None:
        """The store will never take these: keep them where people look; their batches count as stored."""
        if not refused:
            return
        origin = {
            (batch.village, point.device, point.time): batch.topic
            for batch in group.batches
            for point in group.points[batch.first : batch.last]
        }
        for point, reason in ((item.point, item.reason) for item in refused):
            values = {f"{point.device}/{signal}": value for signal, value in point.values.items()}
            self._refusals.note(
                "store",
                f"the telemetry store does not take this: {reason}",
                village=point.village,
                topic=origin.get((point.village, point.device, point.time), ""),
                payload=sample(orjson.dumps({"t": point.time / 1000, **values})),
            )

    def _acknowledge(self, group: Group) -> bool:
        """Publish the acks, each followed by its PUBACK, from where a failed attempt stopped."""
        while group.acknowledged < len(group.batches):
            batch = group.batches[group.acknowledged]
            if batch.repeated and not self._deduplication.is_stored(batch.fingerprint):
                group.acknowledged += 1  # what it repeats is not stored (yet): that one's acknowledgement is for both
                continue
            if not self._transport.publish(batch.ack_topic, batch.ack_payload):
                # No connection, or too many acks under way: soon again. Nothing else can be done meanwhile.
                group.try_again = self._clock.monotonic() + FIRST_PAUSE // 5
                return False
            group.acknowledged += 1
        for message in group.messages:
            self._transport.acknowledge(message)
        self._metrics.batches.inc(len(group.batches))
        self._metrics.unacknowledged.dec(len(group.messages))
        self._metrics.waiting_bytes.dec(group.bytes)
        return True


def _key(point: Point) -> tuple[str, str, int]:
    return point.village, point.device, point.time
