"""Readings a second from a full broker queue through a collector process into InfluxDB 1.6, beside a bare writer.

10,000 series, three signals a point. Mosquitto holds the whole load in the collector's persistent session before the
collector starts; the clock runs from acknowledgement to acknowledgement. The bare writer puts as many points, made
beforehand as line protocol, into the same server on two connections, before and after.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.bare_writer import bare_write
from bench.centre import BROKER, Acknowledgements, Centre, publish
from bench.figure import Figure, at_least
from bench.load import DEVICES, SIGNALS_A_POINT, Load
from bench.processes import cpu_seconds
from tests.servers import Influxd, Mosquitto
from tests.wait import until

__all__ = ["run"]

VILLAGES = 500
AIM = 0.7
"""Of the bare writer (design.md)."""
START = 1_764_000_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """`readings` a message; `plain`: JSON with full names instead of packed. `minutes` of all devices are sent.

    A gateway that catches up fills its batches with 1,800; one on site sends some tens, a device at the centre ten.
    """

    readings: int
    plain: bool
    minutes: int = 60

    @property
    def sent(self) -> int:
        """Readings in all."""
        return VILLAGES * self.minutes * DEVICES * SIGNALS_A_POINT

    def __str__(self) -> str:
        return f"{self.readings} readings a message, {'plain' if self.plain else 'packed'}"


CASES = [
    Case(readings, plain, minutes=60 if readings > 10 else 10)
    for readings in (1_800, 300, 99, 10)
    for plain in (False, True)
]


def run() -> list[Figure]:
    figures: list[Figure] = []
    load = Load(VILLAGES, START)
    for case in CASES:
        with Influxd() as influxd, Mosquitto(BROKER) as mosquitto, tempfile.TemporaryDirectory() as directory:
            before = bare_write(influxd.port, case.sent // SIGNALS_A_POINT)
            centre = Centre(influxd, mosquitto, Path(directory))
            measured, stored, work = _collect(centre, load, case)
            after = bare_write(influxd.port, case.sent // SIGNALS_A_POINT)
        bare = (before + after) / 2
        figures += [
            Figure("bare writer", bare, "readings/s", note=f"{before:,.0f} before, {after:,.0f} after"),
            at_least(f"collector, {case}", measured, "readings/s", AIM * bare, work),
            at_least(
                "  of them in the store", stored, "readings", case.sent, f"{measured / bare:.2f} of the bare writer"
            ),
        ]
    return figures


def _collect(centre: Centre, load: Load, case: Case) -> tuple[float, int, str]:
    """Readings a second, readings stored, and what they cost."""
    centre.prepare(load)
    published = publish(centre.mosquitto, load.batches(0, case.minutes, case.readings, plain=case.plain))
    with Acknowledgements(centre.mosquitto) as acknowledgements, centre.collector() as pid:
        until(lambda: len(acknowledgements.times) >= 1, 60, "the collector begins")
        began, first = cpu_seconds(pid), len(acknowledgements.times)
        until(lambda: len(acknowledgements.times) >= published, 300, f"{published} acknowledgements")
        each = (cpu_seconds(pid) - began) / (published - first) * 1e6
    rate = acknowledgements.rate() * case.sent / published
    work = f"{each:.0f} µs of processor a message, {each * published / case.sent:.2f} a reading"
    return rate, centre.stored(("gate_open", "battery", "rssi")), work
