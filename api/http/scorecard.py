"""`/scorecard`: the 14 indicators of each village on a local date, each with its evidence; never a weight."""

import datetime
from collections.abc import Iterable
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.attestations.scorecard import Cell, Evidence, Scorecard, days_up_to
from api.http.moments import parse_date
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.past import require_past
from api.http.problems import Refused, problems
from api.http.seen import Asked
from api.http.services import Services, ServicesHere
from api.queries.scorecard import scorecards, villages_page
from api.words import Language
from siaga.model.local_time import local_date
from siaga.model.sites import Village
from siaga.timeline.verdict import Verdict, local_day

__all__ = ["router"]

router = APIRouter(tags=["scorecard"])

CellVerdict = Literal["met", "missed", "unjudged"]
_VERDICTS: dict[Verdict, CellVerdict] = {
    Verdict.MET: "met",
    Verdict.MISSED: "missed",
    Verdict.UNJUDGED: "unjudged",
}


class CellDocument(BaseModel):
    """One indicator of a village."""

    no: int = Field(description="its number in the programme")
    kind: str
    name: str = Field(description="in the language that was asked for")
    verdict: CellVerdict
    evidence: Evidence = Field(
        description="`sensed` where the village has a facility with devices; `complaints`: by the district's rule"
    )
    date: datetime.date | None = Field(description="the day that says so; of an attested one the attestation's")
    expires: datetime.date | None = Field(description="the day on which the attestation no longer counts")
    facilities: list[str] = Field(description="those of the kind", examples=[["35.10.15.2012/gerbang"]])
    attestation: str | None = Field(description="the id of the attestation that counts")


class ScorecardDocument(BaseModel):
    """The scorecard of a village. `met`, `missed` and `unjudged` add up to 14."""

    village: str = Field(examples=["35.10.15.2012"])
    date: datetime.date
    met: int
    missed: int
    unjudged: int
    indicators: list[CellDocument]


@router.get("/scorecard", summary="The 14 indicators of each village", responses=problems(401, 422, 503))
def list_scorecards(
    services: ServicesHere,
    asked: Asked,
    date: Annotated[
        str | None, Query(max_length=40, description="a local date; without it each village's yesterday")
    ] = None,
    language: Annotated[Language, Query(description="of the indicators' names")] = Language.ID,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[ScorecardDocument]:
    """The scorecards, by village.

    A sensed indicator is judged by the latest day, of the seven up to the date, on which something was required of its
    facilities; an attested one by the attestation that counts on the date.
    """
    now = services.clock.now()
    day = _date(date, now)
    start = after("scorecard", cursor, [str])
    with services.engine.connect() as connection:
        found = villages_page(connection, asked, "" if start is None else str(start[0]), limit + 1)
        shown, further = page("scorecard", found, limit, lambda one: (one.code,))
        _require_past(services, shown, day, now)
        cards = scorecards(connection, shown, day, now, services.answered_within)
    return Page(items=[_document(card, language) for card in cards], next=further)


def _date(text: str | None, now: int) -> datetime.date | None:
    if text is None:
        return None
    day = parse_date("query date", text)
    today = local_date(now, "Etc/GMT-14")  # no zone is further ahead
    if day > today:
        raise Refused(422, f"query date: {day} is still to come")
    return day


def _require_past(services: Services, villages: Iterable[Village], day: datetime.date | None, now: int) -> None:
    for village in villages:
        last = day or local_date(now, village.timezone) - datetime.timedelta(days=1)
        days = days_up_to(last)
        require_past(services, [village.code], (local_day(village, days[0])[0], local_day(village, days[-1])[1]))


def _document(card: Scorecard, language: Language) -> ScorecardDocument:
    return ScorecardDocument(
        village=card.village,
        date=card.day,
        met=card.count(Verdict.MET),
        missed=card.count(Verdict.MISSED),
        unjudged=card.count(Verdict.UNJUDGED),
        indicators=[_cell(card.village, cell, language) for cell in card.cells],
    )


def _cell(village: str, cell: Cell, language: Language) -> CellDocument:
    indicator = cell.indicator
    return CellDocument(
        no=indicator.number,
        kind=indicator.kind,
        name=indicator.name_id if language is Language.ID else indicator.name_en,
        verdict=_VERDICTS[cell.verdict],
        evidence=cell.evidence,
        date=cell.day,
        expires=cell.expires,
        facilities=[f"{village}/{facility.id}" for facility in cell.facilities],
        attestation=cell.attestation,
    )
