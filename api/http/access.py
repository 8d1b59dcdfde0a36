"""Who may call: bearer tokens and their roles."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.http.problems import Refused
from api.http.services import ServicesHere
from siaga.model.caller import Caller, Role

__all__ = ["Technician", "Viewer", "known_caller"]

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token of `siaga token create --role viewer|technician|admin`.",
)


def known_caller(
    services: ServicesHere, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> Caller:
    """Returns who calls.

    Raises:
        Refused: 401, there is no token, or it is not known.
    """
    if credentials is None:
        raise Refused(
            401,
            "this call needs a token, as in `Authorization: Bearer TOKEN`; `siaga token create` makes one",
            {"WWW-Authenticate": 'Bearer realm="siaga"'},
        )
    caller = services.tokens.verify(credentials.credentials)
    if caller is None:
        raise Refused(
            401,
            "the token of this call is not known, or was revoked",
            {"WWW-Authenticate": 'Bearer realm="siaga", error="invalid_token"'},
        )
    return caller


def _needs(role: Role) -> Callable[[Caller], Caller]:
    def check(caller: Annotated[Caller, Depends(known_caller)]) -> Caller:
        if not caller.may(role):
            raise Refused(403, f"this call needs the role {role}; the token has the role {caller.role}")
        return caller

    return check


Viewer = Annotated[Caller, Depends(_needs(Role.VIEWER))]
"""A route's parameter: the caller, who may read."""
Technician = Annotated[Caller, Depends(_needs(Role.TECHNICIAN))]
"""A route's parameter: the caller, who may work on alerts."""
