"""Puts a collector together from what a composition root has, or from addresses alone."""

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
from siaga.database import connect, migrate
from siaga.database.quarantine import Quarantine
from siaga.database.registry import Registry
from siaga.model.clock import Clock, SystemClock
from siaga.model.sites import Village
from siaga.mqtt import MqttTransport, Transport
from siaga.mqtt.sessions import SessionName
from siaga.telemetry import TelemetryStore, open_store

__all__ = ["ROLE", "assemble", "broker_session", "run_collector"]

log = structlog.get_logger(__name__)

ROLE = "collector"
"""The role of a collector's session, by which its name is kept in the data directory."""
SESSION_EXPIRY = 60
"""Seconds for which the broker keeps messages for a collector that was lost: a crash, a cut line. Not longer, because
a broker deals the shared messages to absent members too; gateways send again what is not acknowledged anyway."""
MAX_QUEUE = 20_000
"""Messages taken from the broker and not acknowledged: more stay there (MQTT 5's receive maximum; brokers have a
smaller one of their own, except that Mosquitto hands over at once all it kept while the collector was away)."""
MAX_QUEUE_BYTES = 32 << 20
"""Bytes of them; beyond, the socket is not read, and TCP holds the broker back."""
MAX_ACKS = 2_000
"""Acks handed to the session and not yet taken by the broker."""

GARBAGE_THRESHOLD = 100_000
"""Objects until a look for cycles. A batch is thousands of small objects and no cycle; at Python's own 700, looking
for them among all that are in hand takes as long as the whole decoding (measured: 0.75 of 1.65 µs a reading)."""


class _MigratedRegistry:
    """The registry of a database that may still have to be migrated when it answers for the first time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._registry = Registry(engine)
        self._migrated = False

    def version(self) -> int:
        if not self._migrated:
            migrate(self._engine)
            self._migrated = True
        return self._registry.version()

    def villages(self) -> list[Village]:
        return self._registry.villages()


def broker_session(mqtt_url: str, name: SessionName) -> MqttTransport:
    """The collector's session with the broker. Connects by itself, and again whenever it has to.

    Raises:
        ValueError: the URL is not one of a broker.
    """
    return MqttTransport(
        mqtt_url,
        name.client_id,
        clean=not name.lasting,
        expiry=SESSION_EXPIRY,
        max_queue=MAX_QUEUE,
        max_outbound=MAX_ACKS,
        max_bytes=MAX_QUEUE_BYTES,
    )


def assemble(
    store: TelemetryStore,
    engine: Engine,
    transport: Transport,
    *,
    clock: Clock | None = None,
    metrics: CollectorRegistry = REGISTRY,
) -> CollectorService:
    """A collector service on a store, a database and a session that the caller has opened.

    The service closes the session when it ends; store and engine stay the caller's. One per metrics registry.
    """
    clock = clock or SystemClock()
    counted = CollectorMetrics(metrics)
    known = RegistryCache(_MigratedRegistry(engine), clock)
    refusals = Refusals(Quarantine(engine), clock, counted)
    deduplication = Deduplication()
    collector = Collector(
        store, Intake(known, refusals, deduplication), refusals, deduplication, transport, clock, counted
    )
    return CollectorService(collector, known, refusals, transport, store)


def run_collector(mqtt_url: str, store_url: str, database_url: str, data_dir: Path, stop: Event) -> None:
    """Run one collector until `stop` is set: it then finishes the write in hand, acknowledges, and says good-bye.

    Raises:
        ValueError: one of the URLs is none; the sentence says which and what is expected.
        StoreUnavailable: the embedded store belongs to another process.
    """
    store = open_store(store_url)
    engine = connect(database_url)
    name = SessionName.of(data_dir, ROLE)
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 100)
    try:
        service = assemble(store, engine, broker_session(mqtt_url, name))
        service.run(stop)
    finally:
        name.release()
        store.close()
        engine.dispose()
