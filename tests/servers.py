"""Debian's real servers, started natively on free ports of the loopback, each with a directory of its own.

with Influxd() as influxd:
    store = open_store(influxd.store_url())

A server that is not installed is an error, not a reason to skip: these are what siaga stands on. Every server can be
stopped, killed and started again on the same port with the same data.
"""

import atexit
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
import urllib3

from tests import pids
from tests.wait import until

__all__ = ["Influxd", "Mosquitto", "Postgres", "find_binary", "free_port"]

allowed = True
"""Whether servers may be started in this run; `make check` starts none."""
_random = random.SystemRandom()  # Hypothesis makes the common one repeat itself

LOOPBACK = "127.0.0.1"
READY_WITHIN = 120.0
"""Seconds a server may take to answer; influxd opens its shards first, on a loaded machine that takes a while."""
END_WITHIN = 60.0
"""Seconds a server may take to end."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now.

    Below the range from which Linux gives ports to outgoing connections (32768 and up): one of those could take it
    while a server is stopped.
    """
    while True:
        port = _random.randrange(20_000, 32_000)
        with socket.socket() as listener, contextlib.suppress(OSError):  # taken: the next
            listener.bind(("127.0.0.1", port))
            return port


def find_binary(name: str, package: str) -> str:
    """The path of a server's program; Debian keeps some of them outside of PATH.

    Raises:
        RuntimeError: it is not installed; the sentence names the package.
    """
    places = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/usr/local/sbin"]
    places += sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise RuntimeError(f"{name} is not installed: apt-get install {package} (the tests run against real servers)")
    return found


class _Server:
    """One process on one port with one directory: what all three have in common."""

    name = "server"

    def __init__(self, user: str | None = None, host: str = LOOPBACK) -> None:
        self.host, self.port = host, free_port()
        self._user = user
        self.directory = Path(tempfile.mkdtemp(prefix=f"siaga-{self.name}-"))
        self._log = self.directory / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        if user is not None:
            shutil.chown(self.directory, user)
        atexit.register(self.close)

    def _command(self) -> Sequence[str]:
        raise NotImplementedError

    def _ready(self) -> bool:
        """Whether the server answers. Asked while the process runs."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((self.host, self.port)) == 0

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id, to look at its memory say."""
        assert self._process is not None, f"{self.name} is not running"
        return self._process.pid

    def log(self) -> str:
        """What the server has said so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> Self:
        """Start on the same port with the same data, and return when the server answers."""
        if self.running:
            return self
        if not allowed:
            raise RuntimeError(f"a test that starts {self.name} has to be marked: pytest.mark.servers")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,  # Ctrl-C is for the test run; it then stops its servers itself
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
            )
        until(self._answers, READY_WITHIN, f"{self.name} answers on port {self.port}:\n{self.log()[-2000:]}")
        return self

    def _answers(self) -> bool:
        if not self.running:
            raise RuntimeError(f"{self.name} ended while starting on port {self.port}:\n{self.log()[-2000:]}")
        return self._ready()

    def stop(self) -> None:
        """End it as an administrator would, and wait until it is gone."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """`kill -9` for all of its processes: nothing is flushed, nobody is told. Returns when they are gone."""
        if self.running:
            pids.kill(self.pid)
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop its processes where they are: connections stand and nothing answers, as on a machine that hangs."""
        pids.freeze(self.pid)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        pids.thaw(self.pid)

    def _end(self, by: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(by)
        try:
            process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            pids.kill(process.pid)
            process.wait(END_WITHIN)

    def close(self) -> None:
        """End it and delete its directory."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Mosquitto(_Server):
    """A broker without passwords that keeps its sessions on disk. `config`: further lines of mosquitto.conf.

    A clean `stop` saves the sessions; what it had queued at a `kill` is lost unless `config` sets autosave.
    """

    name = "mosquitto"

    def __init__(self, config: Sequence[str] = (), *, host: str = LOOPBACK) -> None:
        super().__init__(host=host)
        self._config = self.directory / "mosquitto.conf"
        lines = [
            f"listener {self.port} {host}",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {self.directory}/",
            "log_dest stderr",
            "connection_messages false",
            # Mosquitto drops root; the directory is root's then
            *(["user root"] if os.geteuid() == 0 else []),
            *config,
        ]
        self._config.write_text("\n".join(lines) + "\n")

    @property
    def url(self) -> str:
        """For `SIAGA_MQTT_URL`."""
        return f"mqtt://{self.host}:{self.port}"

    def _command(self) -> Sequence[str]:
        return [find_binary("mosquitto", "mosquitto"), "-c", str(self._config)]


class Influxd(_Server):
    """An InfluxDB 1.x as Debian has it, with its own defaults of fsync and caches.

    With `auth` it wants `user` and `password`, an administrator made at the first start. `config` is TOML added to a
    section: `{"data": ['cache-max-memory-size = "1m"']}`.
    """

    name = "influxd"
    user = "siaga"
    password = "kampung 2026"  # with a space: it must be escaped in a URL

    def __init__(
        self, *, auth: bool = False, config: dict[str, Sequence[str]] | None = None, host: str = LOOPBACK
    ) -> None:
        super().__init__(host=host)
        self._auth = auth
        self._made_user = False
        self._config = self.directory / "influxdb.conf"
        self._config.write_text(self._toml(config or {}))
        self._http = urllib3.PoolManager(retries=False, timeout=30)

    def _toml(self, further: dict[str, Sequence[str]]) -> str:
        quiet = ["enabled = false"]
        sections: dict[str, list[str]] = {
            "meta": [f'dir = "{self.directory}/meta"'],
            "data": [
                f'dir = "{self.directory}/data"',
                f'wal-dir = "{self.directory}/wal"',
                "query-log-enabled = false",
            ],
            "http": [
                f'bind-address = "{self.host}:{self.port}"',
                f"auth-enabled = {str(self._auth).lower()}",
                "log-enabled = false",
            ],
            "monitor": ["store-enabled = false"],
            "subscriber": quiet,
            "continuous_queries": quiet,
        }
        lines = ["reporting-disabled = true", f'bind-address = "127.0.0.1:{free_port()}"']
        for section in sections | further:
            lines += ["", f"[{section}]", *sections.get(section, []), *further.get(section, [])]
        return "\n".join(lines) + "\n"

    @property
    def url(self) -> str:
        """The HTTP address."""
        return f"http://{self.host}:{self.port}"

    def store_url(self, database: str | None = None) -> str:
        """For `SIAGA_STORE_URL`: a database of that name, or of a fresh one, which the store creates."""
        database = database or f"t{uuid.uuid4().hex[:12]}"
        return f"influxdb://{self.user}:{quote(self.password)}@{self.host}:{self.port}/-/{database}"

    def start(self) -> Self:
        """Start and, with `auth`, make the administrator once."""
        super().start()
        if self._auth and not self._made_user:
            self._ask("/query", {"q": f"CREATE USER {self.user} WITH PASSWORD '{self.password}' WITH ALL PRIVILEGES"})
            self._made_user = True
        return self

    def query(self, database: str, q: str) -> list[dict[str, object]]:
        """The rows of all series that an InfluxQL statement answers, tags among the columns, times in milliseconds."""
        answer = self._ask("/query", {"db": database, "q": q, "epoch": "ms"})
        rows: list[dict[str, object]] = []
        for result in answer.json()["results"]:
            if "error" in result:
                raise RuntimeError(f"{q}: {result['error']}")
            for series in result.get("series", ()):
                tags = series.get("tags", {})
                found = series.get("values", ())
                rows += [tags | dict(zip(series["columns"], values, strict=True)) for values in found]
        return rows

    def write(self, database: str, *lines: str) -> None:
        """Put line protocol (milliseconds) into a database past siaga; the database is created."""
        self.query("", f'CREATE DATABASE "{database}"')
        self._ask("/write", {"db": database, "precision": "ms"}, "\n".join(lines).encode())

    def _ask(self, path: str, fields: dict[str, str], body: bytes | None = None) -> urllib3.BaseHTTPResponse:
        address = f"{self.url}{path}?{'&'.join(f'{key}={quote(value)}' for key, value in fields.items())}"
        headers = urllib3.make_headers(basic_auth=f"{self.user}:{self.password}" if self._auth else None)
        answer = self._http.request("POST", address, body=body, headers=headers)
        if answer.status >= 300:
            raise RuntimeError(f"influxd answered {path} with {answer.status}: {answer.data.decode()}")
        return answer

    def _ready(self) -> bool:
        try:
            return self._http.request("GET", f"{self.url}/ping", timeout=2).status == 204
        except urllib3.exceptions.HTTPError:
            return False

    def _end(self, by: signal.Signals) -> None:
        super()._end(by)
        self._http.clear()  # connections to the server that is gone

    def _command(self) -> Sequence[str]:
        return [find_binary("influxd", "influxdb"), "-config", str(self._config)]


class Postgres(_Server):
    """A PostgreSQL cluster that trusts everybody on its network. It refuses to run as root, and is `postgres` then.

    fsync is off: what a process committed survives `kill` all the same, a power cut is not tested with it.
    """

    name = "postgres"
    user = "siaga"

    def __init__(self, *, host: str = LOOPBACK) -> None:
        super().__init__("postgres" if os.geteuid() == 0 else None, host)
        self._data = self.directory / "data"

    def start(self) -> Self:
        """Make the cluster once, start it, and return when it takes statements."""
        if not self._data.exists():
            made = subprocess.run(
                [
                    *(find_binary("initdb", "postgresql"), "-D", str(self._data), "-U", self.user),
                    *("-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
                ],
                cwd=self.directory,
                capture_output=True,
                text=True,
                check=False,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
            )
            if made.returncode:
                raise RuntimeError(f"initdb failed: {made.stderr}")
            if self.host != LOOPBACK:
                with (self._data / "pg_hba.conf").open("a") as rules:
                    rules.write("host all all samenet trust\n")
        return super().start()

    def _command(self) -> Sequence[str]:
        settings = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": str(self.directory),
            "fsync": "off",
            "shared_buffers": "32MB",
            "max_connections": "100",
        }
        options = [option for key, value in settings.items() for option in ("-c", f"{key}={value}")]
        return [find_binary("postgres", "postgresql"), "-D", str(self._data), *options]

    def _ready(self) -> bool:
        try:
            self._run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, statement: str) -> None:
        address = f"host={self.host} port={self.port} user={self.user} dbname=postgres connect_timeout=2"
        address += " options='-c default_transaction_read_only=off'"  # an administrator may
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, data is flushed."""
        self._end(signal.SIGINT)

    def take_changes(self, yes: bool) -> None:
        """Be a server that takes changes, or one that is read-only for all of its sessions, as a standby is."""
        for statement in (
            f"ALTER SYSTEM SET default_transaction_read_only = {'off' if yes else 'on'}",
            "SELECT pg_reload_conf()",
        ):
            self._run(statement)

    def database_url(self) -> str:
        """For `SIAGA_DATABASE_URL`: a fresh, empty database."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self._run(f"CREATE DATABASE {name}")
        return f"postgresql://{self.user}@{self.host}:{self.port}/{name}"
