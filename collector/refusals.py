"""What the collector refuses: counted at once, kept in the quarantine as soon as its database takes it.

The rows wait in memory with a bound, so that a database that is away neither stops the collector nor fills its
memory; what finds no room is still counted, and counted as lost to the quarantine.
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
"""Rows that wait at most: about 5 MB at the longest topics and samples, half of what the quarantine keeps in all."""
ROWS_AT_ONCE = 500
"""Rows of one transaction: others write to the same database."""
BACK_OFF = 5 * SECOND
"""How long a database that did not answer is left alone."""


class QuarantineSink(Protocol):
    """What is needed of `siaga.database.quarantine.Quarantine`. May raise SQLAlchemy's errors."""

    def add(self, refusals: Iterable[Refusal]) -> int:
        """Keep these durably."""
        ...


class Refusals:
    """Counts refusals and hands them on. `note` and `flush` may be called from different threads."""

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
        """Why the quarantine takes nothing now, in one sentence; `None` when it does."""
        return self._problem

    @property
    def waiting(self) -> int:
        """Rows that are not in the quarantine yet."""
        return len(self._rows)

    def note(self, label: str, reason: str, *, village: str | None, topic: str, payload: str) -> None:
        """Count a refusal under `label`, one of few words, and keep it with the sentence that says why.

        `payload` is what `siaga.wire.refusal.sample` made of it.
        """
        refused(label)
        self.keep(Refusal(village, self._clock.now(), topic, reason, payload))

    def count(self, label: str, number: int) -> None:
        """Count refusals whose like is in the quarantine already."""
        refused(label, number)

    def keep(self, refusal: Refusal) -> None:
        """Put a row in line for the quarantine without counting it: somebody else has."""
        if len(self._rows) >= self._max_rows:
            self._metrics.lost_samples.inc()
            return
        self._rows.append(refusal)

    def flush(self) -> bool:
        """Hand what waits to the quarantine; whether something went. With its database away it keeps it and pauses."""
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
