"""`/setup`: what an admin sets up, each by a page of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.http.services import Services, ServicesHere
from api.queries.sites import count_entries, first_heard, has_recovered
from api.web.access import SignedInAdmin
from api.web.frame import FrameHere
from api.web.looker import Looker
from api.web.setup.limits import admin_of

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


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first steps. `path`: where it is taken; `text`: what to do."""

    path: str
    text: str
    done: bool


@router.api_route("/setup", methods=["GET", "HEAD"])
def setup(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere) -> Response:
    """All pages of set-up, below the first steps until these are taken."""
    steps = _first_steps(request, services, looker)
    return frame.page(
        request,
        looker,
        "setup/index.html",
        title=looker.words("nav_setup"),
        pages=PAGES,
        steps=[] if all(step.done for step in steps) else steps,
    )


def _first_steps(request: Request, services: Services, looker: Looker) -> Sequence[Step]:
    """What leads from nothing to the message of a failure, each with whether it is done."""
    words, scopes, book = looker.words, admin_of(looker).scopes, request.app.state.book
    with services.engine.connect() as connection:
        villages, heard = count_entries(connection, scopes), first_heard(connection, scopes)
        recovered = has_recovered(connection, scopes)
    broker: str | None = request.app.state.broker
    where = words("first_device_at", broker=broker) if broker else words("first_device")
    steps = [
        Step("/setup/sites/new" if not villages else "/setup/sites", words("first_village"), villages > 0),
        Step("/setup/unknown", where, heard is not None),
    ]
    if scopes.everything:
        steps.append(Step("/setup/rules", words("first_channel"), bool(book.people and book.rules)))
    tried = "/setup/sites" if heard is None else "/setup/sites/{}/facilities/{}".format(*heard)
    return [*steps, Step(tried, words("first_trial"), recovered)]
