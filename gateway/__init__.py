"""The gateway: translates vendors' formats, buffers readings on disk, sends batches to the centre."""

from gateway.buffer import Buffer
from gateway.buffer_file import BufferUnavailable
from gateway.metrics import GatewayMetrics
from gateway.service import Gateway, last_will, marker_topic

__all__ = ["Buffer", "BufferUnavailable", "Gateway", "GatewayMetrics", "last_will", "marker_topic"]
