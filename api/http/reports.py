"""`/reports/availability`: the uptime report of a period and a scope, in the form that is asked for."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.http.moments import Moment
from api.http.past import require_past_of_report
from api.http.problems import Refused, problems
from api.http.report_question import period_of, scope_of
from api.http.seconds import Seconds
from api.http.seen import Seen
from api.http.services import ServicesHere
from api.reports.forms import Form, Question
from api.reports.levels import Level
from api.reports.maker import CannotMake, ReportMaker
from api.words import Language
from siaga.model.scope import EVERYTHING

__all__ = ["router"]

router = APIRouter(tags=["reports"])


class DaysDocument(BaseModel):
    """How many facility days came to which verdict."""

    met: int
    missed: int
    unjudged: int
    not_required: int
    provisional: int = Field(description="how many of all of them may still change")


class CausesDocument(BaseModel):
    """Seconds that are not excused, by cause."""

    failed: dict[str, Seconds]
    unknown: dict[str, Seconds]


class RowDocument(BaseModel):
    """One row: the sum of the seconds of its facilities, and the shares that follow from these sums."""

    level: Level
    id: str = Field(description="the facility's, the village's code, the region's code, or `*`")
    name: str
    kind: str | None = Field(description="of facility and indicator rows")
    facilities: int = Field(description="how many were judged in the period")
    required_s: Seconds
    met_s: Seconds
    failed_s: Seconds = Field(description="excused or not")
    unknown_s: Seconds = Field(description="excused or not")
    excused_s: Seconds = Field(description="the part of failed and unknown that is excused")
    excused_later_s: Seconds = Field(description="the part of it that rests on maintenance declared afterwards alone")
    availability_low: float | None = Field(description="if all that is unknown had failed; null: a share of nothing")
    availability_high: float | None = Field(description="if all that is unknown had been met; null: a share of nothing")
    coverage: float | None = Field(description="the share of required time that is known")
    measured: float | None = Field(description="met / required: nothing left out")
    outages: int = Field(description="unexcused failures longer than the grace that touch the period")
    longest_outage_s: Seconds | None
    mttr_s: Seconds | None = Field(description="the mean of the outages that are over, by their whole length")
    mtbf_s: Seconds | None = Field(description="met seconds per outage")
    days: DaysDocument
    causes: CausesDocument
    target: float | None = Field(description="null where the facilities have different ones")
    budget_s: Seconds | None = Field(description="the failure that the target leaves")
    left_s: int | float | None = Field(description="what is left of it; negative when overspent")


class OutageDocument(BaseModel):
    """An outage, whole, also where it reaches beyond the period."""

    facility: str = Field(examples=["35.10.15.2012/gerbang"])
    start: Moment
    end: Moment | None = Field(description="null: it goes on")
    duration_s: Seconds = Field(description="of one that goes on: until now")
    cause: str | None = Field(description="the one that held longest")
    alert: str | None = Field(description="the id of the alert about it")
    acknowledged_by: str | None
    acknowledged_at: Moment | None


class ReportDocument(BaseModel):
    """The report. `from` and `to` are local dates, half-open, by each village's own clock."""

    from_: str = Field(alias="from", json_schema_extra={"format": "date"})
    to: str = Field(json_schema_extra={"format": "date"})
    generated_at: Moment
    provisional: bool = Field(description="one of its days is")
    rows: list[RowDocument]
    outages: list[OutageDocument]


_FILE = {"schema": {"type": "string", "format": "binary"}}
_ANSWER: dict[int | str, dict[str, object]] = {
    200: {
        "model": ReportDocument,
        "description": "The report, in the form that was asked for",
        "content": {Form.CSV.media_type.partition(";")[0]: _FILE, Form.XLSX.media_type: _FILE},
    }
}


@router.get(
    "/reports/availability",
    summary="The uptime report",
    response_class=Response,
    responses=_ANSWER | problems(401, 422, 503),
)
async def availability_report(
    request: Request,
    services: ServicesHere,
    seen: Seen,
    period: Annotated[
        str | None,
        Query(
            max_length=40,
            description="`2026-11-05`, `2026-W45`, `2026-11`, `2026-Q4`, `2026-H2`, `2026`; or both of `from` and `to`",
            examples=["2026-11"],
        ),
    ] = None,
    from_: Annotated[str | None, Query(alias="from", max_length=40, description="the first local date")] = None,
    to: Annotated[str | None, Query(max_length=40, description="the local date after the last")] = None,
    scope: Annotated[
        str, Query(max_length=40, description="a village's code, a region's, or `*`", examples=["35.10.15"])
    ] = EVERYTHING,
    language: Annotated[Language, Query(description="of names and headings")] = Language.ID,
    format_: Annotated[
        Literal["json", "csv", "xlsx", "pdf"],
        Query(alias="format", description="`pdf` is in the form of the office, PDF/A-2a and PDF/UA-1"),
    ] = "json",
) -> Response:
    """The rows of all levels that are not wider than the scope, and the outages."""
    question = Question(
        period_of("query", period, from_, to),
        seen.within(scope_of("query", scope)),
        language,
        Form(format_),
        services.clock.now(),
    )
    require_past_of_report(services, question.scopes, question.period)
    maker: ReportMaker = request.app.state.reports
    try:
        report = await maker.make(question)
    except CannotMake as problem:
        raise Refused(503, str(problem), {"Retry-After": "30"}, sentence=problem.sentence) from None
    headers = {}
    if question.form is not Form.JSON:
        headers["Content-Disposition"] = f'attachment; filename="{question.filename}"'
    return Response(report, media_type=question.form.media_type, headers=headers)
