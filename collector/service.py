"""The collector as a service: its verbs in threads, its state for `/readyz`, its clean end.

Three threads: one gathers (decodes, checks, makes ready), one commits (stores and acknowledges), one keeps house (the
registry, the quarantine, a look at the store). At most one group is on its way to the store, one waits, one is being
gathered.
"""

import threading
import time
from queue import Empty, Full, Queue
from typing import Protocol

import structlog

from collector.collector import Collector
from collector.group import Group
from collector.refusals import Refusals
from collector.registry_cache import KnownVillages
from siaga.mqtt import Transport
from siaga.telemetry import StoreUnavailable, TelemetryStore

__all__ = ["CollectorService"]

log = structlog.get_logger(__name__)

HOUSEKEEPING = 0.25
"""Seconds between two looks at what waits for the quarantine: refused payloads are to be seen within seconds."""
STORE_CHECK = 5.0
"""Seconds between two looks at a store that is not being written to."""
PATIENCE = 0.5
"""Seconds a thread waits for work before it looks whether it is to end."""
END_WITHIN = 8.5
"""Seconds that the threads get to finish what they have in hand: a write takes eight at most. The good-bye to the
broker takes a moment more, so that it stays under ten."""


class CollectorService:
    """Runs one collector until stopped. Owns neither store nor database, but ends the transport."""

    def __init__(
        self,
        collector: Collector,
        known: KnownVillages,
        refusals: Refusals,
        transport: Transport,
        store: TelemetryStore,
    ) -> None:
        self._collector = collector
        self._known = known
        self._refusals = refusals
        self._transport = transport
        self._store = store
        self._store_problem: str | None = "the telemetry store has not answered yet"
        self._waiting: Queue[Group] = Queue(maxsize=1)
        self._stop = threading.Event()
        self._failure: str | None = None
        self._threads: list[threading.Thread] = []

    def status(self) -> tuple[bool, str]:
        """Whether batches get through now, and if not, why not: a sentence for each thing that is away."""
        if self._failure is not None:
            return False, self._failure
        if not self._threads or self._stop.is_set():
            return False, "the collector is not running"
        store = self._collector.problem or self._store_problem
        database = self._known.problem or self._refusals.problem
        if database is None and not self._known.loaded:
            database = "the registry of villages has not been read yet"
        problems = [problem for problem in (self._broker_problem(), store, database) if problem is not None]
        return not problems, "; ".join(problems) or "collecting"

    def _broker_problem(self) -> str | None:
        if self._transport.connected:
            return None
        problem = getattr(self._transport, "problem", None)  # a real session says more than the interface asks for
        return str(problem or "the broker has not granted the subscriptions yet")

    def start(self) -> None:
        """Subscribe and begin. Returns at once; what is away is waited for by the threads."""
        self._collector.subscribe()
        for name, loop in (("gather", self._gather), ("commit", self._commit), ("house", self._keep_house)):
            thread = threading.Thread(target=self._guard, args=(loop,), name=f"collector {name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Finish the write in hand, acknowledge it, say good-bye to the broker. Within ten seconds.

        The good-bye is for good: a broker that kept the session would deal it its share of all batches, while it is
        away. What comes with nobody there the gateways send again.
        """
        self._stop.set()
        self._transport.wake()
        deadline = time.monotonic() + END_WITHIN
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._transport.close(for_good=True)

    def run(self, stop: threading.Event) -> None:
        """Start, work until `stop` is set or a thread fails, end."""
        self.start()
        while not stop.wait(PATIENCE) and self._failure is None:
            pass
        self.stop()
        if self._failure is not None:
            raise RuntimeError(self._failure)

    def _guard(self, loop: "Loop") -> None:
        try:
            loop()
        except Exception as error:
            log.exception("a collector thread failed")
            self._failure = f"the collector failed: {type(error).__name__}: {error}"
            self._stop.set()
            raise

    def _gather(self) -> None:
        while not self._stop.is_set():
            group = self._collector.gather(PATIENCE)
            if group is None:
                if not self._known.loaded:
                    self._stop.wait(HOUSEKEEPING)
                continue
            while not self._stop.is_set():
                try:
                    self._waiting.put(group, timeout=PATIENCE)
                except Full:
                    continue
                break

    def _commit(self) -> None:
        while not self._stop.is_set():
            try:
                group = self._waiting.get(timeout=PATIENCE)
            except Empty:
                continue
            while not self._collector.commit(group) and not self._stop.wait(self._collector.wait() / 1000):
                pass

    def _keep_house(self) -> None:
        next_check = 0.0
        waited = 0.0
        while True:
            self._known.poll()
            while self._refusals.flush():
                pass
            if waited >= next_check:
                self._check_store()
                next_check = waited + STORE_CHECK
            if self._stop.wait(HOUSEKEEPING):
                self._refusals.flush()
                return
            waited += HOUSEKEEPING

    def _check_store(self) -> None:
        try:
            self._store.check()
        except StoreUnavailable as error:
            self._store_problem = str(error)
        else:
            self._store_problem = None


class Loop(Protocol):
    """A thread's work: returns when the service stops."""

    def __call__(self) -> None: ...
