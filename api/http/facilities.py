"""`/facilities`: the state of each, since when and why; and its timeline."""

from collections import defaultdict
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection, Row, and_, func, select, tuple_

from api.http.moments import FromTime, Moment, ToTime, moment, window
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.past import require_past
from api.http.problems import not_found, problems
from api.http.seen import Asked, Seen
from api.http.services import ServicesHere
from api.http.spans import JudgedFacility, filled, spans_by_facility
from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.indicators import INDICATORS, POWER
from siaga.model.scope import Scopes
from siaga.timeline.spans import Span, State

__all__ = ["FacilityDocument", "facilities_page", "router"]

router = APIRouter(tags=["facilities"])

FacilityKind = StrEnum("FacilityKind", {kind.upper(): kind for kind in (*INDICATORS, POWER)})  # type: ignore[misc] # the indicators are data
"""The kinds of facilities that a sites file may have."""


class FacilityDocument(BaseModel):
    """A facility and how it stands now."""

    id: str = Field(examples=["35.10.15.2012/gerbang"])
    village: str
    kind: str
    name: str
    state: State
    since: Moment | None = Field(description="when the state began, whatever its causes since; null: never judged")
    cause: str | None = Field(description="why it is so, where it failed or is unknown")
    devices: list[str] = Field(description="the ids of its devices, within the village")


class SpanDocument(BaseModel):
    """A half-open stretch in one state for one cause."""

    start: Moment
    end: Moment
    state: State
    cause: str | None
    excused: bool = Field(description="by planned maintenance, or for want of mains power")


class Timeline(BaseModel):
    """A facility's spans, in order, without gap or overlap."""

    spans: list[SpanDocument]


@router.get("/facilities", summary="All facilities with their state", responses=problems(401, 422, 503))
def list_facilities(
    services: ServicesHere,
    asked: Asked,
    kind: Annotated[FacilityKind | None, Query(description="a kind of facility of the sites file")] = None,
    state: Annotated[State | None, Query(description="the state now")] = None,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[FacilityDocument]:
    """The facilities, by village and id."""
    start = after("facilities", cursor, [str, str]) or ["", ""]
    with services.engine.connect() as connection:
        found = facilities_page(connection, asked, (str(start[0]), str(start[1])), limit + 1, kind, state)
    shown, further = page("facilities", found, limit, lambda found: (found.village, found.id.partition("/")[2]))
    return Page(items=list(shown), next=further)


@router.get(
    "/facilities/{village}/{facility}/timeline", summary="A facility's timeline", responses=problems(401, 404, 422, 503)
)
def get_timeline(
    services: ServicesHere, seen: Seen, village: str, facility: str, from_: FromTime = None, to: ToTime = None
) -> Timeline:
    """The spans from `from` to `to`, clipped to it. Before a facility was first judged it is not required.

    503 while some of it could not be read from the telemetry store.
    """
    asked = window(from_, to, services.clock.now())
    name = JudgedFacility(village, facility)
    if not seen.holds(village) or not name.name.isascii() or not name.name.isprintable():
        raise not_found("facility", name.name)
    table = tables.facility
    known = select(table.c.id).where(table.c.village == village, table.c.id == facility)
    with services.engine.connect() as connection:
        if connection.execute(known).one_or_none() is None:
            raise not_found("facility", name.name)
        if asked.start == asked.end:
            return Timeline(spans=[])
        require_past(services, [village], (asked.start, asked.end))
        spans = next(spans_by_facility(connection, [name], (asked.start, asked.end)))[1]
    return Timeline(spans=[_span_document(span) for span in filled(spans, (asked.start, asked.end))])


def facilities_page(
    connection: Connection,
    scopes: Scopes,
    start: tuple[str, str],
    limit: int,
    kind: FacilityKind | None = None,
    state: State | None = None,
) -> list[FacilityDocument]:
    """The facilities of some scopes after one (its village and id), in order, that match what is not `None`."""
    facility, running, earlier = tables.facility, tables.span.alias("running"), tables.span.alias("earlier")
    mine = and_(earlier.c.village == facility.c.village, earlier.c.facility == facility.c.id)
    # A state goes on where only its cause changes: it began when the last span in another one ended, or with the first
    other_ended = (
        select(earlier.c.end)
        .where(mine, earlier.c.state != running.c.state)
        .order_by(earlier.c.start.desc())
        .limit(1)
        .scalar_subquery()
    )
    first = select(func.min(earlier.c.start)).where(mine).scalar_subquery()
    state_now = func.coalesce(running.c.state, State.NOT_REQUIRED.value)
    on = and_(running.c.village == facility.c.village, running.c.facility == facility.c.id, running.c.end.is_(None))
    query = (
        select(facility, state_now.label("state"), running.c.cause, func.coalesce(other_ended, first).label("since"))
        .select_from(facility.outerjoin(running, on))
        .where(tuple_(facility.c.village, facility.c.id) > tuple_(*start))
    )
    query = query.where(within(facility.c.village, scopes))
    for column, wanted in ((facility.c.kind, kind), (state_now, state)):
        if wanted is not None:
            query = query.where(column == str(wanted))
    rows = connection.execute(query.order_by(facility.c.village, facility.c.id).limit(limit)).all()
    devices = _devices(connection, rows[0].village, rows[-1].village) if rows else {}
    return [_document(row, devices.get((row.village, row.id), [])) for row in rows]


def _document(row: Row[*tuple[Any, ...]], devices: list[str]) -> FacilityDocument:
    return FacilityDocument(
        id=f"{row.village}/{row.id}",
        village=row.village,
        kind=row.kind,
        name=row.name,
        state=State(row.state),
        since=None if row.since is None else moment(row.since),
        cause=row.cause,
        devices=devices,
    )


def _devices(connection: Connection, first: str, last: str) -> dict[tuple[str, str], list[str]]:
    """The devices of the facilities of the villages from `first` to `last`."""
    device = tables.device
    rows = connection.execute(
        select(device.c.village, device.c.facility, device.c.id)
        .where(device.c.village.between(first, last))
        .order_by(device.c.village, device.c.id)
    )
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for village, facility, name in rows:
        found[village, facility].append(name)
    return found


def _span_document(span: Span) -> SpanDocument:
    return SpanDocument(
        start=moment(span.start), end=moment(span.end), state=span.state, cause=span.cause, excused=span.excused
    )
