"""Draws a flame graph of one part of siaga under load: `make profile PART=engine` (or collector, gateway, api).

The graph is `dist/profile/PART.svg`: open it in a browser, where a click on a function shows what it calls. The
functions of siaga that take most are printed, each with all that it calls. py-spy looks into the process from outside,
100 times a second, and counts the thread that holds the interpreter's lock: so what runs beside it, in SQLite or in
zlib, is not in the graph.

- engine: a country of 5,000 villages (`bench.country`), whose gates open and close; the process is `siaga api`.
- collector: a full queue of batches of 99 readings at its broker (`bench.collector_throughput`).
- gateway: 50 devices that report as fast as the gateway takes it, most of them what they reported before.
- api: a district with two days of history (`bench.aged_centre`), and four clients that ask for lists and pages.
"""

import argparse
import html
import itertools
import json
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from rich.console import Console
from rich.table import Table

from bench.aged_centre import age
from bench.centre import BROKER, Acknowledgements, Centre, publish
from bench.country import changing, country
from bench.district import BEAT, District, Gateways
from bench.engine_latency import Probes, client_of
from bench.gateway_batches import CODE, listens, sites
from bench.load import Load
from bench.processes import environment, is_ready, service
from tests.servers import Influxd, Mosquitto, free_port
from tests.wait import until

__all__ = ["main"]

PLACE = Path("dist/profile")
PY_SPY = Path(sys.executable).with_name("py-spy")
A_SECOND = 100
"""Looks into the process a second."""
SHOWN, AT_LEAST = 30, 1.0
"""Functions in the table, and the share of all samples, in per cent, that each has at least."""
_FRAME = re.compile(r"<title>(?P<name>[^<]+) \((?P<samples>[\d,]+) samples?, [\d.]+%\)</title>")
_OWN = re.compile(r"\((?:siaga|gateway|collector|api)/")
PAGES = ("/", "/status.json", "/api/v1/villages", "/api/v1/facilities", "/api/v1/alerts", "/api/v1/availability")


def main() -> int:
    parser = argparse.ArgumentParser("make profile", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("part", choices=sorted(_PARTS))
    parser.add_argument("--seconds", type=int, default=60, help="how long to look")
    parser.add_argument("--villages", type=int, default=5_000, help="of the engine's country")
    asked = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    graph = PLACE / f"{asked.part}.svg"
    _PARTS[asked.part](lambda pid: _record(pid, graph, asked.seconds, asked.part), asked.villages)
    Console().print(_table(graph))
    print(graph)
    return 0


_Record = Callable[[int], None]
"""Look into a process for the time that was asked for."""


def _record(pid: int, graph: Path, seconds: int, part: str) -> None:
    command = [PY_SPY, "record", "--pid", str(pid), "--output", graph, "--duration", str(seconds), "--threads"]
    command += ["--rate", str(A_SECOND), "--function", "--gil"]
    ended = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"py-spy could not look into {part}:\n{ended.stderr}")


def _engine(record: _Record, villages: int) -> None:
    with country(villages) as place:
        gateways = Gateways(place.district, place.mosquitto.port, together=True)
        probes = Probes(gateways, range(villages), facilities=(0,))
        with gateways.running():
            until(lambda: gateways.sent >= villages, 120, "every gateway has sent")
            time.sleep(BEAT)  # what was said for the first time is behind them: nothing but time is waited for
            with changing(gateways, a_day=8), _beside(lambda: probes.close_some(1)):
                record(place.parts["siaga api"])


def _collector(record: _Record, _villages: int) -> None:
    load = Load(500, 1_764_000_000_000)
    with Influxd() as influxd, Mosquitto(BROKER) as mosquitto, tempfile.TemporaryDirectory() as directory:
        centre = Centre(influxd, mosquitto, Path(directory))
        centre.prepare(load)
        publish(mosquitto, load.batches(0, 60, 99))
        later = itertools.count(60)

        def more() -> None:
            first = next(later)
            publish(mosquitto, load.batches(first, first + 1, 60))

        with Acknowledgements(mosquitto) as acks, centre.collector() as pid, _beside(more):
            until(lambda: acks.times, 60, "the collector begins")
            record(pid)


def _gateway(record: _Record, _villages: int) -> None:
    names = [f"gerbang-{number}" for number in range(50)]
    with tempfile.TemporaryDirectory(prefix="b") as name, Mosquitto(BROKER) as district, Mosquitto(BROKER) as village:
        (Path(name) / "sites.yaml").write_text(sites(names))
        settings = environment(
            SIAGA_SITES=f"{name}/sites.yaml",
            SIAGA_DATA_DIR=name,
            SIAGA_MQTT_URL=district.url,
            SIAGA_VILLAGE_MQTT_URL=village.url,
        )
        chance = random.Random(1)
        client = Client(CallbackAPIVersion.VERSION2, "devices")
        client.connect("127.0.0.1", village.port)
        client.loop_start()

        def speak() -> None:
            for device in names:
                is_open, strength = chance.random() < 0.98, chance.randint(-70, -60)
                records = [{"n": "gate_open", "vb": is_open}, {"n": "battery", "v": 88}, {"n": "rssi", "v": strength}]
                said = client.publish(f"siaga/v1/{CODE}/{device}/senml", json.dumps(records), qos=1)
            said.wait_for_publish(60)

        with service("gateway", settings) as gateway:
            until(lambda: listens(Path(name)), 20, "the gateway listens")
            with _beside(speak):
                record(gateway.pid)
        client.disconnect()
        client.loop_stop()


def _api(record: _Record, _villages: int) -> None:
    district = District(400)
    with tempfile.TemporaryDirectory() as name, Influxd() as influxd, Mosquitto(BROKER) as mosquitto:
        settings = environment(
            SIAGA_DATA_DIR=name,
            SIAGA_DATABASE_URL=f"sqlite:///{name}/siaga.db",
            SIAGA_MQTT_URL=mosquitto.url,
            SIAGA_STORE_URL=influxd.store_url(),
            SIAGA_HTTP_PORT=str(free_port()),
        )
        token = age(district, settings["SIAGA_DATABASE_URL"], settings["SIAGA_STORE_URL"], [])
        gateways = Gateways(district, mosquitto.port, together=True)
        with service("api", settings) as api, client_of(settings, token) as client, gateways.running():
            until(lambda: is_ready(client), 120, "siaga api is ready")
            ways = itertools.cycle(PAGES)
            asking = [_beside(lambda: client.get(next(ways)).raise_for_status()) for _ in range(4)]
            with asking[0], asking[1], asking[2], asking[3]:
                time.sleep(BEAT)  # the engine reads its memory at first: nothing but time is waited for
                record(api.pid)


_PARTS: dict[str, Callable[[_Record, int], None]] = {
    "api": _api,
    "collector": _collector,
    "engine": _engine,
    "gateway": _gateway,
}


@contextmanager
def _beside(work: Callable[[], object]) -> Iterator[None]:
    """Do some work again and again in a thread, until the end of the block."""
    ending = threading.Event()

    def run() -> None:
        while not ending.is_set():
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(60)


def _table(graph: Path) -> Table:
    """Returns siaga's functions by their share of all samples, each with all that it calls."""
    took: Counter[str] = Counter()
    for frame in _FRAME.finditer(graph.read_text()):
        took[html.unescape(frame["name"])] += int(frame["samples"].replace(",", ""))
    everything = took.pop("all", 0)
    table = Table(title=f"{graph.stem}: {everything} samples", title_justify="left")
    table.add_column("share", justify="right")
    table.add_column("function, with all that it calls")
    for name, samples in took.most_common():
        share = 100 * samples / max(1, everything)
        if share >= AT_LEAST and (_OWN.search(name) or name.startswith("thread")) and table.row_count < SHOWN:
            table.add_row(f"{share:.1f} %", name)
    return table


if __name__ == "__main__":
    sys.exit(main())
