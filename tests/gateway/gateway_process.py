"""A gateway as a process of its own, to be killed: `python -m tests.gateway.gateway_process VILLAGE CENTRE BUFFER`."""

import random
import signal
import sys
import threading
from pathlib import Path

from prometheus_client import CollectorRegistry

from gateway import Buffer, Gateway, GatewayMetrics, last_will, marker_topic
from siaga.model.clock import SystemClock
from siaga.model.sites import Village
from siaga.mqtt import MqttTransport
from siaga.mqtt.worker import WorkerLoop
from siaga.run.logs import set_up_logs
from tests.gateway.places import device, village

PLACE: Village = village(
    ("gate", [device("gerbang-1", "tasmota", "gerbang", {"Switch1": "gate_open"})]),
    ("night_guard", [device("pos-1", "senml")]),
)


def main() -> None:
    """Serve until SIGTERM."""
    set_up_logs()
    village_url, centre_url, path = sys.argv[1:]
    stop = threading.Event()
    at_village = MqttTransport(village_url, "gw-village", clean=False, marker=marker_topic("gw-village"))
    at_centre = MqttTransport(centre_url, "gw-centre", will=last_will(PLACE))
    buffer = Buffer(Path(path), must_open=False)
    metrics = GatewayMetrics(CollectorRegistry())
    gateway = Gateway([PLACE], at_village, at_centre, buffer, SystemClock(), random.Random(), metrics)

    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    loop = WorkerLoop("gateway", lambda: gateway, SystemClock(), failed=stop.set)
    loop.start()
    stop.wait()
    loop.stop(10)
    at_centre.close()
    at_village.close()
    buffer.close()


if __name__ == "__main__":
    main()
