"""One run: servers, members and villages; faults one after another; who leads meanwhile."""

import argparse
import random
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from bench.kills.claims import Claims
from bench.kills.gates import Gates
from bench.kills.network import BROKER, DATABASE, STORE, Network, Place
from bench.members import Member, run
from bench.processes import SIAGA, environment
from tests.servers import Influxd, Mosquitto, Postgres

__all__ = ["Campaign", "Suffered"]

QUEUES = ("max_queued_messages 0", "max_inflight_messages 1000", "max_queued_bytes 500000000")
STORED = "kills"
"""The database in the store."""
PORT = 8000
LOOK_EVERY = 0.1
READY_WITHIN, LED_WITHIN = 300.0, 120.0
SLEEP, CUT = 40.0, 30.0
"""Seconds that a process is stopped, or cut off."""
HEARS_FOR = 17.0
"""Seconds that the one that stands by has had the broker before its leader loses it: the lease asks for 15."""


@dataclass(frozen=True, slots=True)
class Suffered:
    """A fault. `seconds`: from it, or from when the server was back, until somebody (else) said that it leads."""

    kind: str
    seconds: float | None


class Campaign:
    """Everything that runs, and a method for each fault."""

    def __init__(self, asked: argparse.Namespace, directory: Path, stack: ExitStack) -> None:
        self.chance, self.stack, self.directory = random.Random(asked.seed), stack, directory
        self.network = Network()
        self.store = stack.enter_context(Influxd(host=STORE))
        self.database = stack.enter_context(Postgres(host=DATABASE))
        self.broker = stack.enter_context(Mosquitto(QUEUES, host=BROKER))
        self.database_url = self.database.database_url()
        self.gates = Gates(asked.villages, BROKER, self.broker.port, self.chance)
        self.members: dict[str, Member] = {}
        self.places: dict[str, Place] = {}
        for name in ("api-1", "api-2", "api-3", "collector-1", "collector-2", "collector-3"):
            self._prepare(name)
        settings = self.members["api-1"].settings
        sites = directory / "sites.yaml"
        sites.write_text(self.gates.sites)
        run([SIAGA, "import", sites], settings)
        token = run([SIAGA, "token", "create", "--role", "viewer"], settings).strip()
        headers = {"Authorization": f"Bearer {token}"}
        self.clients = {
            name: stack.enter_context(httpx.Client(base_url=self.url(name), timeout=30, headers=headers))
            for name in self.members
            if name.startswith("api")
        }
        self.present = ["api-1", "api-2", "collector-1", "collector-2"]
        for name in self.present:
            self.members[name].start()
        self.claims = stack.enter_context(Claims({name: self.url(name) for name in self.clients}))
        self.until(lambda: self.claims.all_ready(self.apis), READY_WITHIN, "every api is ready")
        self.suffered: list[Suffered] = []

    def _prepare(self, name: str) -> None:
        place = self.network.place()
        self.stack.callback(place.leave)
        data = self.directory / name
        data.mkdir(mode=0o700)
        settings = environment(
            SIAGA_MQTT_URL=self.broker.url,
            SIAGA_STORE_URL=self.store.store_url(STORED),
            SIAGA_DATABASE_URL=self.database_url,
            SIAGA_HTTP_HOST="0.0.0.0",
            SIAGA_HTTP_PORT=str(PORT),
            SIAGA_DATA_DIR=str(data),
        )
        command = [*place.prefix, str(SIAGA), name.partition("-")[0]]
        self.places[name] = place
        self.members[name] = member = Member(name, command, settings, data / "log")
        self.stack.callback(member.stop)

    def url(self, name: str) -> str:
        """Where a member answers."""
        return f"http://{self.places[name].address}:{PORT}"

    @property
    def apis(self) -> list[str]:
        """The members that may lead."""
        return [name for name in self.present if name.startswith("api")]

    @property
    def collectors(self) -> list[str]:
        """The members that store."""
        return [name for name in self.present if name.startswith("collector")]

    @property
    def faults(self) -> Mapping[str, Callable[[], float | None]]:
        """Every fault by its name. It returns the seconds until somebody (else) leads."""
        return {
            "leader killed": self._leader_killed,
            "broker killed": lambda: self._server_killed(self.broker),
            "store killed": lambda: self._server_killed(self.store),
            "database killed": lambda: self._server_killed(self.database),
            "leader asleep for 40 s": self._leader_asleep,
            "leader cut off from the database": lambda: self._leader_cut(DATABASE),
            "leader cut off from the broker": lambda: self._leader_cut(BROKER),
            "leader cut off from all": lambda: self._leader_cut(DATABASE, BROKER, STORE),
            "leader cut off from the store": self._leader_without_store,
            "leader's sessions with the database ended": self._sessions_ended,
            "leader taken away": self._leader_taken_away,
            "members added, and taken away": self._added,
            "collector killed": self._collector_killed,
            "collector asleep for 20 s": self._collector_asleep,
            "collector cut off from broker and store": self._collector_cut,
        }

    def suffer(self, kind: str) -> Suffered:
        """Let a fault happen, and wait until somebody leads."""
        self.until(lambda: self.claims.leader() is not None, LED_WITHIN, "somebody leads")
        self.wait(self.chance.uniform(0.5, 3.0))
        one = Suffered(kind, self.faults[kind]())
        self.suffered.append(one)
        return one

    def wait(self, seconds: float) -> None:
        """Let time pass. Whatever has ended is started again, as systemd does."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self._revive()
            time.sleep(min(LOOK_EVERY, left))

    def until(self, condition: Callable[[], bool], within: float, what: str) -> None:
        """Wait for a condition. Whatever has ended is started again.

        Raises:
            TimeoutError: it did not come true.
        """
        ends = time.monotonic() + within
        while not condition():
            if time.monotonic() > ends:
                raise TimeoutError(f"not within {within:.0f} s: {what}")
            self._revive()
            time.sleep(LOOK_EVERY)

    def _revive(self) -> None:
        for name in self.present:
            self.members[name].revive()

    def _leader(self) -> str:
        """Returns who leads, while another one stands by."""
        self.until(
            lambda: self.claims.all_ready(self.apis) and self.claims.leader() is not None,
            READY_WITHIN,
            "one leads and the other stands by",
        )
        name = self.claims.leader()
        return name if name is not None else self._leader()

    def _led(self, since: float, but: str | None = None) -> float | None:
        """Returns the seconds until somebody but one leads; `None`: nobody did in time."""
        try:
            self.until(lambda: self.claims.first_after(since, but) is not None, LED_WITHIN, "somebody leads")
        except TimeoutError:
            return None
        first = self.claims.first_after(since, but)
        return None if first is None else first - since

    def _leader_killed(self) -> float | None:
        member = self.members[self._leader()]
        since = time.monotonic()
        member.signal(signal.SIGKILL)
        if member.process is not None:
            member.process.wait()
        return self._led(since)

    def _server_killed(self, server: Mosquitto | Influxd | Postgres) -> float | None:
        server.kill()
        self.wait(self.chance.uniform(0.0, 4.0))
        server.start()
        return self._led(time.monotonic())

    def _leader_asleep(self) -> float | None:
        name = self._leader()
        since = time.monotonic()
        self.members[name].signal(signal.SIGSTOP)
        try:
            taken = self._led(since, name)
            self.wait(SLEEP - (time.monotonic() - since))
        finally:
            self.members[name].signal(signal.SIGCONT)
        return taken

    def _leader_cut(self, *servers: str) -> float | None:
        name = self._leader()
        self.wait(HEARS_FOR)
        name = self._leader()
        since = time.monotonic()
        self.places[name].cut(*servers)
        try:
            taken = self._led(since, name)
            self.wait(CUT - (time.monotonic() - since))
        finally:
            self.places[name].mend()
        return taken

    def _leader_without_store(self) -> float | None:
        name = self._leader()
        self.places[name].cut(STORE)
        try:
            self.wait(CUT)
            return self._led(time.monotonic())
        finally:
            self.places[name].mend()

    def _sessions_ended(self) -> float | None:
        name = self._leader()
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE host(client_addr) = %s",
                [self.places[name].address],
            )
        return self._led(time.monotonic())

    def _leader_taken_away(self) -> float | None:
        name = self._leader()
        since = time.monotonic()
        self.present.remove(name)
        self.members[name].stop()
        taken = self._led(since, name)
        self.members[name].start()
        self.present.append(name)
        return taken

    def _added(self) -> float | None:
        added = ["api-3", "collector-3"]
        for name in added:
            self.members[name].start()
        self.present += added
        self._leader()
        self.wait(self.chance.uniform(5.0, 10.0))
        for name in added:
            self.present.remove(name)
        since = time.monotonic()
        for name in added:
            self.members[name].stop()
        return self._led(since)

    def _collector_killed(self) -> float | None:
        self.members[self.chance.choice(self.collectors)].signal(signal.SIGKILL)
        return self._led(time.monotonic())

    def _collector_asleep(self) -> float | None:
        member = self.members[self.chance.choice(self.collectors)]
        member.signal(signal.SIGSTOP)
        self.wait(SLEEP / 2)
        member.signal(signal.SIGCONT)
        return self._led(time.monotonic())

    def _collector_cut(self) -> float | None:
        place = self.places[self.chance.choice(self.collectors)]
        place.cut(BROKER, STORE)
        self.wait(CUT)
        place.mend()
        return self._led(time.monotonic())
