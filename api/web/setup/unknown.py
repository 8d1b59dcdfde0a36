"""`/setup/unknown`: devices that are heard but stand in no sites file."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.http.services import ServicesHere
from api.queries.villages import names_of
from api.web.access import SignedInAdmin
from api.web.frame import FrameHere
from api.web.setup.limits import admin_of
from siaga.model.local_time import NO_VILLAGES_ZONE

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_SHOWN = 100
"""Devices on a page, those heard last."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """An unknown device as the page shows it. `payload`: the newest that it sent."""

    village: str | None
    place: str
    sentence: str
    said: str
    topic: str
    payload: str


@router.api_route("/setup/unknown", methods=["GET", "HEAD"])
def unknown(request: Request, services: ServicesHere, looker: SignedInAdmin, frame: FrameHere) -> Response:
    """The unknown devices of the villages that the admin sees, what was heard last first."""
    words, now = looker.words, services.clock.now()
    groups = services.quarantine.groups("unknown_device", admin_of(looker).scopes, _SHOWN + 1)
    with services.engine.connect() as connection:
        names = names_of(connection, {village for one in groups if (village := one.newest.village) is not None})
    heard = []
    for group in groups[:_SHOWN]:
        newest = group.newest
        name, zone = names.get(
            newest.village or "", (newest.village or words("quarantine_no_village"), NO_VILLAGES_ZONE)
        )
        said = words(
            "unknown_heard",
            count=words.number(group.count),
            since=words.time(group.first, now, zone),
            last=words.time(newest.time, now, zone),
        )
        heard.append(_Heard(newest.village, name, newest.reason, said, newest.topic, newest.bytes))
    more = len(groups) > _SHOWN
    title = words("setup_unknown")
    return frame.page(request, looker, "setup/unknown.html", title=title, heard=heard, shown=_SHOWN if more else None)
