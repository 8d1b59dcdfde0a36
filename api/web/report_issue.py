"""Issuing a report by a form, and the pages of those that were issued."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from api.http.issued import IssueBody, asked_of, get_file
from api.http.problems import Refused, not_found
from api.http.services import Services, ServicesHere
from api.issued.desk import IssueDesk
from api.queries import issued as read
from api.queries.issued import KeptReport
from api.queries.places import facility_names, kinds_within, places_within, region_names
from api.reports.factors import LONGEST_TEXT
from api.reports.forms import Form
from api.reports.maker import CannotMake
from api.reports.numbers import Numbers
from api.web.access import SignedIn, SignedInTechnician
from api.web.frame import Frame, FrameHere
from api.web.issued_list import change_lines, issued_lines
from api.web.looker import Looker
from api.web.notice import Notice, leave_notice
from api.web.refusals import why
from api.web.report_choice import Asked, Region, scope_name
from api.web.reports import AskedReport, question_of
from api.words import Language
from siaga.model.caller import Caller, Role
from siaga.model.indicators import INDICATORS
from siaga.model.scope import EVERYTHING, NotAScope, Scopes, parse_scope

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_CHANGES = 50
"""Changes that a page shows."""
_TEXTS = ("hindrance", "follow_up")


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a form holds. `texts`: by indicator and field. `once`: makes it one report, however often it is sent."""

    asked: Asked
    texts: Mapping[str, Mapping[str, str]]
    once: str
    supersedes: str = ""


@router.get("/reports/new")
def new(
    request: Request,
    services: ServicesHere,
    looker: SignedInTechnician,
    frame: FrameHere,
    asked: AskedReport,
    supersedes: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The form: which report, and what people say in it. `supersedes`: the report whose texts are to be changed."""
    once = secrets.token_urlsafe(12)
    if supersedes:
        kept = _kept(services, looker, supersedes)
        start, slash, end = kept.period.partition("/")
        scope = kept.scopes[0] if len(kept.scopes) == 1 else EVERYTHING
        told = Asked("" if slash else kept.period, start if slash else "", end, scope, kept.language)
        return _form(request, services, looker, frame, _Draft(told, kept.factors, once, kept.id))
    if not asked.is_any:
        return RedirectResponse("/reports", 303)
    question_of(services, looker, asked, asked.language, Form.JSON)  # before anybody writes texts for it
    return _form(request, services, looker, frame, _Draft(asked, {}, once))


@router.post("/reports")
async def issue(request: Request, services: ServicesHere, looker: SignedInTechnician, frame: FrameHere) -> Response:
    """Issue the report. What cannot be issued comes back as the form, with all that was written."""
    draft = _draft(await request.form(max_files=0), looker)
    caller = _caller(looker)
    desk: IssueDesk = request.app.state.issue_desk
    words = looker.words
    try:
        ordered = await anyio.to_thread.run_sync(asked_of, services, caller, _body(draft), draft.once)
        report, is_new = await desk.issue(ordered, caller.who)
    except ValidationError:
        status, problem = 422, words("reports_text_too_long", most=words.number(LONGEST_TEXT))
    except Refused as refused:
        status, problem = refused.status, why(refused, words)
    except CannotMake as cannot:
        status, problem = 503, cannot.sentence.alone(words)
    else:
        answer = RedirectResponse(f"/reports/{report}", 303)
        leave_notice(answer, Notice(words("reports_done_issued" if is_new else "reports_done_before")))
        return answer
    return await anyio.to_thread.run_sync(_form, request, services, looker, frame, draft, status, problem)


@router.api_route("/reports/{report}", methods=["GET", "HEAD"])
def issued(
    request: Request,
    services: ServicesHere,
    looker: SignedIn,
    frame: FrameHere,
    report: str,
    start: Annotated[int, Query(ge=0, le=10**7)] = 0,
) -> Response:
    """An issued report: what it is, its files, and what changed since the revision before."""
    kept = _kept(services, looker, report)
    region = _region(services, _caller(looker).scopes)
    villages = {str(change["village"]) for change in kept.changes[start : start + _CHANGES]}
    with services.engine.connect() as connection:
        named = facility_names(connection, villages)
    [line] = issued_lines([kept], looker.words, region)
    return frame.page(
        request,
        looker,
        "report_issued.html",
        title=line.period,
        report=line,
        factors=[
            (looker.words.kind(kind), kept.factors[kind])
            for kind in sorted(kept.factors, key=lambda kind: INDICATORS[kind].number)
            if any(kept.factors[kind].values())
        ],
        changes=change_lines(kept, looker.words, named, start, _CHANGES),
        total=len(kept.changes),
        left_out=kept.changes_left_out,
        start=start,
        length=_CHANGES,
        may_issue=looker.may(Role.TECHNICIAN),
    )


@router.get("/reports/{report}/files/{format_}")
def file(request: Request, services: ServicesHere, looker: SignedIn, report: str, format_: Form) -> Response:
    """A file of an issued report, as the API has it."""
    return get_file(request, services, _caller(looker), report, format_)


def _caller(looker: Looker) -> Caller:
    assert looker.caller is not None  # noqa: S101 - who has not signed in does not get here
    return looker.caller


def _kept(services: Services, looker: Looker, report: str) -> KeptReport:
    with services.engine.connect() as connection:
        found = read.one(connection, _caller(looker).scopes, report)
    if found is None:
        raise not_found("report", report)
    return found


def _region(services: Services, seen: Scopes) -> Region:
    with services.engine.connect() as connection:
        return Region(places_within(connection, seen), region_names(connection), seen)


def _form(
    request: Request,
    services: Services,
    looker: Looker,
    frame: Frame,
    draft: _Draft,
    status: int = 200,
    problem: str = "",
) -> Response:
    words, caller = looker.words, _caller(looker)
    region = _region(services, caller.scopes)
    return frame.page(
        request,
        looker,
        "report_new.html",
        status=status,
        title=words("reports_revise" if draft.supersedes else "reports_issue"),
        draft=draft,
        asked=draft.asked,
        period=_period_name(services, looker, draft.asked),
        scope=scope_name(region, words, draft.asked.scope),
        kinds=[(kind, words.kind(kind)) for kind in _kinds(services, caller.scopes, draft)],
        longest=LONGEST_TEXT,
        problem=problem,
    )


def _period_name(services: Services, looker: Looker, asked: Asked) -> str:
    """Returns the period in words; as it was asked for, where it is none."""
    try:
        question = question_of(services, looker, asked, asked.language, Form.JSON)
    except Refused:
        return asked.period or f"{asked.start} – {asked.end}"
    return Numbers(looker.language).period(question.period)


def _kinds(services: Services, seen: Scopes, draft: _Draft) -> Sequence[str]:
    """Returns the indicators that something can be said of: those of the scope's facilities, in their order."""
    try:
        scopes = seen.within(parse_scope(draft.asked.scope))
    except NotAScope:
        scopes = Scopes(())
    with services.engine.connect() as connection:
        known = kinds_within(connection, scopes) | draft.texts.keys()
    return sorted((kind for kind in known if kind in INDICATORS), key=lambda kind: INDICATORS[kind].number)


def _draft(form: FormData, looker: Looker) -> _Draft:
    """Returns what was sent; a browser ends lines with CR LF."""

    def text(name: str) -> str:
        value = form.get(name, "")
        return value.replace("\r\n", "\n").replace("\0", "").strip() if isinstance(value, str) else ""

    texts = {kind: {field: text(f"{field}_{kind}") for field in _TEXTS} for kind in INDICATORS}
    language = text("language")
    asked = Asked(
        text("period")[:40],
        text("from")[:40],
        text("to")[:40],
        text("scope")[:40] or EVERYTHING,
        language if language in tuple(Language) else looker.language.value,
    )
    said = {kind: fields for kind, fields in texts.items() if any(fields.values())}
    return _Draft(asked, said, text("once")[:40] or secrets.token_urlsafe(12), text("supersedes")[:40])


def _body(draft: _Draft) -> IssueBody:
    """Returns the body of the API's call.

    Raises:
        ValidationError: a text is too long.
    """
    asked = draft.asked
    return IssueBody.model_validate(
        {
            "period": asked.period or None,
            "from": asked.start or None,
            "to": asked.end or None,
            "scope": asked.scope,
            "language": asked.language,
            "factors": dict(draft.texts),
            "supersedes": draft.supersedes or None,
        }
    )
