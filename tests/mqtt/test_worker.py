"""The loop of all services: what a turn does, what wakes it, and what a failure means."""

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from structlog.testing import capture_logs

from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.model.clock import MINUTE, ManualClock, SystemClock
from siaga.mqtt import Message
from siaga.mqtt.worker import AT_ONCE, Inlet, WorkerLoop, turn
from tests.wait import PATIENCE, until


class Postman:
    """A worker that holds `room` messages until the next tick, and has nothing due for a minute."""

    def __init__(self, broker: MemoryBroker, *, room: int = 1_000_000, fails: bool = False) -> None:
        self.transport = MemoryTransport(broker, "postman", max_queue=10_000)
        self.transport.subscribe("#")
        self.inlets: Sequence[Inlet] = (Inlet(self.transport, self._receive, lambda: len(self.held) >= self.room),)
        self.room, self.fails = room, fails
        self.stuck = False
        self.held: list[bytes] = []
        self.taken: list[bytes] = []
        self.ticks = self.closed = 0
        self.threads: set[int] = set()

    def _receive(self, message: Message) -> None:
        self.held.append(message.payload)

    def tick(self) -> int:
        self.ticks += 1
        self.threads.add(threading.get_ident())
        if self.fails:
            raise ValueError("no stamps")
        if not self.stuck:
            self.taken += self.held
            self.held.clear()
        return SystemClock().monotonic() + MINUTE

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


@pytest.fixture
def running() -> Iterator[Callable[[WorkerLoop], WorkerLoop]]:
    loops: list[WorkerLoop] = []

    def start(loop: WorkerLoop) -> WorkerLoop:
        loops.append(loop)
        loop.start()
        return loop

    yield start
    for loop in loops:
        assert loop.stop(10)


def test_a_turn_takes_in_what_has_arrived_and_then_does_what_is_due(broker: MemoryBroker) -> None:
    postman = Postman(broker)
    broker.publish("a", b"1")
    broker.publish("a", b"2")
    assert turn(postman) > SystemClock().monotonic(), "nothing is due at once"
    assert postman.taken == [b"1", b"2"]
    assert postman.ticks == 1


def test_a_turn_takes_in_so_many_and_comes_back_at_once(broker: MemoryBroker) -> None:
    postman = Postman(broker)
    for _ in range(AT_ONCE + 1):
        broker.publish("a", b"x")
    assert turn(postman) == 0
    assert len(postman.taken) == AT_ONCE
    turn(postman)
    assert len(postman.taken) == AT_ONCE + 1


def test_a_full_worker_leaves_the_rest_and_is_back_at_once_when_there_is_room(broker: MemoryBroker) -> None:
    postman = Postman(broker, room=2)
    for number in range(3):
        broker.publish("a", b"%d" % number)
    postman.stuck = True
    assert turn(postman) > 0, "it stays full: only its deadline counts"
    assert postman.held == [b"0", b"1"]
    postman.stuck = False
    assert turn(postman) == 0, "it has room again"
    turn(postman)
    assert postman.taken == [b"0", b"1", b"2"]


def test_a_message_wakes_the_loop_long_before_its_deadline(
    broker: MemoryBroker, running: Callable[[WorkerLoop], WorkerLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siaga.mqtt.worker.LONGEST_WAIT", 10 * MINUTE)
    postman = Postman(broker)
    running(WorkerLoop("postman", lambda: postman, SystemClock()))
    until(lambda: postman.ticks, what="it runs")
    for number in range(50):
        broker.publish("a", b"%d" % number)
        until(lambda number=number: len(postman.taken) == number + 1, what="it was woken")  # type: ignore[misc]


def test_the_bell_of_a_full_worker_wakes_nobody_and_wake_does(
    broker: MemoryBroker, running: Callable[[WorkerLoop], WorkerLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siaga.mqtt.worker.LONGEST_WAIT", 10 * MINUTE)
    postman = Postman(broker, room=1)
    postman.stuck = True
    loop = running(WorkerLoop("postman", lambda: postman, SystemClock()))
    until(lambda: postman.ticks, what="it runs")
    broker.publish("a", b"1")
    until(lambda: postman.held, what="it is full")
    until(lambda: postman.ticks == 2, what="and has looked")
    for _ in range(1000):
        broker.publish("a", b"2")
    assert postman.ticks == 2, "a thousand arrivals are no reason to look"
    postman.stuck = False
    loop.wake()
    until(lambda: len(postman.taken) == 1001, what="all of them, by and by")


def test_a_wake_of_the_transport_wakes_the_loop(
    broker: MemoryBroker, running: Callable[[WorkerLoop], WorkerLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siaga.mqtt.worker.LONGEST_WAIT", 10 * MINUTE)
    postman = Postman(broker)
    running(WorkerLoop("postman", lambda: postman, SystemClock()))
    until(lambda: postman.ticks == 1, what="it runs")
    postman.transport.wake()
    until(lambda: postman.ticks == 2, what="somebody called")


def test_all_is_done_in_the_thread_of_the_loop_and_closed_once(broker: MemoryBroker) -> None:
    postman = Postman(broker)
    loop = WorkerLoop("postman", lambda: postman, SystemClock())
    loop.start()
    until(lambda: postman.ticks, what="it runs")
    assert loop.stop(10)
    assert postman.closed == 1
    assert len(postman.threads) == 1
    assert threading.get_ident() not in postman.threads


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failure_is_said_and_is_the_end(broker: MemoryBroker) -> None:
    postman, told = Postman(broker, fails=True), threading.Event()
    loop = WorkerLoop("postman", lambda: postman, SystemClock(), failed=told.set)
    assert loop.problem is None
    loop.start()
    assert told.wait(PATIENCE)
    assert loop.stop(10)
    assert loop.problem == "the postman failed: ValueError: no stamps"
    assert (postman.ticks, postman.closed) == (1, 1)


def test_a_worker_that_failed_is_replaced(broker: MemoryBroker, running: Callable[[WorkerLoop], WorkerLoop]) -> None:
    made: list[Postman] = []

    def begin() -> Postman:
        if not made:
            made.append(Postman(broker, fails=True))
        elif len(made) == 1:
            made.append(Postman(broker))
            raise OSError("the office is closed")  # it could not even be made
        else:
            made.append(Postman(broker))
        return made[-1]

    said: list[str] = []

    def explain(error: Exception) -> str:
        said.append(str(error))
        return str(error)

    loop = running(WorkerLoop("postman", begin, SystemClock(), restart_after=0.01, explain=explain))
    until(lambda: len(made) == 3 and made[2].ticks, what="the third one works")
    assert said == ["no stamps", "the office is closed"]
    assert loop.problem is None
    broker.publish("a", b"1")
    until(lambda: made[2].taken, what="it is the one that is woken")
    assert [each.closed for each in made] == [1, 0, 0]


def test_what_fails_again_and_again_is_logged_once(
    broker: MemoryBroker, running: Callable[[WorkerLoop], WorkerLoop]
) -> None:
    tried: list[int] = []

    def begin() -> Postman:
        tried.append(1)
        if len(tried) < 5:
            raise OSError("the office is closed")
        return Postman(broker)

    with capture_logs() as logs:
        loop = running(WorkerLoop("postman", begin, SystemClock(), restart_after=0.001))
        until(lambda: len(tried) == 5 and loop.problem is None, what="the fifth one works")
    assert [each["event"] for each in logs] == ["worker_failed"]


def test_a_clock_that_stands_does_not_stop_the_loop(
    broker: MemoryBroker, running: Callable[[WorkerLoop], WorkerLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siaga.mqtt.worker.LONGEST_WAIT", 1)
    postman = Postman(broker)
    running(WorkerLoop("postman", lambda: postman, ManualClock(0)))
    until(lambda: postman.ticks > 3, what="it looks again")
