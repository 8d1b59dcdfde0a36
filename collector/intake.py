"""Reads a message, checks it against the registry, and adds it to a group or refuses it with a sentence."""

from functools import lru_cache

from collector.deduplication import Deduplication, fingerprint
from collector.group import Group, TakenBatch
from collector.refusals import Refusals
from collector.registry_cache import RegistryCache
from collector.unknown_devices import Unknown
from siaga.metrics import implausible
from siaga.model.observation import Arrival
from siaga.mqtt import Message
from siaga.wire.batch import LIVE_EDGE, Batch, UnreadableBatch, decode_batch, encode_ack
from siaga.wire.refusal import Refusal, UnreadableRefusal, decode_refusal, sample
from siaga.wire.topics import ForeignTopic, GatewayTopic, ack_topic, parse_topic
from siaga.wire.unknown_device import decode_unknown

__all__ = ["Intake"]

GATEWAYS = 10_000
"""Gateways whose topics are kept as they were parsed: 5 MB."""
_parsed = lru_cache(maxsize=GATEWAYS)(parse_topic)
_ack_topic = lru_cache(maxsize=GATEWAYS)(ack_topic)
UNKNOWN_VILLAGE = "unknown_village"
UNKNOWN_DEVICE = "unknown_device"


class Intake:
    """Checks messages against the registry, and records refusals and unknown devices."""

    def __init__(
        self, known: RegistryCache, refusals: Refusals, unknown: Unknown, deduplication: Deduplication
    ) -> None:
        self._known = known
        self._refusals = refusals
        self._unknown = unknown
        self._deduplication = deduplication
        self._ready = False

    def load(self) -> None:
        """Read the registry, unless it was read before."""
        if not self._known.loaded:
            self._known.refresh()

    @property
    def ready(self) -> bool:
        """Whether the registry was read; before that, no village can be called unknown. Any thread may ask."""
        self._ready = self._ready or self._known.loaded  # what was read once is kept
        return self._ready

    def admit(self, message: Message, received: int, group: Group) -> None:
        """Add a message and its batch to a group. A refused message is added for its PUBACK only."""
        group.messages.append(message)
        group.bytes += len(message.payload)
        topic = self._topic(message)
        if topic is None:
            return
        if topic.channel == "refused":
            self._pass_on(message, topic)
        elif topic.channel == "batch":
            self._take(message, topic, received, group)

    def refuse(self, label: str, reason: str, message: Message, village: str | None = None) -> None:
        """Count a refused message and quarantine its first bytes. Its batch is never acknowledged."""
        self._refusals.note(label, reason, village=village, topic=message.topic, payload=sample(message.payload))

    def _topic(self, message: Message) -> GatewayTopic | None:
        """Returns the parsed topic; `None` if it is not a gateway's, or of an unknown village (which is refused)."""
        try:
            topic = _parsed(message.topic)
        except ForeignTopic as error:
            self.refuse("foreign_topic", str(error), message)
            return None
        if not isinstance(topic, GatewayTopic):
            return None
        if self._known.devices(topic.village) is None:
            self._known.refresh()
            if self._known.devices(topic.village) is None:
                reason = f"{topic.village} is not a village that siaga was told of: import its sites file"
                self.refuse(UNKNOWN_VILLAGE, reason, message)
                return None
        return topic

    def _take(self, message: Message, topic: GatewayTopic, received: int, group: Group) -> None:
        try:
            batch = self._decode(message.payload, topic.village, received)
        except UnreadableBatch as error:
            self.refuse(error.kind, error.reason, message, topic.village)
            return
        mark = fingerprint(message.topic, batch)
        repeated = self._deduplication.take(mark)
        first = len(group.points)
        if not repeated:
            self._note_records(message, topic, batch, received)
            group.points += batch.points
            group.readings += batch.readings
        group.batches.append(
            TakenBatch(
                batch.id,
                topic.village,
                message.topic,
                _ack_topic(topic.village, topic.gateway),
                encode_ack(batch.id),
                first,
                len(group.points),
                None if repeated else _arrival(topic, batch, received),
                mark,
                repeated,
            )
        )

    def _decode(self, payload: bytes, village: str, received: int) -> Batch:
        """Returns the batch. If it names an unknown device, the registry is read again before that is refused.

        Raises:
            UnreadableBatch: the payload is no batch.
        """
        devices = self._known.devices(village) or frozenset()
        batch = decode_batch(payload, village, received, devices)
        if any(record.kind == UNKNOWN_DEVICE for record in batch.refused):
            self._known.refresh()
            newer = self._known.devices(village) or frozenset()
            if newer is not devices:
                return decode_batch(payload, village, received, newer)
        return batch

    def _note_records(self, message: Message, topic: GatewayTopic, batch: Batch, received: int) -> None:
        for record in batch.refused:
            self._refusals.note(
                record.kind, record.reason, village=topic.village, topic=message.topic, payload=record.sample
            )
        if more := batch.refused_count - len(batch.refused):
            # One batch must not fill the quarantine: its first few hundred records show what is wrong.
            self._refusals.count(batch.refused[-1].kind, more)
        for signal, number in batch.implausible.items():
            implausible(signal, number)
        for record in batch.doubtful:
            # Implausible values are dropped, not refused, so they are not counted as refused. One per signal is shown.
            dropped = Refusal(topic.village, received, message.topic, record.reason, record.sample, record.kind)
            self._refusals.keep(dropped)

    def _pass_on(self, message: Message, topic: GatewayTopic) -> None:
        """Quarantine a refusal that a gateway reports, which it has counted, or note the unknown device."""
        device = decode_unknown(message.payload, topic.village, topic.gateway)
        if device is not None:
            self._unknown.note(device)
            return
        try:
            refusal: Refusal = decode_refusal(message.payload, topic.village)
        except UnreadableRefusal as error:
            self.refuse("not_refusal", str(error), message, topic.village)
            return
        self._refusals.keep(refusal)


def _arrival(topic: GatewayTopic, batch: Batch, received: int) -> Arrival | None:
    """Returns the note that a batch is late: the engine judged that period without it. `None` if it is not late."""
    first, last = batch.first, batch.last
    if first is None or last is None or first >= received - LIVE_EDGE:
        return None
    return Arrival(topic.village, topic.gateway, received, first, last)
