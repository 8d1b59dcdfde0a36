"""`/maintenance`: planned windows that excuse what fails in them, declared before or afterwards, and taken back."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.http.access import Technician
from api.http.known_names import Body
from api.http.moments import Moment, moment, parse_time
from api.http.paging import CursorParameter, Filter, Limit, Page, after, page
from api.http.problems import Refused, not_found, problems
from api.http.seen import AskedFacilities, Seen
from api.http.services import Services, ServicesHere
from api.queries import maintenance as read
from api.queries.maintenance import KeptWindow, WindowFilter
from siaga.database.maintenance import Declared
from siaga.database.maintenance import declare as keep
from siaga.database.maintenance import take_back as take_it_back
from siaga.model.caller import Caller
from siaga.model.clock import DAY
from siaga.model.scope import Scopes
from siaga.model.sites import Village
from siaga.timeline.maintenance import BadRule, check_rule

__all__ = ["Declaration", "NotDeclared", "declare_window", "router", "take_window_back"]

router = APIRouter(tags=["maintenance"])

LONGEST = 31 * DAY
"""One window: what is out of use for longer is no maintenance."""
FARTHEST = 400 * DAY
"""How long ago, or how far ahead, a window may begin."""
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


class NotDeclared(Refused):
    """A window that cannot be declared or taken back.

    `why` says it in one word, for pages: `ends` (its end), `far` (its start), `unknown` (of nothing that the caller
    sees, or of two things), `rule`, or `part` (an uplink of which the caller sees a part). `value`: what was wrong.
    """

    def __init__(self, why: str, value: str, detail: str, status: int = 422) -> None:
        super().__init__(status, detail)
        self.why, self.value = why, value


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
    made = declare_window(services, caller, declaration)
    response.headers["Location"] = f"/api/v1/maintenance/{made}"
    return _document(_found(services, caller.scopes, made))


def declare_window(services: Services, caller: Caller, declaration: Declaration) -> str:
    """Keep a declaration. Returns its id.

    Raises:
        NotDeclared: 422, it is of nothing that the caller sees, or its times or its rule cannot be.
    """
    now = services.clock.now()
    start, end = parse_time("body start", declaration.start), parse_time("body end", declaration.end)
    if not start < end <= start + LONGEST:
        raise NotDeclared(
            "ends", declaration.end, f"body end: {declaration.end!r} is not after start, within 31 days of it"
        )
    if abs(start - now) > FARTHEST:
        raise NotDeclared("far", declaration.start, f"body start: {declaration.start!r} is more than 400 days from now")
    villages, facility = _whom(services, caller.scopes, declaration)
    what = Declared(
        village=None if declaration.uplink is not None else villages[0].code,
        facility=facility,
        uplink=declaration.uplink,
        start=start,
        end=end,
        rrule=_rule(declaration.rrule, start, villages),
        reason=declaration.reason,
    )
    return keep(services.engine, what, caller.name, now)


@router.get("/maintenance", summary="Declared maintenance", responses=problems(401, 422, 503))
def list_maintenance(
    services: ServicesHere,
    seen: Seen,
    asked: AskedFacilities,
    uplink: Filter = None,
    deleted: Annotated[bool, Query(description="whether those that were taken back are shown, too")] = False,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[MaintenanceDocument]:
    """The declared windows, the latest first."""
    wanted = WindowFilter(asked.scopes, asked.facility, uplink, deleted)
    start = after("maintenance", cursor, [int, str])
    key = None if start is None else (int(start[0]), str(start[1]))
    with services.engine.connect() as connection:
        found = read.windows(connection, seen, wanted, key, limit + 1)
    shown, further = page("maintenance", found, limit, lambda one: one.key)
    return Page(items=[_document(one) for one in shown], next=further)


@router.get("/maintenance/{window}", summary="One declared window", responses=problems(401, 404, 503))
def get_maintenance(services: ServicesHere, seen: Seen, window: str) -> MaintenanceDocument:
    """A window by its id, also one that was taken back."""
    return _document(_found(services, seen, window))


@router.delete(
    "/maintenance/{window}",
    status_code=204,
    summary="Take a declaration back",
    responses=problems(401, 403, 404, 503),
)
def take_back(services: ServicesHere, caller: Technician, window: str) -> None:
    """It excuses nothing any more, as if it had never been declared; what was judged by it is judged again."""
    take_window_back(services, caller, window)


def take_window_back(services: Services, caller: Caller, window: str) -> None:
    """Take a declaration back.

    Raises:
        Refused: 404, the caller sees no such window; 403, it is of an uplink of which the caller sees a part.
    """
    found = _found(services, caller.scopes, window)
    if found.uplink is not None:
        _sees_all(services, caller.scopes, found.uplink, 403, "path window")
    take_it_back(services.engine, window, caller.name, services.clock.now())


def _whom(services: Services, seen: Scopes, said: Declaration) -> tuple[list[Village], str | None]:
    """The villages that a declaration is of, and the facility where it is of one.

    Raises:
        NotDeclared: 422, it is of nothing that is known, or of two things.
    """
    if said.uplink is not None:
        if said.village is not None or said.facility is not None:
            raise NotDeclared(
                "unknown", said.uplink, "body uplink: a window is of an uplink, or of a village, or of a facility"
            )
        return _sees_all(services, seen, said.uplink, 422, "body uplink"), None
    code, facility = said.village, said.facility
    if facility is not None and "/" in facility:
        home, _, facility = facility.partition("/")
        if code not in (None, home):
            detail = f"body facility: {said.facility!r} is not in village {code!r}"
            raise NotDeclared("unknown", said.facility or "", detail)
        code = home
    if code is None:
        raise NotDeclared("unknown", "", "the body names no village, facility (`VILLAGE/ID`) or uplink")
    village = services.registry.village(code) if seen.holds(code) else None
    if village is None:
        raise NotDeclared("unknown", code, f"body village: there is no village {code!r}")
    if facility is not None and all(each.id != facility for each in village.facilities):
        detail = f"body facility: there is no facility {facility!r} in village {code}"
        raise NotDeclared("unknown", f"{code}/{facility}", detail)
    return [village], facility


def _rule(rule: str | None, start: int, villages: list[Village]) -> str | None:
    if rule is None:
        return None
    try:
        for zone in sorted({village.timezone for village in villages}):
            kept = check_rule(rule, start, zone)
    except BadRule as error:
        raise NotDeclared("rule", rule, f"body rrule: {error}") from None
    return kept


def _sees_all(services: Services, seen: Scopes, uplink: str, status: int, where: str) -> list[Village]:
    """The villages of an uplink, for who sees them all: a window of it excuses all of them.

    Raises:
        NotDeclared: with this status, the caller sees some of them only; 422, the caller sees none.
    """
    with services.engine.connect() as connection:
        villages = read.sharing(connection, uplink)
    mine = [village for village in villages if seen.holds(village.code)]
    if not mine:
        raise NotDeclared("unknown", uplink, f"{where}: no village has the uplink {uplink!r}")
    if len(mine) < len(villages):
        detail = (
            f"{where}: the uplink {uplink!r} has villages that you do not see: name your own villages one by one, or "
            "ask somebody who sees all of them"
        )
        raise NotDeclared("part", uplink, detail, status)
    return mine


def _found(services: Services, seen: Scopes, window: str) -> KeptWindow:
    with services.engine.connect() as connection:
        found = read.window(connection, seen, window)
    if found is None:
        raise not_found("maintenance window", window)
    return found


def _document(found: KeptWindow) -> MaintenanceDocument:
    return MaintenanceDocument(
        id=found.id,
        village=found.village,
        facility=None if found.facility is None else f"{found.village}/{found.facility}",
        uplink=found.uplink,
        start=moment(found.start),
        end=moment(found.end),
        rrule=found.rrule,
        reason=found.reason,
        created_by=found.created_by,
        created_at=moment(found.created_at),
        deleted_by=found.deleted_by,
        deleted_at=None if found.deleted_at is None else moment(found.deleted_at),
    )
