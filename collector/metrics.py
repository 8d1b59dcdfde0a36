"""What a collector tells Prometheus about itself. What it refused is in `siaga.metrics`, with everybody else's."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["CollectorMetrics"]

WRITE_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets: a healthy write takes tens of milliseconds, one that times out ten seconds."""


class CollectorMetrics:
    """The counters and gauges of one collector, on a registry of the process or of a test."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.batches = Counter("siaga_collector_batches", "Batches stored and acknowledged", registry=registry)
        self.readings = Counter("siaga_collector_readings", "Readings stored", registry=registry)
        self.late = Counter("siaga_collector_late_batches", "Batches older than the live edge", registry=registry)
        self.failed_writes = Counter(
            "siaga_collector_failed_writes",
            "Writes that the store did not take and that are tried again",
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
            "Refusals that were counted but not kept in the quarantine because its database was away too long",
            registry=registry,
        )
