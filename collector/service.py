"""The collector as a service: its workers in threads, its readiness, its clean end.

One thread gathers (decodes, checks, makes ready), some commit (store and acknowledge), one keeps house (the registry,
the quarantine), one looks at the store. One group is on its way to a store that answers quickly, several to one that
does not; one more takes in what arrives until it may go.
"""

import threading
import time

import structlog

from collector.collector import Collector
from collector.refusals import Refusals
from collector.registry_cache import RegistryCache
from collector.under_way import MOST
from collector.workers import Committing, Departures, Gathering, Housekeeping, StoreWatch
from siaga.model.clock import SECOND, Clock, SystemClock
from siaga.mqtt import Transport
from siaga.mqtt.worker import Worker, WorkerLoop
from siaga.telemetry import TelemetryStore

__all__ = ["CollectorService"]

log = structlog.get_logger(__name__)

HANGS = 3 * SECOND
"""After which a look at the store that has no answer counts as one."""
PATIENCE = 0.5
"""Seconds between two looks whether the service is to end."""
END_WITHIN = 8.0
"""Seconds that the threads get to finish what they have in hand. A write that takes longer is left: its batches are not
acknowledged, and come again. The good-bye to the broker takes a moment more, so that it stays under ten."""


class CollectorService:
    """Runs one collector until stopped. Owns neither store nor database, but ends the transport.

    `clock` is the machine's by default, however fast the collector's own runs: threads wait on it.
    """

    def __init__(
        self,
        collector: Collector,
        known: RegistryCache,
        refusals: Refusals,
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
        house = self._loop("house", Housekeeping(known, refusals, clock))
        self._loops = [gathering, *committing, house, self._loop("store", self._store_watch)]
        departures.arrived = gathering.wake
        departures.departed = lambda: _wake(committing)

    def _loop(self, name: str, worker: Worker) -> WorkerLoop:
        return WorkerLoop(f"collector {name}", lambda: worker, self._clock, explain=_explain, failed=self._end)

    def problem(self) -> str | None:
        """Returns why batches do not get through now: a sentence for each thing that is away; `None`: they do."""
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
        """Subscribe and begin. Returns at once; what is away is waited for by the threads."""
        self._collector.subscribe()
        self._running = True
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Finish the write in hand, acknowledge it, say good-bye to the broker. Within ten seconds.

        The good-bye is for good: a broker that kept the session would deal it its share of all batches, while it is
        away. What comes with nobody there the gateways send again.
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

    def run(self, stop: threading.Event) -> None:
        """Start, work until `stop` is set or a worker fails, end.

        Raises:
            RuntimeError: a worker failed; the sentence says which and how.
        """
        self.start()
        while not stop.wait(PATIENCE) and self._failure() is None:
            pass
        self.stop()
        failure = self._failure()
        if failure is not None:
            raise RuntimeError(failure)


def _explain(error: Exception) -> str:
    return f"the collector failed: {type(error).__name__}: {error}"


def _wake(loops: list[WorkerLoop]) -> None:
    for loop in loops:
        loop.wake()
