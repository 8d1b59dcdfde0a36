"""A gateway process: one session with the devices' broker, one with the centre's, a buffer, and the villages it serves.

Follows the registry where there is one (`siaga up`), so an import counts within seconds.
"""

import contextlib
import random
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from gateway.buffer import Buffer, BufferUnavailable
from gateway.metrics import GatewayMetrics
from gateway.pollers import Credentials, Network, Polling, ThreadedAsker
from gateway.service import Gateway, last_will, marker_topic
from gateway.status_socket import Answering
from siaga.model.clock import SECOND, Clock
from siaga.model.sites import Village
from siaga.mqtt import MqttTransport
from siaga.mqtt.sessions import session_name
from siaga.sites.poll_address import WebAddress

__all__ = ["Asking", "GatewayPart", "Served"]

log = structlog.get_logger(__name__)

FOLLOW_EVERY = 2 * SECOND
"""How often the registry is looked at."""
LONGEST_WAIT = 1.0
"""Seconds that the loop waits for a message at most."""
INBOX = 1 << 20
"""Bytes of messages that were received and not yet looked at; the broker keeps the rest."""
END_WITHIN = 8.0
"""Seconds that the loop gets to commit what is in hand and say `offline`."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a gateway serves. `known`: the codes of all villages, where it watches all of `siaga/`; else `None`."""

    villages: Sequence[Village]
    known: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """How devices are asked that do not report: what stands for the internet (`None`: nobody), and SNMP's secrets."""

    internet: WebAddress | None = None
    credentials: Credentials = field(default_factory=Credentials)


class GatewayPart:
    """Runs a gateway in a thread of its own.

    Args:
        follow: what to serve now, or `None` when that has not changed; asked every two seconds.
        alone: one village on site: the centre's broker then holds its last will.
        asking: how devices are asked that do not report by themselves.
    """

    def __init__(
        self,
        data_dir: Path,
        village_url: str,
        centre_url: str,
        follow: Callable[[], Served | None],
        clock: Clock,
        metrics: GatewayMetrics,
        *,
        alone: Village | None = None,
        asking: Asking | None = None,
    ) -> None:
        name = session_name(data_dir, "gateway")
        will = last_will(alone) if alone else None
        self._follow, self._clock = follow, clock
        self._buffer = Buffer(data_dir / "gateway.db", must_open=False)
        marker = marker_topic(name)
        self._village = MqttTransport(village_url, f"{name}-devices", clean=False, marker=marker, max_bytes=INBOX)
        self._centre = MqttTransport(centre_url, f"{name}-uplink", clean=False, will=will)
        served = follow() or Served(())
        chance = random.Random()  # noqa: S311 - spreads what would happen at one moment, protects nothing
        asking = asking or Asking()
        polling = Polling(ThreadedAsker(clock, Network(asking.credentials)), chance, metrics, internet=asking.internet)
        self._gateway = Gateway(
            served.villages,
            self._village,
            self._centre,
            self._buffer,
            clock,
            chance,
            metrics,
            known=served.known,
            polling=polling,
        )
        self._answering = Answering(data_dir, self._village.wake)
        self._next_look = self._deadline = 0
        self._stop = threading.Event()
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        self._answering.start()

    def stop(self) -> None:
        """Commit what is in hand, send what the centre takes at once, say `offline`, leave both brokers."""
        self._stop.set()
        self._answering.stop()
        self._village.wake()
        self._thread.join(END_WITHIN)
        for transport in (self._village, self._centre):
            transport.close()
        with contextlib.suppress(BufferUnavailable):  # said already; what it holds was never acknowledged
            self._buffer.close()

    def problem(self) -> str | None:
        """Why it does not do its work now, in a sentence."""
        return self._failure or "; ".join(self._gateway.problems()) or None

    def _run(self) -> None:
        try:
            self._centre.ring(self._village.wake)
            while not self._stop.is_set():
                self._look_at_registry()
                self._turn()
                self._answering.answer(self._gateway.report)
        except Exception as error:
            log.exception("gateway_failed")
            self._failure = f"the gateway failed: {type(error).__name__}: {error}"
            raise
        finally:
            self._gateway.close()

    def _turn(self) -> None:
        """Take in what there is, do what is due."""
        wait = min(max(0, self._deadline - self._clock.monotonic()) / 1000, LONGEST_WAIT)
        if self._gateway.full:
            self._stop.wait(wait)
        message = None if self._gateway.full else self._village.receive(wait)
        while message is not None:
            self._gateway.receive(message)
            message = None if self._gateway.full else self._village.receive(0)
        while (answer := self._centre.receive(0)) is not None:
            self._gateway.hear(answer)
        self._deadline = self._gateway.tick()

    def _look_at_registry(self) -> None:
        if self._clock.monotonic() < self._next_look:
            return
        self._next_look = self._clock.monotonic() + FOLLOW_EVERY
        if (served := self._follow()) is not None:
            self._gateway.update(served.villages, served.known)
            log.info("gateway_serves", villages=len(served.villages))
