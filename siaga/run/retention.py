"""Retention of telemetry: each night, of what is older than `SIAGA_KEEP_TELEMETRY` only a summary of each hour stays.

Texts and photos of complaints are erased with it, when their time is over, and the hashes of their senders' addresses.
Spans, alerts and reports stay for ever.
What the store may have deleted is noted in the database before it happens, so that nothing is judged again from
readings that are gone.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from api.complaints.rows import day_of, erase_old, forget_senders
from siaga.database import writing
from siaga.database.retention import move_readings_from
from siaga.database.turn import Turn
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND, Clock
from siaga.mqtt.worker import Inlet
from siaga.telemetry import StoreUnavailable, TelemetryStore

__all__ = ["Retention", "note_own_retention"]

log = structlog.get_logger(__name__)

AT = time(1, 0)
"""When it is applied, by the machine's own clock: before the backup of the night."""
LOOK = 20 * SECOND
"""ms between two looks at the clock."""
AGAIN = 30 * MINUTE
"""ms until it is tried again after a failure."""
AHEAD = 2 * DAY
"""How much of what a store will delete by itself until the next night counts as gone already, ms."""
LEASE = 6 * HOUR
"""ms within which it is done: a first time on a large store takes long."""


class Retention:
    """A worker that applies retention once at the start, and each night. What was missed is made up for.

    Of several members one does it at a time; the next finds little left to do.

    `keep`: how long readings are kept, ms; `None`: as long as the store keeps them by itself.
    """

    def __init__(
        self,
        engine: Engine,
        store: TelemetryStore,
        keep: int | None,
        clock: Clock,
        metrics: CollectorRegistry | None = None,
    ) -> None:
        self._engine, self._store, self._keep, self._clock = engine, store, keep, clock
        registry = metrics or CollectorRegistry()
        self._failures = Counter(
            "siaga_retention_failures",
            "nights in which old telemetry could not be thinned; tried again later",
            registry=registry,
        )
        self._last = Gauge(
            "siaga_retention_last_time_seconds",
            "when retention was last applied, Unix time; 0: not since the start",
            registry=registry,
        )
        self._night: datetime | None = None
        self._not_before = 0
        self._turn = Turn(engine, "retention", LEASE, clock)

    @property
    def inlets(self) -> Sequence[Inlet]:
        """None: it receives nothing."""
        return ()

    def tick(self) -> int:
        """Apply it, if it is due. Returns when to call it again, monotonic ms."""
        self.step()
        return self._clock.monotonic() + LOOK

    def close(self) -> None:
        """Nothing is in hand. What is not done is done after the next start."""

    def step(self) -> bool:
        """Apply retention if it is due, and no other member is at it. Returns whether it was applied."""
        now = self._clock.now()
        night = _last_night(now)
        if night == self._night or now < self._not_before:
            return False
        try:
            with self._failures.count_exceptions():
                if not self._turn.take():
                    return False
                self._apply(round(night.timestamp() * 1000), now)
        except (StoreUnavailable, SQLAlchemyError) as problem:
            self._not_before = now + AGAIN
            reason = str(problem) if isinstance(problem, StoreUnavailable) else type(problem).__name__
            log.warning("retention_failed", problem=reason, again_in="30 min")
            return False
        finally:
            self._turn.leave()
        self._night = night
        self._last.set(now / 1000)
        return True

    def _apply(self, night: int, now: int) -> None:
        forget_senders(self._engine, day_of(now))
        erased = erase_old(self._engine, now)  # first: it needs no store
        if erased:
            log.info("complaints_erased", complaints=erased)
        if self._keep is not None:
            with writing(self._engine) as connection:
                move_readings_from(connection, night - self._keep)
            self._store.thin(night - self._keep)
        kept = self._store.kept_for()  # no transaction waits for the store
        with writing(self._engine) as connection:
            note_own_retention(connection, kept, now)


def note_own_retention(connection: Connection, kept: int | None, now: int) -> None:
    """Note what a store deletes by a setting of its own. `kept`: what it says of that. `now`: wall time, ms."""
    if kept is not None:
        move_readings_from(connection, now - kept + AHEAD)


def _last_night(now: int) -> datetime:
    """Returns the last time at which it was due."""
    local = datetime.fromtimestamp(now / 1000).astimezone()
    today = datetime.combine(local.date(), AT).astimezone()
    return today if today <= local else datetime.combine(local.date() - timedelta(days=1), AT).astimezone()
