"""`/villages`: where they are, whether they are heard, and how their facilities stand."""

from collections import Counter, defaultdict
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection, Row, and_, func, select

from api.http.access import Viewer
from api.http.moments import Moment, moment
from api.http.never_heard import never_heard
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.problems import not_found, problems
from api.http.services import ServicesHere
from siaga.database import tables
from siaga.timeline.spans import State

__all__ = ["VillageDocument", "router", "villages_page"]

router = APIRouter(tags=["villages"])


class Link(BaseModel):
    """Whether anything arrives from the village's gateway."""

    state: Literal["online", "offline"]
    since: Moment | None = Field(description="wall time from which it has been so; null: never heard")


class FacilityCounts(BaseModel):
    """How many of the village's facilities are in which state now."""

    met: int = 0
    failed: int = 0
    unknown: int = 0
    not_required: int = 0


class VillageDocument(BaseModel):
    """A village."""

    code: str = Field(description="of the Ministry of Home Affairs", examples=["35.10.15.2012"])
    name: str
    lat: float
    lon: float
    timezone: str = Field(description="of the IANA database")
    link: Link
    facilities: FacilityCounts
    never_heard: list[str] = Field(
        description="`VILLAGE/ID` of the facilities of whose devices nothing ever arrived: check their addresses",
        examples=[["35.10.15.2012/gerbang"]],
    )
    open_alerts: int = Field(description="of the village, all that is in it, and the uplink it was lost with")


@router.get("/villages", summary="All villages", responses=problems(401, 422, 503))
def list_villages(
    services: ServicesHere, _: Viewer, limit: Limit = 100, cursor: CursorParameter = None
) -> Page[VillageDocument]:
    """The villages, by code."""
    start = after("villages", cursor, [str])
    with services.engine.connect() as connection:
        found = villages_page(connection, "" if start is None else str(start[0]), limit + 1)
    shown, further = page("villages", found, limit, lambda village: (village.code,))
    return Page(items=list(shown), next=further)


@router.get("/villages/{code}", summary="One village", responses=problems(401, 404, 503))
def get_village(services: ServicesHere, _: Viewer, code: str) -> VillageDocument:
    """A village by its code."""
    with services.engine.connect() as connection:
        found = villages_page(connection, "", 1, code) if code.isascii() and code.isprintable() else []
    if not found:
        raise not_found("village", code)
    return found[0]


def villages_page(
    connection: Connection, after_code: str, limit: int, code: str | None = None
) -> list[VillageDocument]:
    """The villages after a code, in order; or the one with a code."""
    village, state = tables.village, tables.village_state
    query = (
        select(village, state.c.link, state.c.since)
        .select_from(village.outerjoin(state, state.c.village == village.c.code))
        .where(village.c.code > after_code if code is None else village.c.code == code)
    )
    rows = connection.execute(query.order_by(village.c.code).limit(limit)).all()
    if not rows:
        return []
    counts = _counts(connection, rows[0].code, rows[-1].code)
    alerts = _open_alerts(connection, rows[0].code, rows[-1].code)
    silent = never_heard(connection, rows[0].code, rows[-1].code)
    return [_document(row, counts[row.code], silent.get(row.code, []), alerts.get(row.code, 0)) for row in rows]


def _document(
    row: Row[*tuple[Any, ...]], counts: FacilityCounts, silent: list[str], open_alerts: int
) -> VillageDocument:
    return VillageDocument(
        code=row.code,
        name=row.name,
        lat=row.latitude,
        lon=row.longitude,
        timezone=row.timezone,
        link=Link(
            state="online" if row.link == "online" else "offline",
            since=None if row.since is None else moment(row.since),
        ),
        facilities=counts,
        never_heard=[f"{row.code}/{facility}" for facility in silent],
        open_alerts=open_alerts,
    )


def _counts(connection: Connection, first: str, last: str) -> dict[str, FacilityCounts]:
    """How the facilities of the villages from `first` to `last` stand now."""
    facility, span = tables.facility, tables.span
    running = and_(span.c.village == facility.c.village, span.c.facility == facility.c.id, span.c.end.is_(None))
    state = func.coalesce(span.c.state, State.NOT_REQUIRED.value)
    rows = connection.execute(
        select(facility.c.village, state, func.count())
        .select_from(facility.outerjoin(span, running))
        .where(facility.c.village.between(first, last))
        .group_by(facility.c.village, state)
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for code, name, count in rows:
        found[code][name] = count
    return defaultdict(FacilityCounts, {code: FacilityCounts(**states) for code, states in found.items()})


def _open_alerts(connection: Connection, first: str, last: str) -> dict[str, int]:
    alert = tables.alert
    rows = connection.execute(
        select(alert.c.village, func.count())
        .where(alert.c.village.between(first, last), alert.c.cleared_at.is_(None))
        .group_by(alert.c.village)
    )
    found = Counter({village: count for village, count in rows})  # noqa: C416 - rows are no tuples
    member = tables.alert_member
    others = (
        select(member.c.village, func.count())
        .select_from(member.join(alert, alert.c.id == member.c.alert))
        .where(member.c.village.between(first, last), member.c.village != alert.c.village)
        .where(member.c.ended_at.is_(None), alert.c.cleared_at.is_(None))
        .group_by(member.c.village)
    )
    found.update({village: count for village, count in connection.execute(others)})  # noqa: C416 - as above
    return found
