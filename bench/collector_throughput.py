"""Readings a second from a full broker queue through a collector process into InfluxDB 1.6, beside a bare writer.

10,000 series, three signals a point. Mosquitto holds the whole load in the collector's persistent session before the
collector starts; the clock runs from acknowledgement to acknowledgement. The bare writer puts as many points, made
beforehand as line protocol, into the same server on two connections, before and after.
"""

import tempfile
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
MINUTES = 60
READINGS = VILLAGES * MINUTES * DEVICES * SIGNALS_A_POINT
AIM = 0.7
"""Of the bare writer (design.md)."""
START = 1_764_000_000_000
FULL, SMALL = 1_800, 99
"""Readings a message: a gateway that catches up fills its batches; one that reports a minute of 20 devices has some."""


def run() -> list[Figure]:
    figures: list[Figure] = []
    load = Load(VILLAGES, START)
    for readings_a_batch in (FULL, SMALL):
        with Influxd() as influxd, Mosquitto(BROKER) as mosquitto, tempfile.TemporaryDirectory() as directory:
            before = bare_write(influxd.port, READINGS // SIGNALS_A_POINT)
            centre = Centre(influxd, mosquitto, Path(directory))
            measured, stored, work = _collect(centre, load, readings_a_batch)
            after = bare_write(influxd.port, READINGS // SIGNALS_A_POINT)
        bare = (before + after) / 2
        figures += [
            Figure("bare writer", bare, "readings/s", note=f"{before:,.0f} before, {after:,.0f} after"),
            at_least(f"collector, {readings_a_batch} readings a message", measured, "readings/s", AIM * bare, work),
            at_least(
                "  of them in the store", stored, "readings", READINGS, f"{measured / bare:.2f} of the bare writer"
            ),
        ]
    return figures


def _collect(centre: Centre, load: Load, readings_a_batch: int) -> tuple[float, int, str]:
    """Readings a second, readings stored, and what they cost."""
    centre.prepare(load)
    published = publish(centre.mosquitto, load.batches(0, MINUTES, readings_a_batch // SIGNALS_A_POINT))
    with Acknowledgements(centre.mosquitto) as acknowledgements, centre.collector() as pid:
        until(lambda: len(acknowledgements.times) >= 1, 60, "the collector begins")
        began = cpu_seconds(pid)
        until(lambda: len(acknowledgements.times) >= published, 300, f"{published} acknowledgements")
        work = (cpu_seconds(pid) - began) / READINGS * 1e6
    rate = acknowledgements.rate() * READINGS / published
    return rate, centre.stored(("gate_open", "battery", "rssi")), f"{work:.2f} µs of processor a reading"
