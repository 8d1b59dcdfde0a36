"""The gateway's own Prometheus metrics. Refusals are counted in `siaga.metrics`, as in the other rooms."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

__all__ = ["GatewayMetrics"]


class GatewayMetrics:
    """The counters and gauges of one gateway process, in the given Prometheus registry."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.messages = Counter("siaga_gateway_messages", "Messages received from devices", registry=registry)
        self.ignored = Counter("siaga_gateway_ignored", "Messages without a usable value", registry=registry)
        self.readings = Counter("siaga_gateway_readings", "Readings put into the buffer", registry=registry)
        self.buffered = Gauge(
            "siaga_gateway_buffered_readings", "Readings that the centre has not acknowledged", registry=registry
        )
        self.fill = Gauge("siaga_gateway_buffer_fill_ratio", "How full the buffer is, 0 to 1", registry=registry)
        self.thinned = Gauge(
            "siaga_gateway_thinned_readings", "Readings dropped because the buffer was full", registry=registry
        )
        self.batches = Counter("siaga_gateway_batches", "Batches published for the first time", registry=registry)
        self.resent = Counter("siaga_gateway_resent_batches", "Batches published again", registry=registry)
        self.sent_bytes = Counter("siaga_gateway_sent_bytes", "Bytes of batches sent, compressed", registry=registry)
        self.acknowledged = Counter(
            "siaga_gateway_acknowledged_batches", "Batches acknowledged by the centre", registry=registry
        )
        self.foreign_acks = Counter(
            "siaga_gateway_foreign_acks", "Acknowledgements of unknown batches", registry=registry
        )
        self.in_flight = Gauge("siaga_gateway_batches_in_flight", "Batches not yet acknowledged", registry=registry)
        self.skewed = Gauge("siaga_gateway_skewed_devices", "Devices whose clock is not trusted", registry=registry)
        self.disk_problems = Counter(
            "siaga_gateway_buffer_failures",
            "Failed commits to disk, each of which is retried",
            registry=registry,
        )
        self.replaced = Counter(
            "siaga_gateway_buffer_replacements", "Damaged buffer files moved aside and replaced", registry=registry
        )
        self.in_memory = Gauge(
            "siaga_gateway_in_memory_messages",
            "Unacknowledged messages kept in memory only, because the disk fails",
            registry=registry,
        )
        self.undated = Gauge(
            "siaga_gateway_undated_messages", "Messages received before the gateway knew the time", registry=registry
        )
        self.polls = Counter("siaga_gateway_polls", "Polls of devices and of the internet check", registry=registry)
        self.unasked = Counter(
            "siaga_gateway_polls_without_answer", "Polls without a conclusive answer", registry=registry
        )
        self.poll_lag = Gauge(
            "siaga_gateway_poll_lag_seconds", "How long the most overdue poll has waited", registry=registry
        )
        self.sites_refused = Counter(
            "siaga_gateway_refused_sites", "Sites from the centre that could not be used", registry=registry
        )
        self.unknown_devices = Gauge(
            "siaga_gateway_unknown_devices", "Devices that are heard and are in no sites file", registry=registry
        )
        self.unknown_left_out = Counter(
            "siaga_gateway_unknown_devices_left_out",
            "Messages of unknown devices for which the list had no room",
            registry=registry,
        )
        self.unknown_pauses = Counter(
            "siaga_gateway_unknown_pauses",
            "How often the gateway stopped to listen for unknown devices, because too much was said",
            registry=registry,
        )
        self.lost_samples = Counter(
            "siaga_gateway_lost_samples",
            "Refused messages that were counted, but not sampled for the centre",
            registry=registry,
        )
