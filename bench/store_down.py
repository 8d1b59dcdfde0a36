"""The telemetry store down for ten minutes, and the collector's memory: the load of ten minutes in one.

Ten districts (2,000 villages, 40,000 devices, one report of three signals a minute each) publish ten minutes of
batches while influxd is stopped, to a broker that pushes all it has without waiting for acknowledgements, which is
the worst that a broker can do. Then influxd is started again, and everything has to be acknowledged and stored.
"""

import tempfile
import time
from pathlib import Path

from bench.centre import Acknowledgements, Centre, publish
from bench.figure import Figure, at_least, at_most
from bench.load import DEVICES, SIGNALS_A_POINT, Load
from bench.processes import resident_mb
from tests.servers import Influxd, Mosquitto
from tests.wait import until

__all__ = ["run"]

VILLAGES, MINUTES = 2_000, 10
READINGS = VILLAGES * MINUTES * DEVICES * SIGNALS_A_POINT
BROKER = ("max_queued_messages 0", "max_inflight_messages 0")
MEMORY_MB = 200
"""What a collector may take while the store is away: its libraries take 100 MB, what waits is bounded to 32 MB of
payload."""
START = 1_764_000_000_000


def run() -> list[Figure]:
    load = Load(VILLAGES, START)
    with Influxd() as influxd, Mosquitto(BROKER) as mosquitto, tempfile.TemporaryDirectory() as directory:
        centre = Centre(influxd, mosquitto, Path(directory))
        centre.prepare(load)
        with Acknowledgements(mosquitto) as acknowledgements, centre.collector() as pid:
            first = publish(mosquitto, load.batches(0, 1, DEVICES * SIGNALS_A_POINT))
            until(lambda: len(acknowledgements.times) >= first, 120, "the first minute is stored")
            before = resident_mb(pid)
            influxd.stop()
            peak = before
            published = first
            for minute in range(1, MINUTES):
                published += publish(mosquitto, load.batches(minute, minute + 1, DEVICES * SIGNALS_A_POINT))
                peak = max(peak, resident_mb(pid))
            acknowledged = len(acknowledgements.times) - first
            influxd.start()
            back = time.perf_counter()
            until(lambda: len(acknowledgements.times) >= published, 300, "all of it is acknowledged")
            took = acknowledgements.times[-1] - back
            peak = max(peak, resident_mb(pid))
        stored = centre.stored(("gate_open", "battery", "rssi"))
    return [
        at_most("collector's memory, at most", peak, "MB", MEMORY_MB, f"{before:.0f} MB before the store went"),
        at_most("acknowledged while it was down", acknowledged, "batches", 0),
        Figure("from its return to the last acknowledgement", took, "s", note=f"{published - first} batches"),
        at_least("stored in the end", stored, "readings", READINGS),
    ]
