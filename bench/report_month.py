"""A month's report for 400 villages with 5 facilities each, as `GET /reports/availability` answers it, from SQLite.

The facilities have outages as in a real month: most of them short, the gateway away some nights, lamps and offices by
their schedules. The database holds a quarter more than that month. The seconds are of the whole call: HTTP, a process
of its own, queries, figures, JSON, XLSX or PDF; the first call, which also starts the process that forks it, stands
apart. Other load on the machine lengthens them. It changes the processor time and the memory of that process less,
which stand beside them.
"""

import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

import httpx
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from api.app import create_app
from api.http import HttpServer
from api.reports.answer import packed
from api.reports.forms import Form, Question
from api.reports.glance import Part
from api.reports.maker import ReportMaker
from api.reports.period import parse_period
from api.reports.process import surroundings
from api.words.language import Language
from bench.figure import Figure, at_most
from siaga.database import connect, migrate, writing
from siaga.database.dark import write_dark
from siaga.database.registry import Registry
from siaga.database.spans import write_spans
from siaga.database.tokens import Tokens
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR, MINUTE, ManualClock
from siaga.model.intervals import subtract
from siaga.model.scope import Scopes
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.telemetry import open_store
from siaga.timeline.dark import Darkness
from siaga.timeline.schedule import parse_schedule, required
from siaga.timeline.span_algebra import FOREVER
from siaga.timeline.spans import Span, State

VILLAGES = 400
KINDS = ("gate", "free_wifi", "office_lighting", "night_guard", "toilet")
SCHEDULES = {"office_lighting": "night", "toilet": "office"}
CAUSES = {
    "gate": "gate_open",
    "free_wifi": "internet",
    "office_lighting": "lamp_on",
    "night_guard": "checkin",
    "toilet": "cleaned",
}
FIRST = int(datetime(2026, 8, 1, tzinfo=UTC).timestamp()) * 1000
NOW = int(datetime(2026, 12, 2, tzinfo=UTC).timestamp()) * 1000
JSON_LIMIT, XLSX_LIMIT, PDF_LIMIT = 2.0, 5.0, 20.0
"""Seconds: the figures that the report is held to."""
MEMORY_LIMIT = 600
"""MB."""


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        engine = connect(f"sqlite:///{directory}/siaga.db")
        store = open_store(f"duckdb:///{directory}/telemetry.duckdb")
        clock = ManualClock(NOW)
        try:
            spans = fill(engine)
            token = Tokens(engine, clock).create(Role.VIEWER, "bench")
            app = create_app(engine=engine, store=store, clock=clock)
            with HttpServer(app, "127.0.0.1", 0) as server:
                first = _ask(server.url, token, "json")
                times = {
                    form: sorted(_ask(server.url, token, form) for _ in range(3))
                    for form in ("json", "csv", "xlsx", "pdf")
                }
            costs = {form: _cost(engine, Form(form)) for form in times}
            times["page"] = sorted(asyncio.run(_looks(engine)))
        finally:
            store.close()
            engine.dispose()
    figures = [Figure("the first month as json", first[0], "s", note="the start of the process that forks in it")] + [
        figure
        for form, (processor, memory) in costs.items()
        for figure in (
            Figure(f"processor of a month as {form}", processor, "s", note="user and system, of the process"),
            at_most(f"memory of a month as {form}", memory, "MB", MEMORY_LIMIT, "resident at most, of the process"),
        )
    ]
    limits = {"json": JSON_LIMIT, "csv": JSON_LIMIT, "xlsx": XLSX_LIMIT, "pdf": PDF_LIMIT, "page": JSON_LIMIT}
    return figures + [
        at_most(
            f"a month of {VILLAGES} villages as {form}",
            found[1][0],
            "s",
            limits[form],
            f"{spans:,} spans stored, {found[1][1] / 1e6:.1f} MB, the median of 3 calls",
        )
        for form, found in times.items()
    ]


def _ask(url: str, token: str, form: str) -> tuple[float, int]:
    """Seconds and bytes of one call; the answer is checked, so that it is of the work that was meant."""
    began = time.perf_counter()
    answer = httpx.get(
        f"{url}/api/v1/reports/availability",
        params={"period": "2026-11", "format": form},
        headers={"Authorization": f"Bearer {token}"},
        timeout=120,
    )
    took = time.perf_counter() - began
    assert answer.status_code == 200, answer.text[:500]
    if form == "json":
        (row,) = [row for row in answer.json()["rows"] if row["level"] == "all"]
        assert row["facilities"] == VILLAGES * len(KINDS), row
        assert row["required_s"] == row["met_s"] + row["failed_s"] + row["unknown_s"], row
    return took, len(answer.content)


_COSTED = """
import resource, sys
from api.reports.process import main
def used():
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime
began = used()
status = main()
[peak] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
sys.stderr.write(f"{used() - began} {peak}")
sys.exit(status)
"""
"""Makes a report, and says at its end what it used without its imports: a fork has them."""


def _cost(engine: Engine, form: Form) -> tuple[float, float]:
    """Processor seconds and MB of the process that makes a form."""
    question = Question(parse_period("2026-11"), Scopes.of("*"), Language.ID, form, NOW)
    job = packed(engine.url.render_as_string(hide_password=False), question)
    done = subprocess.run(
        [sys.executable, "-c", _COSTED], input=job, capture_output=True, check=True, env=surroundings(), timeout=300
    )
    assert done.stdout
    processor, peak = done.stderr.split()
    return float(processor), int(peak) / 1000


async def _looks(engine: Engine) -> list[tuple[float, int]]:
    """Seconds and bytes of what `/reports` shows at first, three times, from a process that is there already."""
    question = Question(parse_period("2026-11"), Scopes.of("*"), Language.ID, Form.JSON, NOW)
    maker = ReportMaker(engine, CollectorRegistry())
    found = []
    for _ in range(4):
        began = time.perf_counter()
        seen = await maker.glance(question, Part())
        found.append((time.perf_counter() - began, len(str(seen))))
        assert seen.facilities == VILLAGES * len(KINDS), seen.facilities
    await maker.close()
    return found[1:]


def fill(engine: Engine) -> int:
    migrate(engine)
    chance = random.Random(12)
    villages = [
        Village(
            f"35.10.{number // 20 + 1:02d}.{2001 + number % 20}",
            f"Desa {number}",
            -8.2,
            114.3,
            "Asia/Jakarta",
            tuple(
                Facility(kind, kind, f"{kind} {number}", (Device(f"{kind}-1", Adapter.SENML, MINUTE),))
                for kind in KINDS
            ),
        )
        for number in range(VILLAGES)
    ]
    Registry(engine).replace(villages, FIRST)
    count = 0
    schedules = {kind: parse_schedule(SCHEDULES.get(kind, "24h")) for kind in KINDS}
    asked = {kind: required(schedules[kind], villages[0], FIRST, NOW) for kind in KINDS}
    for village in villages:
        away = sorted(_stretches(chance, 0.15, 4 * HOUR))
        with writing(engine) as connection:
            spans = {
                (village.code, kind): {span.start: span for span in _spans(chance, kind, asked[kind], away)}
                for kind in KINDS
            }
            write_spans(connection, spans)
            write_dark(connection, village.code, Darkness((FIRST, NOW), away))
        count += sum(map(len, spans.values()))
    return count


def _stretches(chance: random.Random, a_day: float, mean: int) -> Iterator[tuple[int, int]]:
    """So many stretches a day, apart from each other."""
    at = FIRST
    while True:
        at += round(chance.expovariate(a_day / DAY)) + MINUTE
        end = at + round(chance.expovariate(1 / mean)) + MINUTE
        if end >= NOW:
            return
        yield at, end
        at = end


def _spans(
    chance: random.Random, kind: str, asked: list[tuple[int, int]], away: list[tuple[int, int]]
) -> Iterator[Span]:
    """A history without gap: what is not asked, the gateway's absences, failures, and met in between."""
    failures = list(_stretches(chance, 0.5, 40 * MINUTE))
    marks = sorted({FIRST, NOW, *(time for part in (asked, away, failures) for stretch in part for time in stretch)})
    last: Span | None = None
    asked_left, away_left, failed_left = (subtract(part, []) for part in (asked, away, failures))
    for start, end in pairwise(marks):
        for left in (asked_left, away_left, failed_left):
            while left and left[0][1] <= start:
                left.pop(0)
        inside = [bool(left) and left[0][0] <= start for left in (asked_left, away_left, failed_left)]
        if not inside[0]:
            found = Span(start, end, State.NOT_REQUIRED)
        elif inside[1]:
            found = Span(start, end, State.UNKNOWN, "village_offline")
        elif inside[2]:
            found = Span(start, end, State.FAILED, CAUSES[kind])
        else:
            found = Span(start, end, State.MET)
        if last is not None and (last.state, last.cause) == (found.state, found.cause):
            last = Span(last.start, end, last.state, last.cause)
            continue
        if last is not None:
            yield last
        last = found
    if last is not None:
        yield Span(last.start, FOREVER, last.state, last.cause)
