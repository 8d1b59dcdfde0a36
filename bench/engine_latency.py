"""From a reading published to its alert on the stream, under the load of one district, over real servers.

200 villages, 4,000 devices, one reading a minute each: 73 batches a second through Mosquitto to a collector (which
stores in InfluxDB 1.6) and to the alert engine, each a process of its own, as `siaga collector` and `siaga api`. Five
times a second a gate whose grace is zero is closed; the clock runs from the publishing to the event at a client of
`GET /alerts/stream`. Load and client run on the same machine, and cost it as much as the services do.
"""

import random
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from bench.district import District, Gateways
from bench.figure import Figure, at_most
from bench.processes import environment, is_ready, listening, resident_mb, service
from siaga.database import connect, migrate
from siaga.database.registry import Registry
from siaga.database.tokens import Tokens
from siaga.model.caller import Role
from tests.servers import Influxd, Mosquitto, free_port
from tests.wait import until

__all__ = ["PROBES_A_SECOND", "Probes", "client_of", "latency"]

VILLAGES = 200
FIRST_ROUND, SECONDS = 15.0, 40.0
"""Every device has reported once before the first gate closes."""
PROBES_A_SECOND = 5
AIM_MS = 1_000


def run() -> list[Figure]:
    district = District(VILLAGES)
    with tempfile.TemporaryDirectory() as directory, Influxd() as influxd, Mosquitto() as mosquitto:
        settings = environment(
            SIAGA_DATA_DIR=directory,
            SIAGA_DATABASE_URL=f"sqlite:///{directory}/siaga.db",
            SIAGA_MQTT_URL=mosquitto.url,
            SIAGA_STORE_URL=influxd.store_url(),
            SIAGA_HTTP_PORT=str(free_port()),
        )
        token = _prepare(settings, district)
        with service("collector", settings), service("api", settings) as api, client_of(settings, token) as client:
            until(lambda: is_ready(client), 60, "siaga api is ready")
            gateways = Gateways(district, mosquitto.port, first_round=FIRST_ROUND)
            probes = Probes(gateways, range(district.villages))
            with gateways.running(), listening(client, probes.heard):
                time.sleep(FIRST_ROUND + 1)  # it passes under load: nothing but time is waited for
                gateways.forget()
                probes.close_some(SECONDS)
                until(lambda: probes.all_heard, 30, "every alert is on the stream")
            memory = resident_mb(api.pid)
    return [*latency("publish to stream", probes, AIM_MS), Figure("siaga api, resident", memory, "MB")]


@dataclass
class Probes:
    """Gates that are closed one after another, and when the alerts of it came back."""

    gateways: Gateways
    villages: Sequence[int]
    taken: set[str] = field(default_factory=set)
    """Facilities that have an alert already."""
    facilities: Sequence[int] | None = None
    """Of a village, by their number; `None`: all of them."""
    closed: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    _left: Iterator[tuple[int, int]] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._left = self._gates()

    def close_some(self, seconds: float) -> None:
        """Close gates evenly for so long."""
        began = time.monotonic()
        for number in range(int(seconds * PROBES_A_SECOND)):
            time.sleep(max(0.0, began + number / PROBES_A_SECOND - time.monotonic()))
            self.close_one()

    def close_one(self) -> None:
        """Close a gate that has no alert yet.

        Raises:
            ValueError: there is none left.
        """
        village, device = next(self._left)
        facility = self.gateways.district.facility(village, device)
        self.taken.add(facility)
        with self._lock:
            self.closed[facility] = self.gateways.close_gate(village, device)

    def _gates(self) -> Iterator[tuple[int, int]]:
        """One device of each gate that has no alert yet, as (village, device), by chance.

        Raises:
            ValueError: every gate was closed.
        """
        district, chance = self.gateways.district, random.Random(1)
        numbers = range(district.facilities) if self.facilities is None else self.facilities
        places = [(village, number) for village in self.villages for number in numbers]
        chance.shuffle(places)
        for village, number in places:
            device = chance.randrange(number, district.devices, district.facilities)
            if district.facility(village, device) not in self.taken:
                yield village, device
        raise ValueError(f"all {len(places)} gates are closed: name more villages, or fewer minutes")

    def heard(self, kind: str, alert: Mapping[str, object]) -> None:
        """Something came on the stream."""
        now = time.monotonic()
        if kind == "raised" and alert["kind"] == "facility_failed":
            with self._lock:
                closed = self.closed.get(str(alert["facility"]))
                if closed is not None:
                    self.took.setdefault(str(alert["facility"]), now - closed)

    @property
    def all_heard(self) -> bool:
        """Whether every gate that was closed has its alert."""
        return self.took.keys() >= self.closed.keys()


def latency(what: str, probes: Probes, aim_ms: float) -> list[Figure]:
    """The figures of some probes and of the load under which they were made."""
    took = sorted(probes.took.values())
    gateways = probes.gateways
    load = (
        f"{gateways.rate:.0f} batches/s, sent with {gateways.share:.0%} of a core, {gateways.latest * 1000:.0f} ms late"
    )
    return [
        at_most(f"{what}, p99", took[int(len(took) * 0.99)] * 1000, "ms", aim_ms, f"{len(took)} alerts; {load}"),
        Figure(f"{what}, p50", took[len(took) // 2] * 1000, "ms"),
        Figure(f"{what}, longest", took[-1] * 1000, "ms"),
    ]


def client_of(settings: Mapping[str, str], token: str) -> httpx.Client:
    """A client of the API of a service with these settings."""
    return httpx.Client(
        base_url=f"http://127.0.0.1:{settings['SIAGA_HTTP_PORT']}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )


def _prepare(settings: Mapping[str, str], district: District) -> str:
    engine = connect(settings["SIAGA_DATABASE_URL"])
    migrate(engine)
    Registry(engine).replace(district.sites(), time.time_ns() // 1_000_000)
    token = Tokens(engine).create(Role.VIEWER, "bench")
    engine.dispose()
    return token


if __name__ == "__main__":
    for figure in run():
        print(figure)
