"""The self-probe: every few minutes an alert has to arrive (`docs/decisions/self-probe.md`).

Then an outside address is asked, so that somebody is told when that ends.
"""

import secrets
import threading
import uuid
from collections.abc import Callable
from queue import Empty, Queue

import structlog
import urllib3
from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from siaga.database import writing
from siaga.database.self_probe import ProbeResult, raised_at, write_result
from siaga.database.turn import Turn
from siaga.model.clock import MINUTE, SECOND, Clock
from siaga.model.observation import Reading
from siaga.model.probe_village import DEVICE, GATEWAY, PROBE
from siaga.mqtt import MqttTransport, Tls, Transport
from siaga.wire.batch import BatchId, UnreadableBatch, decode_ack, encode_batch
from siaga.wire.topics import ack_topic, batch_topic

__all__ = ["SelfProbe", "heartbeat", "probe_session"]

log = structlog.get_logger(__name__)

EVERY = FIRST = 5 * MINUTE
"""ms between two probes, and before the first one: by then all parts are ready, or something is wrong."""
AGAIN = MINUTE
LEASE = 2 * EVERY
"""ms after its last probe from which on another member takes over."""
STEP_WITHIN = 30 * SECOND
"""ms for an acknowledgement, and for an alert."""
LOOK = 0.1
"""Seconds between two looks for what a step waits for."""
IDLE = 5.0
"""Seconds between two looks at the clock."""
HEARTBEAT_WITHIN = 10.0
END_WITHIN = 3.0

Beat = Callable[[], str | None]
"""Asks the outside address. Returns why it was not reached; `None` if it was."""


class Failed(Exception):
    """A step did not come in time. The message is a sentence."""


class SelfProbe:
    """Probes while it has the turn. `transport`: a session of its own with the centre's broker, which it closes."""

    def __init__(
        self,
        engine: Engine,
        transport: Transport,
        clock: Clock,
        beat: Beat | None = None,
        metrics: CollectorRegistry | None = None,
    ) -> None:
        registry = metrics or CollectorRegistry()
        self._engine, self._transport, self._clock, self._beat = engine, transport, clock, beat
        self._turn = Turn(engine, "self_probe", LEASE, clock)
        self._epoch, self._seq = str(uuid.uuid4()), 0
        self._next = clock.monotonic() + FIRST
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="self-probe", daemon=True)
        self._seconds = Gauge(
            "siaga_self_probe_seconds", "time until a batch was stored, or an alert raised", ["step"], registry=registry
        )
        self._last = Gauge(
            "siaga_self_probe_last_time_seconds", "when a probe last succeeded, Unix time; 0: never", registry=registry
        )
        self._failures = Counter("siaga_self_probe_failures", "probes that failed", registry=registry)
        self._unheard = Counter("siaga_heartbeat_failures", "heartbeats that were not taken", registry=registry)

    def start(self) -> None:
        """Begin. Returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and leave the broker. A probe that runs is given up."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(END_WITHIN)
        self._transport.close()

    def _run(self) -> None:
        while not self._stop.wait(IDLE):
            try:
                self.step()
            except DBAPIError as problem:
                self._failures.inc()
                log.warning("self_probe_waits_for_the_database", problem=type(problem).__name__)
                self._next = self._clock.monotonic() + AGAIN
            except Exception:  # a probe that fails in a new way must not end the probing
                self._failures.inc()
                log.exception("self_probe_failed")
                self._next = self._clock.monotonic() + EVERY

    def step(self) -> bool:
        """Probe, if it is time and this member's turn. Returns whether it probed."""
        if self._clock.monotonic() < self._next:
            return False
        if not self._turn.take():
            self._next = self._clock.monotonic() + AGAIN
            return False
        stored = raised = problem = unheard = None
        try:
            stored = self._store()
            raised = self._raise()
        except Failed as failure:
            problem = str(failure)
        if self._stop.is_set():
            return False
        if problem is None and self._beat is not None:
            unheard = self._beat()
        self._note(ProbeResult(self._clock.now(), stored, raised, problem, unheard))
        self._next = self._clock.monotonic() + EVERY
        return True

    def _note(self, result: ProbeResult) -> None:
        for step, took in (("stored", result.stored), ("raised", result.raised)):
            if took is not None:
                self._seconds.labels(step).set(took / SECOND)
        if result.problem is None:
            self._last.set(result.at / SECOND)
        else:
            self._failures.inc()
            log.warning("self_probe_failed", problem=result.problem)
        if result.heartbeat is not None:
            self._unheard.inc()
            log.warning("heartbeat_failed", problem=result.heartbeat)
        with writing(self._engine) as connection:
            write_result(connection, result)

    def _store(self) -> int:
        """Returns how long it took until a batch was acknowledged, ms.

        Raises:
            Failed: it was not, in time.
        """
        began = self._clock.monotonic()
        wanted = self._send(is_open=True)
        while not self._has_come(wanted):
            self._check(began, "no batch is acknowledged: the collector or the telemetry store does not work")
        return self._clock.monotonic() - began

    def _raise(self) -> int:
        """Returns how long it took until an alert was committed, ms. What failed is over then.

        Raises:
            Failed: there was none, in time.
        """
        self._stop.wait(1.0)  # so that it is later than what came before, for certain
        before = self._raised_at()
        began = self._clock.monotonic()
        self._send(is_open=False)
        try:
            while self._raised_at() == before:
                self._check(began, "no alert is raised: the alert engine or the database does not work")
                self._has_come(None)
            return self._clock.monotonic() - began
        finally:
            self._send(is_open=True)

    def _check(self, began: int, problem: str) -> None:
        if self._stop.is_set() or self._clock.monotonic() - began >= STEP_WITHIN:
            reason = "" if self._transport.connected else f" ({self._transport.problem or 'there is no connection'})"
            raise Failed(f"{problem}{reason}")

    def _send(self, *, is_open: bool) -> BatchId:
        now = self._clock.now()
        self._seq += 1
        batch = BatchId(self._epoch, self._seq)
        readings = [Reading(GATEWAY, "alive", now, True), Reading(DEVICE, "gate_open", now, is_open)]
        self._transport.publish(batch_topic(PROBE, GATEWAY), encode_batch(batch, now, readings))
        return batch

    def _has_come(self, wanted: BatchId | None) -> bool:
        """Take what the broker brings, for a moment. Returns whether the acknowledgement of a batch was among it."""
        message = self._transport.receive(LOOK)
        if message is None:
            return False
        self._transport.acknowledge(message)
        try:
            return decode_ack(message.payload) == wanted
        except UnreadableBatch:
            return False

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
