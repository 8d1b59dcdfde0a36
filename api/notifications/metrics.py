"""What the senders of messages tell Prometheus."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

__all__ = ["NotificationMetrics"]


class NotificationMetrics:
    """The counters and gauges of one process, on its registry or on that of a test."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.sent = Counter("siaga_notifications_sent", "Messages that a provider took", registry=registry)
        self.failed = Counter(
            "siaga_notifications_failed", "Attempts after which a message is tried again", registry=registry
        )
        self.dead = Counter("siaga_notifications_dead", "Messages that were given up", registry=registry)
        self.void = Counter("siaga_notifications_void", "Messages of which nothing was left to tell", registry=registry)
        self.database_failures = Counter(
            "siaga_notifications_database_failures", "Steps that the database did not take", registry=registry
        )
        self.waiting = Gauge(
            "siaga_notifications_waiting", "Messages that could be sent and are not yet", registry=registry
        )
        self.age = Gauge(
            "siaga_notifications_oldest_seconds", "For how long the oldest of them has waited", registry=registry
        )
        self.given_up = Gauge(
            "siaga_notifications_dead_letters", "Messages that were given up and not tried again", registry=registry
        )
