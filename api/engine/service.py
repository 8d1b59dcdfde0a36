"""The alert engine as a service: a worker in its loop, the store read in a thread, its state for `/readyz`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.alert_records.stream import EventSignal
from api.engine.engine import AlertEngine
from api.engine.metrics import EngineMetrics
from api.engine.reader import ThreadReader
from api.engine.tables import Tables
from siaga.database import REFUSALS
from siaga.database.leases import Lease, LeaseLost
from siaga.database.registry import ProbedRegistry
from siaga.model.clock import MINUTE, SECOND, Clock, SystemClock
from siaga.model.readiness import UnreadPast
from siaga.mqtt import Message, Transport
from siaga.mqtt.worker import Inlet, WorkerLoop
from siaga.telemetry import TelemetryStore

__all__ = ["AlertService", "EngineWorker"]

log = structlog.get_logger(__name__)

AT_ONCE = 400
"""Messages that are taken before what is due is done, if so many wait: some hundredths of a second. Under load a turn
ends with a commit, which costs about the same for few messages as for many."""
AGAIN = 1.0
"""Seconds between two attempts to open an engine whose database is away, or that failed."""
END_WITHIN = 8.0
"""Seconds that the threads get to end. With the disconnection from the broker it stays under ten."""
TURN_WITHIN = 60 * SECOND
"""An engine takes no longer for what is due, unless it hangs: longer than a statement to the database may take."""
OPEN_WITHIN = 10 * MINUTE
"""An engine takes no longer to open, unless it hangs: 84,000 villages take two minutes."""


class EngineWorker:
    """An engine as a worker of `siaga.mqtt.worker`.

    Args:
        engine: an engine that is open.
        transport: the session that it takes messages from.
        clock: the engine's own.
        closed: called once, when the worker has ended, however it did.
    """

    def __init__(
        self, engine: AlertEngine, transport: Transport, clock: Clock, closed: Callable[[], None] = lambda: None
    ) -> None:
        self._engine, self._clock, self._closed = engine, clock, closed
        self._is_broken = False
        self.turned_at = clock.monotonic()
        """When the engine last did what was due, monotonic ms."""
        self.inlets = (Inlet(transport, self.receive, lambda: not engine.takes, AT_ONCE),)
        """While the engine takes nothing, the broker keeps what comes."""

    def receive(self, message: Message) -> None:
        """Take one message."""
        with self._noting_failure():
            self._engine.receive(message)

    def tick(self) -> int:
        """Do what is due. Returns when something is due next, monotonic ms."""
        with self._noting_failure():
            due = self._engine.tick()
        self.turned_at = self._clock.monotonic()
        return self._clock.monotonic() + (SECOND if due is None else max(0, due - self._clock.now()))

    def close(self) -> None:
        """Commit what is not committed, unless a verb failed: half of its changes must not become a snapshot."""
        try:
            if not self._is_broken:
                self._engine.close()
        except LeaseLost as lost:
            log.warning("the engine's last changes are left to its successor", reason=str(lost))
        finally:
            self._closed()

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        """Note that a verb of the engine failed, and so may have made half of its changes."""
        try:
            yield
        except BaseException:
            self._is_broken = True
            raise


class AlertService:
    """Runs the engine of one partition until stopped. Closes the transport, but neither the store nor the database.

    An engine that fails is replaced by a new one, which reads all it needs from the database and the store. One that
    finds that its `lease` was lost commits nothing any more: whoever runs the service is to stop it.
    """

    def __init__(
        self,
        database: Engine,
        store: TelemetryStore,
        transport: Transport,
        clock: Clock | None = None,
        signal: EventSignal | None = None,
        metrics: EngineMetrics | None = None,
        lease: Lease | None = None,
    ) -> None:
        self.signal = signal or EventSignal()
        self._tables = Tables(database, lease)
        self._database, self._store, self._transport = database, store, transport
        self._clock = clock or SystemClock()
        self._metrics = metrics or EngineMetrics()
        self._stopping = False
        self._engine: AlertEngine | None = None
        self._worker: EngineWorker | None = None
        self._opening_since: int | None = None
        self._well_at = self._clock.monotonic()
        self._loop = WorkerLoop("alert engine", self._begin, self._clock, restart_after=AGAIN, explain=_explain)

    def problem(self) -> str | None:
        """Returns why the engine does not watch for alerts now, in one sentence; `None` if it does."""
        if self._stopping:
            return "the alert engine is stopping"
        engine = self._engine
        return (self._loop.problem or "the alert engine is not running") if engine is None else engine.problem

    def past(self) -> UnreadPast:
        """Returns what of the past is unknown because the store does not answer. Any thread may ask."""
        engine = self._engine
        return UnreadPast() if engine is None else engine.past

    def is_stuck(self) -> bool:
        """Whether no engine has done what was due for far too long, so that another member had better lead."""
        now, opening, worker = self._clock.monotonic(), self._opening_since, self._worker
        if opening is not None:
            return now - opening > OPEN_WITHIN
        return now - (self._well_at if worker is None else worker.turned_at) > TURN_WITHIN

    def hears(self) -> bool:
        """Whether the engine hears the broker, as soon as it is open."""
        return self._engine is None or self._transport.connected

    def start(self) -> None:
        """Begin. Returns at once; the loop waits for what is away."""
        self._loop.start()

    def stop(self) -> None:
        """Finish the current message, commit, and disconnect from the broker. Within ten seconds."""
        self._stopping = True
        self._loop.stop(END_WITHIN)
        self._transport.close()

    def _begin(self) -> EngineWorker:
        """Returns an open engine with a reader of its own. Runs in the loop's thread."""
        reader = ThreadReader(self._store, self._transport)
        engine = AlertEngine(
            ProbedRegistry(self._database),
            self._tables,
            self._clock,
            self._transport,
            reader,
            self.signal,
            self._metrics,
        )
        self._opening_since = self._clock.monotonic()
        try:
            engine.open()
        except Exception:
            reader.close(0)
            raise
        finally:
            self._opening_since = None
        self._engine = engine
        self._worker = EngineWorker(engine, self._transport, self._clock, lambda: self._end(reader))
        return self._worker

    def _end(self, reader: ThreadReader) -> None:
        self._engine = None
        if self._worker is not None:
            self._well_at, self._worker = self._worker.turned_at, None
        self._metrics.forget(self._tables.share.number)
        reader.close(END_WITHIN / 2 if self._stopping else 0)


def _explain(error: Exception) -> str:
    if isinstance(error, DBAPIError) and not isinstance(error, REFUSALS):
        return f"the database does not answer ({type(error).__name__}): check SIAGA_DATABASE_URL"
    if isinstance(error, LeaseLost):
        return str(error)
    return f"the alert engine failed: {type(error).__name__}: {error}"
