"""The alert engine as a service: its verbs in a thread, the store read in another, its state for `/readyz`."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.alerts.engine import AlertEngine
from api.alerts.metrics import EngineMetrics
from api.alerts.reader import Answer, Failure, RecentRequest, Request, StoreReader, UnreadPast, answer, answer_together
from api.alerts.stream import EventSignal
from api.alerts.tables import Tables
from siaga.database.registry import Registry
from siaga.model.clock import Clock, SystemClock
from siaga.mqtt import Transport
from siaga.telemetry import TelemetryStore

__all__ = ["AlertService", "ThreadReader"]

log = structlog.get_logger(__name__)

PATIENCE = 1.0
"""Seconds the engine waits for a message at most before it looks whether it is to end."""
AT_ONCE = 200
"""Messages taken in a row before deadlines are looked at: a few milliseconds of work."""
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
        self._stop = threading.Event()
        self._engine: AlertEngine | None = None
        self._problem: str | None = "the alert engine is not running"
        self._thread = threading.Thread(target=self._run, name="alert engine", daemon=True)

    def problem(self) -> str | None:
        """Why alerts are not watched for now, in one sentence; `None` when they are."""
        if self._stop.is_set():
            return "the alert engine is stopping"
        engine = self._engine
        return self._problem if engine is None else engine.problem

    def past(self) -> UnreadPast:
        """What of the past cannot be told, as the store does not answer. Any thread may ask."""
        engine = self._engine
        return UnreadPast() if engine is None else engine.past

    def status(self) -> tuple[bool, str]:
        """Whether alerts are watched for now, and if not, why not: one sentence."""
        problem = self.problem()
        return (True, "watching") if problem is None else (False, problem)

    def start(self) -> None:
        """Begin. Returns at once; what is away is waited for by the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the message in hand, write what is not written, say good-bye to the broker. Within ten seconds."""
        self._stop.set()
        self._transport.wake()
        if self._thread.is_alive():
            self._thread.join(END_WITHIN)
        self._transport.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            reader = ThreadReader(self._store, self._transport)
            try:
                self._watch(reader)
            except DBAPIError as error:
                self._problem = f"the database does not answer ({type(error).__name__}): check SIAGA_DATABASE_URL"
            except Exception as error:  # a new engine goes on where this one was; nobody else watches
                log.exception("the alert engine failed and is begun anew")
                self._problem = f"the alert engine failed: {type(error).__name__}: {error}"
            finally:
                self._engine = None
                reader.close(END_WITHIN / 2 if self._stop.is_set() else 0)
            self._stop.wait(AGAIN)

    def _watch(self, reader: StoreReader) -> None:
        """Open an engine and let it work until the service is stopped."""
        engine = AlertEngine(
            Registry(self._database),
            Tables(self._database, self._name),
            self._clock,
            self._transport,
            reader,
            self.signal,
            self._metrics,
        )
        engine.open()
        self._engine = engine
        while not self._stop.is_set():
            due = engine.tick()
            wait = PATIENCE if due is None else min(PATIENCE, max(0, due - self._clock.now()) / 1000)
            if not engine.takes:  # the broker keeps what comes
                self._stop.wait(wait)
                continue
            message = self._transport.receive(wait)
            taken = 0
            while message is not None:
                engine.receive(message)
                taken += 1
                message = self._transport.receive(0) if taken < AT_ONCE and engine.takes else None
        engine.close()
