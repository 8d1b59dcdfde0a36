"""Which pages are for whom. A route takes one of these as a parameter; what it gets is the looker."""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from api.http.access import visit_of
from api.http.problems import Refused
from api.http.services import ServicesHere
from api.web.looker import Looker, LookerHere
from siaga.database.people import Visit
from siaga.model.caller import Role

__all__ = ["SignedIn", "SignedInAdmin", "SignedInTechnician", "VisitHere"]


def _needs(role: Role) -> Callable[[Request, Looker], Looker]:
    def check(request: Request, looker: LookerHere) -> Looker:
        if looker.caller is None:
            if request.method not in ("GET", "HEAD"):
                raise Refused(403, "nobody is signed in: sign in, and do it again")
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            raise Refused(303, "sign in to see this page", {"Location": f"/login?next={quote(back, safe='/')}"})
        if not looker.may(role):
            raise Refused(403, f"this page needs the role {role}")
        return looker

    return check


SignedIn = Annotated[Looker, Depends(_needs(Role.VIEWER))]
"""A route's parameter: somebody who has signed in. Others are sent to `/login`; who sends a form is refused (403)."""
SignedInTechnician = Annotated[Looker, Depends(_needs(Role.TECHNICIAN))]
"""A route's parameter: somebody who may work on alerts; a viewer is refused (403)."""
SignedInAdmin = Annotated[Looker, Depends(_needs(Role.ADMIN))]
"""A route's parameter: an admin."""


def _visit(request: Request, services: ServicesHere, _: SignedIn) -> Visit:
    visit = visit_of(request, services)
    if visit is None:
        raise Refused(403, "this page is of people who have signed in: a token has no account")
    return visit


VisitHere = Annotated[Visit, Depends(_visit)]
"""A route's parameter: somebody who has signed in, and by which session."""
