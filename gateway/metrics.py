"""What a gateway tells Prometheus about itself. What it refused is in `siaga.metrics`, with everybody else's."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

__all__ = ["GatewayMetrics"]


class GatewayMetrics:
    """The counters and gauges of one gateway process, on a registry of the process or of a test."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.messages = Counter("siaga_gateway_messages", "Messages of devices taken in", registry=registry)
        self.ignored = Counter("siaga_gateway_ignored", "Messages without anything of use", registry=registry)
        self.readings = Counter("siaga_gateway_readings", "Readings put into the buffer", registry=registry)
        self.buffered = Gauge(
            "siaga_gateway_buffered_readings", "Readings that the centre has not acknowledged", registry=registry
        )
        self.fill = Gauge("siaga_gateway_buffer_fill_ratio", "How full the buffer is, 0 to 1", registry=registry)
        self.thinned = Gauge(
            "siaga_gateway_thinned_readings", "Readings given up for want of room in the buffer", registry=registry
        )
        self.batches = Counter("siaga_gateway_batches", "Batches published for the first time", registry=registry)
        self.resent = Counter("siaga_gateway_resent_batches", "Batches published again", registry=registry)
        self.sent_bytes = Counter("siaga_gateway_sent_bytes", "Bytes of batches, packed, as sent", registry=registry)
        self.acknowledged = Counter("siaga_gateway_acknowledged_batches", "Batches the centre has", registry=registry)
        self.foreign_acks = Counter(
            "siaga_gateway_foreign_acks", "Acknowledgements of batches that do not wait here", registry=registry
        )
        self.in_flight = Gauge("siaga_gateway_batches_in_flight", "Batches without acknowledgement", registry=registry)
        self.skewed = Gauge("siaga_gateway_skewed_devices", "Devices whose clock is not trusted", registry=registry)
        self.disk_problems = Counter(
            "siaga_gateway_buffer_failures",
            "Commits that the disk did not take and that are tried again",
            registry=registry,
        )
        self.replaced = Counter(
            "siaga_gateway_buffer_replacements", "Damaged files that were moved aside", registry=registry
        )
        self.in_memory = Gauge(
            "siaga_gateway_in_memory_messages",
            "Messages that are in memory alone, and not acknowledged, for want of a disk",
            registry=registry,
        )
        self.undated = Gauge(
            "siaga_gateway_undated_messages", "Messages of before the gateway had the time", registry=registry
        )
        self.polls = Counter("siaga_gateway_polls", "Questions put to devices and to the internet", registry=registry)
        self.unasked = Counter(
            "siaga_gateway_polls_without_answer", "Questions after which nothing can be said", registry=registry
        )
        self.poll_lag = Gauge(
            "siaga_gateway_poll_lag_seconds", "How long the device that is due longest has waited", registry=registry
        )
        self.lost_samples = Counter(
            "siaga_gateway_lost_samples",
            "Refused messages that were counted but not shown at the centre",
            registry=registry,
        )
