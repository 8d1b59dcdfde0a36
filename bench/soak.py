"""`make soak HOURS=2`: a district's load on real servers, with random faults, for hours. Is it flat, and is it true?

Mosquitto, InfluxDB, PostgreSQL, `siaga collector` and `siaga api` run as processes; `siaga simulate` plays the villages
with their gateways, and records the truth. Every few minutes something is killed, stopped for a while, or frozen. In
the end `siaga verify` compares all answers with the truth. It is no part of `make test`.

    python -m bench.soak --hours 2 --villages 200 --devices 20 --seed 1
"""

import argparse
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from bench.members import Member, run
from bench.processes import SIAGA, environment, is_ready, resident_mb
from siaga.sites.writing import write_tree
from tests.servers import Influxd, Mosquitto, Postgres, free_port
from tests.wait import until

BROKER = ("max_queued_messages 0", "max_inflight_messages 1000", "max_queued_bytes 500000000")
KINDS = ("gate", "free_wifi", "office_lighting", "night_guard")
"""What each device of a village is, in turn: facilities of five devices."""
NUMBERS = {
    "siaga_engine_dirty_villages": "villages to be judged again",
    "siaga_notifications_waiting": "messages that wait",
    'siaga_self_probe_seconds{step="stored"}': "self-probe, stored, s",
    'siaga_self_probe_seconds{step="raised"}': "self-probe, raised, s",
}
"""Numbers of `/metrics`, and what they are called here."""
FAULTS = [
    {"at": "5m", "for": "8m", "every": "30m", "village": "35.10.*", "facility": "f0", "fault": "gate_closed"},
    {"at": "16m", "for": "4m", "every": "45m", "village": "35.10.00.*", "fault": "link_cut"},
]
"""What breaks in the villages meanwhile: gates that have to be alerted of, and links whose data comes late."""
DEVICES_OF_FACILITY = 5
SAMPLE = 5.0
"""Seconds between two samples."""
SETTLE = "15m"
READY_WITHIN = 300.0


@dataclass
class Samples:
    """What was measured of each process: resident memory, MB, and open files; and of the whole, by its name."""

    memory: dict[str, list[float]] = field(default_factory=dict)
    files: dict[str, list[float]] = field(default_factory=dict)
    whole: dict[str, list[float]] = field(default_factory=dict)

    def take(self, pids: Mapping[str, int], whole: Mapping[str, float]) -> None:
        """Take a sample. A process that is just starting has none."""
        for name, pid in pids.items():
            try:
                memory, files = resident_mb(pid), len(list(Path(f"/proc/{pid}/fd").iterdir()))
            except OSError:
                continue
            self.memory.setdefault(name, []).append(memory)
            self.files.setdefault(name, []).append(files)
        for name, value in whole.items():
            self.whole.setdefault(name, []).append(value)


class Soak:
    """One run."""

    def __init__(self, asked: argparse.Namespace, directory: Path, stack: ExitStack) -> None:
        self.asked, self.directory, self.chance = asked, directory, random.Random(asked.seed)
        self.influxd = stack.enter_context(Influxd())
        self.postgres = stack.enter_context(Postgres())
        self.mosquitto = stack.enter_context(Mosquitto(BROKER))
        self.sites, self.truth = directory / "sites.yaml", directory / "truth.jsonl"
        self.sites.write_text(
            write_tree({"villages": [village(number, asked.devices) for number in range(asked.villages)]})
        )
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        shared = {
            "SIAGA_MQTT_URL": self.mosquitto.url,
            "SIAGA_STORE_URL": self.influxd.store_url("soak"),
            "SIAGA_DATABASE_URL": self.postgres.database_url(),
            "SIAGA_HTTP_PORT": str(port),
        }
        self.members = {name: self._member(name, shared) for name in ("api", "collector")}
        self.settings = self.members["api"].settings
        run([SIAGA, "import", self.sites], self.settings)
        self.token = run([SIAGA, "token", "create", "--role", "viewer"], self.settings).strip()
        for member in self.members.values():
            member.start()
            stack.callback(member.stop)
        self.client = stack.enter_context(httpx.Client(base_url=self.url, timeout=10))
        until(lambda: is_ready(self.client), READY_WITHIN, "siaga api is ready")
        self.samples, self.faults, self.over = Samples(), Counter[str](), threading.Event()

    def _member(self, name: str, shared: Mapping[str, str]) -> Member:
        data = self.directory / name
        data.mkdir(mode=0o700)
        return Member(name, [str(SIAGA), name], environment(**shared, SIAGA_DATA_DIR=str(data)), data / "log")

    def play(self) -> int:
        """Load and faults for as long as asked, then the comparison. Returns its exit status."""
        broken = self.directory / "faults.yaml"
        broken.write_text(write_tree({"faults": FAULTS}))
        words = ["simulate", "--sites", self.sites, "--mqtt-url", self.mosquitto.url, "--truth", self.truth]
        words += ["--faults", broken]
        lasts = f"{round(self.asked.hours * 3600)}s"
        seed = str(self.asked.seed)
        with (self.directory / "simulate.log").open("wb") as log:
            devices = subprocess.Popen(
                [str(SIAGA), *map(str, words), "--for", lasts, "--seed", seed], stdout=log, stderr=log
            )
        ends = time.monotonic() + self.asked.hours * 3600
        next_fault = time.monotonic() + self.asked.every
        try:
            while devices.poll() is None:
                if next_fault <= time.monotonic() < ends - 2 * self.asked.every:
                    self._disturb()
                    next_fault = time.monotonic() + self.chance.uniform(0.5, 1.5) * self.asked.every
                self._look()
                time.sleep(SAMPLE)
        finally:
            devices.terminate()
            devices.wait(60)
        for member in self.members.values():
            member.revive()
        until(lambda: is_ready(self.client), READY_WITHIN, "siaga api is ready in the end")
        words = ["verify", "--truth", self.truth, "--url", self.url, "--token", self.token, "--settle", SETTLE]
        return subprocess.run([str(SIAGA), *map(str, words)], check=False).returncode

    def _look(self) -> None:
        for member in self.members.values():
            member.revive()
        pids = {name: member.pid for name, member in self.members.items()}
        servers = {"mosquitto": self.mosquitto, "influxd": self.influxd, "postgres": self.postgres}
        pids |= {name: server.pid for name, server in servers.items() if server.running}
        self.samples.take(pids, self._whole())

    def _whole(self) -> dict[str, float]:
        try:
            text = self.client.get("/metrics").text
        except httpx.HTTPError:
            return {}
        parts = (line.partition(" ") for line in text.splitlines())
        return {NUMBERS[name]: float(value) for name, _, value in parts if name in NUMBERS}

    def _disturb(self) -> None:
        """Break something, and mend it after some seconds."""
        down = self.chance.uniform(0.1, 0.6) * self.asked.every
        member = self.chance.choice(list(self.members.values()))
        server = self.chance.choice([self.mosquitto, self.influxd, self.postgres])
        name = type(server).__name__
        kinds: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
            (f"kill -9 {member.name}", lambda: member.signal(signal.SIGKILL), member.revive),
            (f"stop {member.name}", lambda: member.signal(signal.SIGSTOP), lambda: member.signal(signal.SIGCONT)),
            (f"{name} killed", server.kill, server.start),
            (f"{name} down", server.stop, server.start),
            (f"{name} frozen", server.freeze, server.thaw),
        ]
        what, begin, end = self.chance.choice(kinds)
        self.faults[what] += 1
        begin()
        until_then = time.monotonic() + down
        while time.monotonic() < until_then:
            self._look()
            time.sleep(min(SAMPLE, down))
        end()


def village(number: int, devices: int) -> dict[str, object]:
    """Returns a village of the sites file, with a gateway of its own."""
    facilities: list[dict[str, object]] = []
    for first in range(0, devices, DEVICES_OF_FACILITY):
        kind = KINDS[first // DEVICES_OF_FACILITY % len(KINDS)]
        own = [
            {"id": f"{kind}-{device}", "adapter": "senml", "every": "1m"}
            for device in range(first, min(devices, first + DEVICES_OF_FACILITY))
        ]
        facilities.append({"id": f"f{first}", "kind": kind, "name": f"F{first}", "devices": own})
    return {
        "code": f"35.10.{number // 100:02}.{2000 + number % 100}",
        "name": f"Desa {number}",
        "lat": -8.2,
        "lon": 114.3,
        "timezone": "Asia/Jakarta",
        "gateway": "remote",
        "facilities": facilities,
    }


def size_mb(directory: Path) -> float:
    """Returns the size of all files below a directory."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 1e6


def table(soak: Soak, verdict: int, took: float) -> Table:
    """Returns what was measured: the first and the last quarter of the run beside each other."""
    made = Table(title=f"soak: {took / 60:.0f} min, {soak.asked.villages} villages", title_justify="left")
    for heading in ("figure", "first quarter", "last quarter", "at most"):
        made.add_column(heading, justify="left" if heading == "figure" else "right")
    groups = (
        ("memory of {}, MB", soak.samples.memory),
        ("open files of {}", soak.samples.files),
        ("{}", soak.samples.whole),
    )
    for text, of in groups:
        for name, values in sorted(of.items()):
            quarter = max(1, len(values) // 4)
            parts = statistics.median(values[:quarter]), statistics.median(values[-quarter:]), max(values)
            made.add_row(text.format(name), *(f"{value:,.1f}" for value in parts))
    for name, directory in (
        ("influxd", soak.influxd.directory),
        ("postgres", soak.postgres.directory),
        ("siaga", soak.directory),
    ):
        made.add_row(f"disk of {name}, MB", "", f"{size_mb(directory):,.0f}", "")
    made.add_row("faults", "", str(soak.faults.total()), "")
    for name, count in sorted(soak.faults.items()):
        made.add_row(f"  {name}", "", str(count), "")
    made.add_row("answers equal the truth", "", "yes" if verdict == 0 else "NO", "")
    return made


def main(words: Sequence[str]) -> int:
    """Run it; answer with the exit status: 0 where all answers equal the truth."""
    parser = argparse.ArgumentParser(prog="make soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--villages", type=int, default=200)
    parser.add_argument("--devices", type=int, default=20, help="of a village")
    parser.add_argument("--every", type=float, default=120.0, help="seconds between two faults, on average")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an end in which the servers are ended as well
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="siaga-soak-") as directory, ExitStack() as stack:
        soak = Soak(asked, Path(directory), stack)
        verdict = soak.play()
        Console(width=None if sys.stdout.isatty() else 120).print(table(soak, verdict, time.monotonic() - began))
    return verdict


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
