"""The collector's work as workers of the one loop (`siaga.mqtt.worker`): gather, commit, keep house, watch the store.

A service turns each in a thread of its own, the simulation turns all of them in any order.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from collector.collector import Collector
from collector.group import Group
from collector.refusals import Refusals
from collector.registry_cache import RegistryCache
from collector.under_way import UnderWay
from siaga.model.clock import SECOND, Clock
from siaga.mqtt.worker import Inlet
from siaga.telemetry import StoreUnavailable, TelemetryStore

__all__ = ["Committing", "Departures", "Gathering", "Housekeeping", "StoreWatch"]

HOUSEKEEPING = 250
"""Milliseconds between two looks at what waits for the quarantine: refused payloads are to be seen within seconds."""
STORE_CHECK = 5 * SECOND
"""Between two looks at the store."""
ANOTHER_LOOK = 50
"""Milliseconds until a group that waits for its turn looks again whether it may go, if nothing wakes it before."""
IDLE = 60 * SECOND
"""Until a worker looks for work by itself that is woken when there is some."""


class Departures:
    """The groups between those who gather and those who commit. Any thread may use it.

    `departed` is called when a group waits to be committed, `arrived` when one was stored and acknowledged.
    """

    def __init__(self, clock: Clock) -> None:
        self.departed: Callable[[], None] = _nobody
        self.arrived: Callable[[], None] = _nobody
        self._clock = clock
        self._lock = threading.Lock()
        self._under_way = UnderWay()
        self._ready: deque[Group] = deque()

    def begin(self, group: Group, *, trouble: bool) -> bool:
        """Let a group begin, if it may now. With `trouble`, one that is under way could not be stored."""
        with self._lock:
            return self._under_way.begin(group, self._clock.monotonic(), trouble=trouble)

    def put(self, group: Group) -> None:
        """Hand a group that has begun to whoever commits."""
        self._ready.append(group)
        self.departed()

    def take(self) -> Group | None:
        """Returns a group to commit; `None`: there is none."""
        try:
            return self._ready.popleft()
        except IndexError:
            return None

    def end(self, group: Group) -> None:
        """Forget a group that is stored and acknowledged: another one may begin."""
        with self._lock:
            self._under_way.end(group)
        self.arrived()

    @property
    def idle(self) -> bool:
        """Whether no group is under way."""
        with self._lock:
            return not self._under_way.groups


class Gathering:
    """Takes in messages, and lets the group of them go when it may."""

    def __init__(self, collector: Collector, departures: Departures, clock: Clock) -> None:
        self.inlets: Sequence[Inlet] = (collector.inlet,)
        self._collector, self._departures, self._clock = collector, departures, clock

    def tick(self) -> int:
        """Let the gathered group go. Returns when to look again, monotonic ms."""
        group = self._collector.gathered
        if group is None:
            return self._clock.monotonic() + HOUSEKEEPING  # the registry may be readable then
        if not self._departures.begin(group, trouble=self._collector.problem is not None):
            if group.full:
                self._collector.make_ready(group)
            return self._clock.monotonic() + ANOTHER_LOOK
        self._collector.hand_over()
        self._departures.put(group)
        return 0

    def close(self) -> None:
        """Nothing: what was not handed over is not acknowledged, and comes again."""


class Committing:
    """Stores and acknowledges groups, one after the other."""

    inlets: Sequence[Inlet] = ()

    def __init__(self, collector: Collector, departures: Departures, clock: Clock) -> None:
        self._collector, self._departures, self._clock = collector, departures, clock
        self._group: Group | None = None

    def tick(self) -> int:
        """Commit the group in hand, or the next. Returns when to try again, monotonic ms."""
        self._group = group = self._group or self._departures.take()
        if group is None:
            return self._clock.monotonic() + IDLE
        if not self._collector.commit(group):
            return self._clock.monotonic() + self._collector.wait(group)
        self._group = None
        self._departures.end(group)
        return 0

    def close(self) -> None:
        """Nothing: a group that is not stored is not acknowledged, and comes again."""


class Housekeeping:
    """Follows the registry and writes down what was refused."""

    inlets: Sequence[Inlet] = ()

    def __init__(self, known: RegistryCache, refusals: Refusals, clock: Clock, every: int = HOUSEKEEPING) -> None:
        self._known, self._refusals, self._clock, self._every = known, refusals, clock, every

    def tick(self) -> int:
        """Look at the registry, empty what waits for the quarantine. Returns when it is due again, monotonic ms."""
        self._known.poll()
        while self._refusals.flush():
            pass
        return self._clock.monotonic() + self._every

    def close(self) -> None:
        """Write down what was refused last."""
        self._refusals.flush()


class StoreWatch:
    """Looks whether the store answers. In a loop of its own: a store that hangs holds up nothing else."""

    inlets: Sequence[Inlet] = ()

    def __init__(self, store: TelemetryStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._answered: str | None = "the telemetry store has not answered yet"
        self.asked_at: int | None = None
        """When the look that has no answer yet began, monotonic ms."""

    def problem(self, hangs: int) -> str | None:
        """Why the store is not there, in a sentence. `hangs`: how long a look may take, ms. Any thread may ask."""
        since = self.asked_at
        waited = 0 if since is None else self._clock.monotonic() - since
        if waited > hangs:
            return f"the telemetry store has not answered for {waited / SECOND:.0f} s"
        return self._answered

    def tick(self) -> int:
        """Look at the store. Returns when the next look is due, monotonic ms."""
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
        """Nothing: a look that has begun is not waited for."""


def _nobody() -> None:
    return None
