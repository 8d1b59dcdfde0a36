"""`/reports`: choose a report, look at it, download it; below, those that were issued and the schedules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from api.http.past import require_past_of_report
from api.http.problems import Refused
from api.http.report_question import period_of, scope_of
from api.http.services import Services, ServicesHere
from api.queries import issued as read
from api.reports.forms import Form, Question
from api.reports.glance import LENGTH, TABLES, Glance, Part
from api.reports.maker import CannotMake, ReportMaker
from api.reports.numbers import Numbers
from api.reports.period import Period
from api.schedules.schedule import Plan
from api.web.access import SignedIn
from api.web.frame import FrameHere
from api.web.issued_list import IssuedLine, issued_lines
from api.web.looker import Looker
from api.web.refusals import why
from api.web.report_choice import Asked, Choice, choice, scope_name
from api.web.schedule_list import ScheduleLine, schedule_lines
from api.words import Language
from siaga.model.caller import Role
from siaga.model.scope import EVERYTHING, Scopes

__all__ = ["AskedReport", "asked_report", "router"]

router = APIRouter(include_in_schema=False)

_ISSUED = 20
"""Issued reports that a page lists."""
_FIRST_ISSUED = 5
"""Those below a report that is looked at."""
_MOST_LINES = 10**7


def asked_report(
    looker: SignedIn,
    period: Annotated[str, Query(max_length=40)] = "",
    from_: Annotated[str, Query(alias="from", max_length=40)] = "",
    to: Annotated[str, Query(max_length=40)] = "",
    scope: Annotated[str, Query(max_length=40)] = EVERYTHING,
    language: Annotated[Language | None, Query()] = None,
) -> Asked:
    """Returns what the address asks for; fields that a form left empty ask for nothing.

    Raises:
        Refused: 422, the scope is none.
    """
    scope_of("query", scope or EVERYTHING)
    return Asked(period, from_, to, scope or EVERYTHING, (language or looker.language).value)


AskedReport = Annotated[Asked, Depends(asked_report)]


@dataclass(frozen=True, slots=True)
class _Found:
    """What the page shows beside the report. `further`: the number from which the list of issued reports goes on."""

    choice: Choice
    issued: Sequence[IssuedLine]
    schedules: Sequence[ScheduleLine]
    further: int | None


def question_of(services: Services, looker: Looker, asked: Asked, language: str, form: Form) -> Question:
    """Returns the question of an address, within what the looker may see.

    Raises:
        Refused: 422, there is no such period; 503, its past is not known yet.
    """
    assert looker.caller is not None  # noqa: S101 - `SignedIn` lets nobody else in
    period = period_of("query", asked.period or None, asked.start or None, asked.end or None)
    scopes = looker.caller.scopes.within(scope_of("query", asked.scope))
    require_past_of_report(services, scopes, period)
    return Question(period, scopes, Language(language), form, services.clock.now())


@router.api_route("/reports", methods=["GET", "HEAD"])
async def reports(
    request: Request,
    frame: FrameHere,
    services: ServicesHere,
    looker: SignedIn,
    asked: AskedReport,
    table: Annotated[str, Query(max_length=40)] = "",
    start: Annotated[int, Query(ge=0, le=_MOST_LINES)] = 0,
    before: Annotated[int | None, Query(ge=0)] = None,
) -> Response:
    """The page. Without a period it offers some, and lists what was issued."""
    words = looker.words
    found = await anyio.to_thread.run_sync(_found, services, request.app.state.plan, looker, asked, before)
    seen: Glance | None = None
    period: Period | None = None
    problem, status = "", 200
    part = Part(table, start) if table in TABLES else Part()
    if asked.is_any:
        try:
            question = question_of(services, looker, asked, looker.language.value, Form.JSON)
            period = question.period
            seen = await _maker(request).glance(question, part)
        except Refused as refused:
            problem, status = why(refused, words), refused.status
        except CannotMake as cannot:
            problem, status = cannot.sentence.alone(words), 503
    heading = words("reports_title")
    if period is not None:
        heading = Numbers(looker.language).period(period)
    return frame.page(
        request,
        looker,
        "reports.html",
        status=status,
        headers={"Cache-Control": "private, no-cache"},
        title=heading,
        asked=asked,
        choice=found.choice,
        scope=scope_name(found.choice.region, words, asked.scope),
        seen=seen,
        part=part,
        length=LENGTH,
        problem=problem,
        issued=found.issued,
        schedules=found.schedules,
        further=found.further,
        may_issue=looker.may(Role.TECHNICIAN),
        forms=[form.value for form in (Form.PDF, Form.XLSX, Form.CSV, Form.JSON)],
        languages=list(Language),
    )


@router.get("/reports/availability")
async def download(
    request: Request,
    services: ServicesHere,
    looker: SignedIn,
    asked: AskedReport,
    format_: Annotated[Literal["json", "csv", "xlsx", "pdf"], Query(alias="format")] = "pdf",
) -> Response:
    """The report as a file: the answer comes when it is made."""
    question = question_of(services, looker, asked, asked.language, Form(format_))
    try:
        report = await _maker(request).make(question)
    except CannotMake as problem:
        raise Refused(503, str(problem), {"Retry-After": "30"}, sentence=problem.sentence) from None
    headers = {"Content-Disposition": f'attachment; filename="{question.filename}"', "Cache-Control": "no-store"}
    return Response(report, media_type=question.form.media_type, headers=headers)


def _maker(request: Request) -> ReportMaker:
    maker: ReportMaker = request.app.state.reports
    return maker


def _found(services: Services, plan: Plan, looker: Looker, asked: Asked, before: int | None) -> _Found:
    assert looker.caller is not None  # noqa: S101 - `SignedIn` lets nobody else in
    seen: Scopes = looker.caller.scopes
    most = _FIRST_ISSUED if asked.is_any else _ISSUED
    with services.engine.connect() as connection:
        offered = choice(connection, looker.words, seen, asked, services.clock.now())
        inside = scope_of("query", asked.scope) if asked.is_any and asked.scope != EVERYTHING else None
        kept = read.listed(connection, seen, inside, None, before, most + 1)
        # Beside a report that is looked at they say nothing
        schedules = (
            []
            if asked.is_any
            else schedule_lines(connection, plan, looker.words, offered.region, seen, services.clock.now())
        )
    lines = issued_lines(kept[:most], looker.words, offered.region)
    return _Found(offered, lines, schedules, kept[most - 1].number if len(kept) > most else None)
