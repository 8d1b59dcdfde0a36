"""The collector: receives batches, stores them, acknowledges them; always in this order.

`receive` checks a message and adds it to the group that is being gathered. `commit` stores a group and then
acknowledges it: first each batch to its gateway, then each message to the broker. A service runs the two concurrently,
so that one group is gathered while another is written. `collect` runs them in sequence, for tests. While the store is
down, one group is gathered until it is full; after that, the transport's queue bounds what waits.
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
from siaga.mqtt.way import tell_way
from siaga.mqtt.worker import Inlet
from siaga.telemetry import RefusedPoint, StoreUnavailable, TelemetryStore
from siaga.wire.refusal import sample
from siaga.wire.topics import BATCHES, REFUSED

__all__ = ["Collector"]

log = structlog.get_logger(__name__)

SHARE = "$share/siaga-collector/"
"""The prefix of the shared subscription of all collectors."""
FIRST_PAUSE, LONGEST_PAUSE = 250, 10_000
"""Back-off between two attempts on a group, ms: it doubles from the first to the longest."""

LIMIT_SAID_FOR = 5 * MINUTE
"""If no point hit the store's limit for so long (ms), the limit counts as raised. Gateways retry every 2.5 minutes."""


class Collector:
    """One collector. One thread gathers (`receive`, `hand_over`). The thread that commits a group owns it."""

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
        """The store's message about a limit that points hit, and when, monotonic ms."""
        self.inlet = Inlet(transport, self.receive, lambda: self.full, at_once=max_messages)
        """The message source of the loop: gateways' batches and refusals."""

    @property
    def problem(self) -> str | None:
        """Why a group could not be stored, in one sentence; `None` if all could."""
        return next(iter([*self._problems.values()]), None)

    @property
    def limit(self) -> str | None:
        """The store's limit because of which some readings stay at their gateways, in one sentence; `None` if none."""
        if self._limit is None or self._clock.monotonic() - self._limit[1] > LIMIT_SAID_FOR:
            return None
        return self._limit[0]

    def subscribe(self) -> None:
        """Subscribe to the gateways' batches and refusals, shared with other collectors."""
        self._transport.subscribe(SHARE + BATCHES)
        self._transport.subscribe(SHARE + REFUSED)

    def collect(self, timeout: float) -> bool:
        """Gather (waiting up to `timeout` seconds), store and acknowledge one group. Returns whether all of it worked.

        A group that could not be stored or acknowledged is kept. Later calls retry it after its back-off, and return
        False at once until then.
        """
        if self._in_hand is None:
            self._in_hand = self.gather(timeout)
        if self._in_hand is None or not self.commit(self._in_hand):
            return False
        self._in_hand = None
        return True

    @property
    def full(self) -> bool:
        """Whether the collector takes no message now.

        A full group has to be handed over first. Nothing is taken before the registry was read, because every village
        would be unknown.
        """
        return not self._intake.ready or (self._gathered is not None and self._gathered.full)

    @property
    def gathered(self) -> Group | None:
        """The group that is being gathered; `None` if nothing has arrived since the last one was handed over."""
        return self._gathered

    def receive(self, message: Message) -> None:
        """Check a message and add it to the group that is being gathered."""
        group = self._gathered
        if group is None:
            group = self._gathered = Group(self._max_readings, self._max_messages)
        self._admit(message, self._clock.now(), group)
        group.changed()

    def hand_over(self) -> Group | None:
        """Returns the gathered group, ready to commit; `None` if there is none. The next message begins another."""
        group, self._gathered = self._gathered, None
        if group is not None:
            self.make_ready(group)
        return group

    def gather(self, timeout: float) -> Group | None:
        """Gather what has arrived, up to a full group, waiting up to `timeout` seconds for the first message.

        Returns the group; `None` if nothing arrived, or nothing may be taken yet.
        """
        self._intake.load()
        message = None if self.full else self._transport.receive(timeout)
        while message is not None:
            self.receive(message)
            message = None if self.full else self._transport.receive(0)
        return self.hand_over()

    def make_ready(self, group: Group) -> None:
        """Prepare the write, while the store may still be busy with another group."""
        messages, size = group.counted
        group.counted = len(group.messages), group.bytes
        self._metrics.unacknowledged.inc(len(group.messages) - messages)
        self._metrics.waiting_bytes.inc(group.bytes - size)
        if not group.points or group.write is not None:
            return
        try:
            group.write = self._store.prepare(group.points, group.arrivals)
        except Exception:
            log.exception("a group of batches cannot be prepared for the store")  # `commit` tries each batch alone

    def _admit(self, message: Message, received: int, group: Group) -> None:
        try:
            self._intake.admit(message, received, group)
        except Exception as error:
            # A defect of ours with one message must not stop the others: it is refused and logged.
            log.exception("a message cannot be handled", topic=message.topic)
            reason = f"siaga cannot read this message because of a defect in siaga ({type(error).__name__})"
            self._intake.refuse("internal", reason, message)

    def wait(self, group: Group | None = None) -> int:
        """Returns ms until a group (by default the one that `collect` keeps) may be retried; 0 for now."""
        group = group or self._in_hand
        return max(0, group.try_again - self._clock.monotonic()) if group is not None else 0

    def commit(self, group: Group) -> bool:
        """Store a group and acknowledge it. Returns False if the caller must retry it after `wait(group)`.

        Batches are acknowledged only after all points of the group are stored. The PUBACKs follow the acks.
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
                if group.write is None:  # kept over attempts: a retry continues where the last one stopped
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
        """Store a group batch by batch, after a defect of ours prevented a common write. Returns False to retry.

        The batch at fault is refused. It is not acknowledged, so its gateway keeps it until the defect is fixed.
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
                reason = f"siaga cannot store this batch because of a defect in siaga ({type(error).__name__})"
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
            log.warning("the store does not take data, retrying", problem=problem)
        self._problems[id(group)] = problem
        self._metrics.failed_writes.inc()
        group.pause = min(2 * group.pause or FIRST_PAUSE, LONGEST_PAUSE)
        group.try_again = self._clock.monotonic() + group.pause

    def _sort_out(self, group: Group, refused: Sequence[RefusedPoint]) -> None:
        """Quarantine what the store will never take, and drop the batches that hit a limit of the store.

        A batch with a point over the limit is not acknowledged. Its gateway sends it again, until the limit is raised.
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
        """Quarantine points that the store will never take. Their batches count as stored."""
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
        """Publish the acks from where a failed attempt stopped, then give the PUBACKs. Returns False to retry."""
        while group.acknowledged < len(group.batches):
            batch = group.batches[group.acknowledged]
            if batch.repeated and not self._deduplication.is_stored(batch.fingerprint):
                group.acknowledged += 1  # the original is not stored yet; its own ack will be for both
                continue
            if not self._transport.publish(batch.ack_topic, batch.ack_payload):
                # No connection, or too many acks in flight: retry soon.
                group.try_again = self._clock.monotonic() + FIRST_PAUSE // 5
                return False
            group.acknowledged += 1
            tell_way("batch_stored", batch.id, batch.village, repeated=batch.repeated)
        for message in group.messages:
            self._transport.acknowledge(message)
        self._metrics.batches.inc(len(group.batches))
        messages, size = group.counted
        self._metrics.unacknowledged.dec(messages)
        self._metrics.waiting_bytes.dec(size)
        return True


def _key(point: Point) -> tuple[str, str, int]:
    return point.village, point.device, point.time
