"""`/reports`: reports that are issued and kept, with their files and their revisions."""

import datetime
from typing import Annotated, Literal

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.http.access import Technician, Viewer
from api.http.attestation_body import IndicatorKind
from api.http.known_names import Body
from api.http.moments import Moment, moment
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.past import require_past_of_report
from api.http.problems import Refused, not_found, problems
from api.http.report_question import period_of, scope_of
from api.http.reports import ReportDocument
from api.http.services import Services, ServicesHere
from api.issued.asked import Asked
from api.issued.desk import IssueDesk
from api.queries import issued as read
from api.queries.issued import KeptReport
from api.reports.factors import LONGEST_TEXT, Factor
from api.reports.forms import Form
from api.reports.maker import CannotMake
from api.words import WORDS, Language, Sentence
from siaga.model.caller import Caller
from siaga.model.scope import EVERYTHING, Scopes

__all__ = ["FactorBody", "IssueBody", "asked_of", "router"]

router = APIRouter(tags=["reports"])

_Text = Annotated[str, Field(max_length=LONGEST_TEXT, pattern=r"^[^\x00]*$")]
_Word = Annotated[str, Field(max_length=40)]


class FactorBody(Body):
    """What a person says of one indicator."""

    hindrance: _Text = Field("", description="what stood in the way (faktor penghambat)")
    follow_up: _Text = Field("", description="what is done about it (tindak lanjut)")


class IssueBody(Body):
    """Which report to issue: the names of `GET /reports/availability`, and what people say in it."""

    period: _Word | None = Field(None, description="as of `GET /reports/availability`", examples=["2026-02"])
    from_: _Word | None = Field(None, alias="from", description="the first local date; without a period")
    to: _Word | None = Field(None, description="the local date after the last")
    scope: _Word = Field(EVERYTHING, description="a village's code, a region's, or `*`")
    language: Language = Field(Language.ID, description="of names and headings")
    factors: dict[IndicatorKind, FactorBody] = Field(
        default_factory=dict,
        max_length=14,
        description="by indicator; they stand in the PDF and belong to the revision",
    )
    supersedes: _Word | None = Field(
        None, description="the id of the report whose next revision this is: of the same period, scope and language"
    )


class ChangeDocument(BaseModel):
    """A figure of a facility that differs from the revision before, or an attested indicator of a village."""

    village: str
    facility: str | None = Field(description="its id in the village; null: of an indicator of the scorecard")
    figure: str = Field(
        description="a column of the report, a cause as `causes.failed.gate_open`, or an indicator of the scorecard as "
        "`scorecard.playground`"
    )
    before: int | float | str | None = Field(description="of an indicator `met`, `missed`, `unjudged`; null: sensed")
    after: int | float | str | None
    why: str = Field(
        description="`late_data`, `maintenance_declared`, `maintenance_withdrawn`, `sites_file`, `attestation`; "
        "several with commas"
    )


class FileDocument(BaseModel):
    """A file of the report, as it was made; it never changes."""

    format: Literal["pdf", "xlsx", "csv", "json"]
    bytes: int
    sha256: str


class FactorDocument(BaseModel):
    """What a person said of one indicator."""

    hindrance: str
    follow_up: str


class IssuedDocument(BaseModel):
    """An issued report."""

    id: str = Field(description="its page is `/r/{id}`")
    period: str = Field(description="as it was asked for; of dates `2026-02-01/2026-02-15`", examples=["2026-02"])
    from_: datetime.date = Field(alias="from")
    to: datetime.date
    scope: str = Field(description="`*` where it is of several scopes")
    scopes: list[str] = Field(description="what it tells of")
    language: Language
    until: Moment = Field(description="what lies after it is not counted; all revisions have one")
    revision: int = Field(ge=1)
    provisional: bool = Field(description="whether it was so when it was issued")
    issued_at: Moment
    issued_by: str = Field(description="the name of the token; `siaga`: a revision that nobody ordered")
    schedule: str | None = Field(description="the schedule that ordered it")
    factors: dict[IndicatorKind, FactorDocument]
    supersedes: str | None = Field(description="the id of the revision before")
    superseded_by: str | None = Field(description="the id of the next revision")
    changes: list[ChangeDocument] = Field(description="against the revision before")
    changes_left_out: int = Field(description="how many more there are; the JSON of both revisions has them")
    files: list[FileDocument]


@router.post(
    "/reports",
    status_code=201,
    summary="Issue a report",
    response_model=IssuedDocument,
    responses=problems(401, 403, 409, 422, 503)
    | {200: {"model": IssuedDocument, "description": "The same caller had ordered the same, and it was being made"}},
)
async def issue_report(
    request: Request, services: ServicesHere, caller: Technician, response: Response, body: IssueBody
) -> IssuedDocument:
    """Issue a report, and keep it with its four files.

    The same body that the same caller sends again while the report is made is answered with that report. When late
    data, maintenance or the sites file change its figures, the next revision is there within a minute.
    """
    asked = await anyio.to_thread.run_sync(asked_of, services, caller, body)
    desk: IssueDesk = request.app.state.issue_desk
    try:
        report, is_new = await desk.issue(asked, caller.who)
    except CannotMake as problem:
        raise Refused(503, str(problem), {"Retry-After": "30"}, sentence=problem.sentence) from None
    found = await anyio.to_thread.run_sync(_one, services, caller.scopes, report)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/api/v1/reports/{report}"
    return found


@router.get("/reports", summary="The issued reports", responses=problems(401, 422, 503))
def list_reports(
    services: ServicesHere,
    caller: Viewer,
    period: Annotated[
        str | None, Query(max_length=40, description="of this period alone", examples=["2026-02"])
    ] = None,
    scope: Annotated[str | None, Query(max_length=40, description="those that tell of nothing outside of it")] = None,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[IssuedDocument]:
    """The reports that tell of nothing that the caller may not see, superseded ones too, the last issued first."""
    name = None if period is None else _period_name(period)
    inside = None if scope is None else scope_of("query", scope)
    start = after("reports", cursor, [int])
    with services.engine.connect() as connection:
        before = None if start is None else int(start[0])
        found = read.listed(connection, caller.scopes, inside, name, before, limit + 1)
    shown, further = page("reports", found, limit, lambda one: (one.number,))
    return Page(items=[_document(one) for one in shown], next=further)


@router.get("/reports/{report}", summary="An issued report", responses=problems(401, 404, 503))
def get_report(services: ServicesHere, caller: Viewer, report: str) -> IssuedDocument:
    """An issued report by its id, superseded or not."""
    return _one(services, caller.scopes, report)


@router.get(
    "/reports/{report}/files/{format}",
    summary="A file of an issued report",
    response_class=Response,
    responses=problems(401, 404, 422, 503)
    | {
        200: {
            "model": ReportDocument,
            "description": "The file as it was made",
            "content": {
                form.media_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for form in Form
                if form is not Form.JSON
            },
        },
        304: {"description": "It is the one that the caller has"},
    },
)
def get_file(request: Request, services: ServicesHere, caller: Viewer, report: str, format: Form) -> Response:  # noqa: A002 - the path's word
    """A file of an issued report. It never changes; its entity tag is its SHA-256."""
    with services.engine.connect() as connection:
        kept = read.one(connection, caller.scopes, report)
        if kept is None:
            raise not_found("report", report)
        (file,) = [file for file in kept.files if file.format == format.value]
        headers = {"ETag": f'"{file.sha256}"', "Cache-Control": "private, max-age=31536000, immutable"}
        if headers["ETag"] in [tag.strip() for tag in request.headers.get("If-None-Match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        found = read.content(connection, kept.number, format.value)
    if found is None:
        raise not_found("file", f"{report}/{format}")
    headers["Content-Disposition"] = f'attachment; filename="{kept.file_name(format)}"'
    return Response(found[0], media_type=format.media_type, headers=headers)


def asked_of(services: Services, caller: Caller, body: IssueBody, once: str | None = None) -> Asked:
    """Returns what is ordered. `once`: as of `Asked`.

    Raises:
        Refused: 422, it is of nothing that is there for the caller, or revises a report of something else; 409, that is
            superseded already; 503, its past is not known yet.
    """
    period = period_of("body", body.period, body.from_, body.to)
    scopes = caller.scopes.within(scope_of("body", body.scope))
    with services.engine.connect() as connection:
        zones = read.timezones_within(connection, scopes)
        if not zones:
            raise _refused("asked_no_village", "scope", value=repr(body.scope))
        if all(period.window(zone)[0] > services.clock.now() for zone in zones):
            raise _refused("asked_not_begun", "period", value=period.name)
        before = None if body.supersedes is None else read.one(connection, caller.scopes, body.supersedes)
    require_past_of_report(services, scopes, period)
    if body.supersedes is not None:
        if before is None:
            raise _refused("asked_no_report", "supersedes", value=repr(body.supersedes))
        if (before.period, list(before.scopes), before.language) != (period.name, scopes.texts, body.language.value):
            raise _refused("asked_other_report", "supersedes", value=body.supersedes)
        if before.superseded_by is not None:
            raise _refused("asked_superseded", "supersedes", 409, value=before.id, by=before.superseded_by)
    factors = {
        kind.value: Factor(said.hindrance.strip(), said.follow_up.strip()) for kind, said in body.factors.items()
    }
    return Asked(period, scopes, body.language, caller.name, factors, body.supersedes, once=once)


def _refused(key: str, place: str, status: int = 422, **values: str) -> Refused:
    sentence = Sentence(key, values)
    return Refused(status, f"body {place}: {sentence.said(WORDS[Language.EN])}", sentence=sentence)


def _period_name(text: str) -> str:
    return text if "/" in text else period_of("query", text, None, None).name


def _one(services: Services, seen: Scopes, report: str) -> IssuedDocument:
    with services.engine.connect() as connection:
        found = read.one(connection, seen, report)
    if found is None:
        raise not_found("report", report)
    return _document(found)


def _document(kept: KeptReport) -> IssuedDocument:
    return IssuedDocument.model_validate(
        {
            "id": kept.id,
            "period": kept.period,
            "from": kept.start,
            "to": kept.end,
            "scope": kept.scopes[0] if len(kept.scopes) == 1 else EVERYTHING,
            "scopes": kept.scopes,
            "language": kept.language,
            "until": moment(kept.cut),
            "revision": kept.revision,
            "provisional": kept.provisional,
            "issued_at": moment(kept.issued_at),
            "issued_by": kept.issued_by,
            "schedule": kept.schedule,
            "factors": kept.factors,
            "supersedes": kept.supersedes,
            "superseded_by": kept.superseded_by,
            "changes": kept.changes,
            "changes_left_out": kept.changes_left_out,
            "files": [{"format": file.format, "bytes": file.bytes, "sha256": file.sha256} for file in kept.files],
        }
    )
