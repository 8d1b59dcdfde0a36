"""The requests in which a country's load reaches InfluxDB: 28,000 readings a second, in batches of ten.

84,000 villages with 1.7 million devices, a reading a minute each. Here 500 villages send as many batches a second, as
evenly as gateways all over a country. InfluxDB 1.6 counts the requests that it gets, and their points. Its makers
advise 5,000 to 10,000 points a request for full load; fewer cost it more for each. So what it takes is told, too.
"""

import argparse
import json
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from bench.centre import BROKER, Acknowledgements, Centre
from bench.district import Wire
from bench.figure import Figure, at_least, at_most
from bench.load import DEVICES, SIGNALS_A_POINT, Load
from bench.processes import cpu_seconds
from tests.servers import Influxd, Mosquitto
from tests.wait import until

__all__ = ["run"]

VILLAGES, TOGETHER = 500, 10
START = 1_764_000_000_000
TICK = 0.02
"""Seconds between two moments at which batches are sent."""
WARM_UP = 3


def run(options: Sequence[str] = ()) -> list[Figure]:
    parser = argparse.ArgumentParser("python -m bench store_requests")
    parser.add_argument("--readings", type=int, default=28_000, help="a second")
    parser.add_argument("--seconds", type=int, default=15)
    asked = parser.parse_args(options)
    batches = asked.readings // TOGETHER * (asked.seconds + WARM_UP)
    minutes = -(-batches * TOGETHER // (VILLAGES * DEVICES * SIGNALS_A_POINT))
    load = Load(VILLAGES, START)
    with Influxd() as influxd, Mosquitto(BROKER) as mosquitto, tempfile.TemporaryDirectory() as directory:
        centre = Centre(influxd, mosquitto, Path(directory))
        centre.prepare(load)
        wire = Wire(mosquitto.port)
        with Acknowledgements(mosquitto) as acks, centre.collector() as pid:
            # minute by minute, so that neighbouring batches are of different villages
            messages = (each for minute in range(minutes) for each in load.batches(minute, minute + 1, TOGETHER))
            per_tick = round(asked.readings * TICK / TOGETHER)
            sent = _send(wire, messages, per_tick, WARM_UP)
            until(lambda: len(acks.times) >= sent, 60, "the first of it is stored")
            before, began = _counted(influxd), time.perf_counter()
            cost = [cpu_seconds(each) for each in (pid, influxd.pid)]
            more = _send(wire, messages, per_tick, asked.seconds)
            took = time.perf_counter() - began
            until(lambda: len(acks.times) >= sent + more, 60, "all of it is stored")
            waited = time.perf_counter() - began - took
            cost = [(cpu_seconds(each) - was) / took for each, was in zip((pid, influxd.pid), cost, strict=True)]
        wire.close()
        requests, points = (now - was for now, was in zip(_counted(influxd), before, strict=True))
        stored = centre.stored(("gate_open", "battery", "rssi"))
    return [
        at_least("sent", more * TOGETHER / took, "readings/s", 0.95 * asked.readings),
        at_least("stored", stored, "readings", (sent + more) * TOGETHER),
        at_most("from the last batch to the last acknowledgement", waited, "s", 2),
        Figure("requests", requests / took, "a second", note=f"{points / requests:,.0f} points each"),
        Figure("collector", cost[0] * 100, "% of a core"),
        Figure("InfluxDB", cost[1] * 100, "% of a core"),
    ]


def _send(wire: Wire, messages: Iterator[tuple[str, bytes]], per_tick: int, seconds: float) -> int:
    """Send so many messages each moment. Returns how many they were."""
    sent, began = 0, time.perf_counter()
    for tick in range(round(seconds / TICK)):
        for topic, payload in islice(messages, per_tick):
            wire.publish(topic, payload)
            sent += 1
        wire.flush()
        time.sleep(max(0.0, began + (tick + 1) * TICK - time.perf_counter()))
    return sent


def _counted(influxd: Influxd) -> tuple[int, int]:
    """The requests to write that an InfluxDB has had, and the points that it stored."""
    with urllib.request.urlopen(f"{influxd.url}/debug/vars") as answer:
        (found,) = [value["values"] for key, value in json.load(answer).items() if key.startswith("httpd")]
    return found["writeReq"], found["pointsWrittenOK"]
