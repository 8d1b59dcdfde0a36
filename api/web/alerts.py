"""`/alerts`: what is open, for those who go and repair it."""

from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.http.services import Services, ServicesHere
from api.queries.alert_events import newest_event
from api.queries.alert_list import AlertList, cleared_since, often_raised, open_now
from api.queries.villages import count_villages
from api.web.access import SignedIn
from api.web.alert_filter import AlertFilter, Sort, Stage
from api.web.alert_forms import SNOOZES
from api.web.alert_groups import RANKS
from api.web.alert_view import ListView, Looking, list_view
from api.web.asked_alerts import AskedAlerts
from api.web.frame import FrameHere
from api.web.looker import Looker
from api.web.visit import Visit, visit_of
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR
from siaga.model.local_time import NO_VILLAGES_ZONE, local_moment

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_LATELY = 2 * HOUR
"""What cleared within this time is shown, also to somebody whose visit before was later."""
_LONG_AGO = 7 * DAY
"""What cleared before is not shown below the open alerts, however long somebody was away."""
_CLEARED_WITHIN = 30 * DAY
"""How far back the filter for cleared alerts reaches."""
_AFTER = timedelta(days=2)
"""Room for the time zones of villages: the filter looks at each by its own."""
_MOST_CLEARED = 15
"""Cleared alerts that stand below the open ones."""


@router.get("/alerts")
def alerts(
    request: Request, frame: FrameHere, services: ServicesHere, looker: SignedIn, wanted: AskedAlerts
) -> Response:
    """The open alerts in groups, the worst first, with what was done about each; below, what cleared lately."""
    now = services.clock.now()
    visit = visit_of(request, now)
    view = _view(services, looker, wanted, visit, now)
    response = frame.page(
        request,
        looker,
        "alerts.html",
        title=looker.words("alerts_title"),
        view=view,
        wanted=wanted,
        now=now,
        may_act=looker.may(Role.TECHNICIAN),
        choices={"kind": list(Kind), "severity": list(RANKS), "state": list(Stage), "sort": list(Sort)},
        snoozes=SNOOZES,
        begin=not view.total and looker.may(Role.ADMIN) and _watches_nothing(services, looker),
    )
    visit.keep(response)
    return response


def _watches_nothing(services: Services, looker: Looker) -> bool:
    """Whether there is no village yet that could have an alert."""
    assert looker.caller is not None  # noqa: S101 - `SignedIn` lets nobody else in
    with services.engine.connect() as connection:
        return count_villages(connection, looker.caller.scopes) == 0


def _view(services: Services, looker: Looker, wanted: AlertFilter, visit: Visit, now: int) -> ListView:
    caller = looker.caller
    assert caller is not None  # noqa: S101 - `SignedIn` lets nobody else in
    with services.engine.connect() as connection:
        newest = newest_event(connection)  # before the alerts: an event between the two is told twice, not never
        listed = open_now(connection, caller.scopes, now)
        since, until = _within(wanted, visit, now)
        cleared = cleared_since(connection, caller.scopes, since, now, raised_before=until)
        often = often_raised(connection, caller.scopes, now - DAY)
    if wanted.state is not Stage.CLEARED:
        cleared = AlertList(cleared.alerts[:_MOST_CLEARED])
    looking = Looking(looker.words, caller.name, now, visit.since, often)
    return list_view(looking, wanted, listed, cleared, newest)


def _within(wanted: AlertFilter, visit: Visit, now: int) -> tuple[int, int | None]:
    """Returns from when on what cleared is shown, and before when it was raised, as far as that is asked for."""
    if wanted.state is not Stage.CLEARED:
        return max(now - _LONG_AGO, min(visit.since, now - _LATELY)), None
    end = None if wanted.until is None else local_moment(wanted.until + _AFTER, 0, NO_VILLAGES_ZONE)
    if wanted.since is not None:
        return local_moment(wanted.since - _AFTER, 0, NO_VILLAGES_ZONE), end
    return (now if end is None else min(now, end)) - _CLEARED_WITHIN, end
