"""The demonstration as a visitor sees it: twelve villages, thirty days behind them, alerts that come and go."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.story.system import SIAGA, System, rfc3339
from tests.wait import until

WITHIN = 120
"""Seconds after the set-up in which history and alerts are there."""
MEMORY = 500_000_000
DAY = 86_400
FROM = time.time() - 25 * DAY


@contextmanager
def demo(system: System) -> Iterator[int]:
    """`siaga up --demo` on the system's ports, ended with Ctrl-C; its process id."""
    environment = {name: value for name, value in system.environment.items() if name != "SIAGA_SITES"}
    with system.log.open("ab") as log:
        system.process = subprocess.Popen([str(SIAGA), "up", "--demo"], env=environment, stdout=log, stderr=log)
    if "Authorization" not in system.client.headers:
        system.client.headers["Authorization"] = f"Bearer {system.token()}"
    until(system.is_ready, timeout=60)
    yield system.process.pid
    system.process.send_signal(signal.SIGINT)
    assert system.process.wait(10) == 0


def covered(system: System) -> float:
    """Which share of the last 29 days is known, over all facilities."""
    now = time.time()
    window = {"from": rfc3339(now - 29 * DAY), "to": rfc3339(now - DAY)}
    shares = [item["coverage"] for item in system.items("/availability", **window)]
    return sum(share or 0 for share in shares) / len(shares)


def test_it_is_there_within_two_minutes_and_goes_on_the_next_time(tmp_path: Path) -> None:
    system = System(tmp_path, "villages: []\n")
    began = time.monotonic()
    with demo(system) as pid:
        assert len(system.items("/villages")) == 12
        until(lambda: system.items("/alerts"), timeout=WITHIN, what="an alert is raised")
        until(lambda: covered(system) > 0.95, timeout=WITHIN, what="thirty days are known")
        assert time.monotonic() - began < WITHIN
        until(lambda: any(alert["cleared_at"] for alert in system.items("/alerts")), what="one clears", timeout=120)
        page = httpx.get(f"http://127.0.0.1:{system.port}/").text
        assert "Sumberwangi" in page
        assert "Banjarlaut" in page
        days = system.items("/days", **{"from": local_day(-20), "to": local_day(-1)})
        assert {day["verdict"] for day in days} >= {"met", "missed"}
        assert peak_memory(pid) < MEMORY
        before = past(system)
    with demo(system):
        until(lambda: "demo_history_is_there" in system.log.read_text(), timeout=30, what="nothing is sent again")
        assert past(system) == before
    system.client.close()


def peak_memory(pid: int) -> int:
    """The most that a process was resident with, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def past(system: System) -> object:
    """The availability of what was over long ago: it does not change any more."""
    return system.items("/availability", **{"from": rfc3339(FROM), "to": rfc3339(FROM + 20 * DAY)})


def local_day(offset: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + offset * DAY))
