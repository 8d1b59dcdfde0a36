"""`/setup`: what an admin sets up, each by a page of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.web.access import SignedInAdmin
from api.web.frame import FrameHere

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


_KEYS = ("sites", "unknown", "people", "rules", "gateways", "quarantine", "tokens", "health")
PAGES: Sequence[SetupPage] = tuple(map(SetupPage, _KEYS))
"""In the order in which they are shown."""


@router.api_route("/setup", methods=["GET", "HEAD"])
def setup(request: Request, looker: SignedInAdmin, frame: FrameHere) -> Response:
    """All pages of set-up."""
    return frame.page(request, looker, "setup/index.html", title=looker.words("nav_setup"), pages=PAGES)
