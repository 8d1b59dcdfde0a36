"""The collector's reports of unknown devices: the newest of each waits until its database works."""

import threading
from collections.abc import Iterable
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from collector.metrics import CollectorMetrics
from siaga.model.clock import SECOND, Clock
from siaga.wire.unknown_device import UnknownDevice

__all__ = ["Unknown", "UnknownSink"]

MAX_WAITING = 1_000
"""Devices that wait at most: some 4 MB if each has all that a report may hold."""
PAUSE = 2 * SECOND
"""Between two writes at least: other services write to the same database."""


class UnknownSink(Protocol):
    """The part of `siaga.database.unknown_devices.UnknownDevices` that is needed here."""

    def add(self, devices: Iterable[UnknownDevice], now: int) -> None:
        """Store reports durably. May raise SQLAlchemy's errors."""
        ...


class Unknown:
    """Unknown devices on their way to the database. `note` and `flush` may run in different threads.

    A report that is lost comes again: gateways repeat them.
    """

    def __init__(self, sink: UnknownSink, clock: Clock, metrics: CollectorMetrics) -> None:
        self._sink, self._clock, self._metrics = sink, clock, metrics
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str, str, str], UnknownDevice] = {}
        self._again = 0

    def note(self, device: UnknownDevice) -> None:
        """Queue a report in place of the device's earlier one. One without room is counted and dropped."""
        key = (device.village, device.gateway, device.adapter.value, device.address)
        with self._lock:
            if key not in self._waiting and len(self._waiting) >= MAX_WAITING:
                self._metrics.lost_samples.inc()
                return
            self._waiting[key] = device

    def flush(self) -> None:
        """Write what waits, if the last write is some time ago. What cannot be written is dropped."""
        now = self._clock.monotonic()
        if not self._waiting or now < self._again:
            return
        self._again = now + PAUSE
        with self._lock:
            devices, self._waiting = list(self._waiting.values()), {}
        try:
            self._sink.add(devices, self._clock.now())
        except SQLAlchemyError:
            self._metrics.lost_samples.inc(len(devices))
