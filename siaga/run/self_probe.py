"""The self-probe: every few minutes an alert has to arrive (`docs/decisions/self-probe.md`).

Then an outside address is asked, so that somebody is told when that ends.
"""

import secrets
import threading
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from queue import Empty, Queue
from typing import TypeVar

import structlog
import urllib3
from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy import Engine

from siaga.database import writing
from siaga.database.self_probe import ProbeResult, raised_at, write_result
from siaga.database.turn import Turn
from siaga.model.clock import MINUTE, SECOND, Clock
from siaga.model.observation import Reading
from siaga.model.probe_village import DEVICE, GATEWAY, PROBE
from siaga.mqtt import Message, MqttTransport, Tls, Transport
from siaga.mqtt.worker import Inlet
from siaga.wire.batch import BatchId, UnreadableBatch, decode_ack, encode_batch
from siaga.wire.topics import ack_topic, batch_topic

__all__ = ["ProbeMetrics", "SelfProbe", "heartbeat", "probe_session"]

_T = TypeVar("_T")

log = structlog.get_logger(__name__)

EVERY = FIRST = 5 * MINUTE
"""ms between two probes, and before the first one: by then all parts are ready, or something is wrong."""
AGAIN = MINUTE
"""ms until the next probe after one that failed, and until it is looked again whose turn it is."""
LEASE = 2 * EVERY
"""ms after its last probe from which on another member takes over."""
STEP_WITHIN = 30 * SECOND
"""ms for an acknowledgement, and for an alert."""
RESEND = 5 * SECOND
"""ms after which a batch that nothing came of is sent again, as a gateway does."""
LOOK = SECOND // 10
"""ms between two looks for what a step waits for."""
HEARTBEAT_WITHIN = 10.0

Beat = Callable[[], str | None]
"""Asks the outside address. Returns why it was not reached; `None` if it was."""
Steps = Generator[int, None, _T]
"""Work in steps, with a result. It yields for how many ms there is nothing to do."""


class Failed(Exception):
    """A step did not come in time. The message is a sentence."""


class ProbeMetrics:
    """What the probe says of itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.seconds = Gauge(
            "siaga_self_probe_seconds", "time until a batch was stored, or an alert raised", ["step"], registry=registry
        )
        self.last = Gauge(
            "siaga_self_probe_last_time_seconds", "when a probe last succeeded, Unix time; 0: never", registry=registry
        )
        self.failures = Counter("siaga_self_probe_failures", "probes that failed", registry=registry)
        self.unheard = Counter("siaga_heartbeat_failures", "heartbeats that were not taken", registry=registry)


class SelfProbe:
    """A worker that probes while it has the turn.

    `transport`: a session of its own with the centre's broker, which it closes.
    """

    def __init__(
        self,
        engine: Engine,
        transport: Transport,
        clock: Clock,
        beat: Beat | None = None,
        metrics: ProbeMetrics | None = None,
    ) -> None:
        self._engine, self._transport, self._clock, self._beat = engine, transport, clock, beat
        self._metrics = metrics or ProbeMetrics(CollectorRegistry())
        self._turn = Turn(engine, "self_probe", LEASE, clock)
        self._epoch, self._seq = str(uuid.uuid4()), 0
        self._awaited: BatchId | None = None
        """The batch whose acknowledgement a step waits for."""
        self._work = self._probes()
        self._next = 0

    @property
    def inlets(self) -> Sequence[Inlet]:
        """The acknowledgements, also those of other members' probes."""
        return (Inlet(self._transport, self._receive),)

    def tick(self) -> int:
        """Go on, if it is time. Returns when to call it again, monotonic ms."""
        if self._clock.monotonic() >= self._next:
            with self._metrics.failures.count_exceptions():
                self._next = next(self._work) + self._clock.monotonic()
        return self._next

    def close(self) -> None:
        """Give up a probe that runs, let another member probe, and leave the broker."""
        self._work.close()
        self._turn.leave()
        self._transport.close()

    def _probes(self) -> Steps[None]:
        """One probe after the other. One that fails by chance is told to nobody: a second one has to fail, too."""
        has_failed = False
        yield FIRST
        while True:
            if not self._turn.take():
                yield AGAIN
                continue
            result = yield from self._probe()
            self._count(result)
            if result.problem is None or has_failed:
                with writing(self._engine) as connection:
                    write_result(connection, result)
            has_failed = result.problem is not None
            yield AGAIN if has_failed else EVERY

    def _probe(self) -> Steps[ProbeResult]:
        stored = raised = problem = unheard = None
        try:
            stored = yield from self._store()
            raised = yield from self._raise()
        except Failed as failure:
            problem = str(failure)
        if problem is None and self._beat is not None:
            unheard = self._beat()
        return ProbeResult(self._clock.now(), stored, raised, problem, unheard)

    def _count(self, result: ProbeResult) -> None:
        for step, took in (("stored", result.stored), ("raised", result.raised)):
            if took is not None:
                self._metrics.seconds.labels(step).set(took / SECOND)
        if result.problem is None:
            self._metrics.last.set(result.at / SECOND)
        else:
            self._metrics.failures.inc()
            log.warning("self_probe_failed", problem=result.problem)
        if result.heartbeat is not None:
            self._metrics.unheard.inc()
            log.warning("heartbeat_failed", problem=result.heartbeat)

    def _store(self) -> Steps[int]:
        """Returns how long it took until a batch was acknowledged, ms.

        Raises:
            Failed: it was not, in time.
        """
        batch = self._batch(is_open=True)
        self._awaited = BatchId(self._epoch, self._seq)
        try:
            return (
                yield from self._send_until(
                    lambda: self._awaited is None,
                    batch,
                    "no batch is acknowledged: the collector or the telemetry store does not work",
                )
            )
        finally:
            self._awaited = None  # an acknowledgement that comes later does not begin the next probe early

    def _raise(self) -> Steps[int]:
        """Returns how long it took until an alert was committed, ms. What failed is over then.

        Raises:
            Failed: there was none, in time.
        """
        yield SECOND  # so that it is later than what came before, for certain
        before = self._raised_at()
        try:
            return (
                yield from self._send_until(
                    lambda: self._raised_at() != before,
                    self._batch(is_open=False),
                    "no alert is raised: the alert engine or the database does not work",
                )
            )
        finally:
            self._publish(self._batch(is_open=True))

    def _send_until(self, has_come: Callable[[], bool], batch: bytes, problem: str) -> Steps[int]:
        """Send a batch, and again, until something has come of it. Returns how long that took, ms.

        Raises:
            Failed: nothing has, in time.
        """
        began = send_at = self._clock.monotonic()
        while not has_come():
            now = self._clock.monotonic()
            if now - began >= STEP_WITHIN:
                reason = self._transport.problem or "there is no connection"
                raise Failed(problem if self._transport.connected else f"{problem} ({reason})")
            if now >= send_at and self._publish(batch):
                send_at = now + RESEND
            yield LOOK
        return self._clock.monotonic() - began

    def _batch(self, *, is_open: bool) -> bytes:
        now = self._clock.now()
        self._seq += 1
        readings = [Reading(GATEWAY, "alive", now, True), Reading(DEVICE, "gate_open", now, is_open)]
        return encode_batch(BatchId(self._epoch, self._seq), now, readings)

    def _publish(self, batch: bytes) -> bool:
        return self._transport.publish(batch_topic(PROBE, GATEWAY), batch)

    def _receive(self, message: Message) -> None:
        self._transport.acknowledge(message)
        with suppress(UnreadableBatch):
            if decode_ack(message.payload) == self._awaited:
                self._awaited, self._next = None, 0

    def _raised_at(self) -> int:
        with self._engine.connect() as connection:
            return raised_at(connection)


def probe_session(url: str, tls: Tls) -> MqttTransport:
    """Returns a session of the probe with the centre's broker."""
    transport = MqttTransport(url, f"siaga-probe-{secrets.token_hex(6)}", max_bytes=1 << 20, tls=tls)
    transport.subscribe(ack_topic(PROBE, GATEWAY))
    return transport


def heartbeat(url: str) -> str | None:
    """Ask an outside address. Returns why it did not take it, without the address, which is a secret."""
    answers: Queue[str | None] = Queue(1)
    threading.Thread(target=lambda: answers.put(_ask(url)), name="heartbeat", daemon=True).start()
    try:
        return answers.get(timeout=HEARTBEAT_WITHIN)
    except Empty:  # whatever drips: it is left behind
        return f"it did not answer within {HEARTBEAT_WITHIN:g} s"


def _ask(url: str) -> str | None:
    try:
        with urllib3.PoolManager(retries=False, timeout=HEARTBEAT_WITHIN) as pool:
            answer = pool.request("GET", url, redirect=False, preload_content=False)
            answer.close()
    except urllib3.exceptions.HTTPError as problem:
        return f"it was not reached ({type(problem).__name__})"
    return None if 200 <= answer.status < 300 else f"it answered {answer.status}"
