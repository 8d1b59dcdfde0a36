"""Actions on many alerts in one call: on those that it names, or on all that a filter lets through."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.alert_records.actions import Act, acknowledging, act_on_many, assigning, snoozing
from api.http.access import Technician
from api.http.alerts import Assignee, Severity, SnoozeUntil, snooze_end
from api.http.known_names import Body
from api.http.problems import Refused, problems
from api.http.services import Services, ServicesHere
from api.queries import alerts as read
from api.queries.alerts import AlertFilter
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Caller
from siaga.model.scope import SCOPE_PATTERN, NotAScope, Scope, parse_scope

__all__ = ["PATHS", "router"]

router = APIRouter(tags=["alerts"])

PATHS = ("/alerts/acknowledge", "/alerts/assign", "/alerts/snooze")
MOST_IDS = 10_000
"""Alerts that one call may name. Each is 32 characters long, 60 at most, so all fit into the largest body."""
_AT_ONCE = 200
"""Alerts that are changed in one transaction: writers of other alerts get their turn in between."""


class Filter(Body):
    """Which alerts are meant, by the names of `GET /alerts`; without a name, all."""

    open: bool | None = None
    village: Annotated[str, Field(max_length=20, json_schema_extra={"pattern": SCOPE_PATTERN})] | None = Field(
        None, description="a scope: the code of a village, a region such as `35.10.15`, or `*`"
    )
    kind: Kind | None = None
    severity: Severity | None = None


class Choice(Body):
    """Which alerts are meant: `ids`, or all that a `filter` lets through."""

    ids: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=MOST_IDS)] | None = None
    filter: Filter | None = None


class Assignment(Choice):
    """Which alerts somebody is to take care of."""

    assignee: Assignee


class Snooze(Choice):
    """Which alerts are to be left alone, and until when."""

    until: SnoozeUntil


class OutcomeDocument(BaseModel):
    """What became of one alert: the status with which a call for it alone would have been answered."""

    id: str
    status: int = Field(examples=[200, 404])


class OutcomesDocument(BaseModel):
    """What became of each alert, in the order in which they were named; by a filter, the newest first."""

    items: list[OutcomeDocument]


_PROBLEMS = problems(401, 403, 422, 503)


@router.post(PATHS[0], summary="Say of many that they have been seen", responses=_PROBLEMS)
def acknowledge_many(services: ServicesHere, caller: Technician, choice: Choice) -> OutcomesDocument:
    """Acknowledge alerts. The first who did stays; again changes nothing."""
    return _done(services, caller, choice, acknowledging(caller, services.clock.now()))


@router.post(PATHS[1], summary="Say who takes care of many", responses=_PROBLEMS)
def assign_many(services: ServicesHere, caller: Technician, choice: Assignment) -> OutcomesDocument:
    """Assign alerts to somebody, or to nobody."""
    return _done(services, caller, choice, assigning(choice.assignee))


@router.post(PATHS[2], summary="Leave many alone for a while", responses=_PROBLEMS)
def snooze_many(services: ServicesHere, caller: Technician, choice: Snooze) -> OutcomesDocument:
    """Snooze alerts: nobody is told of them again until then."""
    until = None if choice.until is None else snooze_end(choice.until, services.clock.now())
    return _done(services, caller, choice, snoozing(until))


def _done(services: Services, caller: Caller, choice: Choice, what: Act) -> OutcomesDocument:
    """Do it about each alert, some at a time. A call that was cut off may be sent again."""
    waiting = iter(dict.fromkeys(_chosen(services, caller, choice)))
    items: list[OutcomeDocument] = []
    while portion := list(islice(waiting, _AT_ONCE)):
        chosen: Mapping[str, int | None] = dict.fromkeys(portion)
        outcomes = act_on_many(services.engine, caller, chosen, lambda _: (what,), services.clock.now())
        items += [OutcomeDocument(id=one.alert, status=one.status) for one in outcomes]
    if items:
        services.signal.ring()
    return OutcomesDocument(items=items)


def _chosen(services: Services, caller: Caller, choice: Choice) -> Sequence[str]:
    """Returns the ids of the alerts that are meant; of a filter those within the caller's scopes.

    Raises:
        Refused: 422, they are named in both ways or in none, or the filter's village is no scope.
    """
    if (choice.ids is None) == (choice.filter is None):
        raise Refused(422, "body: names the alerts by `ids` or by `filter`, by one of the two")
    if choice.filter is None:
        return choice.ids or ()
    wanted = choice.filter
    asked = AlertFilter(caller.scopes.within(_scope(wanted.village)), wanted.open, wanted.kind, wanted.severity)
    with services.engine.connect() as connection:
        return read.alert_ids(connection, asked)


def _scope(text: str | None) -> Scope | None:
    try:
        return None if text is None else parse_scope(text)
    except NotAScope as problem:
        raise Refused(422, f"body filter.village: {text!r} {problem}") from None
