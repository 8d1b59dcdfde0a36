"""Counters of what issues reports."""

from prometheus_client import CollectorRegistry, Counter, Gauge

__all__ = ["IssuedMetrics"]


class IssuedMetrics:
    """What an administrator watches."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        self.failures = Counter(
            "siaga_report_worker_failures",
            "times the work on issued reports failed; it is tried again",
            registry=registry,
        )
        self.given_up = Gauge(
            "siaga_report_orders_given_up", "reports of schedules that nobody could make", registry=registry
        )
        self.missed = Counter(
            "siaga_report_runs_left_out", "runs of schedules that were missed for too long", registry=registry
        )
