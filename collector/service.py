"""The collector as a service: its worker threads, its readiness, its shutdown.

One thread gathers (decode, check, prepare), several commit (store, acknowledge), one does housekeeping (registry,
quarantine, unknown devices), one checks the store. A quick store gets one group at a time, a slow one several. One more
group gathers what arrives meanwhile.
"""

import threading
import time
from collections.abc import Callable

import structlog

from collector.collector import Collector
from collector.refusals import Refusals
from collector.registry_cache import RegistryCache
from collector.under_way import MOST
from collector.unknown_devices import Unknown
from collector.workers import Committing, Departures, Gathering, Housekeeping, StoreWatch
from siaga.model.clock import SECOND, Clock, SystemClock
from siaga.mqtt import Transport
from siaga.mqtt.worker import Worker, WorkerLoop
from siaga.telemetry import TelemetryStore

__all__ = ["CollectorService"]

log = structlog.get_logger(__name__)

HANGS = 3 * SECOND
"""Timeout of a check of the store, ms."""
PATIENCE = 0.5
"""Seconds between two checks whether the service is to end."""
END_WITHIN = 6.0
"""Seconds for the threads to finish their work. A write that takes longer is abandoned: its batches are not
acknowledged, and are sent again. Disconnecting and the end of the process take seconds more on a loaded machine; all
together must stay under ten seconds."""


class CollectorService:
    """Runs one collector until stopped. It closes the transport, but neither store nor database.

    `clock`: the machine's by default, even if the collector itself has a faster one: threads wait on it.
    """

    def __init__(
        self,
        collector: Collector,
        known: RegistryCache,
        refusals: Refusals,
        unknown: Unknown,
        transport: Transport,
        store: TelemetryStore,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._collector, self._known, self._refusals, self._transport = collector, known, refusals, transport
        self._clock = clock
        departures = Departures(clock)
        self._store_watch = StoreWatch(store, clock)
        self._running = False
        self._stop = threading.Event()
        gathering = self._loop("gather", Gathering(collector, departures, clock))
        committing = [self._loop(f"commit {n}", Committing(collector, departures, clock)) for n in range(MOST)]
        house = self._loop("house", Housekeeping(known, refusals, unknown, clock))
        self._loops = [gathering, *committing, house, self._loop("store", self._store_watch)]
        departures.arrived = gathering.wake
        departures.departed = lambda: _wake(committing)

    def _loop(self, name: str, worker: Worker) -> WorkerLoop:
        return WorkerLoop(f"collector {name}", lambda: worker, self._clock, explain=_explain, failed=self._end)

    def problem(self) -> str | None:
        """Returns why batches do not get through: a sentence for each part that fails; `None` if all work."""
        failure = self._failure()
        if failure is not None:
            return failure
        if not self._running or self._stop.is_set():
            return "the collector is not running"
        store = self._collector.problem or self._store_watch.problem(HANGS) or self._collector.limit
        database = self._known.problem or self._refusals.problem
        if database is None and not self._known.loaded:
            database = "the registry of villages has not been read yet"
        problems = [problem for problem in (self._broker_problem(), store, database) if problem is not None]
        return "; ".join(problems) or None

    def _failure(self) -> str | None:
        return next((loop.problem for loop in self._loops if loop.problem is not None), None)

    def _broker_problem(self) -> str | None:
        if self._transport.problem is None and not self._transport.connected:
            return "the broker has not granted the subscriptions yet"
        return self._transport.problem

    def start(self) -> None:
        """Subscribe and start the threads. Returns at once; the threads wait for what is unavailable."""
        self._collector.subscribe()
        self._running = True
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Finish the current write, acknowledge it, and end the session. Takes less than ten seconds.

        The session ends for good: a broker that kept it would queue its share of all batches for it. Batches that
        arrive without any collector are sent again by the gateways.
        """
        self._end()
        deadline = time.monotonic() + END_WITHIN
        for loop in self._loops:
            loop.stop(deadline - time.monotonic())
        self._transport.close(for_good=True)

    def _end(self) -> None:
        self._stop.set()
        for loop in self._loops:
            loop.end()

    def run(self, stop: threading.Event, tell: Callable[[str | None], None] = lambda _: None) -> None:
        """Start, run until `stop` is set or a worker fails, then stop. `tell`: called with its problem, repeatedly.

        Raises:
            RuntimeError: a worker failed; the sentence says which and how.
        """
        self.start()
        while not stop.wait(PATIENCE) and self._failure() is None:
            tell(self.problem())
        self.stop()
        failure = self._failure()
        if failure is not None:
            raise RuntimeError(failure)


def _explain(error: Exception) -> str:
    return f"the collector failed: {type(error).__name__}: {error}"


def _wake(loops: list[WorkerLoop]) -> None:
    for loop in loops:
        loop.wake()
