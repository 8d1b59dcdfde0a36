"""Sends batches to the centre, retries until they are acknowledged, then deletes them.

A batch is formed in the commit that stores its readings, and sent after that commit. It keeps its number and its
readings however often it is sent, even over a crash.

Two kinds share the link. **Fresh** batches hold the readings that came since the newest batch. They are sent at once,
even while the centre's store is down and nothing is acknowledged, because alerts do not wait for the store. Only
repetitions wait for company (`gateway.patience`).
**Backfill** is what had to wait during an outage. It follows from the newest to the oldest, in a window that shrinks on
a slow link, so that fresh readings do not queue behind it.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from gateway.buffer import Buffer, FormedBatch
from gateway.metrics import GatewayMetrics
from siaga.model.clock import SECOND
from siaga.mqtt.transport import Transport
from siaga.mqtt.way import tell_way
from siaga.wire.batch import BatchId, encode_batch
from siaga.wire.topics import batch_topic

__all__ = ["Sender"]

log = structlog.get_logger(__name__)

FLUSH_AFTER = 200
"""How long the first unsent reading of a village waits for others, ms."""
COMPANY = 500
"""The same while a fresh batch is in flight, ms: on a slow link a few larger batches cost less than many small ones."""
COMPANY_EACH, LONGEST_COMPANY = 10, 10 * SECOND
"""While the store is down, this wait grows by so many ms for each unacknowledged fresh batch, up to the longest."""
MAX_BATCH = 2_000
"""Readings of one batch at most: at 20 to 120 bytes each, under 256 kB before compression."""
SMALLEST = 100
"""A batch of so few readings is not split any more: about 2 kB compressed."""
SPLIT_AFTER, PARTS = 2, 4
"""A batch is split after the connection broke so many times while it was in flight; into so many parts."""
MAX_UNACKNOWLEDGED = 4_000
"""Unacknowledged batches of one village at most: 2 MB of memory, ten hours without the store."""
FIRST_WINDOW, WINDOW = 2, 8
"""Backfill batches in flight: at first, and at most. One full batch takes half a second at 100 kbit/s."""
SLOW, QUICK = 2 * SECOND, SECOND
"""An acknowledgement slower than the first shrinks the window; one quicker than the second widens it."""
FIRST_AGAIN, LATEST_AGAIN = 5 * SECOND, 120 * SECOND
"""Back-off of retries: it doubles from the first to the latest, each with up to a quarter of jitter."""
PATIENCE = 3
"""A retry waits at least so many times the recent acknowledgement time: a slow link must not look like a lossy one."""
NEVER = 2**62
"""A time that is never reached, monotonic ms."""
AGAIN_EACH = 500
"""The longest back-off is at least so many ms for each unacknowledged batch: retries share the link with new data."""


@dataclass(slots=True)
class _InFlight:
    """An unacknowledged batch. Times in monotonic ms.

    `due`: when it is sent (again). `at`: when this process last sent it; `None` if never.
    `backfill`: it holds readings that had to wait.
    `pause`: the next back-off, ms. `sent`: how often it was sent.
    `lost`: how many connections broke while it was in flight.
    `answered`: the centre has acknowledged it; the next commit deletes it.
    """

    batch: FormedBatch
    due: int
    backfill: bool
    pause: int = FIRST_AGAIN
    sent: int = 0
    at: int | None = None
    lost: int = 0
    answered: bool = False

    @property
    def size(self) -> int:
        """The number of its readings at most: some may have been dropped."""
        return self.batch.last - self.batch.first + 1


@dataclass(slots=True)
class _Pending:
    """One village's batches in flight, by number.

    `fresh_since`: when its oldest fresh reading came, monotonic ms; `None` if there is none.
    `news_since`: the same of those that do not wait for company. `company_until`: until when the others wait.
    `window`: how many backfill batches may be in flight.
    """

    in_flight: dict[int, _InFlight] = field(default_factory=dict)
    fresh_since: int | None = None
    news_since: int | None = None
    company_until: int = NEVER
    fresh: int = 0
    """Fresh batches in flight."""
    backfill: int = 0
    """Backfill batches in flight."""
    window: int = FIRST_WINDOW
    largest: int = MAX_BATCH
    """Readings of a batch at most: fewer after one had to be split."""
    to_split: bool = False
    """Whether there is a batch to split."""
    took: int = 0
    """The recent acknowledgement time, ms: the longest one, which decays by an eighth with each shorter one."""

    def add(self, at: int, wait: int) -> None:
        """Note fresh readings that came at monotonic `at`, and may wait so many ms for company."""
        if self.fresh_since is None:
            self.fresh_since = at
        if wait:
            self.company_until = min(self.company_until, at + wait)
        elif self.news_since is None:
            self.news_since = at

    def formed(self) -> None:
        """Note that the fresh readings are in a batch, or have become backfill."""
        self.fresh_since, self.news_since, self.company_until = None, None, NEVER

    def fresh_due(self, flush_after: int) -> int | None:
        """Returns when the fresh readings are due, monotonic ms; `None` if there are none, or too many in flight."""
        if self.fresh_since is None or len(self.in_flight) >= MAX_UNACKNOWLEDGED:
            return None
        due = max(self.company_until, self.fresh_since + flush_after)
        if self.news_since is None:
            return due
        company = min(LONGEST_COMPANY, COMPANY + COMPANY_EACH * self.fresh) if self.fresh else 0
        return min(due, self.news_since + max(flush_after, company))


class Sender:
    """Sends the batches of all villages of a gateway process. After a restart, unacknowledged ones are sent again."""

    def __init__(
        self,
        buffer: Buffer,
        transport: Transport,
        chance: random.Random,
        metrics: GatewayMetrics,
        *,
        flush_after: int = FLUSH_AFTER,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self._buffer, self._transport, self._chance, self._metrics = buffer, transport, chance, metrics
        self._flush_after, self._max_batch = flush_after, max_batch
        self._gateways: dict[str, str] = {}
        self._pending: dict[str, _Pending] = {}

    def load(self, now: int) -> None:
        """Reload from the buffer what waits and what is in flight: at the start, and after a rollback.

        Raises:
            BufferUnavailable: the buffer cannot be read.
        """
        before, self._pending = self._pending, {}
        again = []
        for batch in self._buffer.batches():
            old = before.get(batch.village, _Pending())
            pending = self._pending.setdefault(
                batch.village, _Pending(window=old.window, took=old.took, largest=old.largest)
            )
            each = old.in_flight.get(batch.seq)
            if each is None or each.batch != batch:
                each = _InFlight(batch, now, backfill=True, sent=1)
                again.append(each)
            pending.in_flight[batch.seq] = each
            pending.backfill += each.backfill
            pending.fresh += not each.backfill
        for village in self._buffer.villages():
            if self._buffer.unsent(village):
                self._pending.setdefault(village, _Pending()).add(now, 0)
        self._spread(again, now)

    def update(self, gateways: Mapping[str, str]) -> None:
        """Set the villages that this gateway serves, with its id in each. Removed villages are still sent for."""
        self._gateways |= gateways

    @property
    def in_flight(self) -> int:
        """The number of unacknowledged batches."""
        return sum(len(pending.in_flight) for pending in self._pending.values())

    def stored(self, village: str, now: int, wait: int = 0) -> None:
        """Note that readings of a village were added to the buffer; `now`: monotonic ms.

        `wait`: how long they may wait for company, ms.
        """
        self._pending.setdefault(village, _Pending()).add(now, wait)

    @property
    def backfill_waits(self) -> bool:
        """Whether backfill waits for an acknowledgement because a window is full."""
        return any(
            village in self._gateways and pending.backfill >= pending.window and self._waits(village, pending)
            for village, pending in self._pending.items()
        )

    def form_due(self, now: int) -> int | None:
        """Returns when the next batch is to be formed, monotonic ms; `None` if only an event can make that so."""
        if not self._transport.connected:
            return None
        times = []
        for village, pending in self._pending.items():
            if village not in self._gateways:
                continue
            if pending.to_split or (pending.backfill < pending.window and self._waits(village, pending)):
                return now
            due = pending.fresh_due(self._flush_after)
            if due is not None:
                times.append(due)
        return min(times, default=None)

    def form(self, now: int, *, all_of_it: bool = False) -> list[str]:
        """Form the batches that are due, as far as the windows allow. They may be sent after the buffer's commit.

        Returns the villages of which nothing is left unsent.

        Without a connection no batch is formed, so that the newest readings go first when the connection is back.
        `all_of_it`: fresh readings do not wait for others.

        Raises:
            BufferUnavailable: the disk fails.
        """
        if not self._transport.connected:
            return []
        sent = []
        for village, pending in self._pending.items():
            if village not in self._gateways:
                continue  # a village that this process does not serve: its readings wait
            if pending.to_split:
                self._split_lost(pending, now)
            limit = min(self._max_batch, pending.largest)
            due = pending.fresh_due(self._flush_after)
            if due is not None and (all_of_it or now >= due or self._buffer.fresh(village) >= limit):
                batch = self._buffer.form(village, limit)
                pending.formed()
                if batch is not None:
                    pending.in_flight[batch.seq] = _InFlight(batch, now, backfill=False)
                    pending.fresh += 1
                if not self._buffer.unsent(village):
                    sent.append(village)
            while pending.backfill < pending.window and self._waits(village, pending):
                batch = self._buffer.form(village, limit, backfill=True)
                if batch is None:
                    break
                pending.in_flight[batch.seq] = _InFlight(batch, now, backfill=True)
                pending.backfill += 1
        return sent

    def _split_lost(self, pending: _Pending, now: int) -> None:
        """Split the batches that the connection could not carry."""
        pending.to_split = False
        lost = [each for each in pending.in_flight.values() if each.lost >= SPLIT_AFTER and not each.answered]
        for each in lost:
            if each.size <= SMALLEST:
                continue
            parts = self._buffer.split(each.batch, PARTS)
            self._forget(pending, each.batch.seq)
            for batch in parts:
                pending.in_flight[batch.seq] = _InFlight(batch, now, backfill=each.backfill)
                pending.backfill += each.backfill
                pending.fresh += not each.backfill
            pending.largest = max(SMALLEST, min(pending.largest, each.size // PARTS))
            log.info("batch_split", village=each.batch.village, readings=each.size, parts=len(parts))

    def _waits(self, village: str, pending: _Pending) -> bool:
        return self._buffer.unsent(village) > (self._buffer.fresh(village) if pending.fresh_since is not None else 0)

    @staticmethod
    def _forget(pending: _Pending, seq: int) -> _InFlight | None:
        each = pending.in_flight.pop(seq, None)
        if each is not None and each.backfill:
            pending.backfill -= 1
        elif each is not None:
            pending.fresh -= 1
        return each

    def send(self, now: int, wall: int) -> None:
        """Publish every batch that is due, as far as the transport takes it.

        Args:
            now: monotonic ms.
            wall: wall time, ms, for the batch's `sent`.

        Raises:
            BufferUnavailable: the disk cannot be read.
        """
        if not self._transport.connected:
            return
        for village, pending in self._pending.items():
            gateway = self._gateways.get(village)
            if gateway is None:
                continue
            due = [each for each in pending.in_flight.values() if each.due <= now]
            # New batches before retries, fresh ones before backfill, the newest first.
            due.sort(key=lambda each: (each.sent > 0, each.backfill, -each.batch.last))
            for each in due:
                if not self._send_one(each, gateway, now, wall, pending):
                    return

    def _send_one(self, each: _InFlight, gateway: str, now: int, wall: int, pending: _Pending) -> bool:
        batch = each.batch
        payload = encode_batch(BatchId(batch.epoch, batch.seq), wall, self._buffer.read(batch))
        if not self._transport.publish(batch_topic(batch.village, gateway), payload):
            return False
        (self._metrics.resent if each.sent else self._metrics.batches).inc()
        self._metrics.sent_bytes.inc(len(payload))
        tell_way("batch_sent", _id(batch), batch.village, readings=each.size, again=each.sent)
        each.sent += 1
        each.at = now
        each.due = now + round(max(each.pause, PATIENCE * pending.took) * self._chance.uniform(1, 1.25))
        each.pause = min(each.pause * 2, max(LATEST_AGAIN, len(pending.in_flight) * AGAIN_EACH))
        return True

    def reconnected(self, now: int) -> None:
        """Handle a new connection to the centre: unacknowledged batches are sent again soon, spread over time."""
        for pending in self._pending.values():
            lost = [each for each in pending.in_flight.values() if each.sent and not each.answered]
            for each in lost:
                each.lost += 1
                pending.to_split |= each.lost >= SPLIT_AFTER and each.size > SMALLEST
            self._spread(lost, now)

    def _spread(self, again: list[_InFlight], now: int) -> None:
        """Schedule retries with jitter: `WINDOW` batches a second, the newest first."""
        for index, each in enumerate(sorted(again, key=lambda each: -each.batch.last)):
            each.pause = FIRST_AGAIN
            each.due = now + index // WINDOW * SECOND + round(self._chance.uniform(0, SECOND))

    def answered(self, village: str, epoch: str, seq: int, now: int) -> FormedBatch | None:
        """Process an acknowledgement: its batch is not sent again. Returns the batch; `None` if it is not in flight."""
        pending = self._pending.get(village)
        each = pending.in_flight.get(seq) if pending is not None else None
        if pending is None or each is None or each.batch.epoch != epoch:
            return None
        if not each.answered and each.at is not None:
            self._learn(pending, each, now - each.at)
        if each.size >= pending.largest:
            pending.largest = min(MAX_BATCH, 2 * pending.largest)
        each.answered, each.due = True, NEVER
        return each.batch

    @staticmethod
    def _learn(pending: _Pending, each: _InFlight, took: int) -> None:
        """Update the window from an acknowledgement time. It is ambiguous for a batch that was sent more than once."""
        if each.sent == 1:
            pending.took = min(max(took, pending.took - pending.took // 8), LATEST_AGAIN)
        if each.backfill and each.sent == 1 and took > SLOW:
            pending.window = max(1, pending.window - 1)
        elif each.backfill and took < QUICK:
            pending.window = min(WINDOW, pending.window + 1)

    def done(self, batches: Iterable[FormedBatch]) -> None:
        """Forget batches that are deleted from the buffer. This needs no commit: a batch sent twice changes nothing."""
        for batch in batches:
            if self._forget(self._pending[batch.village], batch.seq) is not None:
                self._metrics.acknowledged.inc()
                tell_way("batch_acknowledged", _id(batch), batch.village)

    def deadline(self) -> int | None:
        """Returns when the next batch is to be sent, monotonic ms; `None` if only an event can make that so."""
        if not self._transport.connected:
            return None
        return min(
            (
                each.due
                for village, pending in self._pending.items()
                if village in self._gateways
                for each in pending.in_flight.values()
            ),
            default=None,
        )


def _id(batch: FormedBatch) -> BatchId:
    return BatchId(batch.epoch, batch.seq)
