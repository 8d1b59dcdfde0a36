"""Several `siaga api` on one broker, one PostgreSQL and one InfluxDB: of each partition one leads, the others stand by.

The villages say each second how their gates are. Leaders are killed, stopped, cut off and ended meanwhile, and what was
alerted is compared with what was true.
"""

import json
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import httpx
import psycopg

from tests.servers import Influxd, Mosquitto, Postgres
from tests.story.player import GatewayPlayer
from tests.story.system import System, unix
from tests.wait import PATIENCE, until

REPLACED_WITHIN = 15
"""Seconds (contract, section 9)."""
START_WITHIN = 120
"""Seconds in which a process starts beside other work: it loads its code once more."""
A, B, C, D = (f"35.10.15.200{n}" for n in range(1, 5))
UPLINKS = {A: "odp-1", B: "odp-1", C: "odp-2", D: None}

Told = tuple[str, int, int | None]
"""A village, and when its gate was closed, and opened again, ms."""


def sites() -> str:
    """The sites file."""
    return "villages:\n" + "".join(
        f"""  - code: "{code}"
    name: Desa
    lat: -8.19
    lon: 114.30
    timezone: Asia/Jakarta
    gateway: remote
    offline_after: 10m
    {f"uplink: {uplink}" if uplink else ""}
    facilities:
      - id: gerbang
        kind: gate
        name: Gerbang
        grace: 0s
        recovery: 0s
        devices: [{{id: g-1, adapter: senml, every: 1m}}]
"""
        for code, uplink in UPLINKS.items()
    )


class Gates:
    """The villages' gateways, which say each second how their gates are; and what was true."""

    def __init__(self, broker: Mosquitto) -> None:
        self._players = {code: GatewayPlayer(broker.port, code) for code in UPLINKS}
        self._closed: dict[str, int] = {}
        self._lock, self._ending = threading.Lock(), threading.Event()
        self._over: list[Told] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def truth(self) -> list[Told]:
        """Whenever a gate was closed."""
        return sorted([*self._over, *((code, at, None) for code, at in self._closed.items())], key=lambda one: one[:2])

    def __enter__(self) -> Self:
        for player in self._players.values():
            player.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(5)
        for player in self._players.values():
            player.__exit__(None, None, None)

    def close(self, *codes: str) -> None:
        """Somebody closes gates."""
        with self._lock:
            now = now_ms()
            self._closed |= dict.fromkeys(codes, now)
            self._say(now)

    def open(self, *codes: str) -> None:
        """Somebody opens them again."""
        with self._lock:
            now = now_ms()
            self._over += [(code, self._closed.pop(code), now) for code in codes]
            self._say(now)

    def _run(self) -> None:
        while not self._ending.wait(1):
            with self._lock:
                self._say(now_ms())

    def _say(self, now: int) -> None:
        at = now / 1000
        for code, player in self._players.items():
            player.send([("gw-desa/alive", at, True), ("g-1/gate_open", at, code not in self._closed)], sent=at)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Members:
    """`siaga api` in several processes, and who of them leads."""

    def __init__(self, database: str) -> None:
        self.database = database
        self.everyone: dict[str, System] = {}

    def __getitem__(self, name: str) -> System:
        return self.everyone[name]

    def leads(self, name: str) -> list[int]:
        """Returns what a member says that it leads; nothing while it does not answer."""
        text = self.readiness(name)
        found: list[int] = json.loads(text)["leads"] if text else []
        return found

    def readiness(self, name: str) -> str:
        """Returns a member's `/readyz`; nothing while it does not answer."""
        try:
            return self[name].client.get("/readyz", timeout=2).text
        except httpx.TransportError:
            return ""

    def restart(self, name: str) -> None:
        """Start a member again, and wait until it is ready."""
        self[name].start(ready=False)
        until(self[name].is_ready, START_WITHIN, f"{name} is ready")

    def take_over(self, name: str, *partitions: int, within: float = PATIENCE) -> None:
        """Wait until a member leads partitions."""
        until(lambda: set(partitions) <= set(self.leads(name)), within, f"{name} leads {partitions}")

    def lead(self, **partitions: list[int]) -> None:
        """Wait until each member leads its partitions, and no other."""
        found = partitions.keys()
        until(lambda: {name: self.leads(name) for name in found} == partitions, what=f"they lead {partitions}")

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a member."""
        process = self[name].process
        assert process is not None
        process.send_signal(number)

    def end(self, name: str) -> None:
        """End a member as an operator does."""
        assert self[name].stop() == 0
        self[name].killed = True

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def told(self, name: str) -> list[Told]:
        """The alerts about gates, as a member's API says them."""
        found = self[name].items("/alerts", kind="facility_failed")
        times = [(each["village"], milliseconds(each["began_at"]), milliseconds(each["ended_at"])) for each in found]
        return sorted(((code, began or 0, ended) for code, began, ended in times), key=lambda one: one[:2])

    def tell(self, name: str, gates: Gates) -> None:
        """Wait until a member's API says of each time that a gate was closed that it was: once, with its times."""
        until(lambda: self.told(name) == gates.truth, what=f"{name} tells of {gates.truth}")


def milliseconds(text: str | None) -> int | None:
    return None if text is None else round(unix(text) * 1000)


@contextmanager
def running(
    path: Path, broker: Mosquitto, store: Influxd, postgres: Postgres, names: Sequence[str], partitions: int = 1
) -> Iterator[tuple[Members, Gates]]:
    """Members on the same servers, each on a data directory of its own, and the villages that they watch."""
    members = Members(postgres.database_url())
    servers = {
        "SIAGA_MQTT_URL": broker.url,
        "SIAGA_STORE_URL": store.store_url(),
        "SIAGA_DATABASE_URL": members.database,
        "SIAGA_PARTITIONS": str(partitions),
    }
    with ExitStack() as ending:
        for name in names:
            (path / name).mkdir()
            members.everyone[name] = ending.enter_context(System(path / name, sites(), "api", **servers))
        yield members, ending.enter_context(Gates(broker))


def test_a_leader_that_dies_sleeps_or_is_ended_is_replaced_and_each_alert_comes_once(
    tmp_path: Path, mosquitto: Mosquitto, influxd: Influxd, postgres: Postgres
) -> None:
    with running(tmp_path, mosquitto, influxd, postgres, ("one", "other")) as (members, gates):
        members.lead(one=[0], other=[])
        gates.close(A)
        members.tell("other", gates)

        members["one"].kill()
        gates.open(A)
        gates.close(C)
        members.take_over("other", 0, within=REPLACED_WITHIN)
        members.tell("other", gates)

        members.restart("one")
        members.signal("other", signal.SIGSTOP)
        gates.open(C)
        gates.close(D)
        members.take_over("one", 0)
        members.tell("one", gates)
        members.signal("other", signal.SIGCONT)
        until(lambda: "lease_lost" in members["other"].log.read_text(), what="the sleeper finds that another one leads")
        members.lead(one=[0], other=[])

        others = "pid <> pg_backend_pid() AND datname = current_database()"
        members.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        gates.open(D)
        gates.close(A)
        members.tell("other", gates)
        members.lead(one=[0], other=[])

        members.end("one")
        members.take_over("other", 0)
        gates.open(A)
        members.tell("other", gates)
        assert members.ask("SELECT count(*) FROM alert_event WHERE type = 'raised'") == [(len(gates.truth),)]


def test_two_members_share_two_partitions_and_villages_of_one_uplink_stay_together(
    tmp_path: Path, mosquitto: Mosquitto, influxd: Influxd, postgres: Postgres
) -> None:
    with running(tmp_path, mosquitto, influxd, postgres, ("one", "other"), 2) as (members, gates):
        until(lambda: sorted([*members.leads("one"), *members.leads("other")]) == [0, 1])
        gates.close(*UPLINKS)
        members.tell("other", gates)
        rows = members.ask("SELECT village, partition FROM village_partition")
        dealt = {village: partition for village, partition in rows}  # noqa: C416 - mypy knows pairs only so
        assert dealt[A] == dealt[B]
        assert set(dealt.values()) == {0, 1}

        members["one"].kill()
        gates.open(*UPLINKS)
        members.take_over("other", 0, 1)
        members.tell("other", gates)

        members["one"].environment["SIAGA_PARTITIONS"] = "1"
        members["one"].start(ready=False)
        until(lambda: "SIAGA_PARTITIONS is 1 here, and 2" in members.readiness("one"), START_WITHIN)
        members.end("other")
        members.take_over("one", 0)
        gates.close(*UPLINKS)
        members.tell("one", gates)
