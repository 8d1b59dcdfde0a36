"""`/account`: what somebody who has signed in sees and changes of the own account."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from api.http.hash_desk import DeskBusy, HashDeskHere
from api.http.services import Services, ServicesHere
from api.web.access import SignedIn, VisitHere
from api.web.account_push import push_views
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker
from api.web.notice import Notice, leave_notice
from api.web.sign_in import address_of, begin, busy
from api.web.welcome import judged
from siaga.database.people import SHORTEST, Right, Visit, Wait
from siaga.database.people.passwords import LONGEST
from siaga.database.people.sessions import Session
from siaga.model.local_time import NO_VILLAGES_ZONE

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_HERE = "/account"


@dataclass(frozen=True, slots=True)
class _SessionView:
    """A session as the page names it."""

    id: int
    agent: str
    address: str
    began: str
    seen: str
    is_this: bool


@router.api_route(_HERE, methods=["GET", "HEAD"])
def account(request: Request, services: ServicesHere, looker: SignedIn, frame: FrameHere, visit: VisitHere) -> Response:
    """Name, role, scopes, language, colours, channels, password and sessions."""
    return _page(request, services, looker, frame, visit)


@router.post(f"{_HERE}/password")
async def change_password(
    request: Request,
    services: ServicesHere,
    looker: SignedIn,
    frame: FrameHere,
    visit: VisitHere,
    desk: HashDeskHere,
    current: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    again: Annotated[str | None, Form()] = None,
) -> Response:
    """Replace the password. All other sessions end, and this one gets another secret."""
    person = visit.person
    try:
        right = await desk.run(services.sign_in.check, person.name, current[: LONGEST + 1], address_of(request))
        problem, hashed = "password_wrong", None
        if isinstance(right, Wait):
            problem = "password_wait"
        elif isinstance(right, Right):
            problem, hashed = await desk.run(judged, services, person, password, again)
    except DeskBusy:
        raise busy() from None
    if hashed is None:
        return await run_in_threadpool(_page, request, services, looker, frame, visit, problem)
    await run_in_threadpool(services.persons.set_password, person.name, hashed)
    await run_in_threadpool(services.sessions.end_others, person.name)
    answer = await run_in_threadpool(begin, request, services, person, _HERE)
    leave_notice(answer, Notice(looker.words("password_changed")))
    return answer


@router.post(f"{_HERE}/sessions/end")
def end_session(
    services: ServicesHere, looker: SignedIn, visit: VisitHere, session: Annotated[int, Form(ge=1, lt=2**63)]
) -> Response:
    """End one of the own sessions."""
    ended = services.sessions.end_one(visit.person.name, session)
    return _back(looker.words("session_ended" if ended else "session_gone"))


@router.post(f"{_HERE}/sessions/end-others")
def end_other_sessions(services: ServicesHere, looker: SignedIn, visit: VisitHere) -> Response:
    """End all of the own sessions but this one."""
    ended = services.sessions.end_others(visit.person.name, visit.session.id)
    return _back(looker.words.count("sessions_ended", ended))


def _page(
    request: Request, services: Services, looker: Looker, frame: Frame, visit: Visit, problem: str = ""
) -> Response:
    words, person, now = looker.words, visit.person, services.clock.now()
    said = words(problem, shortest=str(SHORTEST), longest=str(LONGEST)) if problem else None

    def shown(session: Session) -> _SessionView:
        return _SessionView(
            session.id,
            session.agent,
            session.address,
            words.time(session.created_at, now, NO_VILLAGES_ZONE),
            words.time(session.last_seen, now, NO_VILLAGES_ZONE),
            session.id == visit.session.id,
        )

    return frame.page(
        request,
        looker,
        "account.html",
        status=422 if problem else 200,
        title=words("my_account"),
        person=person,
        channels=services.channels.get(person.name, ()),
        sessions=[shown(one) for one in services.sessions.listed(person.name, person.role)],
        pushes=push_views(services, looker, person.name),
        problem=said,
        shortest=SHORTEST,
    )


def _back(said: str) -> Response:
    answer = RedirectResponse(_HERE, 303)
    leave_notice(answer, Notice(said))
    return answer
