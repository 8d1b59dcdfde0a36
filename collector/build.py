"""Builds a collector, from the parts of a composition root or from addresses alone."""

import gc
from pathlib import Path
from threading import Event

import structlog
from prometheus_client import REGISTRY, CollectorRegistry
from sqlalchemy import Engine

from collector.collector import Collector
from collector.deduplication import Deduplication
from collector.intake import Intake
from collector.metrics import CollectorMetrics
from collector.refusals import Refusals
from collector.registry_cache import RegistryCache
from collector.service import CollectorService
from collector.status_file import StatusFile
from collector.unknown_devices import Unknown
from siaga.database import connect, migrate
from siaga.database.quarantine import Quarantine
from siaga.database.registry import ProbedRegistry
from siaga.database.unknown_devices import UnknownDevices
from siaga.model.clock import Clock, SystemClock
from siaga.model.sites import Village
from siaga.mqtt import MqttTransport, Tls, Transport
from siaga.mqtt.sessions import SessionName
from siaga.telemetry import TelemetryStore, open_store

__all__ = ["ROLE", "assemble", "broker_session", "run_collector"]

log = structlog.get_logger(__name__)

ROLE = "collector"
"""The role in the name of a collector's session, which is kept in the data directory."""
MEMBERS = 64
"""Collectors that may share one data directory, and keep their names over a restart."""
SESSION_EXPIRY = 60
"""Seconds for which the broker keeps messages for a lost collector (crash, cut line). It is short because a broker
gives shared messages to absent members, too. Gateways send unacknowledged batches again anyway."""
MAX_QUEUE = 20_000
"""Unacknowledged messages at most; more stay with the broker (MQTT 5's receive maximum). Brokers have a smaller limit
of their own, but Mosquitto delivers all it kept for an absent collector at once."""
MAX_QUEUE_BYTES = 32 << 20
"""Bytes of unacknowledged messages. At this number the socket is not read, so TCP holds the broker back."""
MAX_ACKS = 2_000
"""Acks passed to the session that the broker has not taken yet, at most."""

GARBAGE_THRESHOLD = 100_000
"""Allocations before a garbage collection. A batch is thousands of small objects without cycles. With Python's default
of 700, collections take as long as the decoding (measured: 0.75 of 1.65 µs a reading)."""


class _MigratedRegistry:
    """The registry of a database, which is migrated at the first successful call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._registry = ProbedRegistry(engine)
        self._migrated = False

    def version(self) -> int:
        if not self._migrated:
            migrate(self._engine)
            self._migrated = True
        return self._registry.version()

    def villages(self) -> list[Village]:
        return self._registry.villages()


def broker_session(mqtt_url: str, name: SessionName, tls: Tls | None = None) -> MqttTransport:
    """Returns the collector's session with the broker. It connects and reconnects by itself.

    Raises:
        ValueError: the URL is not a broker's.
    """
    return MqttTransport(
        mqtt_url,
        name.client_id,
        clean=not name.lasting,
        expiry=SESSION_EXPIRY,
        max_queue=MAX_QUEUE,
        max_outbound=MAX_ACKS,
        max_bytes=MAX_QUEUE_BYTES,
        tls=tls,
    )


def assemble(
    store: TelemetryStore,
    engine: Engine,
    transport: Transport,
    *,
    clock: Clock | None = None,
    metrics: CollectorRegistry = REGISTRY,
) -> CollectorService:
    """Returns a collector service on a store, a database and a session that the caller has opened.

    The service closes the session when it ends. The caller closes store and engine. A metrics registry takes one
    service.
    """
    clock = clock or SystemClock()
    counted = CollectorMetrics(metrics)
    known = RegistryCache(_MigratedRegistry(engine), clock)
    refusals = Refusals(Quarantine(engine), clock, counted)
    unknown = Unknown(UnknownDevices(engine), clock, counted)
    deduplication = Deduplication()
    collector = Collector(
        store, Intake(known, refusals, unknown, deduplication), refusals, deduplication, transport, clock, counted
    )
    return CollectorService(collector, known, refusals, unknown, transport, store)


def run_collector(
    mqtt_url: str, store_url: str, database_url: str, data_dir: Path, stop: Event, tls: Tls | None = None
) -> None:
    """Run one collector until `stop` is set. Then it finishes the current write, acknowledges it, and disconnects.

    Raises:
        ValueError: a URL is not valid; the sentence says which, and what is expected.
        StoreUnavailable: the embedded store belongs to another process.
    """
    store = open_store(store_url)
    engine = connect(database_url)
    name = SessionName.of(data_dir, ROLE, members=MEMBERS)
    status = StatusFile(data_dir, name.client_id)
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 100)
    try:
        service = assemble(store, engine, broker_session(mqtt_url, name, tls))
        service.run(stop, status.tell)
    finally:
        status.remove()
        name.release()
        store.close()
        engine.dispose()
