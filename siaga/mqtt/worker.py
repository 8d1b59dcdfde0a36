"""The one loop of all services, around workers that neither wait nor have threads.

A worker takes messages in (`inlets`) and does what is due (`tick`). `turn` is one turn of the loop. A service turns in
`WorkerLoop`, which waits in between; the simulation turns by itself, on its own clock and at its own random order.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from siaga.model.clock import SECOND, Clock
from siaga.mqtt.transport import Message, Transport

__all__ = ["AT_ONCE", "Inlet", "Worker", "WorkerLoop", "turn"]

log = structlog.get_logger(__name__)

AT_ONCE = 200
"""Messages taken in from one inlet before `tick` is called: a few milliseconds of work."""
LONGEST_WAIT = SECOND
"""Between two turns at most: a bound for what nobody foresaw, such as a clock that stands."""

END_WITHIN = 3.0
"""Seconds for a turn in hand, unless its service gives it another time."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Inlet:
    """Where a worker's messages come from, and its verb for them."""

    transport: Transport
    receive: Callable[[Message], None]
    full: Callable[[], bool] = _never
    """Whether nothing more is to be taken in now: the broker keeps the rest. Any thread may ask."""
    at_once: int = AT_ONCE


class Worker(Protocol):
    """Work in small verbs. None of them waits for work; one that calls an outside server has a deadline."""

    @property
    def inlets(self) -> Sequence[Inlet]:
        """Where messages come from; the same ones as long as the worker lives."""
        ...

    def tick(self) -> int:
        """Do what is due. Returns when to call it again at the latest, monotonic ms; 0: at once."""
        ...

    def close(self) -> None:
        """Finish what is in hand. Called once, after the last `tick`, also if that failed."""
        ...


def turn(worker: Worker) -> int:
    """Take in what has arrived, do what is due. Returns when the next turn is due, monotonic ms; 0: at once."""
    more = [_take_in(inlet) for inlet in worker.inlets]
    held_back = [inlet for inlet in worker.inlets if inlet.full()]
    due = worker.tick()
    if any(more) or any(not inlet.full() for inlet in held_back):
        return 0
    return due


def _take_in(inlet: Inlet) -> bool:
    """Take in some messages. Returns whether there may be more that could be taken now."""
    for _ in range(inlet.at_once):
        if inlet.full():
            return False
        message = inlet.transport.receive(0)
        if message is None:
            return False
        inlet.receive(message)
    return not inlet.full()


class WorkerLoop:
    """Turns a worker in a thread of its own, until it is stopped or the worker fails.

    Args:
        begin: makes the worker, in the loop's thread.
        clock: whose `monotonic` the worker's deadlines are on.
        restart_after: seconds after which a worker that failed, or could not be made, is replaced by a new one;
            without it a failure is the end.
        explain: the sentence for a failure; by default it names the loop and the error.
        failed: called in the loop's thread when a failure is the end.
    """

    def __init__(
        self,
        name: str,
        begin: Callable[[], Worker],
        clock: Clock,
        *,
        restart_after: float | None = None,
        explain: Callable[[Exception], str] | None = None,
        failed: Callable[[], None] | None = None,
    ) -> None:
        self._name, self._begin, self._clock = name, begin, clock
        self._restart_after, self._failed = restart_after, failed
        self._explain = explain or (lambda error: f"the {name} failed: {type(error).__name__}: {error}")
        self._woken, self._ending = threading.Event(), threading.Event()
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def problem(self) -> str | None:
        """Why the worker does not run, in a sentence: it failed. `None` before that, and once a new one runs."""
        return self._problem

    def start(self) -> None:
        """Begin. Returns at once."""
        self._thread.start()

    def wake(self) -> None:
        """Let the next turn come at once. Any thread may call it."""
        if not self._woken.is_set():
            self._woken.set()

    def end(self) -> None:
        """Ask the loop to end after the turn in hand; returns at once."""
        self._ending.set()
        self._woken.set()

    def stop(self, within: float = END_WITHIN) -> bool:
        """End the loop. Returns whether it ended within so many seconds."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(max(0.0, within))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._serve()
            except Exception as error:
                sentence = self._explain(error)
                if sentence != self._problem:  # what fails each second is logged once, until it has run
                    log.exception("worker_failed", worker=self._name, problem=sentence)
                self._problem = sentence
                if self._restart_after is None:
                    if self._failed is not None:
                        self._failed()
                    raise
                self._ending.wait(self._restart_after)

    def _serve(self) -> None:
        worker = self._begin()
        try:
            for inlet in worker.inlets:
                inlet.transport.ring(self._bell(inlet))
            self._problem = None
            while not self._ending.is_set():
                self._wait(turn(worker))
        finally:
            worker.close()

    def _wait(self, due: int) -> None:
        wait = min(due - self._clock.monotonic(), LONGEST_WAIT)
        if wait > 0:
            self._woken.wait(wait / 1000)
        self._woken.clear()  # before the turn, which sees all that came until now

    def _bell(self, inlet: Inlet) -> Callable[[], None]:
        """Returns what an arrival calls. What a full inlet does not take wakes nobody: `turn` comes back to it."""

        def ring() -> None:
            if not self._woken.is_set() and not inlet.full():
                self.wake()

        return ring
