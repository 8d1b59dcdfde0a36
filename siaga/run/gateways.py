"""Runs a gateway: one session with the devices' broker, one with the centre's, a buffer, and the villages it serves.

It follows the registry if there is one (`siaga up`), so an import takes effect within seconds.
"""

import contextlib
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from gateway.buffer import Buffer
from gateway.buffer_file import BufferUnavailable
from gateway.metrics import GatewayMetrics
from gateway.pollers import Credentials, Network, Polling, ThreadedAsker
from gateway.service import Gateway, last_will, marker_topic
from gateway.sites_copy import SitesCopy
from gateway.status_socket import StatusSocket
from gateway.unknown_devices import UnknownDevices
from siaga.model.clock import Clock
from siaga.model.sites import Village
from siaga.mqtt import MqttTransport, Tls
from siaga.mqtt.sessions import SessionName
from siaga.mqtt.worker import WorkerLoop
from siaga.sites.poll_address import WebAddress

__all__ = ["Asking", "GatewayPart", "Served"]

log = structlog.get_logger(__name__)

INBOX = 1 << 20
"""Bytes of received messages that are not processed yet, at most. The broker keeps the rest."""
UNKNOWN_INBOX = 256 << 10
"""The same for messages of unknown devices."""
END_WITHIN = 8.0
"""Seconds for the loop to commit and publish `offline`."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a gateway serves. `known`: the codes of all villages, if it subscribes to all of `siaga/`; else `None`."""

    villages: Sequence[Village]
    known: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """How to poll devices. `internet`: the address of the internet check; `None` for none."""

    internet: WebAddress | None = None
    credentials: Credentials = field(default_factory=Credentials)


class GatewayPart:
    """Runs a gateway in its own thread.

    Args:
        follow: returns what to serve, or `None` if that has not changed; called in every turn.
        sites: the only village, for a gateway on site: the centre's broker then has its last will.
        village_tls, centre_tls: what to trust at the brokers, and how to prove which gateway this is.
        asking: how to poll devices that do not publish.
        failed: called from the gateway's thread if a defect ends it.
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
        sites: SitesCopy | None = None,
        village_tls: Tls | None = None,
        centre_tls: Tls | None = None,
        asking: Asking | None = None,
        failed: Callable[[], None] | None = None,
    ) -> None:
        self._name = SessionName.of(data_dir, "gateway")
        name, clean = self._name.client_id, not self._name.lasting
        will = last_will(sites.village) if sites is not None else None
        self._buffer = Buffer(data_dir / "gateway.db", must_open=False)
        marker = marker_topic(name)
        self._village = MqttTransport(
            village_url, f"{name}-devices", clean=clean, marker=marker, max_bytes=INBOX, tls=village_tls
        )
        self._centre = MqttTransport(centre_url, f"{name}-uplink", clean=clean, will=will, tls=centre_tls)
        self._listener = MqttTransport(village_url, f"{name}-unknown", max_bytes=UNKNOWN_INBOX, tls=village_tls)
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
            sites=sites,
            unknown=UnknownDevices(self._listener, clock, metrics),
        )
        self._status_socket = StatusSocket(data_dir, self._village.wake)
        worker = _FollowingGateway(self._gateway, follow, self._status_socket)
        self._loop = WorkerLoop("gateway", lambda: worker, clock, failed=failed)

    def start(self) -> None:
        """Begin to listen."""
        self._loop.start()
        self._status_socket.start()

    def stop(self) -> None:
        """Commit what is in hand, send what the centre takes at once, say `offline`, leave both brokers."""
        self._status_socket.stop()
        self._loop.stop(END_WITHIN)
        for transport in (self._village, self._centre, self._listener):
            transport.close()
        self._name.release()
        with contextlib.suppress(BufferUnavailable):  # said already; what it holds was never acknowledged
            self._buffer.close()

    def problem(self) -> str | None:
        """Returns why it does not work, in a sentence; `None` if it does. Any thread may ask."""
        return self._loop.problem or "; ".join(self._gateway.problems()) or None


class _FollowingGateway:
    """A worker: a gateway that follows the registry, and answers requests for its status."""

    def __init__(self, gateway: Gateway, follow: Callable[[], Served | None], status: StatusSocket) -> None:
        self.inlets = gateway.inlets
        self._gateway, self._follow, self._status = gateway, follow, status

    def tick(self) -> int:
        """Apply changes of the registry, do what is due, answer status requests. Returns the deadline, monotonic ms."""
        if (served := self._follow()) is not None:
            self._gateway.update(served.villages, served.known)
            log.info("gateway_serves", villages=len(served.villages))
        due = self._gateway.tick()
        self._status.answer(self._gateway.report)
        return due

    def close(self) -> None:
        """Commit, and publish `offline`."""
        self._gateway.close()
