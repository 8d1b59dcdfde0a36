"""Sends the pollers' questions, in a few threads, so that the gateway's loop never blocks.

The loop uses `Asker`. In simulation another implementation answers at once.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import structlog

from gateway.pollers.agent import Credentials, ask_agent
from gateway.pollers.interface import Agent, Answer, Fetch, Internet, Question, Reach, Unasked
from gateway.pollers.reach import reach
from gateway.pollers.schedule import Key
from gateway.pollers.web import check_internet, fetch
from siaga.model.clock import Clock

__all__ = ["AT_ONCE", "Answered", "Asker", "Network", "ThreadedAsker"]

log = structlog.get_logger(__name__)

AT_ONCE = 16
"""Questions in flight at most. With a timeout of 5 s, this is some 200 dead devices a minute."""


class Answered(NamedTuple):
    """An answer, and when it came, monotonic ms."""

    key: Key
    question: Question
    answer: Answer
    at: int


class Asker(Protocol):
    """Takes questions, and later gives exactly one answer to each."""

    def ask(self, key: Key, question: Question, timeout: float) -> None:
        """Send a question. `timeout` in seconds; resolving the name may take as long again."""
        ...

    def answers(self) -> list[Answered]:
        """Returns the answers since the last call."""
        ...

    def ring(self, bell: Callable[[], None]) -> None:
        """Call `bell`, from any thread, whenever there is an answer."""
        ...

    def close(self) -> None:
        """Take no more questions. Those in flight are not stopped."""
        ...


@dataclass(frozen=True, slots=True)
class Network:
    """Answers questions over the real network. `credentials`: for SNMP agents."""

    credentials: Credentials = field(default_factory=Credentials)

    def __call__(self, question: Question, timeout: float) -> Answer:
        """Returns the answer. Blocks for up to `timeout` seconds, and as long again to resolve a name."""
        match question:
            case Reach():
                return reach(question.address, timeout)
            case Fetch():
                return fetch(question.address, healthy=question.healthy, timeout=timeout)
            case Internet():
                return check_internet(question.address, timeout)
            case Agent():
                return ask_agent(question, self.credentials, timeout)


class ThreadedAsker:
    """Answers in daemon threads that are started as needed. They end with the process, whatever they wait for."""

    def __init__(self, clock: Clock, answer: Callable[[Question, float], Answer], at_once: int = AT_ONCE) -> None:
        self._clock, self._answer, self._at_once = clock, answer, at_once
        self._questions: queue.SimpleQueue[tuple[Key, Question, float] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answered] = queue.SimpleQueue()
        self._bell: Callable[[], None] = lambda: None
        self._threads = 0
        self._open = 0
        self._closed = False

    def ask(self, key: Key, question: Question, timeout: float) -> None:
        """Queue a question. Called from one thread only."""
        self._open += 1
        if self._threads < min(self._open, self._at_once):
            self._threads += 1
            threading.Thread(target=self._serve, name=f"poller-{self._threads}", daemon=True).start()
        self._questions.put((key, question, timeout))

    def answers(self) -> list[Answered]:
        """Returns the answers since the last call. Called from the thread that asks."""
        found = []
        while not self._answers.empty():
            found.append(self._answers.get())
        self._open -= len(found)
        return found

    def ring(self, bell: Callable[[], None]) -> None:
        """Set the function that the threads call after each answer."""
        self._bell = bell

    def close(self) -> None:
        """End the idle threads now, and the others after their answer."""
        self._closed = True
        for _ in range(self._threads):
            self._questions.put(None)

    def _serve(self) -> None:
        while (work := self._questions.get()) is not None and not self._closed:
            key, question, timeout = work
            try:
                answer = self._answer(question, timeout)
            except Exception as problem:
                # Without an answer, the device would never be polled again.
                log.exception("poll_failed", village=key[0], device=key[1])
                answer = Unasked(f"asking failed: {type(problem).__name__}")
            self._answers.put(Answered(key, question, answer, self._clock.monotonic()))
            self._bell()
