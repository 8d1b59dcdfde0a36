"""The demonstration as a visitor sees it: twelve villages, days behind them, alerts that come and go.

Its past is three days long here and thirty by default; each day of it comes the same way.
"""

import signal
import time
from pathlib import Path

import httpx

from tests.story.system import System, rfc3339
from tests.wait import PATIENCE, until

WITHIN = 120
"""Seconds after which a test gives up waiting for history and alerts."""
MEMORY = 500_000_000
DAYS, DAY = 3, 86_400
FROM = time.time() - DAYS * DAY


def covered(system: System) -> float:
    """Which share of its past is known, over all facilities."""
    window = {"from": rfc3339(FROM), "to": rfc3339(FROM + (DAYS - 0.5) * DAY)}
    shares = [item["coverage"] for item in system.items("/availability", **window)]
    return sum(share or 0 for share in shares) / len(shares)


def test_it_is_there_with_its_past_and_goes_on_the_next_time(tmp_path: Path) -> None:
    with System(tmp_path, None, f"up --demo --history {DAYS}d") as system:
        assert len(system.items("/villages")) == 12
        until(lambda: system.items("/alerts"), timeout=WITHIN, what="an alert is raised")
        until(lambda: covered(system) > 0.95, timeout=WITHIN, what="its past is known")
        until(lambda: any(alert["cleared_at"] for alert in system.items("/alerts")), what="one clears", timeout=WITHIN)
        page = httpx.get(f"http://127.0.0.1:{system.port}/", timeout=PATIENCE).text
        assert "Sumberwangi" in page
        assert "Banjarlaut" in page
        days = system.items("/days", **{"from": local_day(-DAYS), "to": local_day(-1)})
        assert {day["verdict"] for day in days} >= {"met", "missed"}
        assert peak_memory(system) < MEMORY
        wait_until_all_is_judged(system)
        before = past(system)
        end_with_ctrl_c(system)
    with System(tmp_path, None, "up --demo") as system:
        until(lambda: "demo_history_is_there" in system.log.read_text(), what="nothing is sent again")
        assert past(system) == before


def wait_until_all_is_judged(system: System) -> None:
    """Wait until the engine has taken and judged all that the collector had acknowledged when the last was sent."""
    until(lambda: "demo_history_sent" in system.log.read_text(), timeout=WITHIN, what="the whole past is acknowledged")
    sent = system.metric("siaga_collector_batches_total")
    until(lambda: system.metric("siaga_engine_batches_total") >= sent, timeout=WITHIN, what="the engine has taken it")
    until(lambda: system.metric("siaga_engine_dirty_villages") == 0, timeout=WITHIN, what="all of it is judged")


def end_with_ctrl_c(system: System) -> None:
    assert system.process is not None
    system.process.send_signal(signal.SIGINT)
    assert system.process.wait(10) == 0
    system.killed = True


def peak_memory(system: System) -> int:
    """The most that its process was resident with, in bytes."""
    assert system.process is not None
    status = Path(f"/proc/{system.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def past(system: System) -> object:
    """The availability of what was over long ago: it does not change any more."""
    return system.items("/availability", **{"from": rfc3339(FROM), "to": rfc3339(FROM + DAY)})


def local_day(offset: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + offset * DAY))
