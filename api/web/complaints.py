"""`/complaints`: what citizens said, what contradicts the sensors first; and the forms that act on a complaint."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from api.complaints.rows import be_quiet, mark_seen
from api.complaints.rules import State, lines
from api.http.complaints import end_complaint, visible
from api.http.problems import Refused
from api.http.services import Services, ServicesHere
from api.queries import complaints as read
from api.queries.complaints import Complaint, ComplaintFilter
from api.web.access import SignedIn, SignedInTechnician
from api.web.complaint_view import complaint_view
from api.web.frame import FrameHere
from api.web.next_path import safe_next
from api.web.notice import Notice, leave_notice
from api.web.setup.scope_field import asked_scope
from api.words import Words
from siaga.model.caller import Role
from siaga.model.clock import DAY, HOUR

__all__ = ["Act", "QuietFor", "router"]

router = APIRouter(include_in_schema=False)

_MOST = 100
"""Complaints of one page."""
_LONGEST_ANSWER = 2_000
_DIGITS = 18
"""Of a complaint's number at most: what a column holds."""


class Act(StrEnum):
    """What a technician does about a complaint."""

    SEEN = "seen"
    CLOSE = "close"
    REJECT = "reject"


class QuietFor(StrEnum):
    """For how long a village takes no complaints."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    END = "end"


_LENGTHS = {QuietFor.HOUR: HOUR, QuietFor.DAY: DAY, QuietFor.WEEK: 7 * DAY, QuietFor.END: 0}


@router.api_route("/complaints", methods=["GET", "HEAD"])
def complaints(
    request: Request,
    frame: FrameHere,
    services: ServicesHere,
    looker: SignedIn,
    village: Annotated[str, Query(max_length=40)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[str, Query(max_length=30)] = "",
) -> Response:
    """The complaints that somebody has yet to close, or those of a state; a page goes on after the last one."""
    assert looker.caller is not None  # noqa: S101 - `SignedIn` lets nobody else in
    scope, problem = asked_scope(looker, village)
    states = tuple(one for one in State if one.is_open)
    if state == "all":
        states = tuple(State)
    elif state in tuple(State):
        states = (State(state),)
    now = services.clock.now()
    with services.engine.connect() as connection:
        wanted = ComplaintFilter(looker.caller.scopes.within(scope), None, states)
        found = read.to_handle(connection, wanted, _MOST + 1, _after(after))
        quieted = read.quieted(connection, looker.caller.scopes, now)
        places = read.places(connection, {(one.village, one.facility) for one in found})
    return frame.page(
        request,
        looker,
        "complaints.html",
        status=422 if problem else 200,
        title=looker.words("complaints_title"),
        complaints=[
            complaint_view(looker.words, one, places.get((one.village, one.facility)), now) for one in found[:_MOST]
        ],
        more=_place_of(found[_MOST - 1]) if len(found) > _MOST else "",
        quieted=[(code, *_quiet_in_words(services, looker.words, code, until, now)) for code, until in quieted],
        scope=village,
        state=state,
        states=[one.value for one in State],
        lengths=[one.value for one in QuietFor],
        problem=problem,
        may_act=looker.may(Role.TECHNICIAN),
    )


def _place_of(one: Complaint) -> str:
    """Where a complaint stands in the list, as the address of the next page says it."""
    return f"{'with' if one.contradicts else 'without'}-{one.number}"


def _after(text: str) -> tuple[bool, int] | None:
    contradicts, _, number = text.partition("-")
    is_number = number.isascii() and number.isdigit() and len(number) <= _DIGITS
    return (contradicts == "with", int(number)) if is_number else None


def _quiet_in_words(services: Services, words: Words, code: str, until: int, now: int) -> tuple[str, str]:
    """What a quietened village is called, and until when it takes no complaints."""
    village = services.registry.village(code)
    if village is None:
        return code, words.time(until, now, "UTC")
    return village.name, words.time(until, now, village.timezone)


@router.post("/complaints/quiet")
def quiet(
    looker: SignedInTechnician,
    services: ServicesHere,
    village: Annotated[str, Form(max_length=40)] = "",
    length: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Take no complaints of a village for a while, or take them again."""
    caller, words, code = looker.caller, looker.words, village.strip()
    assert caller is not None  # noqa: S101 - these pages are for who has signed in
    there = caller.scopes.holds(code) and services.registry.village(code) is not None
    if not there or length not in tuple(QuietFor):
        return _back("/complaints", Notice(words("complaints_quiet_unknown"), wrong=True))
    now, chosen = services.clock.now(), QuietFor(length)
    be_quiet(services.engine, code, now + _LENGTHS[chosen], caller.name, now)
    if chosen is QuietFor.END:
        return _back("/complaints", Notice(words("complaints_quiet_over", village=code)))
    return _back("/complaints", Notice(words("complaints_quiet_done", village=code)))


@router.post("/complaints/{complaint}/{act}")
def act(
    looker: SignedInTechnician,
    services: ServicesHere,
    complaint: str,
    act: Act,
    answer: Annotated[str, Form(max_length=2 * _LONGEST_ANSWER)] = "",
    back: Annotated[str, Form(max_length=500)] = "/complaints",
) -> Response:
    """Say that it was seen, close it with an answer, or reject it."""
    caller, words = looker.caller, looker.words
    assert caller is not None  # noqa: S101 - these pages are for who has signed in
    found = visible(services, caller.scopes, complaint)
    answer = lines(answer).strip()
    if len(answer) > _LONGEST_ANSWER:
        return _back(back, Notice(words("complaint_answer_long"), wrong=True))
    if act is Act.CLOSE and not answer:
        return _back(back, Notice(words("complaint_answer_needed"), wrong=True))
    if act is Act.SEEN:
        mark_seen(services.engine, found.id, caller.name, services.clock.now())
    else:
        state = State.CLOSED if act is Act.CLOSE else State.REJECTED
        try:
            end_complaint(services, caller, found.id, state, answer)
        except Refused as problem:
            if problem.status == 404:
                raise
            return _back(back, Notice(words("complaint_ended_before"), wrong=True))
    return _back(back, Notice(words(f"complaint_done_{act}")))


def _back(path: str, notice: Notice) -> Response:
    answer = RedirectResponse(safe_next(path), 303)
    leave_notice(answer, notice)
    return answer
