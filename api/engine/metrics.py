"""What the alert engine tells Prometheus about itself."""

from contextlib import suppress

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

__all__ = ["EngineMetrics"]


class EngineMetrics:
    """The counters and gauges of one engine, on a registry of the process or of a test."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.batches = Counter("siaga_engine_batches", "Batches taken by the alert engine", registry=registry)
        self.unreadable = Counter(
            "siaga_engine_unreadable", "Messages of which the alert engine could take nothing", registry=registry
        )
        self.late = Counter("siaga_engine_late_readings", "Readings that came too late for memory", registry=registry)
        self.events = Counter("siaga_engine_events", "Alert events committed", registry=registry)
        self.rebuilt = Counter("siaga_engine_rebuilt_chunks", "Stretches of history judged again", registry=registry)
        self.store_failures = Counter(
            "siaga_engine_store_failures", "Reads that the telemetry store did not answer", registry=registry
        )
        self.database_failures = Counter(
            "siaga_engine_database_failures",
            "Commits that the database did not take and that are tried again",
            registry=registry,
        )
        self.overflown = Counter(
            "siaga_engine_overflown_batches",
            "Late batches that waited too long in memory and are read from the store",
            registry=registry,
        )
        self.villages = Gauge("siaga_engine_villages", "Villages watched", ("partition",), registry=registry)
        self.dirty = Gauge(
            "siaga_engine_dirty_villages",
            "Villages whose history has to be judged again",
            ("partition",),
            registry=registry,
        )

    def forget(self, partition: int) -> None:
        """Show nothing of a partition: its engine has ended."""
        for gauge in (self.villages, self.dirty):
            with suppress(KeyError):  # it never said anything
                gauge.remove(partition)
