"""What forms do about alerts: the paths of the API's calls, for one alert, for several, or for all that match.

A form carries the revision of each alert as its page showed it. What somebody else has taken meanwhile is left to
them, and a sentence on the next page says who they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Header
from starlette.responses import RedirectResponse, Response

from api.alert_records.actions import (
    Act,
    Outcome,
    acknowledging,
    act_on_many,
    assigning,
    commenting,
    snoozing,
    withdrawing,
)
from api.http.alert_actions import act
from api.http.problems import not_found
from api.http.services import Services, ServicesHere
from api.queries.alert_list import ListedAlert, open_now, with_ids
from api.web.access import SignedInTechnician
from api.web.alert_groups import group_key, shared_uplinks
from api.web.asked_alerts import filter_of
from api.web.notice import Notice, leave_notice
from api.web.preferences import local_path
from api.words import Words
from siaga.model.caller import Caller
from siaga.model.clock import DAY, HOUR

__all__ = ["SNOOZES", "Snooze", "Verb", "router"]

router = APIRouter(include_in_schema=False)

_LONGEST_NOTE = 2_000
_MORNING = 7
"""The hour of the day, by the village's clock, at which `morning` ends."""
_NAMED = 3
"""People that a sentence names; more are counted."""
_ANY_CHANGE = -1
"""A revision that no alert has: what somebody else has taken is left to them, whatever the page showed."""


class Verb(StrEnum):
    """What is done about an alert."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    COMMENTS = "comments"
    SNOOZE = "snooze"


class Snooze(StrEnum):
    """For how long an alert is left alone."""

    HOUR = "1h"
    HOURS = "4h"
    MORNING = "morning"
    DAYS = "3d"
    NOT = "not"


SNOOZES: Sequence[Snooze] = tuple(Snooze)
_LENGTHS: Mapping[Snooze, int] = {Snooze.HOUR: HOUR, Snooze.HOURS: 4 * HOUR, Snooze.DAYS: 3 * DAY}


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a form asks for.

    `note`: a comment to go with it. `nobody`: it is assigned to nobody, and is as new. `back`: the page that it was
    sent from.
    """

    caller: Caller
    words: Words
    note: str
    assignee: str
    nobody: bool
    until: Snooze
    back: str


def _wish(
    looker: SignedInTechnician,
    note: Annotated[str, Form(max_length=_LONGEST_NOTE)] = "",
    assignee: Annotated[str, Form(max_length=200)] = "",
    nobody: Annotated[bool, Form()] = False,
    until: Annotated[Snooze, Form()] = Snooze.HOUR,
    back: Annotated[str, Form(max_length=8_000)] = "/alerts",
) -> _Wish:
    assert looker.caller is not None  # noqa: S101 - `SignedInTechnician` lets nobody else in
    said = note.replace("\0", "").strip()
    to = assignee.replace("\0", "").strip()
    return _Wish(looker.caller, looker.words, said, to, nobody, until, local_path(back))


_Wished = Annotated[_Wish, Depends(_wish)]


@router.post("/alerts/{verb}")
def many(
    services: ServicesHere,
    wish: _Wished,
    verb: Verb,
    alert: Annotated[list[str], Form(max_length=60)] = [],  # noqa: B006 - FastAPI copies it
    group: Annotated[list[str], Form(max_length=80)] = [],  # noqa: B006
    every: Annotated[str, Form(alias="all", max_length=1)] = "",
    filter_: Annotated[str, Form(alias="filter", max_length=8_000)] = "",
    as_of: Annotated[int, Form()] = 0,
) -> Response:
    """Do something about the alerts that were chosen: each, whole groups, or all that the filter lets through.

    Of groups and of all, it is what had been raised when the page was made (`as_of`, ms): nobody acknowledges what
    they have not seen.
    """
    chosen = {} if every else dict(map(_named, alert))
    if every or group:
        found = _matching(services, wish, filter_, as_of)
        shared = shared_uplinks(found)
        chosen |= {one.id: _ANY_CHANGE for one in found if every or group_key(one, shared) in group}
    if not chosen:
        return _back(wish, Notice(wish.words("alerts_none_chosen"), wrong=True))
    return _done(services, wish, verb, chosen)


@router.post("/alerts/{alert}/{verb}")
def one(
    services: ServicesHere,
    wish: _Wished,
    alert: str,
    verb: Verb,
    revision: Annotated[int | None, Form()] = None,
    if_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Do something about one alert. With `If-Match` it is done as the API does it, or refused (412)."""
    now = services.clock.now()
    with services.engine.connect() as connection:
        listed = with_ids(connection, wish.caller.scopes, [alert], now).get(alert)
    if listed is None:
        raise not_found("alert", alert)
    acts = _acts(wish, verb, listed.timezone, now)
    if if_match is None or not acts:
        return _done(services, wish, verb, {alert: revision}, alert)
    for number, what in enumerate(acts):
        act(services, wish.caller, alert, what, if_match if number == 0 else None)
    return _back(wish, Notice(_done_words(wish, verb, 1)), alert)


def _named(text: str) -> tuple[str, int | None]:
    """Returns the alert and the revision of `ID.REVISION`."""
    alert, _, revision = text.partition(".")
    return alert, int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else None


def _matching(services: Services, wish: _Wish, query: str, as_of: int) -> list[ListedAlert]:
    """Returns the open alerts that a filter lets through, and that had been raised at wall time `as_of`, ms."""
    wanted, now = filter_of(query), services.clock.now()
    with services.engine.connect() as connection:
        listed = open_now(connection, wish.caller.scopes, now)
    return [one for one in listed.alerts if one.raised_at <= as_of and wanted.fits(one, wish.caller.name, now)]


def _done(
    services: Services, wish: _Wish, verb: Verb, chosen: Mapping[str, int | None], alert: str | None = None
) -> Response:
    """Do it, and go back with a sentence that says what was done and what was not. `alert`: the only one."""
    now = services.clock.now()
    if verb is Verb.COMMENTS and not wish.note:
        return _back(wish, Notice(wish.words("alerts_no_note"), wrong=True), alert)
    with services.engine.connect() as connection:
        zones = {one.id: one.timezone for one in with_ids(connection, wish.caller.scopes, list(chosen), now).values()}
    seen = {one: revision for one, revision in chosen.items() if one in zones}
    outcomes = act_on_many(
        services.engine, wish.caller, seen, lambda row: _acts(wish, verb, zones[row["id"]], now), now
    )
    services.signal.ring()
    return _back(wish, _told(wish, verb, outcomes, len(chosen) - len(seen)), alert)


def _acts(wish: _Wish, verb: Verb, timezone: str, now: int) -> list[Act]:
    """Returns what is done about an alert in a village of this time zone. Who takes it has seen it, too."""
    acts = []
    assignee = wish.assignee or wish.caller.name
    if verb is Verb.ASSIGN and wish.nobody:
        return [assigning(None), withdrawing(), *([commenting(wish.note)] if wish.note else [])]
    if verb is Verb.ACKNOWLEDGE or (verb is Verb.ASSIGN and assignee == wish.caller.name):
        acts.append(acknowledging(wish.caller, now))
    if verb is Verb.ASSIGN:
        acts.append(assigning(assignee))
    if verb is Verb.SNOOZE:
        acts.append(snoozing(_until(wish.until, timezone, now)))
    if wish.note:
        acts.append(commenting(wish.note))
    return acts


def _until(snooze: Snooze, timezone: str, now: int) -> int | None:
    """Returns when a snooze that begins at wall time `now` ends, ms; `None`: it ends the one that is."""
    if snooze is Snooze.NOT:
        return None
    if snooze is not Snooze.MORNING:
        return now + _LENGTHS[snooze]
    local = datetime.fromtimestamp(now / 1000, ZoneInfo(timezone))
    morning = local.replace(hour=_MORNING, minute=0, second=0, microsecond=0)
    if morning <= local:
        morning += timedelta(days=1)
    return round(morning.timestamp() * 1000)


def _told(wish: _Wish, verb: Verb, outcomes: Sequence[Outcome], missing: int) -> Notice:
    """Returns the sentence about what became of it."""
    words = wish.words
    done = sum(outcome.status == 200 for outcome in outcomes)
    taken = [outcome.row for outcome in outcomes if outcome.status == 412 and outcome.row is not None]
    missing += sum(outcome.status == 404 for outcome in outcomes)
    said = [_done_words(wish, verb, done)] if done else []
    if taken:
        names = sorted({str(row["assignee"] or row["acknowledged_by"]) for row in taken})
        shown = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
        said.append(words.count("alerts_taken_meanwhile", len(taken), names=shown))
    if missing:
        said.append(words.count("alerts_gone", missing))
    return Notice(" ".join(said), wrong=bool(taken or missing))


def _done_words(wish: _Wish, verb: Verb, count: int) -> str:
    given_back = verb is Verb.ASSIGN and wish.nobody
    return wish.words.count("alerts_given_back", count) if given_back else wish.words.count(_DONE[verb], count)


_DONE: Mapping[Verb, str] = {verb: f"alerts_done_{verb}" for verb in Verb}


def _back(wish: _Wish, notice: Notice, alert: str | None = None) -> Response:
    """Go back to the page that the form was on, and there to the alert that it was about."""
    place = "" if alert is None or "#" in wish.back else f"#a-{alert}"
    response = RedirectResponse(wish.back + place, 303)
    leave_notice(response, notice)
    return response
