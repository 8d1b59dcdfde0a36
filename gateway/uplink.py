"""Sends batches to the centre, retries until they are acknowledged, then deletes them.

A batch is formed in the commit that stores its readings, and sent after that commit. It keeps its number and its
readings however often it is sent, even over a crash.

Two kinds share the link. **Fresh** batches hold the readings that came since the newest batch. They are sent at once,
even while the centre's store is down and nothing is acknowledged, because alerts do not wait for the store.
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
from siaga.wire.batch import BatchId, encode_batch
from siaga.wire.topics import batch_topic

__all__ = ["Uplink"]

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
    `history`: it is backfill.
    `pause`: the next back-off, ms. `sent`: how often it was sent.
    `lost`: how many connections broke while it was in flight.
    `answered`: the centre has acknowledged it; the next commit deletes it.
    """

    batch: FormedBatch
    due: int
    history: bool
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
class _Way:
    """One village's batches in flight, by number.

    `fresh_since`: when its oldest fresh reading began to wait, monotonic ms; `None` if there is none.
    `window`: how many backfill batches may be in flight.
    """

    flying: dict[int, _InFlight] = field(default_factory=dict)
    fresh_since: int | None = None
    fresh: int = 0
    """Fresh batches in flight."""
    history: int = 0
    """Backfill batches in flight."""
    window: int = FIRST_WINDOW
    largest: int = MAX_BATCH
    """Readings of a batch at most: fewer after one had to be split."""
    to_split: bool = False
    """Whether there is a batch to split."""
    took: int = 0
    """The recent acknowledgement time, ms: the longest one, which decays by an eighth with each shorter one."""

    def fresh_due(self, flush_after: int) -> int | None:
        """Returns when the fresh readings are due, monotonic ms; `None` if there are none, or too many in flight."""
        if self.fresh_since is None or len(self.flying) >= MAX_UNACKNOWLEDGED:
            return None
        if not self.fresh:
            return self.fresh_since + flush_after
        company = min(LONGEST_COMPANY, COMPANY + COMPANY_EACH * self.fresh)
        return self.fresh_since + max(flush_after, company)


class Uplink:
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
        self._ways: dict[str, _Way] = {}

    def load(self, now: int) -> None:
        """Reload from the buffer what waits and what is in flight: at the start, and after a rollback.

        Raises:
            BufferUnavailable: the buffer cannot be read.
        """
        before, self._ways = self._ways, {}
        again = []
        for batch in self._buffer.batches():
            old = before.get(batch.village, _Way())
            way = self._ways.setdefault(batch.village, _Way(window=old.window, took=old.took, largest=old.largest))
            each = old.flying.get(batch.seq)
            if each is None or each.batch != batch:
                each = _InFlight(batch, now, history=True, sent=1)
                again.append(each)
            way.flying[batch.seq] = each
            way.history += each.history
            way.fresh += not each.history
        for village in self._buffer.villages():
            if self._buffer.unsent(village):
                self._ways.setdefault(village, _Way()).fresh_since = now
        self._spread(again, now)

    def update(self, gateways: Mapping[str, str]) -> None:
        """Set the villages that this gateway serves, with its id in each. Removed villages are still sent for."""
        self._gateways |= gateways

    @property
    def in_flight(self) -> int:
        """The number of unacknowledged batches."""
        return sum(len(way.flying) for way in self._ways.values())

    def stored(self, village: str, now: int) -> None:
        """Note that readings of a village were added to the buffer; `now`: monotonic ms."""
        way = self._ways.setdefault(village, _Way())
        if way.fresh_since is None:
            way.fresh_since = now

    @property
    def history_waits(self) -> bool:
        """Whether backfill waits for an acknowledgement because a window is full."""
        return any(
            village in self._gateways and way.history >= way.window and self._waits(village, way)
            for village, way in self._ways.items()
        )

    def form_due(self, now: int) -> int | None:
        """Returns when the next batch is to be formed, monotonic ms; `None` if only an event can make that so."""
        if not self._transport.connected:
            return None
        times = []
        for village, way in self._ways.items():
            if village not in self._gateways:
                continue
            if way.to_split or (way.history < way.window and self._waits(village, way)):
                return now
            due = way.fresh_due(self._flush_after)
            if due is not None:
                times.append(due)
        return min(times, default=None)

    def form(self, now: int, *, all_of_it: bool = False) -> None:
        """Form the batches that are due, as far as the windows allow. They may be sent after the buffer's commit.

        Without a connection no batch is formed, so that the newest readings go first when the connection is back.
        `all_of_it`: fresh readings do not wait for others.

        Raises:
            BufferUnavailable: the disk fails.
        """
        if not self._transport.connected:
            return
        for village, way in self._ways.items():
            if village not in self._gateways:
                continue  # a village that this process does not serve: its readings wait
            if way.to_split:
                self._split_lost(way, now)
            limit = min(self._max_batch, way.largest)
            due = way.fresh_due(self._flush_after)
            if due is not None and (all_of_it or now >= due or self._buffer.fresh(village) >= limit):
                batch = self._buffer.form(village, limit)
                way.fresh_since = None
                if batch is not None:
                    way.flying[batch.seq] = _InFlight(batch, now, history=False)
                    way.fresh += 1
            while way.history < way.window and self._waits(village, way):
                batch = self._buffer.form(village, limit, history=True)
                if batch is None:
                    break
                way.flying[batch.seq] = _InFlight(batch, now, history=True)
                way.history += 1

    def _split_lost(self, way: _Way, now: int) -> None:
        """Split the batches that the connection could not carry."""
        way.to_split = False
        lost = [each for each in way.flying.values() if each.lost >= SPLIT_AFTER and not each.answered]
        for each in lost:
            if each.size <= SMALLEST:
                continue
            parts = self._buffer.split(each.batch, PARTS)
            self._forget(way, each.batch.seq)
            for batch in parts:
                way.flying[batch.seq] = _InFlight(batch, now, history=each.history)
                way.history += each.history
                way.fresh += not each.history
            way.largest = max(SMALLEST, min(way.largest, each.size // PARTS))
            log.info("batch_split", village=each.batch.village, readings=each.size, parts=len(parts))

    def _waits(self, village: str, way: _Way) -> bool:
        return self._buffer.unsent(village) > (self._buffer.fresh(village) if way.fresh_since is not None else 0)

    @staticmethod
    def _forget(way: _Way, seq: int) -> _InFlight | None:
        each = way.flying.pop(seq, None)
        if each is not None and each.history:
            way.history -= 1
        elif each is not None:
            way.fresh -= 1
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
        for village, way in self._ways.items():
            gateway = self._gateways.get(village)
            if gateway is None:
                continue
            due = [each for each in way.flying.values() if each.due <= now]
            # New batches before retries, fresh ones before backfill, the newest first.
            due.sort(key=lambda each: (each.sent > 0, each.history, -each.batch.last))
            for each in due:
                if not self._send_one(each, gateway, now, wall, way):
                    return

    def _send_one(self, each: _InFlight, gateway: str, now: int, wall: int, way: _Way) -> bool:
        batch = each.batch
        payload = encode_batch(BatchId(batch.epoch, batch.seq), wall, self._buffer.read(batch))
        if not self._transport.publish(batch_topic(batch.village, gateway), payload):
            return False
        (self._metrics.resent if each.sent else self._metrics.batches).inc()
        self._metrics.sent_bytes.inc(len(payload))
        each.sent += 1
        each.at = now
        each.due = now + round(max(each.pause, PATIENCE * way.took) * self._chance.uniform(1, 1.25))
        each.pause = min(each.pause * 2, max(LATEST_AGAIN, len(way.flying) * AGAIN_EACH))
        return True

    def reconnected(self, now: int) -> None:
        """Handle a new connection to the centre: unacknowledged batches are sent again soon, spread over time."""
        for way in self._ways.values():
            lost = [each for each in way.flying.values() if each.sent and not each.answered]
            for each in lost:
                each.lost += 1
                way.to_split |= each.lost >= SPLIT_AFTER and each.size > SMALLEST
            self._spread(lost, now)

    def _spread(self, again: list[_InFlight], now: int) -> None:
        """Schedule retries with jitter: `WINDOW` batches a second, the newest first."""
        for index, each in enumerate(sorted(again, key=lambda each: -each.batch.last)):
            each.pause = FIRST_AGAIN
            each.due = now + index // WINDOW * SECOND + round(self._chance.uniform(0, SECOND))

    def answered(self, village: str, epoch: str, seq: int, now: int) -> FormedBatch | None:
        """Process an acknowledgement: its batch is not sent again. Returns the batch; `None` if it is not in flight."""
        way = self._ways.get(village)
        each = way.flying.get(seq) if way is not None else None
        if way is None or each is None or each.batch.epoch != epoch:
            return None
        if not each.answered and each.at is not None:
            self._learn(way, each, now - each.at)
        if each.size >= way.largest:
            way.largest = min(MAX_BATCH, 2 * way.largest)
        each.answered, each.due = True, NEVER
        return each.batch

    @staticmethod
    def _learn(way: _Way, each: _InFlight, took: int) -> None:
        """Update the window from an acknowledgement time. It is ambiguous for a batch that was sent more than once."""
        if each.sent == 1:
            way.took = min(max(took, way.took - way.took // 8), LATEST_AGAIN)
        if each.history and each.sent == 1 and took > SLOW:
            way.window = max(1, way.window - 1)
        elif each.history and took < QUICK:
            way.window = min(WINDOW, way.window + 1)

    def done(self, batches: Iterable[FormedBatch]) -> None:
        """Forget batches that are deleted from the buffer. This needs no commit: a batch sent twice changes nothing."""
        for batch in batches:
            if self._forget(self._ways[batch.village], batch.seq) is not None:
                self._metrics.acknowledged.inc()

    def deadline(self) -> int | None:
        """Returns when the next batch is to be sent, monotonic ms; `None` if only an event can make that so."""
        if not self._transport.connected:
            return None
        return min(
            (
                each.due
                for village, way in self._ways.items()
                if village in self._gateways
                for each in way.flying.values()
            ),
            default=None,
        )
