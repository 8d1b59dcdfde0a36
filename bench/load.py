"""The load of the measurements: villages with 20 devices each, and their batches as gateways send them.

Every device reports three signals a minute, at a second of its own; so 500 villages are 10,000 series.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from siaga.model.clock import MINUTE, SECOND
from siaga.model.observation import Point, Reading
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.wire.batch import BatchId, encode_batch
from siaga.wire.topics import batch_topic

__all__ = ["DEVICES", "SIGNALS_A_POINT", "Load"]

DEVICES = 20
"""Devices of a village, the most that design.md counts with."""
SIGNALS_A_POINT = 3


@dataclass(frozen=True, slots=True)
class Load:
    """`villages`, and the time (ms) of their first readings. The same numbers make the same load."""

    villages: int
    start: int

    def sites(self) -> list[Village]:
        """What the registry is told."""
        devices = tuple(Device(_device(n), Adapter.SENML, MINUTE) for n in range(DEVICES))
        gate = Facility("gerbang", "gate", "Gerbang", devices)
        return [
            Village(self.code(n), f"Desa {n}", -8.2, 114.3, "Asia/Jakarta", (gate,), remote=True)
            for n in range(self.villages)
        ]

    @staticmethod
    def code(village: int) -> str:
        """The code of a village by its number."""
        return f"35.{10 + village // 10_000:02d}.{village // 100 % 100:02d}.{2000 + village % 100}"

    def points(self, first: int, last: int) -> Iterator[Point]:
        """What the store is to hold of the minutes `[first, last)`, minute by minute, village by village."""
        for minute in range(first, last):
            for village in range(self.villages):
                yield from self._points(village, minute)

    def batches(
        self, first: int, last: int, readings_a_batch: int, *, plain: bool = False
    ) -> Iterator[tuple[str, bytes]]:
        """The same as topics and payloads: a batch holds `readings_a_batch` of one village's readings.

        `plain`: as other programs write them, JSON that is not compressed, with each record's full name and time.
        """
        for village in range(self.villages):
            readings = [
                Reading(point.device, signal, point.time, value)
                for minute in range(first, last)
                for point in self._points(village, minute)
                for signal, value in point.values.items()
            ]
            epoch = str(uuid.UUID(int=village))
            for seq, at in enumerate(range(0, len(readings), readings_a_batch)):
                part = readings[at : at + readings_a_batch]
                batch, sent = BatchId(epoch, seq), part[-1].time
                payload = _plainly(batch, sent, part) if plain else encode_batch(batch, sent, part)
                yield batch_topic(self.code(village), "gw"), payload

    def _points(self, village: int, minute: int) -> Iterator[Point]:
        code = self.code(village)
        for n in range(DEVICES):
            time = self.start + minute * MINUTE + n * 3 * SECOND + village % 1000
            step = minute * 7 + n * 3 + village
            values = {
                "gate_open": step % 5 != 0,
                "battery": 60.0 + step % 400 / 10,
                "rssi": float(-40 - step % 50),
            }
            yield Point(code, _device(n), time, time, values)


def _plainly(batch: BatchId, sent: int, readings: list[Reading]) -> bytes:
    records = [
        {
            "n": f"{each.device}/{each.signal}",
            "t": each.time / 1000,
            "vb" if isinstance(each.value, bool) else "v": each.value,
        }
        for each in readings
    ]
    return orjson.dumps({"epoch": batch.epoch, "seq": batch.seq, "sent": sent / 1000, "senml": records})


def _device(n: int) -> str:
    return f"gerbang-{n}"
