"""`/alerts`: what was raised, and what people do about it."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field, JsonValue
from sqlalchemy import ColumnElement, Connection, RowMapping, or_, select, tuple_

from api.alerts.alert import Kind
from api.alerts.documents import alert_document
from api.alerts.excuses import with_plan
from api.http.access import Technician, Viewer
from api.http.alert_actions import LONGEST_SNOOZE, acknowledging, act, alert_row, assigning, commenting, etag, snoozing
from api.http.known_names import Body
from api.http.moments import Moment, moment, parse_time
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.problems import Refused, problems
from api.http.seen import Asked
from api.http.services import Services, ServicesHere
from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.scope import Scopes

__all__ = ["AlertDocument", "open_alerts", "router"]

router = APIRouter(tags=["alerts"])

Severity = Literal["critical", "major", "minor", "warning"]
Text = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
"""Text from people: not blank; PostgreSQL keeps no NUL."""
IfMatch = Annotated[
    str | None, Header(max_length=200, description="the `ETag` of an answer before: 412 if the alert has changed since")
]


class AlertDocument(BaseModel):
    """An alert. `began_at` and `ended_at` are event time, `raised_at` and `cleared_at` wall time."""

    id: str
    kind: Kind
    severity: Severity
    village: str
    facility: str | None = Field(description="`VILLAGE/ID`", examples=["35.10.15.2012/gerbang"])
    device: str | None = Field(description="`VILLAGE/ID` of a device or a gateway")
    began_at: Moment = Field(description="when it started")
    raised_at: Moment = Field(description="when it was noticed")
    ended_at: Moment | None = Field(description="when it was over")
    cleared_at: Moment | None = Field(description="when recovery was over; null: it is open")
    acknowledged_at: Moment | None
    acknowledged_by: str | None = Field(description="the name of the token")
    assignee: str | None
    cause: str | None
    evidence: dict[str, JsonValue] = Field(
        description="what it was decided on; `planned_until` while its subject is in planned maintenance"
    )


class CommentDocument(BaseModel):
    """What somebody said of an alert."""

    author: str
    time: Moment
    text: str


class ActionDocument(BaseModel):
    """What somebody did about an alert."""

    action: Literal["acknowledge", "assign", "comment", "snooze"]
    actor: str
    time: Moment
    detail: dict[str, JsonValue] | None


class AlertFile(AlertDocument):
    """An alert with all that people did about it."""

    snoozed_until: Moment | None
    comments: list[CommentDocument]
    actions: list[ActionDocument]


class Assignment(Body):
    """Who takes care of an alert."""

    assignee: Annotated[Text, Field(max_length=200)] | None = Field(description="a name; null: nobody")


class Comment(Body):
    """Something to say of an alert."""

    text: Text


class Snooze(Body):
    """Until when an alert is to be left alone."""

    until: Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})] | None = Field(
        description="an RFC 3339 time within 30 days; null: not at all"
    )


@router.get("/alerts", summary="Alerts, the newest first", responses=problems(401, 422, 503))
def list_alerts(
    services: ServicesHere,
    asked: Asked,
    open_: Annotated[bool | None, Query(alias="open", description="whether it is open; without it, all")] = None,
    kind: Kind | None = None,
    severity: Severity | None = None,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[AlertDocument]:
    """The alerts by the time they were raised, the newest first."""
    table = tables.alert
    query = select(table)
    start = after("alerts", cursor, [int, str])
    if start is not None:
        query = query.where(tuple_(table.c.raised_at, table.c.id) < tuple_(*start))
    if open_ is not None:
        query = query.where(table.c.cleared_at.is_(None) if open_ else table.c.cleared_at.is_not(None))
    for column, wanted in ((table.c.kind, kind), (table.c.severity, severity)):
        if wanted is not None:
            query = query.where(column == str(wanted))
    newest_first = query.order_by(table.c.raised_at.desc(), table.c.id.desc())
    with services.engine.connect() as connection:
        if not asked.everything:
            newest_first = newest_first.where(_concerns(asked, still=bool(open_)))
        rows = connection.execute(newest_first.limit(limit + 1)).mappings().all()
        shown, further = page("alerts", rows, limit, lambda row: (row["raised_at"], row["id"]))
        items = _documents(connection, shown, services.clock.now())
    return Page(items=items, next=further)


def _concerns(scopes: Scopes, *, still: bool = False) -> ColumnElement[bool]:
    """An alert is a village's own, or that of an uplink with which the village was lost; `still`: is lost still."""
    member = tables.alert_member
    lost = select(member.c.alert).where(within(member.c.village, scopes))
    if still:
        lost = lost.where(member.c.ended_at.is_(None))
    return or_(within(tables.alert.c.village, scopes), tables.alert.c.id.in_(lost))


@router.get("/alerts/{alert}", summary="One alert and what was done about it", responses=problems(401, 404, 503))
def get_alert(services: ServicesHere, _: Viewer, response: Response, alert: str) -> AlertFile:
    """An alert by its id."""
    with services.engine.connect() as connection:
        row = alert_row(connection, alert)
        found = _file(connection, row, services.clock.now())
    response.headers["ETag"] = etag(row["revision"])
    return found


_ACTION_PROBLEMS = problems(401, 403, 404, 412, 422, 503)


@router.post("/alerts/{alert}/acknowledge", summary="Say that it has been seen", responses=_ACTION_PROBLEMS)
def acknowledge(
    services: ServicesHere, caller: Technician, response: Response, alert: str, if_match: IfMatch = None
) -> AlertDocument:
    """Acknowledge an alert, open or cleared. The first who does stays; again changes nothing."""
    what = acknowledging(caller, services.clock.now())
    return _answer(services, response, act(services, caller, alert, what, if_match))


@router.post("/alerts/{alert}/assign", summary="Say who takes care of it", responses=_ACTION_PROBLEMS)
def assign(
    services: ServicesHere,
    caller: Technician,
    response: Response,
    alert: str,
    assignment: Assignment,
    if_match: IfMatch = None,
) -> AlertDocument:
    """Assign an alert to somebody, or to nobody."""
    return _answer(services, response, act(services, caller, alert, assigning(assignment.assignee), if_match))


@router.post("/alerts/{alert}/comments", summary="Say something of it", responses=_ACTION_PROBLEMS)
def comment(
    services: ServicesHere,
    caller: Technician,
    response: Response,
    alert: str,
    comment: Comment,
    if_match: IfMatch = None,
) -> AlertDocument:
    """Add a comment to an alert; `GET /alerts/{id}` shows them."""
    return _answer(services, response, act(services, caller, alert, commenting(comment.text), if_match))


@router.post("/alerts/{alert}/snooze", summary="Leave it alone for a while", responses=_ACTION_PROBLEMS)
def snooze(
    services: ServicesHere,
    caller: Technician,
    response: Response,
    alert: str,
    snooze: Snooze,
    if_match: IfMatch = None,
) -> AlertDocument:
    """Snooze an alert: nobody is told of it again until then. Its state and its place in the lists stay."""
    until = None if snooze.until is None else _snooze_end(snooze.until, services.clock.now())
    return _answer(services, response, act(services, caller, alert, snoozing(until), if_match))


def open_alerts(connection: Connection, village: str | None, limit: int) -> list[RowMapping]:
    """The rows of the newest open alerts, of one village or of all."""
    table = tables.alert
    query = select(table).where(table.c.cleared_at.is_(None))
    if village is not None:
        query = query.where(table.c.village == village)
    return list(connection.execute(query.order_by(table.c.raised_at.desc(), table.c.id.desc()).limit(limit)).mappings())


def _snooze_end(text: str, now: int) -> int:
    until = parse_time("body until", text)
    if not now < until <= now + LONGEST_SNOOZE:
        raise Refused(422, f"body until: {text!r} is not within the next 30 days")
    return until


def _answer(services: Services, response: Response, row: RowMapping) -> AlertDocument:
    response.headers["ETag"] = etag(row["revision"])
    with services.engine.connect() as connection:
        return _documents(connection, [row], services.clock.now())[0]


def _documents(connection: Connection, rows: Sequence[RowMapping], now: int) -> list[AlertDocument]:
    return [AlertDocument.model_validate(shown) for shown in _shown(connection, rows, now)]


def _shown(connection: Connection, rows: Sequence[RowMapping], now: int) -> list[dict[str, object]]:
    named = [{str(key): value for key, value in row.items()} for row in rows]
    return [alert_document(row) for row in with_plan(connection, named, now)]


def _file(connection: Connection, row: RowMapping, now: int) -> AlertFile:
    said, done = tables.alert_comment, tables.alert_action
    comments = connection.execute(select(said).where(said.c.alert == row["id"]).order_by(said.c.id)).all()
    actions = connection.execute(select(done).where(done.c.alert == row["id"]).order_by(done.c.id)).all()
    return AlertFile.model_validate(
        _shown(connection, [row], now)[0]
        | {
            "snoozed_until": None if row["snoozed_until"] is None else moment(row["snoozed_until"]),
            "comments": [
                CommentDocument(author=found.author, time=moment(found.time), text=found.text) for found in comments
            ],
            "actions": [
                ActionDocument(action=found.action, actor=found.actor, time=moment(found.time), detail=found.detail)
                for found in actions
            ],
        }
    )
