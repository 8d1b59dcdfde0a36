"""What siaga says in the end, beside what was true: alerts, timelines, readings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
import psycopg

from bench.kills.gates import Closure
from tests.servers import Influxd

__all__ = [
    "AlertFigures",
    "ReadingFigures",
    "Told",
    "compare_alerts",
    "compare_readings",
    "raised_twice",
    "read_alerts",
    "wrong_timelines",
]


@dataclass(frozen=True, slots=True)
class Told:
    """An alert about a gate, as the API has it, ms."""

    village: str
    began: int
    ended: int | None
    raised: int

    @property
    def closure(self) -> Closure:
        """What it says of the gate."""
        return Closure(self.village, self.began, self.ended)


@dataclass(frozen=True, slots=True)
class AlertFigures:
    """Alerts beside the closures of gates.

    `lost`: closures without an alert. `doubled`: alerts of a closure beyond the first. `unfounded`: alerts of none.
    `dated`: alerts with another beginning or end than the gate. `delays`: seconds from the closing to the alert.
    """

    due: int
    told: int
    lost: tuple[Closure, ...]
    doubled: tuple[Told, ...]
    unfounded: tuple[Told, ...]
    dated: tuple[tuple[Closure, Told], ...]
    delays: tuple[float, ...]

    @property
    def agrees(self) -> bool:
        """Whether each closure has its one alert, with its times."""
        return not (self.lost or self.doubled or self.unfounded or self.dated)


@dataclass(frozen=True, slots=True)
class ReadingFigures:
    """Readings in the store beside what gates said. `foreign`: stored and never said. `changed`: of another value."""

    said: int
    stored: int
    lost: int
    foreign: int
    changed: int

    @property
    def agrees(self) -> bool:
        """Whether the store holds what was said, and no more."""
        return not (self.lost or self.foreign or self.changed)


def read_alerts(client: httpx.Client) -> list[Told]:
    """Returns all alerts about gates, page by page."""
    found: list[Told] = []
    cursor: dict[str, str] = {}
    while True:
        answer = client.get("/api/v1/alerts", params={"kind": "facility_failed", "limit": "500", **cursor})
        answer.raise_for_status()
        page = answer.json()
        for each in page["items"]:
            ended = None if each["ended_at"] is None else _ms(each["ended_at"])
            found.append(Told(each["village"], _ms(each["began_at"]), ended, _ms(each["raised_at"])))
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


def compare_alerts(closures: Sequence[Closure], told: Sequence[Told]) -> AlertFigures:
    """Returns the comparison. An alert is about the closure that it overlaps."""
    left = sorted(told, key=lambda one: (one.village, one.began))
    lost, doubled, dated, delays = [], [], [], []
    for closure in closures:
        mine = [one for one in left if _overlap(closure, one.closure)]
        for one in mine:
            left.remove(one)
        if not mine:
            lost.append(closure)
            continue
        doubled += mine[1:]
        delays.append((mine[0].raised - closure.began) / 1000)
        if mine[0].closure != closure:
            dated.append((closure, mine[0]))
    return AlertFigures(
        len(closures), len(told), tuple(lost), tuple(doubled), tuple(left), tuple(dated), tuple(sorted(delays))
    )


def raised_twice(database: str) -> int:
    """Returns how many alerts have more than one event `raised`, or more than one `cleared`."""
    query = (
        "SELECT count(*) FROM (SELECT 1 FROM alert_event WHERE type IN ('raised', 'cleared')"
        " GROUP BY alert, type HAVING count(*) > 1) AS more"
    )
    with psycopg.connect(database, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def compare_readings(said: Mapping[str, Mapping[int, bool]], store: Influxd, database: str) -> ReadingFigures:
    """Returns the comparison of every reading of every gate, by its time."""
    counts = Counter[str]()
    for village, readings in said.items():
        rows = store.query(database, f"SELECT gate_open FROM telemetry WHERE village = '{village}'")
        stored = {int(str(row["time"])): row["gate_open"] for row in rows}
        counts["stored"] += len(rows)
        counts["lost"] += len(readings.keys() - stored.keys())
        counts["foreign"] += len(stored.keys() - readings.keys()) + len(rows) - len(stored)
        counts["changed"] += sum(stored.get(at, value) is not value for at, value in readings.items())
    said_in_all = sum(map(len, said.values()))
    return ReadingFigures(said_in_all, counts["stored"], counts["lost"], counts["foreign"], counts["changed"])


def wrong_timelines(closures: Sequence[Closure], client: httpx.Client, start: int, end: int) -> list[str]:
    """Returns the villages whose timeline says other failures than there were, in `[start, end)`, ms."""
    wrong = []
    for village in sorted({one.village for one in closures}):
        path = f"/api/v1/facilities/{village}/gerbang/timeline"
        answer = client.get(path, params={"from": _text(start), "to": _text(end)})
        answer.raise_for_status()
        told = [
            (max(start, _ms(one["start"])), min(end, _ms(one["end"])))
            for one in answer.json()["spans"]
            if one["state"] == "failed"
        ]
        if told != [(one.began, min(one.ended or end, end)) for one in closures if one.village == village]:
            wrong.append(village)
    return wrong


def _overlap(one: Closure, other: Closure) -> bool:
    ends = [each.ended if each.ended is not None else 2**62 for each in (one, other)]
    return one.village == other.village and one.began < ends[1] and other.began < ends[0]


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _text(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000).astimezone().isoformat()
