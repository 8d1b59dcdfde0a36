"""Keeps readings until the centre has acknowledged them: on disk, or in memory while the disk fails.

One rule holds for acknowledgements: *only what is durable is acknowledged*. On disk, a message is durable after the
commit. In memory, it is durable once the centre has acknowledged its batch, since the centre's store then has it. So a
gateway with a dead SD card keeps working. Messages that are not acknowledged stay with the village's broker, which
delivers them again.

Each commit writes a few pages to the SD card, however little it holds. So commits wait until the next batch is formed,
and longer while there is no link. A repetition is committed as soon as any other reading, but it may wait on disk for a
batch (`gateway.patience`). With a disk that fails or is nearly full, nothing waits.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from gateway.buffer import Buffer, FormedBatch, OnlineState, Undated
from gateway.buffer_file import IN_MEMORY, BufferUnavailable
from gateway.events import Key, Said
from gateway.intake import Taken
from gateway.metrics import GatewayMetrics
from gateway.patience import Patience
from gateway.salvage import replace_damaged
from gateway.sender import FLUSH_AFTER, Sender
from siaga.model.clock import SECOND
from siaga.model.sites import Device
from siaga.mqtt.transport import Message, Transport
from siaga.wire.batch import UnreadableBatch, decode_ack
from siaga.wire.topics import ForeignTopic, GatewayTopic, ack_topic, parse_topic

__all__ = ["GROUP", "Outbox"]

log = structlog.get_logger(__name__)

GROUP = 500
"""Unacknowledged messages at most. At this number the gateway takes no more from the broker."""
AT_ONCE = 10
"""Messages that trigger a commit: half of Mosquitto's default limit of messages in flight (20)."""
OFFLINE_PAUSE = 2 * SECOND
"""How long the first message waits for a commit without a link, when there is no batch to form."""
FORGET_WITHIN = 10 * SECOND
"""How long an acknowledged batch may stay on disk. If it is sent again after a crash, the centre deduplicates it."""
DISK_AGAIN = SECOND
"""Pause before a failed disk is tried again."""
MAX_IN_HAND = 5_000
"""Readings that wait for one commit at most."""
MAX_IN_MEMORY = 50_000
"""Readings kept in memory at most, some 10 MB. At this number the gateway takes no more, and drops nothing."""
MAX_OWN = 5_000
"""Sets of the gateway's own readings (heartbeats, repetitions) kept in memory at most: hours of them."""
NEARLY_FULL = 0.8
"""How full the disk's buffer is at most while repetitions wait."""
LATER = 2**62
"""A time that is never reached."""
MAX_UNDATED = 500_000
"""Messages received before the gateway knew the time, at most; some 200 bytes each."""


@dataclass(slots=True)
class _Entry:
    """A message, or readings of the gateway's own, until it is durable.

    `message`: the broker's message to acknowledge; `None` for the gateway's own readings.
    `at`: when it was received, monotonic ms.
    `undated`: boot and monotonic ms, if the gateway did not know the time.
    `from_disk`: it was an undated message on disk; after a failed commit it is there again.
    `runs`: first and last number of its readings in the memory buffer, by village.
    `left`: how many of those readings the centre has not acknowledged.
    """

    message: Message | None
    taken: Taken
    at: int
    undated: tuple[str, int] | None = None
    from_disk: bool = False
    runs: dict[str, tuple[int, int]] = field(default_factory=dict)
    left: int = 0


class Outbox:
    """The buffers of one gateway process, each with its sender.

    Args:
        disk: the buffer; it need not be open yet.
        state_of: returns a device's current session state, to be stored.
    """

    def __init__(
        self,
        disk: Buffer,
        transport: Transport,
        chance: random.Random,
        metrics: GatewayMetrics,
        state_of: Callable[[tuple[str, str]], OnlineState | None],
        *,
        flush_after: int = FLUSH_AFTER,
    ) -> None:
        self.disk = disk
        self._transport, self._chance, self._metrics, self._state_of = transport, chance, metrics, state_of
        self._flush_after = flush_after
        self._gateways: dict[str, str] = {}
        self._sender = Sender(disk, transport, chance, metrics, flush_after=flush_after)
        self._patience = Patience()
        self._memory: tuple[Buffer, Sender] | None = None
        self._new: list[_Entry] = []
        self._held: list[_Entry] = []
        self._acks: list[FormedBatch] = []
        self._memory_acks: list[FormedBatch] = []
        self._again = 0
        self._acks_since: int | None = None
        self._messages = 0
        """Messages in `_new` and `_held` that the broker has no acknowledgement for."""
        self._in_hand = 0
        self._said: dict[Key, Said] = {}
        """Changed repeated states that are not on disk yet, even if their messages are acknowledged."""
        self._loaded = False
        self.problem: str | None = None
        """Why the disk fails, in a sentence; `None` while it works."""

    def remembered(self) -> Mapping[tuple[str, str], OnlineState]:
        """Returns the session states that the previous process stored; empty if the disk is unavailable."""
        try:
            return self.disk.online()
        except BufferUnavailable:
            return {}

    def said(self) -> Mapping[Key, Said]:
        """Returns the repeated states that the previous process stored; empty if the disk is unavailable."""
        try:
            return self.disk.said()
        except BufferUnavailable:
            return {}

    def update(self, gateways: Mapping[str, str], devices: Mapping[tuple[str, str], Device]) -> None:
        """Set the villages that this gateway serves, with its id in each, and their devices, by village and id."""
        self._patience.update(devices)
        for village, gateway in gateways.items():
            if self._gateways.get(village) != gateway:
                if village in self._gateways:
                    self._transport.unsubscribe(ack_topic(village, self._gateways[village]))
                self._transport.subscribe(ack_topic(village, gateway))
        self._gateways |= gateways
        for sender in self._senders():
            sender.update(self._gateways)

    def _senders(self) -> list[Sender]:
        return [self._sender] + ([self._memory[1]] if self._memory else [])

    # Input

    @property
    def full(self) -> bool:
        """Whether the gateway has to make messages durable before it takes more."""
        if self.disk.undated >= MAX_UNDATED:
            return True
        if self._in_hand >= MAX_IN_HAND or (self._memory and self._memory[0].readings >= MAX_IN_MEMORY):
            return True
        return self._messages >= GROUP

    @property
    def takes_own(self) -> bool:
        """Whether there is room for the gateway's own readings: with a failed disk they must not fill the memory."""
        return len(self._new) + len(self._held) < MAX_OWN

    def take(self, message: Message | None, taken: Taken, now: int) -> None:
        """Queue the result of a message, or readings of the gateway's own. A later `commit` makes it durable."""
        self._new.append(_Entry(message, taken, now))
        self._said |= taken.said
        self._messages += message is not None
        self._in_hand += sum(map(len, taken.readings.values()))

    def take_undated(self, message: Message, boot: str, at: int) -> None:
        """Queue a message that was received before the gateway knew the time. `at`: monotonic ms of this boot."""
        self._new.append(_Entry(message, Taken(), at, (boot, at)))
        self._messages += 1

    def date(self, dated: Callable[[Undated], Taken], now: int) -> bool:
        """Process undated messages, now that the gateway knows the time. Returns whether there were any.

        Those on disk are processed in groups of `GROUP`, so one call may leave some.
        """
        found = False
        for entry in self._new:
            if entry.undated is not None and entry.message is not None:
                entry.taken, entry.undated, found = dated(Undated(*entry.undated, entry.message)), None, True
                self._said |= entry.taken.said
        if self.problem is not None or not self.disk.undated:
            return found
        try:
            for undated in self.disk.take_undated(GROUP):
                taken = dated(undated)
                self._new.append(_Entry(None, taken, now, from_disk=True))
                self._said |= taken.said
        except BufferUnavailable as error:
            self._failed(error, now)
        return True

    def hear(self, message: Message, now: int) -> None:
        """Process a message of the centre: the acknowledgement of a batch. Others are counted as foreign."""
        try:
            topic = parse_topic(message.topic)
            ack = decode_ack(message.payload)
        except (ForeignTopic, UnreadableBatch):
            self._metrics.foreign_acks.inc()
            return
        if isinstance(topic, GatewayTopic) and self._gateways.get(topic.village) == topic.gateway:
            for sender, acks in zip(self._senders(), (self._acks, self._memory_acks), strict=False):
                batch = sender.answered(topic.village, ack.epoch, ack.seq, now)
                if batch is not None and batch not in acks:
                    acks.append(batch)
                if batch is not None:
                    return
        self._metrics.foreign_acks.inc()

    # Commit

    def commit(self, now: int, wall: int, *, last: bool = False) -> list[Message]:
        """Make the queued messages durable, as far as possible. Returns the messages that may be acknowledged now.

        Args:
            now: monotonic ms.
            wall: wall time, ms.
            last: the gateway is closing, so nothing waits for a later commit or batch.
        """
        safe: list[Message] | None = None
        if self.problem is None and self._loaded and not last and now < self._commit_due(now):
            return []
        if self.problem is None or now >= self._again:
            safe = self._on_disk(now, wall, last=last)
        if safe is None:
            safe = self._in_memory(now, last=last)
        disk = self.disk
        self._metrics.buffered.set(disk.readings)
        self._metrics.fill.set(disk.fill)
        self._metrics.thinned.set(disk.thinned)
        self._metrics.undated.set(disk.undated)
        self._metrics.in_flight.set(sum(sender.in_flight for sender in self._senders()))
        self._metrics.in_memory.set(len(self._held))
        return safe

    def _commit_due(self, now: int) -> int:
        """Returns when the next commit is due, monotonic ms."""
        times = [LATER]
        if self._new:
            pause = self._flush_after if self._transport.connected else OFFLINE_PAUSE
            times.append(now if len(self._new) >= AT_ONCE or self._in_hand >= MAX_IN_HAND else self._new[0].at + pause)
        if self._acks:
            if self._acks_since is None:
                self._acks_since = now
            times.append(now if self._sender.backfill_waits else self._acks_since + FORGET_WITHIN)
        form = self._sender.form_due(now)
        if form is not None:
            times.append(form)
        return min(times)

    def _on_disk(self, now: int, wall: int, *, last: bool) -> list[Message] | None:
        """Write everything to disk. Returns the messages to acknowledge; `None` if the disk fails."""
        for attempt in range(2):
            try:
                if self.problem is not None:
                    self._back(now)
                return self._try_disk(now, wall, last=last)
            except BufferUnavailable as error:
                self._failed(error, now)
                if attempt or not (error.damaged and self._replaced()):
                    return None
        return None

    def _try_disk(self, now: int, wall: int, *, last: bool) -> list[Message]:
        if not self._loaded:
            self._sender.load(now)
            self._loaded = True
        disk, entries = self.disk, [*self._held, *self._new]
        count = 0
        for entry in entries:
            if entry.undated is not None and entry.message is not None:
                disk.add_undated(*entry.undated, entry.message)
            for village, readings in entry.taken.readings.items():
                disk.add(village, readings)
                self._sender.stored(village, entry.at, self._wait(village, entry, wall - now + entry.at))
                count += len(readings)
            for device in entry.taken.sessions:
                if (state := self._state_of(device)) is not None:
                    disk.remember(*device, state)
        disk.remember_said(self._said)
        self._sender.done([b for b in self._acks if disk.acknowledged(b.village, b.epoch, b.seq)])
        for village in self._sender.form(now, all_of_it=last):
            self._patience.sent(village)
        disk.commit()
        if self.problem is not None:
            log.info("buffer_recovered", messages=len(self._held))
        self.problem, self._memory = None, None
        self._new, self._held, self._acks, self._memory_acks = [], [], [], []
        self._said = {}
        self._acks_since, self._in_hand, self._messages = None, 0, 0
        self._metrics.readings.inc(count)
        return [entry.message for entry in entries if entry.message is not None]

    def _wait(self, village: str, entry: _Entry, received: int) -> int:
        """Returns how long the readings of a village may wait for a batch, ms. `received`: wall time, ms."""
        if self.problem is not None or self.disk.fill > NEARLY_FULL or not self._transport.connected:
            self._patience.doubt()
            return 0
        live = entry.message is None or not (entry.message.kept or entry.message.retain)
        return self._patience.wait(village, entry.taken.readings[village], received, live=live)

    def _failed(self, error: BufferUnavailable, now: int) -> None:
        if self.problem is None:
            log.warning("buffer_unavailable", problem=str(error), damaged=error.damaged)
        self.problem = str(error)
        self._again = now + DISK_AGAIN
        self._metrics.disk_problems.inc()
        repetitions = self._patience.give_up()  # they are on a disk that may never be read again
        self._new = [entry for entry in self._new if not entry.from_disk]
        if repetitions:
            self._new.insert(0, _Entry(None, Taken(repetitions), now))
            self._in_hand += sum(map(len, repetitions.values()))
        try:
            self._sender.load(now)  # a batch that was formed but not committed must never be sent
            self._loaded = True
        except BufferUnavailable:
            self._loaded = False

    def _back(self, now: int) -> None:
        """Reopen the file, and load its batches."""
        self.disk.reopen()
        self._sender.load(now)
        self._loaded = True

    def _replaced(self) -> bool:
        """Replace a damaged file by a new one. Returns whether the disk took it."""
        try:
            replace_damaged(self.disk)
        except (BufferUnavailable, OSError) as error:
            self.problem = str(error)
            return False
        self._metrics.replaced.inc()
        self._acks = []  # they are for batches of the old file
        return True

    def _in_memory(self, now: int, *, last: bool) -> list[Message]:
        """Buffer in memory, and rely on the centre's acknowledgement. Returns the messages to acknowledge."""
        if self._memory is None:
            buffer = Buffer(IN_MEMORY, max_readings=2**62)  # `full` bounds it; it must never drop readings
            sender = Sender(buffer, self._transport, self._chance, self._metrics, flush_after=self._flush_after)
            sender.update(self._gateways)
            self._memory = buffer, sender
        buffer, sender = self._memory
        for batch in self._memory_acks:
            if buffer.acknowledged(batch.village, batch.epoch, batch.seq):
                self._count_down(batch)
        waiting = []
        for entry in self._new:
            if entry.undated is not None:
                waiting.append(entry)  # without a time it cannot be sent
                continue
            for village, readings in entry.taken.readings.items():
                run = buffer.add(village, readings)
                if run is not None:
                    entry.runs[village] = run
                    entry.left += run[1] - run[0] + 1
                    sender.stored(village, entry.at)
            self._held.append(entry)
        self._new = waiting
        self._in_hand = 0
        sender.done(self._memory_acks)
        sender.form(now, all_of_it=last)
        buffer.commit()
        self._memory_acks = []
        safe = [entry for entry in self._held if not entry.left]
        self._held = [entry for entry in self._held if entry.left]
        found = [entry.message for entry in safe if entry.message is not None]
        self._messages -= len(found)
        return found

    def _count_down(self, batch: FormedBatch) -> None:
        for entry in self._held:
            run = entry.runs.get(batch.village)
            if run is not None:
                entry.left -= max(0, min(run[1], batch.last) - max(run[0], batch.first) + 1)

    # Sending

    def send(self, now: int, wall: int) -> None:
        """Publish the batches that are due. `now`: monotonic ms; `wall`: wall time, ms."""
        if self._memory is not None:
            self._memory[1].send(now, wall)
        if not self._loaded:
            return
        try:
            self._sender.send(now, wall)
        except BufferUnavailable as error:
            self._failed(error, now)
            if error.damaged and self._replaced():
                self._again = now

    def reconnected(self, now: int) -> None:
        """Note a new connection to the centre: unacknowledged batches are sent again."""
        self._patience.doubt()
        for sender in self._senders():
            sender.reconnected(now)

    def deadline(self) -> int | None:
        """Returns when there is something to do next, monotonic ms; `None` if only an event can make that so."""
        now_or_never = self._commit_due(0) if self.problem is None else None
        times = [now_or_never, *(sender.deadline() for sender in self._senders())]
        if self.problem is not None:
            times.append(self._again)
        return min((time for time in times if time is not None), default=None)
