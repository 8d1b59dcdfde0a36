"""Reading the telemetry store for the engine, so that a slow or absent store never holds up an alert."""

import threading
from collections import deque
from queue import Empty, SimpleQueue
from typing import Protocol

import structlog

from api.engine.questions import Answer, Failure, Request
from siaga.mqtt import Transport
from siaga.telemetry import StoreUnavailable, TelemetryStore

__all__ = ["InlineReader", "StoreReader", "ThreadReader", "answer"]

log = structlog.get_logger(__name__)


class StoreReader(Protocol):
    """Reads one request after another."""

    def ask(self, request: Request) -> None:
        """Take a request."""
        ...

    def poll(self) -> Answer | None:
        """Returns the next answer, if it is there; it does not wait."""
        ...


def answer(store: TelemetryStore, request: Request) -> Answer:
    """Returns what the store answers; if it is away, a `Failure`."""
    try:
        return request.read(store)
    except StoreUnavailable as error:
        return Failure(request, str(error))


class InlineReader:
    """Answers at once, in the caller's thread: for tests and tools."""

    def __init__(self, store: TelemetryStore) -> None:
        self._store = store
        self._answers: deque[Answer] = deque()

    def ask(self, request: Request) -> None:
        """Answer the request now."""
        self._answers.append(answer(self._store, request))

    def poll(self) -> Answer | None:
        """Returns the next answer."""
        return self._answers.popleft() if self._answers else None


class ThreadReader:
    """Answers in a thread of its own, and wakes the engine when it has answered."""

    def __init__(self, store: TelemetryStore, transport: Transport) -> None:
        self._store, self._transport = store, transport
        self._requests: SimpleQueue[Request | None] = SimpleQueue()
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="alert engine store", daemon=True)
        self._thread.start()

    def ask(self, request: Request) -> None:
        """Take a request."""
        self._requests.put(request)

    def poll(self) -> Answer | None:
        """Returns the next answer, if it is there."""
        try:
            return self._answers.get_nowait()
        except Empty:
            return None

    def close(self, timeout: float) -> None:
        """End the thread. It finishes what it reads now, if that takes no longer than `timeout` seconds."""
        self._requests.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        while (request := self._requests.get()) is not None:
            self._answers.put(self._answer(request))
            self._transport.wake()

    def _answer(self, request: Request) -> Answer:
        """Whatever the store fails with, the thread goes on: without it nothing is ever read again."""
        try:
            return answer(self._store, request)
        except Exception as error:  # a store's own mistake, such as an answer that nobody foresaw
            log.exception("the telemetry store failed")
            return Failure(request, f"the telemetry store failed: {type(error).__name__}: {error}")
