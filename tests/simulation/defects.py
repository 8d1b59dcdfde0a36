"""Defects put in on purpose, one in each hop: a simulation that does not find them is worth nothing.

Each is a context in which production code is wrong in one place.
"""

# ruff: noqa: ARG005 - what is replaced by nothing has its parameters still

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from unittest.mock import patch

from api.alerts.decision import Decision, Hold
from api.alerts.facility import WatchedFacility
from api.alerts.kinds import facility_failed
from api.engine.engine import AlertEngine
from api.engine.villages import Deadlines
from collector import Collector
from collector.group import Group
from gateway import Gateway
from gateway.adapters import Observed
from gateway.clocks import Judged
from gateway.sender import Sender
from siaga.model.observation import TrackKey
from siaga.model.signals import Value
from siaga.mqtt.transport import Message
from siaga.timeline.recent import Recent
from siaga.wire.batch import Batch

__all__ = ["DEFECTS"]


@contextmanager
def gateway_acknowledges_before_commit() -> Iterator[None]:
    """The village's broker is told that a message is safe as soon as it was read."""
    receive = Gateway.receive

    def hasty(self: Gateway, message: Message) -> None:
        receive(self, message)
        self._village.acknowledge(message)

    with patch.object(Gateway, "receive", hasty):
        yield


@contextmanager
def collector_acknowledges_before_write() -> Iterator[None]:
    """A gateway is told that its batch is stored before the store has it."""
    commit = Collector.commit

    def hasty(self: Collector, group: Group) -> bool:
        if group.acknowledged == 0:
            self._acknowledge(group)
        return commit(self, group)

    with patch.object(Collector, "commit", hasty):
        yield


@contextmanager
def collector_forgets_the_epoch() -> Iterator[None]:
    """A batch is taken for one of before by its number alone, whichever buffer it was made in."""

    def careless(topic: str, batch: Batch) -> bytes:
        return f"{topic} {batch.id.seq}".encode()

    with patch("collector.intake.fingerprint", careless):
        yield


@contextmanager
def engine_acknowledges_before_commit() -> Iterator[None]:
    """The centre's broker forgets a message as soon as the engine has read it."""
    receive = AlertEngine.receive

    def hasty(self: AlertEngine, message: Message) -> None:
        self._transport.acknowledge(message)
        receive(self, message)

    with patch.object(AlertEngine, "receive", hasty):
        yield


@contextmanager
def engine_loses_a_deadline() -> Iterator[None]:
    """What a facility waits for is forgotten: it is looked at when something arrives, and not when it is time."""
    ask: Callable[..., None] = Deadlines.ask

    def forgetful(self: Deadlines, subject: object, when: int | None) -> None:
        if not isinstance(subject, WatchedFacility):
            ask(self, subject, when)

    with patch.object(Deadlines, "ask", forgetful):
        yield


@contextmanager
def gateway_never_sends_again() -> Iterator[None]:
    """A batch that was published once is taken for sent."""
    send = Sender._send_one

    def once(self: Sender, each: object, *rest: object) -> bool:
        took: bool = send(self, each, *rest)  # type: ignore[arg-type] # it hands everything on
        if took:
            each.due = 2**62  # type: ignore[attr-defined] # as above
        return took

    with patch.object(Sender, "_send_one", once), patch.object(Sender, "reconnected", lambda self, now: None):
        yield


@contextmanager
def gateway_takes_wall_time() -> Iterator[None]:
    """Readings get the time at which they came in, and not the one at which they were so."""

    def careless(observed: Sequence[Observed], received: int, *, late: bool) -> Judged:
        return Judged([(each.signal, each.value, received) for each in observed])

    with patch("gateway.intake.judge", careless):
        yield


@contextmanager
def engine_does_not_correct_history() -> Iterator[None]:
    """Late readings are taken, and nothing is judged again for them."""
    from api.alerts.history import History

    with patch.object(History, "mark", lambda self, start, end, monotonic, *, now=False: None):
        yield


@contextmanager
def engine_raises_without_grace() -> Iterator[None]:
    """Nobody waits for a failure to last."""
    decide: Callable[..., Decision] = facility_failed.facility_failed

    def hasty(*args: object, grace: int, **named: object) -> Decision:
        return decide(*args, grace=0, **named)

    with patch("api.alerts.kinds.facility_failed.facility_failed", hasty):
        yield


@contextmanager
def engine_forgets_who_spoke() -> Iterator[None]:
    """Memory keeps only what is evidence: of whoever says something else nobody knows that it spoke."""
    insert = Recent.insert

    def forgetful(self: Recent, key: TrackKey, time: int, value: Value, now: int) -> bool:
        dropped = self._kept_as(key, value)[0] != key
        return False if dropped else insert(self, key, time, value, now)

    with patch.object(Recent, "insert", forgetful):
        yield


@contextmanager
def engine_tells_nobody_of_want_of_evidence() -> Iterator[None]:
    """Nobody is told of a device that speaks and says nothing of use."""
    with patch("api.alerts.kinds.no_evidence.no_evidence", lambda *args, **named: Hold("never")):
        yield


@contextmanager
def judge_takes_want_of_evidence_for_silence() -> Iterator[None]:
    """A device of which all evidence is unknown is called silent, whatever else it says: the rule of before."""
    with patch("siaga.timeline.judge.speaking", lambda device, evidence, window: []):
        yield


DEFECTS: dict[str, Callable[[], AbstractContextManager[None]]] = {
    defect.__name__: defect
    for defect in (
        gateway_acknowledges_before_commit,
        collector_acknowledges_before_write,
        collector_forgets_the_epoch,
        engine_acknowledges_before_commit,
        engine_loses_a_deadline,
        gateway_never_sends_again,
        gateway_takes_wall_time,
        engine_does_not_correct_history,
        engine_raises_without_grace,
        engine_forgets_who_spoke,
        engine_tells_nobody_of_want_of_evidence,
        judge_takes_want_of_evidence_for_silence,
    )
}
"""The defects by name."""
