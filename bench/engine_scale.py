"""The alert engine with ten districts: its cold start, publish to stream, memory, and a storm that loses every village.

2,000 villages with 5 facilities of 4 devices each, one reading a minute and device: 733 batches a second through
Mosquitto to `siaga collector` (which stores in InfluxDB 1.6) and `siaga api`, with PostgreSQL, all on this machine. The
database holds two days of spans and some open alerts as an engine leaves them, the store the last quarter of an hour.

1. Cold start: from the start of the process until `/readyz` says that every village is watched; the load goes on.
2. Publish to stream: gates are closed, five a second, and the clock runs until the alert is at a client of the stream.
3. The storm: within ten seconds every village is lost; a hundred of them share an uplink. People are told by a web
   hook that counts. Then all come back within ten seconds and send what they kept, and gates are closed among them.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from bench.aged_centre import age
from bench.centre import BROKER
from bench.district import District, Gateways
from bench.engine_latency import Probes, client_of, latency
from bench.figure import Figure, at_most
from bench.processes import cpu_seconds, environment, is_ready, listening, resident_mb, service
from siaga.model.clock import SECOND
from tests.servers import Influxd, Mosquitto, Postgres, free_port
from tests.wait import until

__all__ = ["run"]

VILLAGES, SHARING = 2_000, 100
OFFLINE_AFTER = 30
"""Seconds: the default of five minutes would only be waited for."""
WARM_UP, SECONDS = 10.0, 40.0
LOST_WITHIN, AWAY = 10.0, 75.0
"""Seconds: the storm, and from its beginning until the first village comes back. By then the gateways' silence has made
half of the facilities unknown."""
ALREADY = 200
"""Facilities that have an open alert before the engine starts."""
READY_WITHIN = 240
AIM_MS, AIM_START, UPLINKS = 1_000, 30, VILLAGES // SHARING
NOTIFY = """
gather: 10s
people:
  - name: ratih
    channels: {{web: "json://127.0.0.1:{port}/"}}
rules:
  - {{name: link, tell: [ratih], kinds: [village_offline]}}
"""


def run() -> list[Figure]:
    district = District(VILLAGES, sharing=SHARING, offline_after=OFFLINE_AFTER * SECOND)
    with (
        tempfile.TemporaryDirectory() as directory,
        Influxd() as influxd,
        Postgres() as postgres,
        Mosquitto(BROKER) as mosquitto,
        _web_hook() as hook,
    ):
        notify = Path(directory) / "notify.yaml"
        notify.write_text(NOTIFY.format(port=hook.port))
        settings = environment(
            SIAGA_DATA_DIR=directory,
            SIAGA_DATABASE_URL=postgres.database_url(),
            SIAGA_MQTT_URL=mosquitto.url,
            SIAGA_STORE_URL=influxd.store_url(),
            SIAGA_HTTP_PORT=str(free_port()),
            SIAGA_NOTIFY=str(notify),
        )
        shut = [(number * VILLAGES // ALREADY, 0) for number in range(ALREADY)]
        token = age(district, settings["SIAGA_DATABASE_URL"], settings["SIAGA_STORE_URL"], shut)
        gateways = Gateways(district, mosquitto.port, shut)
        with service("collector", settings), gateways.running(), client_of(settings, token) as client:
            began = time.monotonic()
            with service("api", settings) as api:
                while not is_ready(client):  # asked calmly: to answer costs the engine what it needs to start
                    time.sleep(0.25)
                    if time.monotonic() - began > READY_WITHIN:
                        raise RuntimeError(f"not every village is watched after {READY_WITHIN} s")
                start = at_most("cold start", time.monotonic() - began, "s", AIM_START, "with two days of spans")
                return [start, *_Run(district, gateways, client, api.pid, hook).measure()]


class _Run:
    """What is measured once the engine watches."""

    def __init__(
        self, district: District, gateways: Gateways, client: httpx.Client, api: int, hook: "_WebHook"
    ) -> None:
        self._gateways, self._client, self._api, self._hook = gateways, client, api, hook
        already = {district.facility(village, device) for village, device in gateways.shut}
        self._quiet = Probes(gateways, range(district.villages), set(already))
        self._back = Probes(gateways, range(district.villages), self._quiet.taken)
        self._storm = _Storm()

    def measure(self) -> list[Figure]:
        with listening(self._client, self._heard):
            time.sleep(WARM_UP)
            figures = self._latency()
            figures += self._lose()
            figures += self._return()
        return figures

    def _heard(self, kind: str, alert: Mapping[str, object]) -> None:
        self._quiet.heard(kind, alert)
        self._back.heard(kind, alert)
        self._storm.heard(kind, alert)

    def _latency(self) -> list[Figure]:
        self._gateways.forget()
        spent, began = cpu_seconds(self._api), time.monotonic()
        self._quiet.close_some(SECONDS)
        until(lambda: self._quiet.all_heard, 60, "every alert is on the stream")
        busy = (cpu_seconds(self._api) - spent) / (time.monotonic() - began)
        figures = latency("publish to stream", self._quiet, AIM_MS)
        return [
            *figures,
            Figure("siaga api, resident", resident_mb(self._api), "MB", note=f"{busy:.0%} of a core"),
            at_most("villages called lost meanwhile", len(self._storm.lost), "villages", 0),
        ]

    def _lose(self) -> list[Figure]:
        """Lose village after village within the storm's time; from the last one's deadline on it is late."""
        began = time.monotonic()
        _over(LOST_WITHIN, lambda share: self._gateways.lose(round(share * VILLAGES)))
        last = time.monotonic()
        until(lambda: len(self._storm.lost) == VILLAGES, 120, "every village is in an alert")
        told = max(0.0, time.monotonic() - last - OFFLINE_AFTER)
        alerts = len(self._storm.alerts)
        time.sleep(max(0.0, began + AWAY - time.monotonic()))
        return [
            at_most("storm: from the last deadline to the last village", told * 1000, "ms", 5 * AIM_MS),
            at_most("storm: alerts", alerts, "alerts", UPLINKS, f"{VILLAGES} villages on {UPLINKS} uplinks"),
            at_most("storm: messages to one person", self._hook.count, "messages", UPLINKS),
        ]

    def _return(self) -> list[Figure]:
        """Bring all back, and close gates among them."""
        self._gateways.forget()
        _over(LOST_WITHIN, lambda share: self._gateways.mend(round((1 - share) * VILLAGES)))
        last = time.monotonic()
        until(lambda: not self._storm.lost, 120, "no village is lost any more")
        cleared = time.monotonic() - last
        until(lambda: is_ready(self._client), 60, "siaga api is ready")
        self._back.close_some(SECONDS / 2)
        until(lambda: self._back.all_heard, 120, "every alert is on the stream")
        return [
            at_most("return: from the last village to the last clearance", cleared * 1000, "ms", 5 * AIM_MS),
            *latency("return: publish to stream", self._back, AIM_MS)[:1],
            Figure("siaga api, resident after it", resident_mb(self._api), "MB"),
        ]


@dataclass
class _Storm:
    """What the stream says of lost villages: those of open alerts, and the alerts that there were."""

    by_alert: dict[str, set[str]] = field(default_factory=dict)
    alerts: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)

    def heard(self, kind: str, alert: Mapping[str, object]) -> None:
        if alert["kind"] != "village_offline":
            return
        name = str(alert["id"])
        self.alerts.add(name)
        self.by_alert[name] = set() if kind == "cleared" else set(_villages(alert))
        self.lost = set().union(*self.by_alert.values())


def _villages(alert: Mapping[str, object]) -> Iterator[str]:
    evidence = alert["evidence"]
    children = evidence.get("children") if isinstance(evidence, Mapping) else None
    if not isinstance(children, list):
        yield str(alert["village"])
        return
    yield from (str(child["village"]) for child in children if child["ended_at"] is None)


class _WebHook:
    """Counts the messages that come to it."""

    def __init__(self) -> None:
        self.count = 0
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                hook.count += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port


@contextmanager
def _web_hook() -> Iterator[_WebHook]:
    hook = _WebHook()
    thread = threading.Thread(target=hook.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        hook.server.shutdown()
        hook.server.server_close()


def _over(seconds: float, reach: Callable[[float], None]) -> None:
    """Call `reach` with a share that grows evenly to 1 over so many seconds."""
    began = time.monotonic()
    share = 0.0
    while share < 1:
        share = min(1.0, (time.monotonic() - began) / seconds)
        reach(share)
        time.sleep(0.02)


if __name__ == "__main__":
    for figure in run():
        print(figure)
