"""10,002 simulated devices in one process on one core, each with a session of its own on a real Mosquitto.

`siaga simulate`'s own driver runs them in real time, pinned to one core, one report a minute each. A report is late by
the time from when its device made it until it was handed to the socket's session; all that the devices sent has to be
acknowledged by the broker. What they take is told of the minutes after all have come online.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.figure import Figure, at_least, at_most
from firmware_sim import Driver, World
from firmware_sim.actions import Action, Send
from firmware_sim.sites import villages_of
from firmware_sim.truth import TruthFile
from firmware_sim.villages import Made, sites_of
from tests.servers import Mosquitto

__all__ = ["run"]

VILLAGES = 1_667
"""Of six devices each."""
DEVICES = VILLAGES * 6
SECONDS = 70
"""A minute in which each reports, and some more."""
COMES_UP_WITHIN = 120
SETTLE = 5
"""Seconds after the last came online until it is measured: what a device says at first is over."""
LAST_WORDS = 10
"""Seconds in which nothing new is sent and what is on the way is acknowledged."""


def run() -> list[Figure]:
    with Mosquitto(("max_connections -1",)) as mosquitto:
        command = [sys.executable, "-m", "bench.simulated_devices", mosquitto.url]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=COMES_UP_WITHIN + SECONDS + 60)
    found = json.loads(done.stdout.splitlines()[-1])
    return [
        at_least("devices with a session", found["online"], "devices", DEVICES, f"after {found['came_up']:.0f} s"),
        at_most("processor", found["share"] * 100, "% of a core", 100, f"{found['rate']:.0f} reports/s"),
        Figure("reports late by, p99", found["p99"], "ms", note=f"p50 {found['p50']:.0f} ms"),
        Figure("reports late by, at most", found["longest"], "ms"),
        Figure("resident", found["resident"], "MB"),
        at_most("not acknowledged", found["lost"], "reports", 0, f"of {found['reports']:,}, coming up included"),
    ]


@dataclass
class _Lateness:
    """Looks at what the driver is about to do, and leaves it to do it."""

    clock: Callable[[], int]
    late: list[int] = field(default_factory=list)
    quiet: bool = False
    """Nothing more is sent: the run is over, and what is on its way has time to be acknowledged."""

    def __call__(self, action: Action) -> bool:
        if isinstance(action, Send):
            self.late.append(self.clock() - action.time)
            return self.quiet
        return False


def _now() -> int:
    return time.time_ns() // 1_000_000


def _simulate(url: str) -> dict[str, float]:
    """Run the devices in this process, and measure it."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    made = sites_of(Made(VILLAGES, "35.10", every="1m", mixed=False))
    villages = villages_of(made, Path("made"))
    start = _now()
    truth, seen = TruthFile(None), _Lateness(_now)
    driver = Driver(World(villages, seed=1, start=start), url, truth, elsewhere=seen)
    try:
        came_up = _turn(driver, lambda: driver.online >= DEVICES, COMES_UP_WITHIN)
        _turn(driver, lambda: False, SETTLE)
        seen.late.clear()
        spent, began, before = time.process_time(), time.monotonic(), truth.reports
        _turn(driver, lambda: False, SECONDS)
        share = (time.process_time() - spent) / (time.monotonic() - began)
        late, online, rate = sorted(seen.late), driver.online, (truth.reports - before) / SECONDS
        seen.quiet = True
        _turn(driver, lambda: False, LAST_WORDS)
        reports, acknowledged = truth.reports, truth.acknowledged
    finally:
        driver.end()
    return {
        "online": online,
        "came_up": came_up,
        "share": share,
        "rate": rate,
        "p50": late[len(late) // 2],
        "p99": late[int(len(late) * 0.99)],
        "longest": late[-1],
        "resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
        "reports": reports,
        "lost": truth.reports - acknowledged,
    }


def _turn(driver: Driver, done: Callable[[], bool], seconds: float) -> float:
    """Let the devices live until it is `done`, at most for so long; seconds that it took."""
    began = time.monotonic()
    looked = began
    while (now := time.monotonic()) - began < seconds:
        driver.turn()
        if now - looked > 1:  # a look goes through all devices
            looked = now
            if done():
                break
    return time.monotonic() - began


if __name__ == "__main__":
    print(json.dumps(_simulate(sys.argv[1])))
