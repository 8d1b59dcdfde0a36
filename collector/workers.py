"""The collector's workers for the loop in `siaga.mqtt.worker`: gathering, committing, housekeeping, store checks.

A service runs each in its own thread. The simulation runs all of them in any order.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from collector.collector import Collector
from collector.group import Group
from collector.refusals import Refusals
from collector.registry_cache import RegistryCache
from collector.under_way import UnderWay
from collector.unknown_devices import Unknown
from siaga.model.clock import SECOND, Clock
from siaga.mqtt.worker import Inlet
from siaga.telemetry import StoreUnavailable, TelemetryStore

__all__ = ["Committing", "Departures", "Gathering", "Housekeeping", "StoreWatch"]

HOUSEKEEPING = 250
"""The interval of housekeeping, ms: refused payloads must be visible within seconds."""
STORE_CHECK = 5 * SECOND
"""The interval of store checks, ms."""
ANOTHER_LOOK = 50
"""How long a waiting group sleeps before it checks again whether it may start, ms, unless it is woken."""
IDLE = 60 * SECOND
"""How long a committing worker without work sleeps, ms, unless it is woken."""


class Departures:
    """The queue of groups between gathering and committing. Any thread may use it.

    `departed`: called when a group waits to be committed. `arrived`: called when one was stored and acknowledged.
    """

    def __init__(self, clock: Clock) -> None:
        self.departed: Callable[[], None] = _nobody
        self.arrived: Callable[[], None] = _nobody
        self._clock = clock
        self._lock = threading.Lock()
        self._under_way = UnderWay()
        self._ready: deque[Group] = deque()

    def begin(self, group: Group, *, trouble: bool) -> bool:
        """Start a group if it may start. Returns whether it did. `trouble`: a group in flight has failed."""
        with self._lock:
            return self._under_way.begin(group, self._clock.monotonic(), trouble=trouble)

    def put(self, group: Group) -> None:
        """Queue a started group for the committing workers."""
        self._ready.append(group)
        self.departed()

    def take(self) -> Group | None:
        """Returns a group to commit; `None` if there is none."""
        try:
            return self._ready.popleft()
        except IndexError:
            return None

    def end(self, group: Group) -> None:
        """Remove a group that is stored and acknowledged, so that another may start."""
        with self._lock:
            self._under_way.end(group)
        self.arrived()

    @property
    def idle(self) -> bool:
        """Whether no group is in flight."""
        with self._lock:
            return not self._under_way.groups


class Gathering:
    """Gathers messages into a group, and queues it when it may start."""

    def __init__(self, collector: Collector, departures: Departures, clock: Clock) -> None:
        self.inlets: Sequence[Inlet] = (collector.inlet,)
        self._collector, self._departures, self._clock = collector, departures, clock

    def tick(self) -> int:
        """Queue the gathered group if it may start. Returns when to check again, monotonic ms."""
        group = self._collector.gathered
        if group is None:
            return self._clock.monotonic() + HOUSEKEEPING  # the registry may have been read by then
        if not self._departures.begin(group, trouble=self._collector.problem is not None):
            if group.full:
                self._collector.make_ready(group)
            return self._clock.monotonic() + ANOTHER_LOOK
        self._collector.hand_over()
        self._departures.put(group)
        return 0

    def close(self) -> None:
        """Do nothing: messages of an unfinished group are not acknowledged, and are sent again."""


class Committing:
    """Stores and acknowledges groups, one after the other."""

    inlets: Sequence[Inlet] = ()

    def __init__(self, collector: Collector, departures: Departures, clock: Clock) -> None:
        self._collector, self._departures, self._clock = collector, departures, clock
        self._group: Group | None = None

    def tick(self) -> int:
        """Commit the current group, or the next. Returns when to check again, monotonic ms."""
        self._group = group = self._group or self._departures.take()
        if group is None:
            return self._clock.monotonic() + IDLE
        if not self._collector.commit(group):
            return self._clock.monotonic() + self._collector.wait(group)
        self._group = None
        self._departures.end(group)
        return 0

    def close(self) -> None:
        """Do nothing: a group that is not stored is not acknowledged, and is sent again."""


class Housekeeping:
    """Follows the registry, and writes refusals to the quarantine and unknown devices to their table."""

    inlets: Sequence[Inlet] = ()

    def __init__(
        self,
        known: RegistryCache,
        refusals: Refusals,
        unknown: Unknown,
        clock: Clock,
        every: int = HOUSEKEEPING,
    ) -> None:
        self._known, self._refusals, self._unknown = known, refusals, unknown
        self._clock, self._every = clock, every

    def tick(self) -> int:
        """Read the registry, and write what waits. Returns when it is due again, monotonic ms."""
        self._known.poll()
        while self._refusals.flush():
            pass
        self._unknown.flush()
        return self._clock.monotonic() + self._every

    def close(self) -> None:
        """Write the last refusals."""
        self._refusals.flush()


class StoreWatch:
    """Checks whether the store answers. It has its own loop, so that a store that hangs blocks nothing else."""

    inlets: Sequence[Inlet] = ()

    def __init__(self, store: TelemetryStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._answered: str | None = "the telemetry store has not answered yet"
        self.asked_at: int | None = None
        """When the unanswered check began, monotonic ms; `None` if there is none."""

    def problem(self, hangs: int) -> str | None:
        """Returns why the store is unavailable; `None` if it is not. `hangs`: timeout of a check, ms. Thread-safe."""
        since = self.asked_at
        waited = 0 if since is None else self._clock.monotonic() - since
        if waited > hangs:
            return f"the telemetry store has not answered for {waited / SECOND:.0f} s"
        return self._answered

    def tick(self) -> int:
        """Check the store. Returns when the next check is due, monotonic ms."""
        self.asked_at = self._clock.monotonic()
        try:
            self._store.check()
        except StoreUnavailable as error:
            self._answered = str(error)
        else:
            self._answered = None
        finally:
            self.asked_at = None
        return self._clock.monotonic() + STORE_CHECK

    def close(self) -> None:
        """Do nothing: a check in progress is not waited for."""


def _nobody() -> None:
    return None
