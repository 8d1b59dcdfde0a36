"""The demonstration as a visitor sees it: twelve villages, days behind them, alerts that come and go.

Its past is four days long here and thirty by default; each day of it comes the same way.
"""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.story.system import SIAGA, System, rfc3339
from tests.wait import PATIENCE, until

WITHIN = 120
"""Seconds after which a test gives up waiting for history and alerts."""
MEMORY = 500_000_000
DAYS, DAY = 4, 86_400
FROM = time.time() - DAYS * DAY


@contextmanager
def demo(system: System, *more: str) -> Iterator[int]:
    """`siaga up --demo` on the system's ports, ended with Ctrl-C; its process id."""
    environment = {name: value for name, value in system.environment.items() if name != "SIAGA_SITES"}
    with system.log.open("ab") as log:
        system.process = subprocess.Popen([str(SIAGA), "up", "--demo", *more], env=environment, stdout=log, stderr=log)
    if "Authorization" not in system.client.headers:
        system.client.headers["Authorization"] = f"Bearer {system.token()}"
    until(system.is_ready, timeout=180)
    yield system.process.pid
    system.process.send_signal(signal.SIGINT)
    assert system.process.wait(10) == 0


def covered(system: System) -> float:
    """Which share of its past is known, over all facilities."""
    window = {"from": rfc3339(FROM), "to": rfc3339(FROM + (DAYS - 0.5) * DAY)}
    shares = [item["coverage"] for item in system.items("/availability", **window)]
    return sum(share or 0 for share in shares) / len(shares)


def test_it_is_there_with_its_past_and_goes_on_the_next_time(tmp_path: Path) -> None:
    system = System(tmp_path, "villages: []\n")
    with demo(system, "--history", f"{DAYS}d") as pid:
        assert len(system.items("/villages")) == 12
        until(lambda: system.items("/alerts"), timeout=WITHIN, what="an alert is raised")
        until(lambda: covered(system) > 0.95, timeout=WITHIN, what="its past is known")
        until(lambda: any(alert["cleared_at"] for alert in system.items("/alerts")), what="one clears", timeout=WITHIN)
        page = httpx.get(f"http://127.0.0.1:{system.port}/", timeout=PATIENCE).text
        assert "Sumberwangi" in page
        assert "Banjarlaut" in page
        days = system.items("/days", **{"from": local_day(-DAYS), "to": local_day(-1)})
        assert {day["verdict"] for day in days} >= {"met", "missed"}
        assert peak_memory(pid) < MEMORY
        before = past(system)
    with demo(system):
        until(lambda: "demo_history_is_there" in system.log.read_text(), what="nothing is sent again")
        assert past(system) == before
    system.client.close()


def peak_memory(pid: int) -> int:
    """The most that a process was resident with, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def past(system: System) -> object:
    """The availability of what was over long ago: it does not change any more."""
    return system.items("/availability", **{"from": rfc3339(FROM), "to": rfc3339(FROM + 2 * DAY)})


def local_day(offset: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + offset * DAY))
