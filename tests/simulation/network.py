"""A network that is no good: sessions with a broker in memory whose messages come late, twice and in another order.

It takes away nothing that MQTT promises: what a session took at QoS 1 arrives once or more while the connection
stands; when it breaks, what was under way may have arrived or not, and what was not acknowledged comes again.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.mqtt.transport import Message
from tests.simulation.kernel import Kernel

__all__ = ["Line", "Wire"]

MAX_OUTBOUND = 200
TAKEOVER = 60_000
"""Until a broker notices that a client is gone without a word: half a keep-alive more than one of 40 s."""


@dataclass(slots=True)
class Line:
    """What is wrong with the way between a client and its broker. Delays in ms; the others are shares of messages."""

    delay: float = 20
    late: float = 0.0
    late_by: float = 5_000
    twice: float = 0.0
    shuffled: bool = False
    open: bool = True
    """Whether a connection can be made at all."""
    again: tuple[int, int] = (500, 5_000)
    """Between two attempts to connect, from and to, ms."""


@dataclass(slots=True, eq=False)
class _Sent:
    """A message that the session took and the broker has not acknowledged yet."""

    topic: str
    payload: bytes
    retain: bool
    arrived: bool = False


@dataclass(slots=True, eq=False)
class Wire:
    """A session with a broker over a line: a `siaga.mqtt.transport.Transport`.

    `touch(name)` is called before anything leaves the process: there it may crash.
    """

    kernel: Kernel
    line: Line
    broker: MemoryBroker
    client_id: str
    touch: Callable[[str], None]
    will: Message | None = None
    clean: bool = True
    max_queue: int = 1000
    held: bool = False
    wake_process: Callable[[], None] = lambda: None
    _inner: MemoryTransport = field(init=False)
    _bells: list[Callable[[], None]] = field(default_factory=list)
    _ready: deque[Message] = field(default_factory=deque)
    _unconfirmed: list[_Sent] = field(default_factory=list)
    _down_last: int = 0
    _up_last: int = 0
    _gone_will: Message | None = None
    _closed: bool = False
    _flying: int = 0

    def __post_init__(self) -> None:
        running = self.broker.running
        self.broker.running = running and self.line.open
        self._inner = MemoryTransport(
            self.broker,
            self.client_id,
            will=self.will,
            clean=self.clean,
            max_queue=self.max_queue,
            held=self.held,
        )
        self.broker.running = running
        self._inner.ring(self._pump_soon)
        self._pump_soon()
        self._watch()

    # The interface

    @property
    def connected(self) -> bool:
        return self._inner.connected

    @property
    def connections(self) -> int:
        return self._inner.connections

    @property
    def resumed(self) -> bool:
        return self._inner.resumed

    @property
    def problem(self) -> str | None:
        return None if self.connected else "the line is cut"

    def connect(self) -> None:
        running = self.broker.running
        self.broker.running = running and self.line.open
        self._inner.connect()
        self.broker.running = running
        self._pump_soon()

    def ring(self, bell: Callable[[], None]) -> None:
        self._bells.append(bell)

    def subscribe(self, topic_filter: str, *, awaited: bool = True) -> None:
        self._inner.subscribe(topic_filter, awaited=awaited)
        self._pump_soon()

    def unsubscribe(self, topic_filter: str) -> None:
        self._inner.unsubscribe(topic_filter)

    def receive(self, timeout: float) -> Message | None:  # noqa: ARG002 - the interface; nobody waits
        return self._ready.popleft() if self._ready else None

    def wake(self) -> None:
        self.wake_process()

    def acknowledge(self, message: Message) -> None:
        self.touch("puback")
        self.kernel.after(self._delay(), lambda: self._inner.acknowledge(message))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        self.touch("publish")
        if not self._inner.connected or len(self._unconfirmed) >= MAX_OUTBOUND:
            return False
        sent = _Sent(topic, payload, retain)
        self._unconfirmed.append(sent)
        self._dispatch(sent)
        return True

    def close(self, *, for_good: bool = False) -> None:
        """Say good-bye: what is queued goes first, and no last will."""
        self._flush()
        self._closed = True
        self._inner.close(for_good=for_good)

    # What is under way

    @property
    def waiting(self) -> int:
        """Messages that are on their way to the process, or from it."""
        return len(self._ready) + self._inner.inbound + self._flying + len(self._unconfirmed)

    @property
    def ready(self) -> bool:
        """Whether something came that was not received yet."""
        return bool(self._ready)

    def _delay(self) -> float:
        chance, line = self.kernel.chance, self.line
        delay = line.delay * chance.uniform(0.2, 2)
        return delay + (chance.uniform(0, line.late_by) if chance.random() < line.late else 0)

    def _dispatch(self, sent: _Sent) -> None:
        connection = self._inner.connections
        copies = 2 if self.kernel.chance.random() < self.line.twice else 1
        for _ in range(copies):
            due = self.kernel.time + round(self._delay())
            if not self.line.shuffled:
                due = self._up_last = max(due, self._up_last)
            self.kernel.at(due, lambda: self._arrive(sent, connection))

    def _arrive(self, sent: _Sent, connection: int) -> None:
        if not self._inner.connected or self._inner.connections != connection:
            return  # it was on a connection that broke
        sent.arrived = True
        self.broker.publish(sent.topic, sent.payload, retain=sent.retain)
        self.kernel.after(self._delay(), lambda: self._confirm(sent, connection))

    def _confirm(self, sent: _Sent, connection: int) -> None:
        if self._inner.connections == connection and self._inner.connected and sent in self._unconfirmed:
            self._unconfirmed.remove(sent)

    def _flush(self) -> None:
        for sent in self._unconfirmed:
            if self._inner.connected and not sent.arrived:
                sent.arrived = True
                self.broker.publish(sent.topic, sent.payload, retain=sent.retain)
        self._unconfirmed.clear()

    def _pump_soon(self) -> None:
        self.kernel.after(0, self._pump)

    def _pump(self) -> None:
        while not self._closed and (message := self._inner.receive(0)) is not None:
            due = self.kernel.time + round(self._delay())
            if not self.line.shuffled:
                due = self._down_last = max(due, self._down_last)
            connection = self._inner.connections
            self._flying += 1
            self.kernel.at(due, lambda message=message, connection=connection: self._come(message, connection))  # type: ignore[misc] # bound now

    def _come(self, message: Message, connection: int) -> None:
        self._flying -= 1
        if self._closed or self._inner.connections != connection:
            return  # a session that lives gets it again, another one has lost it
        self._ready.append(message)
        for bell in (*self._bells, self.wake_process):
            bell()
        self._pump()

    def _watch(self) -> None:
        """Try to connect again, now and then."""
        if not self._closed:
            self._restore()
            self.kernel.after(self.kernel.chance.uniform(*self.line.again), self._watch)

    # Faults

    def cut(self, *, noticed: bool = True) -> None:
        """The connection breaks. Not `noticed`: the broker finds out later, or when the client is back."""
        if not self._inner.connected:
            return
        self._inner.cut(will=noticed)
        if not noticed and self.will is not None:
            self._gone_will = self.will
            self.kernel.after(self.kernel.chance.uniform(0, TAKEOVER), self._publish_will)
        self.kernel.after(self.kernel.chance.uniform(0, 1000), self.wake_process)

    def _publish_will(self) -> None:
        will, self._gone_will = self._gone_will, None
        if will is not None and self.broker.running:
            self.broker.publish(will.topic, will.payload, retain=will.retain)

    def _restore(self) -> None:
        """A connection is made, where line and broker allow; a broker that had not noticed sends the will first."""
        if self._closed or not self.line.open or not self.broker.running or self._inner.connected:
            return
        if not self._inner.allowed:
            return
        self._publish_will()
        self._inner.restore()
        # What was not confirmed may be sent again, and what was kept comes
        waiting, self._unconfirmed = self._unconfirmed, []
        for sent in waiting:
            if self.kernel.chance.random() < 0.5:
                self._unconfirmed.append(sent)
                self._dispatch(sent)
        self._pump_soon()
        self.kernel.after(self.kernel.chance.uniform(0, 1000), self.wake_process)

    def kill(self) -> None:
        """The process is gone without a word."""
        self._unconfirmed.clear()
        self.cut(noticed=self.kernel.chance.random() < 0.5)
        self._closed = True
        self._inner.vanish()
