"""The HTTP application, put together from what it is given."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import Scope

from api.alert_records.stream import EventSignal
from api.attestations.classes import Classes
from api.http import (
    alerts,
    alerts_many,
    attestation_body,
    attestations,
    availability,
    complaints,
    days,
    devices,
    facilities,
    health,
    issued,
    links,
    maintenance,
    open311,
    quarantine,
    reports,
    scorecard,
    series,
    stream,
    villages,
)
from api.http.access import caller_of as known_by
from api.http.access import known_caller
from api.http.attestation_body import Statement, form_schema
from api.http.broadcast import Broadcast
from api.http.calls import BASE, is_call
from api.http.complaint_body import ComplaintBody, complaint_form_schema
from api.http.complaint_desk import ComplaintDesk
from api.http.deadline import AnswerWithin
from api.http.hash_desk import HashDesk
from api.http.health import NotReady
from api.http.known_names import known_names
from api.http.middleware import WIDE_BODY, BodyLimit, RequestMetrics, SecurityHeaders, count_streams, too_large
from api.http.own_origin import OwnOrigin
from api.http.photo_body import PhotoDesk
from api.http.problems import Problem, install_problems, problem_response
from api.http.services import Check, Services, sign_in_counter
from api.http.site import Site
from api.issued.desk import IssueDesk
from api.notifications.book import Book
from api.notifications.channels import SEND_WITHIN as CHANNEL_WITHIN
from api.notifications.channels import OpenChannel, open_channel
from api.notifications.live_book import BookDesk
from api.notifications.web_push import PushDesk
from api.reports.answer import DEADLINE
from api.reports.maker import ReportMaker
from api.reports.office import PLAIN, Office
from api.schedules.schedule import Plan
from api.web import attest, complaint_form, public_status, refusals, report_months
from api.web.frame import Frame
from api.web.guidance import NO_GUIDANCE, Guidance
from api.web.kept import Kept
from api.web.looker import CallerOf, stranger
from api.web.months import Months
from api.web.outline import NO_OUTLINE, Outline
from api.web.pages import Pages
from api.web.routes import PAGES, page_paths
from api.web.setup import qr, rules, sites
from api.web.setup.health import EXAMINE_WITHIN, Examine, nothing_examined
from api.words import AddedWords
from siaga.database.people import Passwords, Persons, Sessions, SignIn
from siaga.database.quarantine import Quarantine
from siaga.database.registry import Registry
from siaga.database.tokens import Tokens
from siaga.model.clock import Clock, SystemClock
from siaga.model.readiness import UnreadPast
from siaga.telemetry import TelemetryStore

__all__ = ["create_app"]

NOBODY = Book()
"""Nobody is told of anything."""
ANSWER_WITHIN = 10.0
"""Seconds that a call of the API has to begin its answer."""
PAGE_WITHIN = 5.0
"""Seconds that a page has: nobody looks at an empty screen for longer."""
REPORT_WITHIN = DEADLINE + 10.0
"""Seconds that a report has, which a process of its own makes; and sheets to print."""
SITES_WITHIN = 120.0
"""Seconds that a sites file has to arrive by a bad link and to be read."""
WITH_PHOTOS = frozenset({f"{BASE}/attestations", f"{BASE}/complaints", attest.ADDRESS, complaint_form.ADDRESS})
"""What is sent with photos, by path."""
SEND_WITHIN = 600.0
"""Seconds that a phone has to send something with its photos: 5 MB by 100 kbit/s take 400."""
THREADS = 10
"""Routes that may be at work at once: as many as the database engine keeps connections for, beside its other users."""

METRICS_THREADS = 2
"""Threads that `/metrics` has for itself: the others may all wait for a database that hangs."""

_ROUTERS: tuple[APIRouter, ...] = (
    villages.router,
    facilities.router,
    devices.router,
    series.router,
    availability.router,
    days.router,
    links.router,
    stream.router,  # before `/alerts/{alert}`, whose pattern its path fits too
    alerts_many.router,
    alerts.router,
    maintenance.router,
    attestations.router,
    complaints.router,
    scorecard.router,
    quarantine.router,
    reports.router,  # before `/reports/{report}`, whose pattern its path fits too
    issued.router,
)


def _all_routes() -> APIRouter:
    """Returns the routes of the API, of health, and of the pages."""
    found = APIRouter()
    for router in _ROUTERS:
        found.include_router(router, prefix=BASE, dependencies=[Depends(known_caller), Depends(known_names)])
    found.include_router(complaints.open_router, prefix=BASE, dependencies=[Depends(known_names)])
    found.include_router(open311.router)
    found.include_router(health.router, dependencies=[Depends(known_names)])
    for router in PAGES:
        found.include_router(router)
    return found


_ROUTES = _all_routes()
"""Made once: what FastAPI prepares of a route at its first request holds for each app of this process."""


def create_app(
    *,
    engine: Engine,
    store: TelemetryStore,
    registry: Registry | None = None,
    signal: EventSignal | None = None,
    clock: Clock | None = None,
    checks: Mapping[str, Check] | None = None,
    past: Callable[[], UnreadPast] = UnreadPast,
    leads: Callable[[], Sequence[int]] = tuple,
    metrics: CollectorRegistry | None = None,
    public_page: bool = True,
    attestation_review: bool = False,
    scorecard_classes: Classes | None = None,
    answered_within: int | None = None,
    form_languages: Mapping[str, AddedWords] | None = None,
    office: Office = PLAIN,
    plan: Plan | None = None,
    guidance: Guidance = NO_GUIDANCE,
    outline: Outline = NO_OUTLINE,
    site: Site | None = None,
    passwords: Passwords | None = None,
    channels: Mapping[str, Sequence[str]] | None = None,
    push: PushDesk | None = None,
    sites_file: str | None = None,
    book: Book = NOBODY,
    open_channel: OpenChannel = open_channel,
    book_desk: BookDesk | None = None,
    broker: str | None = None,
    data_dir: Path | None = None,
    examine: Examine = nothing_examined,
    caller_of: CallerOf | None = None,
) -> FastAPI:
    """The API, the public page, health and metrics.

    Args:
        engine: the database, migrated or about to be.
        store: where `/series` and `/devices` look.
        registry: the villages; by default those of `engine`.
        signal: rings when alert events are committed in this process; events of others are seen within a second.
        clock: wall time.
        checks: by name, why a part of this process is not ready; `/readyz` asks them, beside its own of the database.
        past: what of the past the engine could not read; calls that would tell of it are 503.
        leads: the partitions of villages whose alert engine runs in this process; `/readyz` says them.
        metrics: what `/metrics` shows, and where the app counts its requests; by default only these.
        attestation_review: whether an attestation counts only once a second person has confirmed it.
        scorecard_classes: from how many indicators met on a village is of which class; none are shown without.
        answered_within: how long a complaint may wait for its village's complaints box to be met, ms; `None`: no rule.
        form_languages: by its tag each language that the district added for citizens.
        public_page: whether `GET /` and the pages of villages are there for everybody.
        office: the form of reports as PDF.
        plan: what is sent when, for `/reports` to tell; by default nothing.
        outline: the lines that the map shows below the villages.
        guidance: what the district says to do about alerts, and whom to ring.
        site: where people reach the pages; by default at whatever host is asked for.
        passwords: hashes them; by default at the cost of RFC 9106.
        channels: by what the notify file reaches whom, by the person's name.
        push: sends to browsers that subscribed; by default over the Internet.
        sites_file: the file that is imported at every start.
        book: whom to tell of what.
        broker: host and port to which devices connect, for people.
        book_desk: writes the notify file; `None`: the pages change nothing of it.
        open_channel: opens the way to somebody, for a test message.
        data_dir: where siaga keeps its files.
        examine: looks at the whole deployment, for as long as half a minute.
        caller_of: who sends a request for a page; by default as for a call, by token or session.
    """
    clock = clock or SystemClock()
    signal = signal or EventSignal()
    passwords = passwords or Passwords()
    metrics = metrics or CollectorRegistry()
    services = Services(
        engine=engine,
        store=store,
        registry=registry or Registry(engine),
        tokens=Tokens(engine, clock),
        persons=Persons(engine, clock),
        passwords=passwords,
        sessions=Sessions(engine, clock),
        sign_in=SignIn(engine, passwords, clock),
        quarantine=Quarantine(engine),
        clock=clock,
        signal=signal,
        broadcast=Broadcast(engine, signal),
        metrics=metrics,
        checks=dict(checks or {}),
        past=past,
        leads=leads,
        public_page=public_page,
        site=site or Site(),
        push=push or PushDesk(engine, clock, None if site is None else site.public_url),
        channels={} if channels is None else channels,
        sites_file=sites_file,
        sign_ins=sign_in_counter(metrics),
        attestation_review=attestation_review,
        scorecard_classes=scorecard_classes,
        answered_within=answered_within,
        form_languages=form_languages or {},
    )
    app = _assembled(services, office, caller_of or (lambda request: known_by(request, services)))
    app.state.data_dir, app.state.examine = data_dir, examine
    app.state.book_desk, app.state.broker = book_desk, broker
    app.state.book, app.state.open_channel = book, open_channel
    app.state.plan = plan or Plan()
    app.state.guidance = guidance
    app.state.outline = outline
    return app


def _assembled(services: Services, office: Office, caller_of: CallerOf) -> FastAPI:
    """The app with its routes, and what every request goes through, the last one first."""
    app = _App(
        routes=_ROUTES.routes,
        title="siaga",
        version="1",
        summary="Watches village facilities around the clock, and says honestly what was met, failed, or is not known.",
        openapi_url="/openapi.json",
        docs_url=None,  # these load their scripts from an outside host
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.services = services
    app.state.caller_of = caller_of
    app.state.frame = Frame(page_paths() if services.public_page else page_paths() - {"/"})
    app.state.months = Months(services.engine, services.clock)
    app.state.pages = Pages(services.engine, services.clock, app.state.frame, app.state.months)
    app.state.public_answers = Kept(services.clock, public_status.FRESH_FOR)
    app.state.side_by_side = Kept(services.clock, report_months.FRESH_FOR)
    app.state.probes = health.probes_of(services)
    app.state.reports = ReportMaker(services.engine, services.metrics, office=office)
    app.state.issue_desk = IssueDesk(services.engine, app.state.reports, office, services.clock)
    install_problems(app, refusals.answer)
    app.add_middleware(AnswerWithin, within=_within, late=_late)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=6)
    streamed = {("POST", path) for path in WITH_PHOTOS}
    wide = {("POST", f"{BASE}{path}"): WIDE_BODY for path in alerts_many.PATHS}
    wide |= {("POST", path): sites.LARGEST_BODY for path in sites.PATHS}
    app.add_middleware(BodyLimit, streamed=streamed, wide=wide, refused=_too_large)
    app.add_middleware(OwnOrigin, site=services.site, is_page=_is_page, refused=_foreign)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestMetrics, registry=services.metrics)
    count_streams(services.broadcast, services.metrics)
    return app


def _within(scope: Scope) -> float:
    path = scope["path"]
    if path in WITH_PHOTOS and scope["method"] == "POST":
        return SEND_WITHIN
    if path.startswith((f"{BASE}/reports", "/reports", qr.PDF)):
        return REPORT_WITHIN
    if path == "/setup/health":
        return EXAMINE_WITHIN
    if path.startswith(rules.FORMS):  # loading Apprise takes seconds on a small machine
        return CHANNEL_WITHIN + PAGE_WITHIN
    if path in sites.PATHS:
        return SITES_WITHIN
    return ANSWER_WITHIN if is_call(path) else PAGE_WITHIN


def _too_large(scope: Scope, largest: int, size: int) -> Response:
    """The answer to a request whose body is too large: a page, where people sent a form."""
    path = scope["path"]
    if is_call(path):
        return too_large(scope, largest, size)
    request = Request(scope)
    looker = stranger(request)
    if path in sites.PATHS:
        detail = sites.too_large(looker.words, size)
    else:
        detail = looker.words("too_large", most=looker.words.size(largest, most=True), size=looker.words.size(size))
    return refusals.sentence(request, looker, 413, {"Connection": "close"}, detail)


def _late(scope: Scope, within: float) -> Response:
    """The answer to a request whose route waits for something that hangs."""
    if not is_call(scope["path"]):
        request = Request(scope)
        return refusals.sentence(request, stranger(request), 503)
    sentence = (
        f"siaga has no answer within {within:g} s, as its database or its telemetry store gives none: /readyz says "
        "which; whether a change was made is not known"
    )
    return problem_response(503, sentence, {"Retry-After": "5"})


def _foreign(scope: Scope) -> Response:
    """The answer to a request that would change something and does not come from our own pages."""
    if _is_page(scope["path"]):
        return refusals.foreign(Request(scope))
    sentence = (
        "this request comes from another page than ours: with a session `Origin` has to be the host that is asked for, "
        "a program uses a token"
    )
    return problem_response(403, sentence)


def _is_page(path: str) -> bool:
    """Whether a form at this path is one of the pages' own."""
    return not is_call(path)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Follow the alert events while the app runs, and keep its threads few."""
    services: Services = app.state.services
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    app.state.metrics_threads = anyio.CapacityLimiter(METRICS_THREADS)
    app.state.photo_desk = PhotoDesk("attestations", attestation_body.MOST_SENDERS)
    app.state.complaint_desk = ComplaintDesk(services.engine, services.clock, app.state.photo_desk.thread)
    app.state.hash_desk = HashDesk()
    following = asyncio.create_task(services.broadcast.run())
    reading = asyncio.create_task(app.state.months.run()) if services.public_page else None
    try:
        yield
    finally:
        services.broadcast.close()
        await app.state.reports.close()
        if reading is not None:
            reading.cancel()
        for task in (following, reading):
            if task is not None:
                with suppress(asyncio.CancelledError):
                    await task


class _App(FastAPI):
    """FastAPI with an OpenAPI document that knows its problems, and not FastAPI's own shape of errors."""

    def openapi(self) -> dict[str, object]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            document = get_openapi(title=self.title, version=self.version, summary=self.summary, routes=self.routes)
            schemas = document["components"]["schemas"]
            _without_own_errors(document)
            for model in (Problem, NotReady, Statement, ComplaintBody):
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas |= schema.pop("$defs", {})
                schemas[model.__name__] = schema
            schemas["StatementForm"] = form_schema()
            schemas["ComplaintForm"] = complaint_form_schema()
            self.openapi_schema = document
        return self.openapi_schema


def _without_own_errors(document: dict[str, Any]) -> None:
    """Take out the 422 that FastAPI adds by itself: where a route can answer so, it says it as a problem."""
    for operations in document["paths"].values():
        for operation in operations.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
