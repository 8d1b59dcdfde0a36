"""The collector as a service: its verbs in threads, its state for `/readyz`, its clean end.

One thread gathers (decodes, checks, makes ready), some commit (store and acknowledge), one keeps house (the registry,
the quarantine), one looks at the store. One group is on its way to a store that answers quickly, several to one that
does not; one more is made ready and takes in what arrives until it may go.
"""

import threading
import time
from queue import Empty, SimpleQueue
from typing import Protocol

import structlog

from collector.collector import Collector
from collector.group import Group
from collector.refusals import Refusals
from collector.registry_cache import KnownVillages
from collector.under_way import MOST, UnderWay
from siaga.mqtt import Transport
from siaga.telemetry import StoreUnavailable, TelemetryStore

__all__ = ["CollectorService"]

log = structlog.get_logger(__name__)

HOUSEKEEPING = 0.25
"""Seconds between two looks at what waits for the quarantine: refused payloads are to be seen within seconds."""
STORE_CHECK = 5.0
"""Seconds between two looks at the store."""
HANGS = 3.0
"""Seconds after which a look at the store that has no answer counts as one."""
ANOTHER_LOOK = 0.05
"""Seconds until a group that waits for its turn looks again whether it may go, if nothing wakes it before."""
PATIENCE = 0.5
"""Seconds a thread waits for work before it looks whether it is to end."""
END_WITHIN = 8.5
"""Seconds that the threads get to finish what they have in hand. A write that takes longer is left: its batches are not
acknowledged, and come again. The good-bye to the broker takes a moment more, so that it stays under ten."""


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
        self._checking_since: float | None = None
        self._under_way = UnderWay()
        self._turn = threading.Condition()
        self._ready: SimpleQueue[Group] = SimpleQueue()
        self._stop = threading.Event()
        self._failure: str | None = None
        self._threads: list[threading.Thread] = []

    def status(self) -> tuple[bool, str]:
        """Whether batches get through now, and if not, why not: a sentence for each thing that is away."""
        if self._failure is not None:
            return False, self._failure
        if not self._threads or self._stop.is_set():
            return False, "the collector is not running"
        store = self._collector.problem or self._store_hangs() or self._store_problem or self._collector.limit
        database = self._known.problem or self._refusals.problem
        if database is None and not self._known.loaded:
            database = "the registry of villages has not been read yet"
        problems = [problem for problem in (self._broker_problem(), store, database) if problem is not None]
        return not problems, "; ".join(problems) or "collecting"

    def _store_hangs(self) -> str | None:
        since = self._checking_since
        waited = 0.0 if since is None else time.monotonic() - since
        return f"the telemetry store has not answered for {waited:.0f} s" if waited > HANGS else None

    def _broker_problem(self) -> str | None:
        if self._transport.problem is None and not self._transport.connected:
            return "the broker has not granted the subscriptions yet"
        return self._transport.problem

    def start(self) -> None:
        """Subscribe and begin. Returns at once; what is away is waited for by the threads."""
        self._collector.subscribe()
        committing = [(f"commit {number}", self._commit) for number in range(MOST)]
        others = [("gather", self._gather), ("house", self._keep_house), ("store", self._watch_store)]
        for name, loop in [*others, *committing]:
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
            while not self._stop.is_set() and not self._begin(group):
                if group.full:
                    with self._turn:
                        self._turn.wait(ANOTHER_LOOK)
                else:
                    self._collector.add(group, ANOTHER_LOOK)

    def _begin(self, group: Group) -> bool:
        """Send a group on its way, if it may go now."""
        trouble = self._collector.problem is not None
        with self._turn:
            if not self._under_way.begin(group, round(time.monotonic() * 1000), trouble=trouble):
                return False
        self._collector.make_ready(group)
        self._ready.put(group)
        return True

    def _commit(self) -> None:
        while not self._stop.is_set():
            try:
                group = self._ready.get(timeout=PATIENCE)
            except Empty:
                continue
            while not self._collector.commit(group) and not self._stop.wait(self._collector.wait(group) / 1000):
                pass
            with self._turn:
                self._under_way.end(group)
                self._turn.notify()
            self._transport.wake()  # the gatherer may wait for messages

    def _keep_house(self) -> None:
        while True:
            self._known.poll()
            while self._refusals.flush():
                pass
            if self._stop.wait(HOUSEKEEPING):
                self._refusals.flush()
                return

    def _watch_store(self) -> None:
        """In a thread of its own: a store that hangs holds up neither the registry nor the quarantine."""
        while True:
            self._check_store()
            if self._stop.wait(STORE_CHECK):
                return

    def _check_store(self) -> None:
        self._checking_since = time.monotonic()
        try:
            self._store.check()
        except StoreUnavailable as error:
            self._store_problem = str(error)
        else:
            self._store_problem = None
        finally:
            self._checking_since = None


class Loop(Protocol):
    """A thread's work: returns when the service stops."""

    def __call__(self) -> None: ...
