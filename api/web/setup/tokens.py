"""`/setup/tokens`: tokens of programs: list, create, revoke."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from api.http.problems import not_found
from api.http.services import Services, ServicesHere
from api.web.access import SignedInAdmin
from api.web.frame import Frame, FrameHere
from api.web.looker import Looker
from api.web.notice import Notice, leave_notice
from api.web.once import forget_secret, shown_at, taken_secret
from api.web.setup.limits import BadScopes, admin_of, manages, read_scopes
from siaga.model.caller import Role
from siaga.model.local_time import NO_VILLAGES_ZONE

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_HERE = "/setup/tokens"
_MADE = f"{_HERE}/made"
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _TokenView:
    """A token as the page names it."""

    id: int
    name: str
    role: Role
    scopes: str
    made: str
    used: str | None


@router.api_route(_HERE, methods=["GET", "HEAD"])
def tokens(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere) -> Response:
    """All valid tokens that the admin manages, and a form for one more."""
    return _list(request, services, looker, frame)


@router.post(_HERE)
def create(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    name: Annotated[str, Form()] = "",
    role: Annotated[Role, Form()] = Role.VIEWER,
    scopes: Annotated[str, Form()] = "",
) -> Response:
    """Make a token, and lead on to the page that shows it, once."""
    words = looker.words
    try:
        given = read_scopes(admin_of(looker), scopes)
    except BadScopes as problem:
        said = words("scope_outside" if problem.is_outside else "scope_none", scope=problem.text)
        return _list(request, services, looker, frame, name, role, scopes, said)
    try:
        token = services.tokens.create(role, name.strip(), given.texts)
    except ValueError:
        return _list(request, services, looker, frame, name, role, scopes, words("token_name_none"))
    return shown_at(_MADE, request, services.site, token)


@router.api_route(_MADE, methods=["GET", "HEAD"])
def made(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere) -> Response:
    """The token that was just made, once."""
    token = taken_secret(request)
    if token is None:
        answer: Response = RedirectResponse(_HERE, 303)
        leave_notice(answer, Notice(looker.words("token_shown_once"), wrong=True))
        return answer
    answer = frame.page(request, looker, "setup/token.html", title=looker.words("token_made"), token=token)
    forget_secret(answer, request, services.site)
    return answer


@router.post(f"{_HERE}/{{number}}/revoke")
def revoke(services: ServicesHere, looker: SignedInAdmin, number: int) -> Response:
    """Take a token's validity away."""
    managed = {one.id: one for one in services.tokens.issued() if manages(admin_of(looker), one.scopes)}
    if not 0 < number <= _LARGEST_ID or number not in managed:
        raise not_found("token", str(number))
    services.tokens.revoke(number)
    answer = RedirectResponse(_HERE, 303)
    leave_notice(answer, Notice(looker.words("token_revoked", name=managed[number].name)))
    return answer


def _list(
    request: Request,
    services: Services,
    looker: Looker,
    frame: Frame,
    name: str = "",
    role: Role = Role.VIEWER,
    scopes: str = "",
    problem: str | None = None,
) -> Response:
    words, admin, now = looker.words, admin_of(looker), services.clock.now()
    valid = [
        _TokenView(
            one.id,
            one.name,
            one.role,
            " ".join(one.scopes.texts),
            words.time(one.created_at, now, NO_VILLAGES_ZONE),
            None if one.last_used is None else words.time(one.last_used, now, NO_VILLAGES_ZONE),
        )
        for one in services.tokens.issued()
        if one.revoked_at is None and manages(admin, one.scopes)
    ]
    return frame.page(
        request,
        looker,
        "setup/tokens.html",
        status=422 if problem else 200,
        title=words("setup_tokens"),
        tokens=valid,
        roles=list(Role),
        fields={"name": name, "role": role, "scopes": scopes},
        problem=problem,
    )
