"""Who may call: by a bearer token, or signed in by a cookie; and in which role."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.http.cookie import secret_of
from api.http.own_origin import has_bearer
from api.http.problems import Refused
from api.http.services import Services, ServicesHere
from siaga.database.people import Visit
from siaga.model.caller import Caller, Role

__all__ = ["Technician", "Viewer", "caller_of", "is_still", "known_caller", "visit_of"]

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token of `siaga token create --role viewer|technician|admin`.",
)


def visit_of(request: Request, services: Services) -> Visit | None:
    """Returns who is signed in by the cookie of a request. A request with a token is not asked for its cookie."""
    if has_bearer(request):
        return None
    if not hasattr(request.state, "visit"):
        secret = secret_of(request, services.site)
        request.state.visit = None if secret is None else services.sessions.verify(secret)
    found: Visit | None = request.state.visit
    return found


def caller_of(request: Request, services: Services) -> Caller | None:
    """Returns who calls: the one dependency of the API and of the pages. `None`: nobody who is known."""
    if has_bearer(request):
        return services.tokens.verify(request.headers["authorization"].partition(" ")[2].strip())
    visit = visit_of(request, services)
    return None if visit is None else visit.person.caller


def is_still(request: Request, services: Services, caller: Caller) -> bool:
    """Whether the sender of a request that lasts is still this caller, in the same role, with the same scopes."""
    secret = secret_of(request, services.site)
    request.state.visit = None if secret is None else services.sessions.look(secret)
    found: Caller | None = request.app.state.caller_of(request)
    return found == caller


def known_caller(
    request: Request,
    services: ServicesHere,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Caller:
    """Returns who calls.

    Raises:
        Refused: 401, there is neither a token nor a session, or it is not known.
    """
    caller = caller_of(request, services)
    if caller is not None:
        return caller
    if credentials is None:
        raise Refused(
            401,
            "this call needs a token, as in `Authorization: Bearer TOKEN`; `siaga token create` makes one",
            {"WWW-Authenticate": 'Bearer realm="siaga"'},
        )
    raise Refused(
        401,
        "the token of this call is not known, or was revoked",
        {"WWW-Authenticate": 'Bearer realm="siaga", error="invalid_token"'},
    )


def _needs(role: Role) -> Callable[[Caller], Caller]:
    def check(caller: Annotated[Caller, Depends(known_caller)]) -> Caller:
        if not caller.may(role):
            has = "the token has" if caller.who.startswith("token/") else "you have"
            raise Refused(403, f"this call needs the role {role}; {has} the role {caller.role}")
        return caller

    return check


Viewer = Annotated[Caller, Depends(_needs(Role.VIEWER))]
"""A route's parameter: the caller, who may read."""
Technician = Annotated[Caller, Depends(_needs(Role.TECHNICIAN))]
"""A route's parameter: the caller, who may work on alerts."""
