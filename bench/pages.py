"""The pages that people open first, by the processor time of a whole request in this process: wall time tells of load.

The first page of 400 villages with a month of spans behind them, the alerts page with 1,000 open alerts, and the
overview of 2,000 villages. Each is made anew for each request. Bytes are those of the page and of the files it names.
"""

import asyncio
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine

from api.app import create_app
from bench.figure import Figure, at_most
from bench.report_month import NOW, fill
from siaga.database import connect, migrate, tables, writing
from siaga.database.registry import Registry
from siaga.database.spans import write_spans
from siaga.model.alert_kinds import SEVERITIES, Kind
from siaga.model.caller import Caller, Role
from siaga.model.clock import HOUR, MINUTE, SECOND, ManualClock
from siaga.model.scope import EVERYWHERE
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.run.garbage import keep_what_is_loaded
from siaga.telemetry import open_store
from siaga.timeline.span_algebra import FOREVER
from siaga.timeline.spans import Span, State

ALERTS, OVERVIEW = 1_000, 2_000
TIMES = 100
KINDS = ("gate", "free_wifi", "office_lighting", "night_guard")
_FILES = re.compile(r'(?:src|href)="(/static/[^"]+)"')


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page took: milliseconds of the processor, of each request in order of size, and bytes."""

    times: Sequence[float]
    unpacked: int
    packed: int

    def share(self, share: float) -> float:
        """Returns the time that so many of the requests kept to, by nearest rank."""
        return self.times[max(0, ceil(len(self.times) * share) - 1)]


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(f"duckdb:///{directory}/telemetry.duckdb")
        month, wide = (connect(f"sqlite:///{directory}/{name}.db") for name in ("month", "wide"))
        try:
            fill(month)
            _alerts(month)
            _wide(wide)
            clock = ManualClock(NOW)
            nobody = create_app(engine=month, store=store, clock=clock)
            while nobody.state.months.refresh():
                pass
            admin = Caller(Role.ADMIN, "admin", EVERYWHERE, "person/admin")
            signed_in, district = (
                create_app(engine=engine, store=store, clock=clock, caller_of=lambda _: admin)
                for engine in (month, wide)
            )
            keep_what_is_loaded()  # as a service does when it has started
            found: Mapping[str, Asked] = {
                "/": asyncio.run(_ask(nobody, "/", clock)),
                "/alerts": asyncio.run(_ask(signed_in, "/alerts", clock)),
                "/villages": asyncio.run(_ask(district, "/villages", clock)),
            }
        finally:
            store.close()
            month.dispose()
            wide.dispose()
    return [
        *_figures("the first page, 400 villages", found["/"], 0.5, 150, 60),
        *_figures("alerts, 1,000 open", found["/alerts"], 0.95, 100, 60),
        *_figures("overview, 2,000 villages", found["/villages"], 0.5, 300, 150),
    ]


def _figures(name: str, found: Asked, share: float, within: float, kilobytes: float) -> list[Figure]:
    said = "the median" if share == 0.5 else f"p{share:.0%}".rstrip("%")
    return [
        at_most(name, found.share(share), "ms", within, f"of the processor, {said} of {TIMES} requests"),
        at_most(
            name, found.packed / 1e3, "kB", kilobytes, f"with its files, as sent; {found.unpacked / 1e3:.0f} unpacked"
        ),
    ]


async def _ask(app: FastAPI, path: str, clock: ManualClock) -> Asked:
    """Ask for a page again and again. What is kept of the answer before is too old each time."""
    transport = httpx.ASGITransport(app=app)
    times = []
    async with httpx.AsyncClient(transport=transport, base_url="http://siaga") as client:
        for number in range(TIMES + 1):
            clock.advance(3 * SECOND)
            began = time.process_time()
            answer = await client.get(path)
            took = (time.process_time() - began) * 1000
            assert answer.status_code == 200, answer.text[:500]
            if number:  # the first one reads templates and words
                times.append(took)
        unpacked, packed = len(answer.content), await _sent(client, path)
        for file in sorted(set(_FILES.findall(answer.text))):
            unpacked += len((await client.get(file)).content)
            packed += await _sent(client, file)
    return Asked(sorted(times), unpacked, packed)


async def _sent(client: httpx.AsyncClient, path: str) -> int:
    """Returns the bytes of an answer as they go over the line."""
    async with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        return sum([len(part) async for part in answer.aiter_raw()])


def _alerts(engine: Engine) -> None:
    """Open alerts of the month's villages, of several kinds, the latest a minute old."""
    with engine.connect() as connection:
        table = tables.facility
        places = connection.execute(table.select().order_by(table.c.village, table.c.id)).all()
    kinds = (Kind.FACILITY_FAILED, Kind.INDICATOR_MISSED)
    rows = [
        {
            "id": f"{number:032x}",
            "kind": kinds[number % 2].value,
            "severity": SEVERITIES[kinds[number % 2]],
            "village": place.village,
            "facility": place.id,
            "subject": f"{place.village}/{place.id}",
            "began_at": NOW - HOUR - number * MINUTE,
            "raised_at": NOW - number * MINUTE,
            "cause": "gate_open",
            "evidence": {"state": "failed"},
            "revision": 1,
        }
        for number, place in enumerate(places[: 2 * ALERTS : 2])
    ]
    with writing(engine) as connection:
        connection.execute(tables.alert.insert(), rows)


def _wide(engine: Engine) -> None:
    """2,000 villages, a hundred of them with something that fails, some not heard."""
    migrate(engine)
    villages = [
        Village(
            f"35.{10 + number // 1000:02d}.{number % 1000 // 20 + 1:02d}.{2001 + number % 20}",
            f"Desa Sumberwangi {number}",
            -8.2 + number % 50 / 100,
            114.3 + number // 50 / 100,
            "Asia/Jakarta",
            tuple(
                Facility(kind, kind, f"{kind} {number}", (Device(f"{kind}-1", Adapter.SENML, MINUTE),))
                for kind in KINDS
            ),
        )
        for number in range(OVERVIEW)
    ]
    Registry(engine).replace(villages, NOW - 40 * 24 * HOUR)
    spans = {}
    for number, village in enumerate(villages):
        for kind in KINDS:
            state = State.FAILED if kind == "gate" and number % 20 == 0 else State.MET
            span = Span(NOW - HOUR, FOREVER, state, "gate_open" if state is State.FAILED else None)
            spans[village.code, kind] = {span.start: span}
    links = [
        {"village": village.code, "link": "offline" if number % 33 == 0 else "online", "since": NOW - HOUR}
        for number, village in enumerate(villages)
    ]
    with writing(engine) as connection:
        write_spans(connection, spans)
        connection.execute(tables.village_state.insert(), links)
