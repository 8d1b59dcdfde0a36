"""`/welcome/SECRET`: the link by which somebody sets the password, once."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.http.hash_desk import DeskBusy, HashDeskHere
from api.http.services import Services, ServicesHere
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker, LookerHere
from api.web.next_path import START
from api.web.sign_in import begin, busy
from siaga.database.people import SHORTEST, Person, weakness
from siaga.database.people.passwords import LONGEST

__all__ = ["judged", "router"]

router = APIRouter(include_in_schema=False)


@router.api_route("/welcome/{secret}", methods=["GET", "HEAD"])
def welcome(request: Request, services: ServicesHere, looker: LookerHere, frame: FrameHere, secret: str) -> Response:
    """The form. To look at it uses nothing up: messengers fetch a link for their preview."""
    owner = services.persons.owner_of_link(secret)
    return _void(request, looker, frame) if owner is None else _form(request, looker, frame, owner)


@router.post("/welcome/{secret}")
async def set_password(
    request: Request,
    services: ServicesHere,
    looker: LookerHere,
    frame: FrameHere,
    desk: HashDeskHere,
    secret: str,
    password: Annotated[str, Form()] = "",
    again: Annotated[str | None, Form()] = None,
) -> Response:
    """Set the password, use the link up, and sign in. A password that is not taken leaves the link as it is."""
    owner = await run_in_threadpool(services.persons.owner_of_link, secret)
    if owner is None:
        return _void(request, looker, frame)
    try:
        problem, hashed = await desk.run(judged, services, owner, password, again)
    except DeskBusy:
        raise busy() from None
    if hashed is None:
        return _form(request, looker, frame, owner, problem=problem)
    set_for = await run_in_threadpool(services.persons.use_link, secret, hashed)
    if set_for is None:  # somebody else used it in this moment
        return _void(request, looker, frame)
    return await run_in_threadpool(begin, request, services, set_for, START)


def judged(services: Services, owner: Person, password: str, again: str | None) -> tuple[str, str | None]:
    """Returns why a new password is not taken, as a key of the catalogues, and its hash; with one of them empty."""
    if again is not None and again != password:
        return "password_differs", None
    why = weakness(password, owner.name, owner.display_name)
    if why is not None:
        return f"password_{why}", None
    return "", services.passwords.hash(password)


def _form(request: Request, looker: Looker, frame: Frame, owner: Person, problem: str = "") -> Response:
    words = looker.words
    said = words(problem, shortest=str(SHORTEST), longest=str(LONGEST)) if problem else None
    return frame.page(
        request,
        looker,
        "welcome.html",
        status=422 if problem else 200,
        title=words("welcome", name=owner.display_name),
        problem=said,
        owner=owner,
        shortest=SHORTEST,
    )


def _void(request: Request, looker: Looker, frame: Frame) -> Response:
    words = looker.words
    title, detail = words("link_void"), words("link_void_detail")
    return frame.page(request, looker, "sentence.html", status=404, title=title, detail=detail)
