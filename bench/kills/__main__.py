"""`make kills KILLS=120`: faults of leaders, brokers, stores and databases, one after another, under load.

Real Mosquitto, InfluxDB and PostgreSQL, two `siaga api`, two `siaga collector`, each of these in a network namespace of
its own. Villages' gates open and close meanwhile, and their gateways send again what is not acknowledged. In the end
every alert, timeline and reading is compared with what was true. Exit status 0: nothing was lost, doubled or dated
anew, no two led at once, and 99 of 100 takeovers took less than 15 s. As root; it is no part of `make test`.

    python -m bench.kills --kills 120 --villages 40 --seed 1
"""

import argparse
import random
import signal
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from bench.kills import network
from bench.kills.campaign import STORED, Campaign, Suffered
from bench.kills.claims import overlaps
from bench.kills.comparison import (
    AlertFigures,
    ReadingFigures,
    compare_alerts,
    compare_readings,
    raised_twice,
    read_alerts,
    wrong_timelines,
)

KILLS = {"leader killed": 3, "broker killed": 3, "store killed": 2, "database killed": 2}
"""Of ten kills, so many of each."""
OTHERS_EVERY = 8
"""After so many kills comes another fault."""
TAKEN_OVER_WITHIN = 15.0
"""Seconds (contract, section 9)."""
AGREES_WITHIN = 300.0
"""Seconds from the end of the last fault in which everything has to agree with the truth."""
TAKEOVERS = frozenset(
    {
        "leader killed",
        "leader asleep for 40 s",
        "leader cut off from the database",
        "leader cut off from the broker",
        "leader cut off from all",
        "leader taken away",
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the run came to."""

    alerts: AlertFigures
    readings: ReadingFigures
    twice: int
    timelines: list[str]
    overlaps: int
    unacknowledged: int

    @property
    def agrees(self) -> bool:
        """Whether siaga says what was true."""
        return (
            self.alerts.agrees
            and self.readings.agrees
            and not (self.twice or self.timelines or self.overlaps or self.unacknowledged)
        )


def plan(kills: int, others: list[str], chance: random.Random) -> list[str]:
    """Returns the faults in their order: so many kills, and another fault after some of them."""
    deck = [kind for kind, share in KILLS.items() for _ in range(share)]
    order: list[str] = []
    more: list[str] = []
    for number in range(kills):
        if number % len(deck) == 0:
            chance.shuffle(deck)
        order.append(deck[number % len(deck)])
        if number % OTHERS_EVERY == OTHERS_EVERY - 1:
            if not more:
                more = chance.sample(others, len(others))
            order.append(more.pop())
    return order


def play(campaign: Campaign, kills: int, minutes: float) -> Verdict:
    """Faults under load, for so many minutes at most, then the comparison."""
    began = time.time_ns() // 1_000_000
    ends = time.monotonic() + minutes * 60
    with campaign.gates:
        others = [kind for kind in campaign.faults if kind not in KILLS]
        order = plan(kills, others, campaign.chance)
        for number, kind in enumerate(order, 1):
            if time.monotonic() > ends:
                break
            one = campaign.suffer(kind)
            print(f"{number}/{len(order)} {kind}: led after {seconds(one.seconds)}", flush=True)
        campaign.gates.calm()
        client = campaign.clients["api-1"]
        try:
            campaign.until(lambda: all(is_told(campaign, each) for each in ("api-1", "api-2")), AGREES_WITHIN, "agrees")
        except TimeoutError as error:
            print(error, flush=True)
        ended = time.time_ns() // 1_000_000
        campaign.gates.hush()
        try:
            campaign.until(lambda: campaign.gates.waiting == 0, 30, "acknowledged")
        except TimeoutError as error:
            print(error, flush=True)
    closures = campaign.gates.closures
    return Verdict(
        compare_alerts(closures, read_alerts(client)),
        compare_readings(campaign.gates.said, campaign.store, STORED),
        raised_twice(campaign.database_url),
        wrong_timelines(closures, client, began, ended),
        overlaps(campaign.claims.answers),
        campaign.gates.waiting,
    )


def is_told(campaign: Campaign, name: str) -> bool:
    """Returns whether a member's API tells of each closure once, with its times, and no batch waits."""
    try:
        told = sorted(one.closure for one in read_alerts(campaign.clients[name]))
    except httpx.HTTPError:
        return False
    closures = campaign.gates.closures
    is_calm = all(closure.ended is not None for closure in closures)
    return is_calm and told == closures and campaign.gates.waiting <= len(campaign.gates.said)


def seconds(value: float | None) -> str:
    """Returns seconds for people."""
    return "never" if value is None else f"{value:.1f} s"


def quantile(values: list[float], share: float) -> float:
    """Returns a quantile of sorted values."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def takeovers(suffered: list[Suffered]) -> list[float]:
    """Returns the seconds of all takeovers, in order. One that never came is infinite."""
    found = (one.seconds for one in suffered if one.kind in TAKEOVERS)
    return sorted(float("inf") if one is None else one for one in found)


def table(campaign: Campaign, verdict: Verdict, took: float) -> Table:
    """Returns what was measured."""
    suffered, alerts, readings = campaign.suffered, verdict.alerts, verdict.readings
    made = Table(title=f"kills: {len(suffered)} faults in {took / 60:.0f} min", title_justify="left")
    for heading in ("figure", "count", "median, s", "p99, s", "longest, s"):
        made.add_column(heading, justify="left" if heading == "figure" else "right")

    def row(name: str, values: list[float]) -> None:
        found = sorted(values)
        if found:
            figures = statistics.median(found), quantile(found, 0.99), found[-1]
            made.add_row(name, f"{len(found):,}", *(f"{value:.1f}" for value in figures))

    for kind in campaign.faults:
        mine = [one.seconds for one in suffered if one.kind == kind]
        row(kind, [float("inf") if one is None else one for one in mine])
    row("takeovers in all", takeovers(suffered))
    row("from a gate's closing to its alert", list(alerts.delays))
    counts: dict[str, object] = {
        "kills of leaders, brokers, stores and databases": sum(one.kind in KILLS for one in suffered),
        "alerts due, told": f"{alerts.due}, {alerts.told}",
        "alerts lost, doubled, unfounded": f"{len(alerts.lost)}, {len(alerts.doubled)}, {len(alerts.unfounded)}",
        "alerts dated anew": len(alerts.dated),
        "alerts with more than one event": verdict.twice,
        "timelines that differ": len(verdict.timelines),
        "readings said, stored": f"{readings.said:,}, {readings.stored:,}",
        "readings lost, doubled, changed": f"{readings.lost}, {readings.foreign}, {readings.changed}",
        "batches sent again": f"{campaign.gates.sent_again:,}",
        "batches never acknowledged": verdict.unacknowledged,
        "times that two led at once": verdict.overlaps,
    }
    for name, count in counts.items():
        made.add_row(name, str(count))
    return made


def main() -> int:
    """Run it. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="make kills", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=120, help="of leaders, brokers, stores and databases")
    parser.add_argument("--minutes", type=float, default=240, help="begin no fault later than that")
    parser.add_argument("--villages", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a directory for the members' logs, which is kept")
    asked = parser.parse_args()
    network.enter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an end in which the servers are ended as well
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="siaga-kills-") as directory, ExitStack() as stack:
        if asked.keep is not None:
            asked.keep.mkdir(parents=True, exist_ok=True)
        campaign = Campaign(asked, asked.keep or Path(directory), stack)
        verdict = play(campaign, asked.kills, asked.minutes)
        Console(width=None if sys.stdout.isatty() else 120).print(table(campaign, verdict, time.monotonic() - began))
        for wrong in (*verdict.alerts.lost, *verdict.alerts.doubled, *verdict.alerts.unfounded, *verdict.alerts.dated):
            print(wrong)
        print(*verdict.timelines)
    slow = quantile(takeovers(campaign.suffered), 0.99) >= TAKEN_OVER_WITHIN
    return 0 if verdict.agrees and not slow else 1


if __name__ == "__main__":
    sys.exit(main())
