"""A part of a country on one machine: what its villages send, stored, watched, and told to fifty people.

By default an eighth: 10,500 villages with 20 devices each, for ten minutes. Every device says once a minute whether its
gate is open, and every gateway sends what has come with its heartbeat, each half minute, as gateways do: 350 batches
and 3,850 readings a second. Some gates open and close meanwhile, each of which is a batch of its own. Mosquitto,
`siaga collector`, InfluxDB 1.6, `siaga api` and PostgreSQL are all on this machine, and so is the load.

Five gates a second are closed whose grace is zero. The clock runs from the publishing until the alert is at a client
of the stream, for each of the clients.

    python -m bench country --villages 500 --minutes 1
"""

import argparse
import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.centre import BROKER, Acknowledgements
from bench.district import BEAT, District, Gateways
from bench.engine_latency import Probes, client_of
from bench.figure import Figure, at_least, at_most
from bench.processes import SIAGA, environment, family_memory_mb, family_seconds, is_ready, listening, service
from bench.streams import Streams
from siaga.database import connect, migrate
from siaga.database.registry import Registry
from siaga.database.tokens import Tokens
from siaga.model.caller import Role
from siaga.model.clock import MINUTE
from siaga.model.probe_village import PROBE
from tests.servers import Influxd, Mosquitto, Postgres, free_port
from tests.wait import until

__all__ = ["ALONE", "Country", "changing", "country", "run"]

DATABASE = "country"
ALONE = True
"""It runs only where it is named."""
READY_WITHIN = 600
TOLD_WITHIN = 120
"""Seconds after the load in which alerts are waited for. What comes later counts as not told."""
AIM_MS = 1_000
HELD = 0.99
"""Of what is sent has to be stored and acknowledged in the same time; the rest is under way."""
LEAST = 0.005
"""The load's share of a core that is told from chance."""
SHUT_FOR = 20.0
"""Seconds that a gate stays shut that is no probe: less than its grace."""


@dataclass(frozen=True, slots=True)
class _Options:
    villages: int
    minutes: float
    streams: int
    processes: int
    changes: float

    @classmethod
    def of(cls, arguments: Sequence[str]) -> "_Options":
        parser = argparse.ArgumentParser("bench country")
        parser.add_argument("--villages", type=int, default=10_500)
        parser.add_argument("--minutes", type=float, default=10.0)
        parser.add_argument("--streams", type=int, default=50, help="clients of the alert stream")
        parser.add_argument("--processes", type=int, default=1, help="of the collector")
        parser.add_argument("--changes", type=float, default=8.0, help="changes of a device's state a day")
        return cls(**vars(parser.parse_args(arguments)))


def run(arguments: Sequence[str] = ()) -> list[Figure]:
    options = _Options.of(arguments)
    with country(options.villages, processes=options.processes) as place:
        return _Country(options, place).measure()


@dataclass(frozen=True, slots=True)
class Country:
    """Its villages, what its services are started with, a token of the API, and the process of each part."""

    district: District
    settings: Mapping[str, str]
    token: str
    parts: Mapping[str, int]
    mosquitto: Mosquitto
    influxd: Influxd
    ready: float
    """Seconds from the start until every village was watched."""


@contextmanager
def country(villages: int, *, processes: int = 1) -> Iterator[Country]:
    """All servers and services for so many villages, until the end of the block. `processes`: of the collector."""
    district = District(villages, graces=(0, 5 * MINUTE))
    with (
        tempfile.TemporaryDirectory() as directory,
        Influxd() as influxd,
        Postgres() as postgres,
        Mosquitto(BROKER) as mosquitto,
    ):
        settings = environment(
            SIAGA_DATA_DIR=directory,
            SIAGA_DATABASE_URL=postgres.database_url(),
            SIAGA_MQTT_URL=mosquitto.url,
            SIAGA_STORE_URL=influxd.store_url(DATABASE),
            SIAGA_HTTP_PORT=str(free_port()),
            SIAGA_COLLECTOR_PROCESSES=str(processes),
        )
        token = _prepare(settings, district)
        began = time.monotonic()
        with service("collector", settings) as collector, service("api", settings) as api:
            with client_of(settings, token) as client:
                while not is_ready(client):  # asked calmly: to answer costs the engine what it needs to start
                    time.sleep(0.25)
                    if time.monotonic() - began > READY_WITHIN:
                        raise RuntimeError(f"not every village is watched after {READY_WITHIN} s")
            ready = time.monotonic() - began
            until(lambda: _is_healthy("collector", settings), 60, "the collector has subscribed")
            servers = {"Mosquitto": mosquitto.pid, "InfluxDB": influxd.pid, "PostgreSQL": postgres.pid}
            parts = {"siaga collector": collector.pid, "siaga api": api.pid, **servers}
            yield Country(district, settings, token, parts, mosquitto, influxd, ready)


def _prepare(settings: Mapping[str, str], district: District) -> str:
    engine = connect(settings["SIAGA_DATABASE_URL"])
    migrate(engine)
    Registry(engine).replace(district.sites(), time.time_ns() // 1_000_000)
    token = Tokens(engine).create(Role.VIEWER, "bench")
    engine.dispose()
    return token


def _is_healthy(name: str, settings: Mapping[str, str]) -> bool:
    return subprocess.run([SIAGA, "health", name], env=dict(settings), check=False, capture_output=True).returncode == 0


@dataclass(slots=True)
class _Part:
    """One part of the machine's load: its process, and those that it started.

    `idle`: processor seconds a second before the load. `spent`: while it lasted. `most`: memory, MB.
    """

    pid: int
    idle: float = 0.0
    spent: float = 0.0
    most: float = 0.0

    def holds(self, took: float, readings: float) -> float | None:
        """Returns how many readings a second one core of it holds; `None` if the load cost it next to nothing."""
        each = (self.spent - self.idle * took) / readings
        return (1 - self.idle) / each if each * readings / took > LEAST else None


class _Country:
    def __init__(self, options: _Options, place: Country) -> None:
        self._options, self._place = options, place
        self._parts = {name: _Part(pid) for name, pid in place.parts.items()}
        self._behind: list[int] = []

    def measure(self) -> list[Figure]:
        place, options = self._place, self._options
        villages = place.district.villages
        gateways = Gateways(place.district, place.mosquitto.port, together=True)
        probes = Probes(gateways, range(villages), facilities=(0,))
        streams = Streams(options.streams, int(place.settings["SIAGA_HTTP_PORT"]), place.token)
        self._rest()
        with (
            Acknowledgements(place.mosquitto) as acks,
            client_of(place.settings, place.token) as client,
            listening(client, probes.heard),
            gateways.running(),
        ):
            until(lambda: gateways.sent >= villages, 120, "every gateway has sent")
            began = time.monotonic()
            probes.close_one()
            until(lambda: probes.all_heard, READY_WITHIN, "what was said for the first time is behind the engine")
            first = Figure("after the first report of everything, until the next alert", time.monotonic() - began, "s")
            with streams.open():
                probes.closed.clear()
                figures = self._held(gateways, probes, acks)
                waited = time.monotonic()
                while not probes.all_heard and time.monotonic() - waited < TOLD_WITHIN:
                    time.sleep(0.1)
                time.sleep(1)  # at the other clients, too
            gateways.end()
            until(lambda: len(acks.times) >= gateways.sent, 300, "all of it is acknowledged")
        counts = "SELECT count(gate_open) AS gates, count(alive) AS beats FROM telemetry"
        rows = place.influxd.query(DATABASE, f"{counts} WHERE village <> '{PROBE}'")
        stored = sum(int(str(rows[0][column])) for column in ("gates", "beats"))
        return [
            Figure("until every village is watched", place.ready, "s", note=f"{villages} villages, empty database"),
            first,
            *figures,
            at_least("stored in the end", stored, "readings", gateways.readings, "as many as were sent"),
            *self._told(probes, streams),
            *self._costs(),
        ]

    def _rest(self) -> None:
        """Note what the parts take without any load."""
        before = {name: family_seconds(part.pid) for name, part in self._parts.items()}
        time.sleep(BEAT)
        for name, part in self._parts.items():
            part.idle = (family_seconds(part.pid) - before[name]) / BEAT

    def _held(self, gateways: Gateways, probes: Probes, acks: Acknowledgements) -> list[Figure]:
        """Let the load last. Returns how much of it was stored meanwhile."""
        gateways.forget()
        acked, sent, readings, size = len(acks.times), gateways.sent, gateways.readings, gateways.bytes
        began = time.monotonic()
        with self._watched(lambda: gateways.sent - len(acks.times)), changing(gateways, self._options.changes):
            probes.close_some(60 * self._options.minutes)
        self._took = took = time.monotonic() - began
        acked, sent = len(acks.times) - acked, gateways.sent - sent
        self._rate = (gateways.readings - readings) / took
        each_day = 86_400 / took / gateways.district.villages
        late = f"{gateways.latest * 1000:.0f} ms late"
        load = f"{sent / took:.0f} batches/s, sent with {gateways.share:.0%} of a core, {late}"
        return [
            at_least("stored in the time", acked / took, "batches/s", HELD * sent / took, load),
            Figure("readings held", self._rate * acked / sent, "readings/s", note=f"{self._options.minutes:g} minutes"),
            Figure("batches not acknowledged, at most", max(self._behind), "batches"),
            Figure("batches not acknowledged, in the end", self._behind[-1], "batches"),
            Figure("of a village on its link, up", (gateways.bytes - size) * each_day / 1e6, "MB a day"),
        ]

    @contextmanager
    def _watched(self, behind: Callable[[], int]) -> Iterator[None]:
        """Note what the parts take while the block lasts."""
        for part in self._parts.values():
            part.spent = -family_seconds(part.pid)
        ending = threading.Event()

        def look() -> None:
            while not ending.wait(1.0):
                self._behind.append(behind())
                for part in self._parts.values():
                    part.most = max(part.most, family_memory_mb(part.pid))

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ending.set()
            watcher.join()
            for part in self._parts.values():
                part.spent += family_seconds(part.pid)

    def _told(self, probes: Probes, streams: Streams) -> list[Figure]:
        """From publish to stream, of all clients."""
        took = sorted(at - probes.closed[name] for name, at in streams.heard if name in probes.closed)
        due = len(probes.closed) * self._options.streams
        if not took:
            raise RuntimeError("no alert came on any stream")
        note = f"{len(probes.closed)} alerts to {self._options.streams} streams"
        return [
            at_least("alerts told", len(took), "alerts", due, "at all streams"),
            Figure("publish to stream, p50", _share(took, 0.5) * 1000, "ms", note=note),
            at_most("publish to stream, p99", _share(took, 0.99) * 1000, "ms", AIM_MS),
            Figure("publish to stream, p99.9", _share(took, 0.999) * 1000, "ms"),
            Figure("publish to stream, longest", took[-1] * 1000, "ms"),
        ]

    def _costs(self) -> list[Figure]:
        """What each part takes, and by that what one core of it holds."""
        found, took, readings = [], self._took, self._rate * self._took
        for name, part in self._parts.items():
            holds = part.holds(took, readings)
            note = "next to nothing" if holds is None else f"one core holds {holds:,.0f} readings/s, if it grows evenly"
            found.append(Figure(f"{name}, processor", part.spent / took, "cores", note=note))
            found.append(Figure(f"{name}, memory at most", part.most, "MB"))
        cores = sum(part.spent for part in self._parts.values()) / took
        found.append(Figure("all of them, processor", cores, "cores"))
        return found


@contextmanager
def changing(gateways: Gateways, a_day: float) -> Iterator[None]:
    """Open and close gates that are no probes, so many times a day and device, until the end of the block."""
    district = gateways.district
    pause = 86_400 / (a_day * district.villages * district.devices) if a_day else None
    ending = threading.Event()

    def change() -> None:
        chance, shut, at = random.Random(2), list[tuple[float, tuple[int, int]]](), time.monotonic()
        while pause is not None and not ending.wait(max(0.0, at - time.monotonic())):
            at += 2 * pause  # it opens again: two changes
            device = chance.randrange(district.villages), chance.randrange(1, district.devices)
            if device[1] % district.facilities and device not in gateways.shut:
                gateways.close_gate(*device)
                shut.append((time.monotonic() + SHUT_FOR, device))
            while shut and shut[0][0] <= time.monotonic():
                gateways.open_gate(*shut.pop(0)[1])

    thread = threading.Thread(target=change, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def _share(times: Sequence[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))]
