"""`/setup`: what an admin sets up, each by a page of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.http.services import ServicesHere
from api.queries.alert_events import newest_event
from api.web.access import SignedInAdmin
from api.web.followed import unless_known
from api.web.frame import FrameHere
from api.web.setup.first_steps import first_steps

__all__ = ["PAGES", "SetupPage", "router"]

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class SetupPage:
    """A page below `/setup`. Its name is the sentence `setup_KEY`, what it is for `setup_about_KEY`."""

    key: str

    @property
    def path(self) -> str:
        """Its address."""
        return f"/setup/{self.key}"


_KEYS = ("sites", "unknown", "people", "rules", "gateways", "quarantine", "tokens", "qr", "note", "health")
PAGES: Sequence[SetupPage] = tuple(map(SetupPage, _KEYS))
"""In the order in which they are shown."""


@router.api_route("/setup", methods=["GET", "HEAD"])
def setup(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere) -> Response:
    """All pages of set-up, below the first steps until these are taken."""
    with services.engine.connect() as connection:
        newest = newest_event(connection)  # before the rest: what happens meanwhile is told once more, not never
    steps = first_steps(request, services, looker)
    page = frame.page(
        request,
        looker,
        "setup/index.html",
        title=looker.words("nav_setup"),
        pages=PAGES,
        steps=steps,
        newest=newest,
    )
    return unless_known(request, page)
