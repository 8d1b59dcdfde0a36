"""The last 30 days of all villages for the public page, kept in memory.

A village's days cost some milliseconds, so those of a district are not read while somebody waits for a page. They are
read again in turn, in small pieces with pauses between. They can be thrown away: all of it comes from the spans.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence

import anyio
import anyio.to_thread
import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from api.queries.months import VillageMonth, months_of
from api.queries.places import places_within
from siaga.model.clock import MINUTE, Clock
from siaga.model.scope import EVERYWHERE

__all__ = ["AT_ONCE", "Months"]

EVERY = 5 * MINUTE
"""A round over all villages begins no sooner after the one before."""
FRESH_FOR = MINUTE
"""What a page of few villages shows is no older."""
AT_ONCE = 5
"""Villages that are read in one piece: some 20 ms."""
_FIRST_PAUSE, _PAUSE = 3.0, 50.0
"""Pauses, in times of what a piece took: the first round takes a quarter of a core, the others two per cent of one."""
_SHORTEST, _AGAIN = 0.05, 5.0
"""Seconds: between two pieces, and until it is looked again when nothing is due or the database is away."""

log = structlog.get_logger(__name__)


class Months:
    """The last 30 days of each village. Safe to use from several threads. `refresh` is for one."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self._kept: dict[str, tuple[int, VillageMonth]] = {}
        self._turn: deque[str] = deque()
        self._round_at: int | None = None
        self._rounds = 0

    def kept(self) -> Mapping[str, VillageMonth]:
        """Returns what is kept, by village: as it was some minutes ago. What was not read yet is not in it."""
        return {code: month for code, (_, month) in self._kept.copy().items()}

    def of(self, connection: Connection, codes: Sequence[str]) -> Mapping[str, VillageMonth]:
        """Returns the days of a few neighbouring villages, read now unless they are known since a minute ago."""
        now = self._clock.monotonic()
        known = {code: self._kept.get(code) for code in codes}
        old = [code for code, found in known.items() if found is None or now - found[0] >= FRESH_FOR]
        found = {code: one[1] for code, one in known.items() if one is not None}
        return found | (self._read(connection, old) if old else {})

    def refresh(self) -> bool:
        """Read the next few villages of the round. Returns whether there were any.

        Raises:
            SQLAlchemyError: the database is away. The villages have their turn again.
        """
        now = self._clock.monotonic()
        with self._engine.connect() as connection:
            if not self._turn:
                if self._round_at is not None and now - self._round_at < EVERY:
                    return False
                self._begin(connection, now)
            codes = [self._turn[n] for n in range(min(AT_ONCE, len(self._turn)))]
            self._read(connection, codes)
        for _ in codes:
            self._turn.popleft()
        self._rounds += 0 if self._turn else 1
        return bool(codes)

    async def run(self) -> None:
        """Refresh until cancelled."""
        one_thread = anyio.CapacityLimiter(1)
        failures = 0
        while True:
            began = time.perf_counter()
            pause = _AGAIN
            try:
                failures += 1
                if await anyio.to_thread.run_sync(self.refresh, abandon_on_cancel=True, limiter=one_thread):
                    took = time.perf_counter() - began
                    pause = max(_SHORTEST, took * (_PAUSE if self._rounds else _FIRST_PAUSE))
                failures = 0
            except SQLAlchemyError as problem:
                note = log.info if failures == 1 else log.warning  # when siaga starts, tables may not be there yet
                note("days_wait_for_the_database", problem=type(problem).__name__)
            await anyio.sleep(pause)

    def _begin(self, connection: Connection, now: int) -> None:
        """Begin a round: with the villages that there are now, and without what is kept of others."""
        codes = [place.code for place in places_within(connection, EVERYWHERE)]
        for gone in self._kept.keys() - set(codes):
            self._kept.pop(gone, None)
        self._turn.extend(codes)
        self._round_at = now

    def _read(self, connection: Connection, codes: Sequence[str]) -> dict[str, VillageMonth]:
        at = self._clock.monotonic()
        found = months_of(connection, codes, self._clock.now())
        for code, month in found.items():
            self._kept[code] = (at, month)
        return found
