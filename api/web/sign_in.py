"""`/login` and `/logout`: sign-in by name and password, and its end."""

import math
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.http.cookie import forget, keep, secret_of
from api.http.hash_desk import DeskBusy, HashDeskHere
from api.http.problems import Refused
from api.http.services import Services, ServicesHere
from api.web.agent import agent_name
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker, LookerHere
from api.web.next_path import safe_next
from api.web.preferences import keep_choice
from siaga.database.people import Person, Right, Wait, network_of
from siaga.database.people.passwords import LONGEST
from siaga.database.people.sessions import LIVES

__all__ = ["address_of", "begin", "busy", "router"]

router = APIRouter(include_in_schema=False)

_LONGEST_NAME = 64
_BUSY_FOR = 5
"""Seconds after which to come again when too many sign in at once."""


@router.api_route("/login", methods=["GET", "HEAD"])
def login(
    request: Request, looker: LookerHere, frame: FrameHere, next_: Annotated[str | None, Query(alias="next")] = None
) -> Response:
    """The form; who has signed in goes on."""
    if looker.caller is not None:
        return RedirectResponse(safe_next(next_), 303)
    return _form(request, looker, frame, next_)


@router.post("/login")
async def sign_in(
    request: Request,
    services: ServicesHere,
    looker: LookerHere,
    frame: FrameHere,
    desk: HashDeskHere,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next_: Annotated[str | None, Form(alias="next")] = None,
) -> Response:
    """Look at name and password. A right one begins a new session, and ends the one that the browser had."""
    given = name.strip().lower()[:_LONGEST_NAME]
    try:
        answer = await desk.run(services.sign_in.check, given, password[: LONGEST + 1], address_of(request))
    except DeskBusy:
        raise busy() from None
    match answer:
        case Right(person):
            services.sign_ins.labels("right").inc()
            return await run_in_threadpool(begin, request, services, person, safe_next(next_))
        case Wait(until):
            services.sign_ins.labels("wait").inc()
            seconds = max(1, math.ceil((until - services.clock.now()) / 1000))
            return _form(request, looker, frame, next_, name=given, wait=seconds)
        case _:
            services.sign_ins.labels("wrong").inc()
            return _form(request, looker, frame, next_, name=given, wrong=True)


@router.api_route("/logout", methods=["GET", "HEAD"])
def logout(request: Request, looker: LookerHere, frame: FrameHere) -> Response:
    """A page with the button: a link alone signs nobody out."""
    if looker.caller is None:
        return RedirectResponse("/login", 303)
    return frame.page(request, looker, "logout.html", title=looker.words("sign_out"))


@router.post("/logout")
def sign_out(request: Request, services: ServicesHere) -> Response:
    """End the session. Whoever has its secret has it for nothing."""
    secret = secret_of(request, services.site)
    if secret is not None:
        services.sessions.end(secret)
    answer = RedirectResponse("/login", 303)
    answer.headers["Clear-Site-Data"] = '"cache"'  # photos and reports; drafts that wait to be sent stay
    forget(answer, request, services.site)
    return answer


def begin(request: Request, services: Services, person: Person, go_on: str) -> Response:
    """Begin a session of somebody, and let the browser go on. The session that it had until now ends."""
    secret = services.sessions.begin(
        person.name,
        person.role,
        agent_name(request.headers.get("user-agent")),
        network_of(address_of(request)),
        replaces=secret_of(request, services.site),
    )
    answer = RedirectResponse(go_on, 303)
    keep(answer, request, services.site, secret, LIVES[person.role].whole)
    keep_choice(answer, request, services.site, person.language, person.theme)
    return answer


def address_of(request: Request) -> str:
    """Returns the address that a request is from; behind a trusted proxy the one that it names."""
    return request.client.host if request.client is not None else ""


def busy() -> Refused:
    """503: too many passwords are looked at already."""
    return Refused(503, "too many people sign in at once: try again in a moment", {"Retry-After": str(_BUSY_FOR)})


def _form(
    request: Request,
    looker: Looker,
    frame: Frame,
    next_: str | None,
    *,
    name: str = "",
    wrong: bool = False,
    wait: int = 0,
) -> Response:
    """The form, with what is to be said of the attempt before."""
    words, status, headers = looker.words, 200, {}
    problem = None
    if wait:
        status, headers = 429, {"Retry-After": str(wait)}
        problem = words("sign_in_wait", duration=_wait_in_words(looker, wait))
    elif wrong:
        # RFC 9110, section 15.5.2 asks for a challenge; browsers show a form of theirs only for schemes that they know
        status, headers = 401, {"WWW-Authenticate": 'Form realm="siaga"'}
        problem = words("sign_in_wrong")
    return frame.page(
        request,
        looker,
        "login.html",
        status=status,
        headers=headers,
        title=words("sign_in"),
        problem=problem,
        name=name,
        next=safe_next(next_),
    )


def _wait_in_words(looker: Looker, seconds: int) -> str:
    return looker.words.count("seconds", seconds) if seconds < 60 else looker.words.duration(seconds * 1000)
