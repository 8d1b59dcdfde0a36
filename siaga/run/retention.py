"""Retention of telemetry: each night, of what is older than `SIAGA_KEEP_TELEMETRY` only a summary of each hour stays.

Texts and photos of complaints are erased with it, when their time is over, and the hashes of their senders' addresses.
Spans, alerts and reports stay for ever.
What the store may have deleted is noted in the database before it happens, so that nothing is judged again from
readings that are gone.
"""

import threading
from datetime import datetime, time, timedelta

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from api.complaints.rows import day_of, erase_old, forget_senders
from siaga.database import writing
from siaga.database.retention import move_readings_from
from siaga.model.clock import DAY, MINUTE, Clock
from siaga.telemetry import StoreUnavailable, TelemetryStore

__all__ = ["Retention", "note_own_retention"]

log = structlog.get_logger(__name__)

AT = time(1, 0)
"""When it is applied, by the machine's own clock: before the backup of the night."""
LOOK = 20.0
"""Seconds between two looks at the clock."""
AGAIN = 30 * MINUTE
"""ms until it is tried again after a failure."""
AHEAD = 2 * DAY
"""How much of what a store will delete by itself until the next night counts as gone already, ms."""
END_WITHIN = 3.0


class Retention:
    """Applies retention once at the start, and each night. What was missed is made up for.

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
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        """Begin. Returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End. What is not done is done after the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(END_WITHIN)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.step()
            self._stop.wait(LOOK)

    def step(self) -> bool:
        """Apply retention if it is due. Returns whether it was applied."""
        now = self._clock.now()
        night = _last_night(now)
        if night == self._night or now < self._not_before:
            return False
        try:
            self._apply(round(night.timestamp() * 1000), now)
        except (StoreUnavailable, DBAPIError) as problem:
            self._failures.inc()
            self._not_before = now + AGAIN
            reason = str(problem) if isinstance(problem, StoreUnavailable) else type(problem).__name__
            log.warning("retention_failed", problem=reason, again_in="30 min")
            return False
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
        with writing(self._engine) as connection:
            note_own_retention(connection, self._store, now)


def note_own_retention(connection: Connection, store: TelemetryStore, now: int) -> None:
    """Note what a store deletes by a setting of its own. `now`: wall time, ms.

    Raises:
        StoreUnavailable: it does not say.
    """
    kept = store.kept_for()
    if kept is not None:
        move_readings_from(connection, now - kept + AHEAD)


def _last_night(now: int) -> datetime:
    """Returns the last time at which it was due."""
    local = datetime.fromtimestamp(now / 1000).astimezone()
    today = datetime.combine(local.date(), AT).astimezone()
    return today if today <= local else datetime.combine(local.date() - timedelta(days=1), AT).astimezone()
