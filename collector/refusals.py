"""The collector's refusals: each is counted at once, and written to the quarantine as soon as its database works.

Rows wait in a bounded queue in memory, so that a database that is down neither stops the collector nor fills its
memory. A row without room is counted as lost to the quarantine.
"""

import threading
from collections import deque
from collections.abc import Iterable
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from collector.metrics import CollectorMetrics
from siaga.metrics import refused
from siaga.model.clock import SECOND, Clock
from siaga.wire.refusal import Refusal

__all__ = ["QuarantineSink", "Refusals"]

log = structlog.get_logger(__name__)

MAX_ROWS = 5_000
"""Rows that wait at most: about 5 MB with the longest topics and samples; half of the quarantine's own limit."""
ROWS_AT_ONCE = 500
"""Rows per transaction: other services write to the same database."""
BACK_OFF = 5 * SECOND
"""Pause after a failed write to the database."""


class QuarantineSink(Protocol):
    """The part of `siaga.database.quarantine.Quarantine` that is needed here. May raise SQLAlchemy's errors."""

    def add(self, refusals: Iterable[Refusal]) -> int:
        """Store refusals durably. Returns how many were stored."""
        ...


class Refusals:
    """Counts refusals and writes them to the quarantine. `note` and `flush` may run in different threads."""

    def __init__(
        self, quarantine: QuarantineSink, clock: Clock, metrics: CollectorMetrics, max_rows: int = MAX_ROWS
    ) -> None:
        self._quarantine = quarantine
        self._clock = clock
        self._metrics = metrics
        self._max_rows = max_rows
        self._rows: deque[Refusal] = deque()
        self._flushing = threading.Lock()
        self._problem: str | None = None
        self._try_again = 0

    @property
    def problem(self) -> str | None:
        """Why the quarantine cannot be written, in one sentence; `None` if it can."""
        return self._problem

    @property
    def waiting(self) -> int:
        """The number of rows that are not in the quarantine yet."""
        return len(self._rows)

    def note(self, label: str, reason: str, *, village: str | None, topic: str, payload: str) -> None:
        """Count a refusal, and queue it for the quarantine.

        Args:
            label: the reason as a metric label, of `siaga.wire.refusal.LABELS`.
            reason: the reason as a sentence.
            payload: the result of `siaga.wire.refusal.sample`.
        """
        refused(label)
        self.keep(Refusal(village, self._clock.now(), topic, reason, payload, label))

    def count(self, label: str, number: int) -> None:
        """Count refusals without storing them, because similar ones are in the quarantine already."""
        refused(label, number)

    def keep(self, refusal: Refusal) -> None:
        """Queue a row for the quarantine that was counted elsewhere."""
        if len(self._rows) >= self._max_rows:
            self._metrics.lost_samples.inc()
            return
        self._rows.append(refusal)

    def flush(self) -> bool:
        """Write waiting rows to the quarantine. Returns whether any were written. After a failure it pauses."""
        if not self._rows or self._clock.monotonic() < self._try_again:
            return False
        with self._flushing:
            rows = [self._rows[index] for index in range(min(len(self._rows), ROWS_AT_ONCE))]
            try:
                self._quarantine.add(rows)
            except SQLAlchemyError as error:
                if self._problem is None:
                    log.warning("the quarantine cannot be written, its rows wait", error=type(error).__name__)
                self._problem = f"the quarantine cannot be written ({type(error).__name__}): check SIAGA_DATABASE_URL"
                self._try_again = self._clock.monotonic() + BACK_OFF
                return False
            for _ in rows:
                self._rows.popleft()
        self._problem = None
        return True
