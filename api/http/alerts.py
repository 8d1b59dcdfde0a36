"""`/alerts`: what was raised, and what people do about it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, Field, JsonValue

from api.alert_records.actions import LONGEST_SNOOZE, Act, acknowledging, assigning, commenting, snoozing
from api.http.access import Technician
from api.http.alert_actions import act, etag
from api.http.known_names import Body
from api.http.moments import Moment, moment, parse_time
from api.http.paging import CursorParameter, Limit, Page, after, page
from api.http.problems import Refused, not_found, problems
from api.http.seen import Asked, Seen
from api.http.services import Services, ServicesHere
from api.queries import alerts as read
from api.queries.alerts import AlertFile, AlertFilter, AlertRecord
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Caller
from siaga.model.scope import Scopes

__all__ = ["AlertDocument", "Assignee", "Severity", "SnoozeUntil", "router", "snooze_end"]

router = APIRouter(tags=["alerts"])

Severity = Literal["critical", "major", "minor", "warning"]
Text = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
"""Text from people: not blank; PostgreSQL keeps no NUL."""
Assignee = Annotated[Annotated[Text, Field(max_length=200)] | None, Field(description="a name; null: nobody")]
SnoozeUntil = Annotated[
    Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})] | None,
    Field(description="an RFC 3339 time within 30 days; null: not at all"),
]
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


class AlertFileDocument(AlertDocument):
    """An alert with all that people did about it."""

    snoozed_until: Moment | None
    comments: list[CommentDocument]
    actions: list[ActionDocument]


class Assignment(Body):
    """Who takes care of an alert."""

    assignee: Assignee


class Comment(Body):
    """Something to say of an alert."""

    text: Text


class Snooze(Body):
    """Until when an alert is to be left alone."""

    until: SnoozeUntil


@router.get("/alerts", summary="Alerts, the newest first", responses=problems(401, 422, 503))
def list_alerts(
    services: ServicesHere,
    seen: Seen,
    asked: Asked,
    open_: Annotated[bool | None, Query(alias="open", description="whether it is open; without it, all")] = None,
    kind: Kind | None = None,
    severity: Severity | None = None,
    limit: Limit = 100,
    cursor: CursorParameter = None,
) -> Page[AlertDocument]:
    """The alerts by the time they were raised, the newest first."""
    start = after("alerts", cursor, [int, str])
    key = None if start is None else (int(start[0]), str(start[1]))
    wanted = AlertFilter(asked, open_, kind, severity)
    with services.engine.connect() as connection:
        found = read.alerts(connection, seen, wanted, services.clock.now(), key, limit + 1)
    shown, further = page("alerts", found, limit, lambda one: one.key)
    return Page(items=[_document(one) for one in shown], next=further)


@router.get("/alerts/{alert}", summary="One alert and what was done about it", responses=problems(401, 404, 503))
def get_alert(services: ServicesHere, seen: Seen, response: Response, alert: str) -> AlertFileDocument:
    """An alert by its id."""
    found = _found(services, seen, alert)
    response.headers["ETag"] = etag(found.alert.revision)
    return AlertFileDocument(
        **_document(found.alert).model_dump(),
        snoozed_until=_moment(found.alert.snoozed_until),
        comments=[CommentDocument(author=one.author, time=moment(one.time), text=one.text) for one in found.comments],
        actions=[
            ActionDocument.model_validate(
                {"action": one.action, "actor": one.actor, "time": moment(one.time), "detail": one.detail}
            )
            for one in found.actions
        ],
    )


_ACTION_PROBLEMS = problems(401, 403, 404, 412, 422, 503)


@router.post("/alerts/{alert}/acknowledge", summary="Say that it has been seen", responses=_ACTION_PROBLEMS)
def acknowledge(
    services: ServicesHere, caller: Technician, response: Response, alert: str, if_match: IfMatch = None
) -> AlertDocument:
    """Acknowledge an alert, open or cleared. The first who does stays; again changes nothing."""
    what = acknowledging(caller, services.clock.now())
    return _done(services, caller, response, alert, what, if_match)


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
    return _done(services, caller, response, alert, assigning(assignment.assignee), if_match)


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
    return _done(services, caller, response, alert, commenting(comment.text), if_match)


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
    until = None if snooze.until is None else snooze_end(snooze.until, services.clock.now())
    return _done(services, caller, response, alert, snoozing(until), if_match)


def snooze_end(text: str, now: int) -> int:
    """Returns the wall time of a text, ms; `now`: wall time, ms.

    Raises:
        Refused: 422, it is no time, or not within the next 30 days.
    """
    until = parse_time("body until", text)
    if not now < until <= now + LONGEST_SNOOZE:
        raise Refused(422, f"body until: {text!r} is not within the next 30 days")
    return until


def _done(
    services: Services, caller: Caller, response: Response, alert: str, what: Act, if_match: str | None
) -> AlertDocument:
    """Do it, unless the alert is no longer at a revision that `If-Match` names. Returns the alert as it is then.

    Raises:
        Refused: 404, there is no such alert; 412, somebody else was first.
    """
    act(services, caller, alert, what, if_match)
    found = _found(services, caller.scopes, alert).alert
    response.headers["ETag"] = etag(found.revision)
    return _document(found)


def _found(services: Services, seen: Scopes, alert: str) -> AlertFile:
    with services.engine.connect() as connection:
        found = read.alert(connection, seen, alert, services.clock.now())
    if found is None:
        raise not_found("alert", alert)
    return found


def _document(found: AlertRecord) -> AlertDocument:
    return AlertDocument.model_validate(
        {
            "id": found.id,
            "kind": found.kind,
            "severity": found.severity,
            "village": found.village,
            "facility": None if found.facility is None else f"{found.village}/{found.facility}",
            "device": None if found.device is None else f"{found.village}/{found.device}",
            "began_at": moment(found.began_at),
            "raised_at": moment(found.raised_at),
            "ended_at": _moment(found.ended_at),
            "cleared_at": _moment(found.cleared_at),
            "acknowledged_at": _moment(found.acknowledged_at),
            "acknowledged_by": found.acknowledged_by,
            "assignee": found.assignee,
            "cause": found.cause,
            "evidence": found.evidence,
        }
    )


def _moment(time: int | None) -> str | None:
    return None if time is None else moment(time)
