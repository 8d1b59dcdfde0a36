"""The collector's own Prometheus metrics. Refusals are counted in `siaga.metrics`, as in the other rooms."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["CollectorMetrics"]

WRITE_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets in seconds: a healthy write takes tens of milliseconds, a timeout ten seconds."""


class CollectorMetrics:
    """The counters and gauges of one collector, in the given Prometheus registry."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.batches = Counter("siaga_collector_batches", "Batches stored and acknowledged", registry=registry)
        self.readings = Counter("siaga_collector_readings", "Readings stored", registry=registry)
        self.late = Counter("siaga_collector_late_batches", "Batches older than the live edge", registry=registry)
        self.failed_writes = Counter(
            "siaga_collector_failed_writes",
            "Failed writes to the store, each of which is retried",
            registry=registry,
        )
        self.write_seconds = Histogram(
            "siaga_collector_write_seconds", "Time of one write to the store", buckets=WRITE_SECONDS, registry=registry
        )
        self.waiting_bytes = Gauge(
            "siaga_collector_waiting_bytes", "Bytes of messages that wait to be stored", registry=registry
        )
        self.unacknowledged = Gauge(
            "siaga_collector_unacknowledged_messages", "Messages taken and not yet acknowledged", registry=registry
        )
        self.lost_samples = Counter(
            "siaga_collector_lost_quarantine_rows",
            "Refusals that were counted but not quarantined, because the database was down too long",
            registry=registry,
        )
