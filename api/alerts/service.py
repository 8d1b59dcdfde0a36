"""The alert engine as a service: a worker in its loop, the store read in another thread, its state for `/readyz`."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.alert_records.stream import EventSignal
from api.alerts.engine import AlertEngine
from api.alerts.metrics import EngineMetrics
from api.alerts.questions import Answer, Failure, RecentRequest, Request
from api.alerts.reader import answer, answer_together
from api.alerts.tables import Tables
from siaga.database.registry import Registry
from siaga.model.clock import SECOND, Clock, SystemClock
from siaga.model.readiness import UnreadPast
from siaga.mqtt import Message, Transport
from siaga.mqtt.worker import Inlet, WorkerLoop
from siaga.telemetry import TelemetryStore

__all__ = ["AlertService", "EngineWorker", "ThreadReader"]

log = structlog.get_logger(__name__)

AGAIN = 1.0
"""Seconds between two attempts to open an engine whose database is away, or that failed."""
END_WITHIN = 8.0
"""Seconds that the threads get to end; with the good-bye to the broker it stays under ten."""


class ThreadReader:
    """Answers in a thread of its own, so that a store that is slow or away never holds up an alert."""

    def __init__(self, store: TelemetryStore, transport: Transport) -> None:
        self._store, self._transport = store, transport
        self._changed = threading.Condition()
        self._requests: deque[Request] = deque()
        self._answers: deque[Answer] = deque()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="alert engine store", daemon=True)
        self._thread.start()

    def ask(self, request: Request) -> None:
        """Take a request; the engine is woken when it is answered."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify()

    def poll(self) -> Answer | None:
        """An answer, if there is one."""
        with self._changed:
            return self._answers.popleft() if self._answers else None

    def close(self, timeout: float) -> None:
        """End the thread; what it reads now it finishes."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._requests or self._closed)
                if self._closed:
                    return
                request = self._requests.popleft()
                others = list(self._take_alike(request))
            found = self._answer(request, others)
            with self._changed:
                self._answers.extend(found)
            self._transport.wake()

    def _answer(self, request: Request, others: Sequence[RecentRequest]) -> list[Answer]:
        """What the store answers. Whatever it fails with, the thread goes on: without it nothing is ever read again."""
        try:
            if isinstance(request, RecentRequest):
                return answer_together(self._store, [request, *others])
            return [answer(self._store, request)]
        except Exception as error:  # a store's own mistake, such as an answer that nobody foresaw
            log.exception("the telemetry store failed")
            reason = f"the telemetry store failed: {type(error).__name__}: {error}"
            return [Failure(each, reason) for each in (request, *others)]

    def _take_alike(self, request: Request) -> Iterator[RecentRequest]:
        """The requests for memory that wait behind one: the store is asked for all of them at once."""
        while isinstance(request, RecentRequest) and self._requests:
            following = self._requests[0]
            if not isinstance(following, RecentRequest):
                return
            self._requests.popleft()
            yield following


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
        self._in_verb = False
        self.inlets = (Inlet(transport, self.receive, lambda: not engine.takes),)
        """While the engine takes nothing, the broker keeps what comes."""

    def receive(self, message: Message) -> None:
        """Take one message."""
        self._in_verb = True
        self._engine.receive(message)
        self._in_verb = False

    def tick(self) -> int:
        """Do what is due. Returns when something is due next, monotonic ms."""
        self._in_verb = True
        due = self._engine.tick()
        self._in_verb = False
        return self._clock.monotonic() + (SECOND if due is None else max(0, due - self._clock.now()))

    def close(self) -> None:
        """Write what is not yet written, unless a verb failed: half of what it did must not become a snapshot."""
        try:
            if not self._in_verb:
                self._engine.close()
        finally:
            self._closed()


class AlertService:
    """Runs one engine until stopped. Owns neither store nor database, but ends the transport.

    `name` is that of the session with the broker: the inbox and the snapshots of the engine go by it.

    An engine that fails is replaced by a new one, which takes all it needs from the database and the store.
    """

    def __init__(
        self,
        database: Engine,
        store: TelemetryStore,
        transport: Transport,
        clock: Clock | None = None,
        signal: EventSignal | None = None,
        metrics: EngineMetrics | None = None,
        name: str = "engine",
    ) -> None:
        self.signal = signal or EventSignal()
        self._name = name
        self._database, self._store, self._transport = database, store, transport
        self._clock = clock or SystemClock()
        self._metrics = metrics or EngineMetrics()
        self._stopping = False
        self._engine: AlertEngine | None = None
        self._loop = WorkerLoop("alert engine", self._begin, self._clock, restart_after=AGAIN, explain=_explain)

    def problem(self) -> str | None:
        """Returns why alerts are not watched for now, in one sentence; `None` when they are."""
        if self._stopping:
            return "the alert engine is stopping"
        engine = self._engine
        return (self._loop.problem or "the alert engine is not running") if engine is None else engine.problem

    def past(self) -> UnreadPast:
        """Returns what of the past cannot be told, as the store does not answer. Any thread may ask."""
        engine = self._engine
        return UnreadPast() if engine is None else engine.past

    def status(self) -> tuple[bool, str]:
        """Returns whether alerts are watched for now, and if not, why not: one sentence."""
        problem = self.problem()
        return (True, "watching") if problem is None else (False, problem)

    def start(self) -> None:
        """Begin. Returns at once; what is away is waited for by the loop."""
        self._loop.start()

    def stop(self) -> None:
        """Finish the message in hand, write what is not written, say good-bye to the broker. Within ten seconds."""
        self._stopping = True
        self._loop.stop(END_WITHIN)
        self._transport.close()

    def _begin(self) -> EngineWorker:
        """Returns an engine that is open, with a reader of its own, in the loop's thread."""
        reader = ThreadReader(self._store, self._transport)
        engine = AlertEngine(
            Registry(self._database),
            Tables(self._database, self._name),
            self._clock,
            self._transport,
            reader,
            self.signal,
            self._metrics,
        )
        try:
            engine.open()
        except Exception:
            reader.close(0)
            raise
        self._engine = engine
        return EngineWorker(engine, self._transport, self._clock, lambda: self._end(reader))

    def _end(self, reader: ThreadReader) -> None:
        self._engine = None
        reader.close(END_WITHIN / 2 if self._stopping else 0)


def _explain(error: Exception) -> str:
    if isinstance(error, DBAPIError):
        return f"the database does not answer ({type(error).__name__}): check SIAGA_DATABASE_URL"
    return f"the alert engine failed: {type(error).__name__}: {error}"
