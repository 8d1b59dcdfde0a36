"""`/maintenance`: planned windows that excuse what fails in them, declared before or afterwards, and taken back."""

import re
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection, RowMapping, select, tuple_

from api.alerts.maintenance import BadRule, check_rule
from api.http.access import Technician, Viewer
from api.http.known_names import Body
from api.http.moments import Moment, moment, parse_time
from api.http.paging import CursorParameter, Filter, Limit, Page, after, page
from api.http.problems import Refused, not_found, problems
from api.http.seen import AskedFacilities
from api.http.services import Services, ServicesHere
from siaga.database import tables, writing
from siaga.database.scopes import within
from siaga.model.clock import DAY
from siaga.model.sites import Village

__all__ = ["router"]

router = APIRouter(tags=["maintenance"])

LONGEST = 31 * DAY
"""One window: what is out of use for longer is no maintenance."""
FARTHEST = 400 * DAY
"""How long ago, or how far ahead, a window may begin."""
_ID = re.compile("[0-9a-f]{32}")
_Name = Annotated[str, Field(max_length=200, pattern="^[ -~]+$")]
_Time = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]


class Declaration(Body):
    """A window of one facility, of a village, or of all villages that share an uplink: exactly one of them."""

    village: _Name | None = None
    facility: _Name | None = Field(None, description="`VILLAGE/ID`; or `ID`, beside `village`")
    uplink: _Name | None = Field(None, description="the name that the villages' `uplink` has in the sites file")
    start: _Time = Field(description="RFC 3339; of a recurring window, the first")
    end: _Time = Field(description="RFC 3339, after `start` and within 31 days of it")
    rrule: Annotated[str, Field(max_length=200)] | None = Field(
        None,
        description="how it recurs, by the village's clock: an RRULE of RFC 5545 with FREQ=DAILY, WEEKLY or MONTHLY",
        examples=["FREQ=WEEKLY;BYDAY=SU"],
    )
    reason: Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")] = Field("", description="for whom reads it")


class MaintenanceDocument(BaseModel):
    """A declared window, with who declared it when and why, and who took it back."""

    id: str
    village: str | None
    facility: str | None = Field(description="`VILLAGE/ID`; null: all of the village")
    uplink: str | None
    start: Moment
    end: Moment
    rrule: str | None
    reason: str
    created_by: str = Field(description="the name of the token")
    created_at: Moment
    deleted_by: str | None
    deleted_at: Moment | None


@router.post("/maintenance", status_code=201, summary="Declare maintenance", responses=problems(401, 403, 422, 503))
def declare(
    services: ServicesHere, caller: Technician, response: Response, declaration: Declaration
) -> MaintenanceDocument:
    """Declare a window. What lies in the past is judged again: its figures, and the days that it touches, change."""
    now = services.clock.now()
    start, end = parse_time("body start", declaration.start), parse_time("body end", declaration.end)
    if not start < end <= start + LONGEST:
        raise Refused(422, f"body end: {declaration.end!r} is not after start, within 31 days of it")
    if abs(start - now) > FARTHEST:
        raise Refused(422, f"body start: {declaration.start!r} is more than 400 days from now")
    villages, facility = _whom(services, declaration)
    row = {
        "id": uuid4().hex,
        "village": None if declaration.uplink is not None else villages[0].code,
        "facility": facility,
        "uplink": declaration.uplink,
        "start": start,
        "end": end,
        "rrule": _rule(declaration.rrule, start, villages),
        "reason": declaration.reason,
        "created_by": caller.name,
        "created_at": now,
    }
    with writing(services.engine) as connection:
        connection.execute(tables.maintenance.insert(), row)
        found = _row(connection, str(row["id"]))
    response.headers["Location"] = f"/api/v1/maintenance/{row['id']}"
    return _document(found)


@router.get("/maintenance", summary="Declared maintenance", responses=problems(401, 422, 503))
def list_maintenance(
    services: ServicesHere,
    asked: AskedFacilities,
    uplink: Filter = None,
    deleted: Annotated[bool, Query(description="whether those that were taken back are shown, too")] = False,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[MaintenanceDocument]:
    """The declared windows, the latest first."""
    table = tables.maintenance
    query = select(table).where(within(table.c.village, asked.scopes))
    for column, wanted in ((table.c.facility, asked.facility), (table.c.uplink, uplink)):
        if wanted is not None:
            query = query.where(column == wanted)
    if not deleted:
        query = query.where(table.c.deleted_at.is_(None))
    start = after("maintenance", cursor, [int, str])
    if start is not None:
        query = query.where(tuple_(table.c.start, table.c.id) < tuple_(*start))
    query = query.order_by(table.c.start.desc(), table.c.id.desc()).limit(limit + 1)
    with services.engine.connect() as connection:
        rows = connection.execute(query).mappings().all()
    shown, further = page("maintenance", rows, limit, lambda row: (row["start"], row["id"]))
    return Page(items=[_document(row) for row in shown], next=further)


@router.get("/maintenance/{window}", summary="One declared window", responses=problems(401, 404, 503))
def get_maintenance(services: ServicesHere, _: Viewer, window: str) -> MaintenanceDocument:
    """A window by its id, also one that was taken back."""
    with services.engine.connect() as connection:
        return _document(_row(connection, window))


@router.delete(
    "/maintenance/{window}",
    status_code=204,
    summary="Take a declaration back",
    responses=problems(401, 403, 404, 503),
)
def take_back(services: ServicesHere, caller: Technician, window: str) -> None:
    """It excuses nothing any more, as if it had never been declared; what was judged by it is judged again."""
    table = tables.maintenance
    with writing(services.engine) as connection:
        if _row(connection, window)["deleted_at"] is None:
            values = {"deleted_at": services.clock.now(), "deleted_by": caller.name}
            connection.execute(table.update().where(table.c.id == window).values(values))


def _whom(services: Services, said: Declaration) -> tuple[list[Village], str | None]:
    """The villages that a declaration is of, and the facility where it is of one.

    Raises:
        Refused: 422, it is of nothing that is known, or of two things.
    """
    if said.uplink is not None:
        if said.village is not None or said.facility is not None:
            raise Refused(422, "body uplink: a window is of an uplink, or of a village, or of a facility")
        sharing = [village for village in services.registry.villages() if village.uplink == said.uplink]
        if not sharing:
            raise Refused(422, f"body uplink: no village has the uplink {said.uplink!r}")
        return sharing, None
    code, facility = said.village, said.facility
    if facility is not None and "/" in facility:
        home, _, facility = facility.partition("/")
        if code not in (None, home):
            raise Refused(422, f"body facility: {said.facility!r} is not in village {code!r}")
        code = home
    if code is None:
        raise Refused(422, "the body names no village, facility (`VILLAGE/ID`) or uplink")
    village = services.registry.village(code)
    if village is None:
        raise Refused(422, f"body village: there is no village {code!r}")
    if facility is not None and all(each.id != facility for each in village.facilities):
        raise Refused(422, f"body facility: there is no facility {facility!r} in village {code}")
    return [village], facility


def _rule(rule: str | None, start: int, villages: list[Village]) -> str | None:
    if rule is None:
        return None
    try:
        for zone in sorted({village.timezone for village in villages}):
            kept = check_rule(rule, start, zone)
    except BadRule as error:
        raise Refused(422, f"body rrule: {error}") from None
    return kept


def _row(connection: Connection, window: str) -> RowMapping:
    query = select(tables.maintenance).where(tables.maintenance.c.id == window)
    row = connection.execute(query).mappings().one_or_none() if _ID.fullmatch(window) else None
    if row is None:
        raise not_found("maintenance window", window)
    return row


def _document(row: RowMapping) -> MaintenanceDocument:
    deleted = row["deleted_at"]
    return MaintenanceDocument(
        id=row["id"],
        village=row["village"],
        facility=None if row["facility"] is None else f"{row['village']}/{row['facility']}",
        uplink=row["uplink"],
        start=moment(row["start"]),
        end=moment(row["end"]),
        rrule=row["rrule"],
        reason=row["reason"],
        created_by=row["created_by"],
        created_at=moment(row["created_at"]),
        deleted_by=row["deleted_by"],
        deleted_at=None if deleted is None else moment(deleted),
    )
