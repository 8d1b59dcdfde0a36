"""`/setup/health`: how siaga itself is: its parts, what waits, what was refused, versions, and an examination."""

import platform
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from typing import Annotated, Protocol

from fastapi import APIRouter, Query, Request
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.http.readiness import Probes
from api.http.services import Services, ServicesHere
from api.queries.health import DatabaseNow, database_now
from api.web.access import SignedInAdmin
from api.web.frame import FrameHere
from api.web.looker import Looker
from api.web.setup.limits import admin_of
from api.words import Words
from api.words.said import is_said, said
from siaga.database.faults import read_told
from siaga.model.clock import MINUTE, SECOND
from siaga.model.local_time import NO_VILLAGES_ZONE
from siaga.model.readiness import Readiness

__all__ = ["EXAMINE_WITHIN", "FIGURES", "PARTS", "Examine", "Examined", "Figure", "nothing_examined", "router"]

router = APIRouter(include_in_schema=False)

PARTS = ("database", "stream", "start", "alerts", "store", "history", "collector", "gateway")
"""The parts that have a name in words; others go by their own."""
EXAMINE_WITHIN = 40.0
"""Seconds that the whole examination may take."""
_LOW = 1 << 30
"""Free bytes of the disk under which it is low."""


class Examined(Protocol):
    """One finding of the examination."""

    @property
    def id(self) -> str:
        """What was looked at."""
        ...

    @property
    def state(self) -> str:
        """`ok`, `warning`, `wrong` or `unknown`."""
        ...

    def text(self, words: Words) -> str:
        """Returns the sentence."""
        ...

    def remedy(self, words: Words) -> str | None:
        """Returns what mends it."""
        ...


Examine = Callable[[], Sequence[Examined]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the process. `metric`: of Prometheus. `wrong_from`: from which value on somebody has to look."""

    key: str
    metric: str
    wrong_from: float | None = None
    unit: str = ""


FIGURES = (
    Figure("buffer_fill", "siaga_gateway_buffer_fill_ratio", 0.8, "share"),
    Figure("buffered", "siaga_gateway_buffered_readings"),
    Figure("unacknowledged", "siaga_collector_unacknowledged_messages"),
    Figure("waiting_bytes", "siaga_collector_waiting_bytes"),
    Figure("failed_writes", "siaga_collector_failed_writes"),
    Figure("dirty", "siaga_engine_dirty_villages"),
    Figure("messages", "siaga_notifications_waiting"),
    Figure("oldest_message", "siaga_notifications_oldest_seconds", 5 * MINUTE / SECOND, "s"),
    Figure("dead", "siaga_notifications_dead_letters", 1),
    Figure("lost_samples", "siaga_gateway_lost_samples"),
    Figure("dropped_streams", "siaga_alert_streams_dropped"),
)
"""In the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the page: a mark (met, failed, unknown, not_required), a name, and a sentence."""

    state: str
    name: str
    text: str
    id: str = ""
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class _WhatWasTold:
    """What of siaga itself the admins were told, and when it was looked at last."""

    looked: str
    lines: Sequence[_Line]


def nothing_examined() -> Sequence[Examined]:
    """Returns no findings: for an app without an examination."""
    return ()


@router.api_route("/setup/health", methods=["GET", "HEAD"])
async def health(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    examine: Annotated[bool, Query()] = False,
) -> Response:
    """How siaga is. What sums over all villages is there for who sees them all."""
    probes: Probes = request.app.state.probes
    parts = await probes.parts()
    is_down = any(one.name == "database" and not one.ready for one in parts)
    everything = admin_of(looker).scopes.everything
    database = None if is_down else await run_in_threadpool(_database, services, looker)
    look: Examine = request.app.state.examine
    examined = await run_in_threadpool(look) if examine and everything else ()
    told = await run_in_threadpool(_told, services, looker) if everything and not is_down else None
    return await run_in_threadpool(
        frame.page,
        request,
        looker,
        "setup/health.html",
        title=looker.words("setup_health"),
        parts=[_part(looker, one, services.clock.now(), everything=everything) for one in parts],
        figures=_figures(looker.words, services) if everything else [],
        refused=_refused(looker.words, services) if everything else [],
        versions=_versions(looker, database, request.app.state.data_dir),
        link=_link(looker, database, services.clock.now()),
        can_examine=everything and look is not nothing_examined,
        told=told,
        examined=[_examined(looker.words, one) for one in examined],
    )


def _told(services: Services, looker: Looker) -> _WhatWasTold | None:
    """Returns what of siaga itself is wrong, as the last look found it; `None`: nobody has looked yet."""
    with services.engine.connect() as connection:
        found = read_told(connection)
    if not found.looked_at:
        return None
    words, now = looker.words, services.clock.now()
    lines = [
        _Line(
            "failed",
            words.time(fault.since, now, NO_VILLAGES_ZONE),
            words(f"doctor_{fault.said}", **fault.values),
            fault.id,
            words(f"doctor_{fault.said}_do", **fault.values),
        )
        for fault in found.faults
    ]
    return _WhatWasTold(words("health_looked", time=words.time(found.looked_at, now, NO_VILLAGES_ZONE)), lines)


def _part(looker: Looker, part: Readiness, now: int, *, everything: bool) -> _Line:
    """Returns whether a part works. Why it does not is of all villages: it is there for who sees them all."""
    words = looker.words
    name = words(f"health_part_{part.name}") if part.name in PARTS else part.name
    if part.ready:
        return _Line("met", name, words("health_ready"), part.name)
    since = words.time(part.since, now, NO_VILLAGES_ZONE)
    reason = _reason(words, part.problem or "") if everything else words("health_ask")
    return _Line("failed", name, words("health_not_ready", reason=reason, since=since), part.name)


def _reason(words: Words, problem: str) -> str:
    """Returns why a part does not work, in the reader's language; what has no words there is marked as English."""
    sentences = [problem] if is_said(words, problem) else problem.split("; ")
    if all(is_said(words, one) for one in sentences):
        return "; ".join(said(words, one) for one in sentences)
    return words("health_in_english", reason=problem)


def _database(services: Services, looker: Looker) -> DatabaseNow:
    with services.engine.connect() as connection:
        return database_now(connection, admin_of(looker).scopes)


def _link(looker: Looker, database: DatabaseNow | None, now: int) -> _Line | None:
    """Returns when the newest batch came, and how many villages are heard."""
    if database is None or not database.villages:
        return None
    words = looker.words
    heard = words("health_heard", online=words.number(database.online), all=words.number(database.villages))
    if database.last_arrival is None:
        return _Line("unknown", words("health_last"), words("health_never"), "last")
    state = "met" if now - database.last_arrival < 2 * MINUTE else "failed"
    since = words.time(database.last_arrival, now, NO_VILLAGES_ZONE)
    lag = words.duration(max(0, now - database.last_arrival))
    return _Line(state, words("health_last"), words("health_last_at", time=since, lag=lag, heard=heard), "last")


def _figures(words: Words, services: Services) -> list[_Line]:
    """Returns the numbers that this process has, with a mark for those that have to be looked at."""
    values = _values(services.metrics, {figure.metric for figure in FIGURES})
    found = []
    for figure in FIGURES:
        mine = values.get(figure.metric)
        if mine is None:
            continue
        value = max(mine) if figure.unit else sum(mine)
        state = "not_required" if figure.wrong_from is None else "failed" if value >= figure.wrong_from else "met"
        found.append(_Line(state, words(f"health_{figure.key}"), _number(words, figure, value), figure.key))
    dropped = sum(services.quarantine.dropped().values())
    found.append(_Line("not_required", words("health_quarantine_dropped"), words.number(dropped), "quarantine_dropped"))
    return found


def _number(words: Words, figure: Figure, value: float) -> str:
    if figure.unit == "share":
        return words.percent(value)
    return words.duration(round(value * SECOND)) if figure.unit == "s" else words.number(round(value))


def _refused(words: Words, services: Services) -> list[tuple[str, str]]:
    """Returns how many payloads were refused since the start, by reason, most first."""
    found: dict[str, float] = {}
    for metric in services.metrics.collect():
        if metric.name == "siaga_refused":
            for sample in metric.samples:
                if sample.name == "siaga_refused_total":
                    reason = sample.labels.get("reason", "")
                    found[reason] = found.get(reason, 0) + sample.value
    often = sorted(found.items(), key=lambda one: -one[1])
    return [(words.find(f"refused_{reason}") or reason, words.number(round(count))) for reason, count in often if count]


def _values(metrics: CollectorRegistry, names: Iterable[str]) -> Mapping[str, list[float]]:
    """Returns the values of some metrics, of all their labels."""
    wanted, found = set(names), dict[str, list[float]]()
    for metric in metrics.collect():
        if metric.name in wanted:
            names_of = (metric.name, f"{metric.name}_total")
            values = [one.value for one in metric.samples if one.name in names_of and isfinite(one.value)]
            found.setdefault(metric.name, []).extend(values)
    return {name: values for name, values in found.items() if values}


def _versions(looker: Looker, database: DatabaseNow | None, data_dir: Path | None) -> list[_Line]:
    words = looker.words
    try:
        own = version("siaga")
    except PackageNotFoundError:  # a checkout that was not installed
        own = words("health_unknown")
    found = [
        _Line("not_required", "siaga", own, "siaga"),
        _Line("not_required", "Python", platform.python_version(), "python"),
    ]
    if database is not None:
        text = words("health_schema", server=database.server, revision=database.revision)
        found.append(_Line("not_required", words("health_part_database"), text, "schema"))
    if data_dir is not None:
        usage = shutil.disk_usage(next(path for path in (data_dir, *data_dir.absolute().parents) if path.exists()))
        free, total = (words.decimal(size / (1 << 30), 1) for size in (usage.free, usage.total))
        state = "met" if usage.free >= _LOW else "failed"
        found.append(_Line(state, words("health_disk"), words("health_free", free=free, total=total), "disk"))
    return found


def _examined(words: Words, finding: Examined) -> _Line:
    state = {"ok": "met", "warning": "unknown", "wrong": "failed"}.get(finding.state, "unknown")
    return _Line(state, "", finding.text(words), finding.id, finding.remedy(words))
