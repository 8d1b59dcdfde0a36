"""`/setup/unknown`: devices that are heard but stand in no sites file."""

from collections import defaultdict
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.http.services import ServicesHere
from api.queries.villages import names_of
from api.web.access import SignedInAdmin
from api.web.frame import FrameHere
from api.web.setup.limits import admin_of
from siaga.database.quarantine import QuarantineItem

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_ZONE = "Asia/Jakarta"
"""The clock of what is of no village."""
_LOOKED_AT = 1_000
"""Refused payloads that are read, the newest."""
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
    groups: defaultdict[tuple[str | None, str], list[QuarantineItem]] = defaultdict(list)
    for item in services.quarantine.items(admin_of(looker).scopes, _LOOKED_AT, label="unknown_device"):
        groups[item.village, item.reason].append(item)
    with services.engine.connect() as connection:
        names = names_of(connection, {village for village, _ in groups if village is not None})
    heard = []
    for (village, sentence), items in list(groups.items())[:_SHOWN]:
        name, zone = names.get(village or "", (village or words("quarantine_no_village"), _ZONE))
        said = words(
            "unknown_heard",
            count=words.number(len(items)),
            since=words.time(min(item.time for item in items), now, zone),
            last=words.time(max(item.time for item in items), now, zone),
        )
        heard.append(_Heard(village, name, sentence, said, items[0].topic, items[0].bytes))
    return frame.page(request, looker, "setup/unknown.html", title=words("setup_unknown"), heard=heard)
