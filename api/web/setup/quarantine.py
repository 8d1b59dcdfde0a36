"""`/setup/quarantine`: what was refused, why, and what to do about it."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.http.problems import Refused
from api.http.services import ServicesHere
from api.queries.villages import names_of
from api.web.access import SignedInAdmin
from api.web.frame import FrameHere
from api.web.looker import Looker
from api.web.setup.limits import admin_of
from api.web.setup.scope_field import asked_scope
from api.words.said import said
from siaga.database.quarantine import QuarantineItem
from siaga.model.local_time import NO_VILLAGES_ZONE
from siaga.wire.refusal import LABELS

__all__ = ["OTHER", "router"]

router = APIRouter(include_in_schema=False)

OTHER = "other"
"""Stands for what has no reason in one word: it was stored by an earlier version."""
_OF_NO_VILLAGE = ("unknown_village", "foreign_topic")
"""Reasons of what is of no village that siaga knows: it is kept of the village whose gateway heard it."""
_HERE = "/setup/quarantine"
_SHOWN = 50
"""Payloads on a page: about 40 kB."""
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Item:
    """A refused payload as the page shows it."""

    village: str | None
    place: str
    time: str
    topic: str
    sentence: str
    payload: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Chip:
    """A reason with how many payloads are kept because of it; "" for all of them."""

    reason: str
    count: int
    address: str


@router.api_route(_HERE, methods=["GET", "HEAD"])
def quarantine(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    village: Annotated[str, Query(max_length=40)] = "",
    reason: Annotated[str, Query(max_length=64)] = "",
    before: Annotated[int | None, Query(ge=1, le=_LARGEST_ID)] = None,
) -> Response:
    """The refused payloads that the admin may see, newest first, by village and reason."""
    if reason and reason not in (*LABELS, OTHER):
        raise Refused(422, f"query reason: {reason!r} is not one of {', '.join((*LABELS, OTHER))}")
    scope, problem = asked_scope(looker, village)
    scopes = admin_of(looker).scopes.within(scope)
    label = None if not reason else "" if reason == OTHER else reason
    found = services.quarantine.items(scopes, _SHOWN + 1, before, label)
    counts = services.quarantine.counts(scopes)
    with services.engine.connect() as connection:
        names = names_of(connection, {item.village for item in found if item.village is not None})
    shown = found[:_SHOWN]
    return frame.page(
        request,
        looker,
        "setup/quarantine.html",
        status=422 if problem else 200,
        title=looker.words("setup_quarantine"),
        village=village,
        reason=reason,
        problem=problem,
        chips=_chips(counts, village),
        items=[_view(looker, item, names, services.clock.now()) for item in shown],
        older=_address(village, reason, shown[-1].id) if len(found) > _SHOWN else None,
        kept=sum(counts.values()),
    )


def _chips(counts: dict[str | None, int], village: str) -> list[_Chip]:
    """Returns the reasons that there are, the most frequent first, after the chip for all of them."""
    total = _Chip("", sum(counts.values()), _address(village))
    often = sorted(counts.items(), key=lambda one: (-one[1], one[0] or ""))
    return [total, *(_Chip(label or OTHER, count, _address(village, label or OTHER)) for label, count in often)]


def _address(village: str, reason: str = "", before: int | None = None) -> str:
    asked = {"village": village, "reason": reason, "before": before or ""}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{_HERE}?{query}" if query else _HERE


def _view(looker: Looker, item: QuarantineItem, names: dict[str, tuple[str, str]], now: int) -> _Item:
    name, zone = names.get(
        item.village or "", (item.village or looker.words("quarantine_no_village"), NO_VILLAGES_ZONE)
    )
    if item.village is not None and item.label in _OF_NO_VILLAGE:
        name = looker.words("quarantine_heard_in", village=name)
    return _Item(
        item.village,
        name,
        looker.words.time(item.time, now, zone),
        item.topic,
        said(looker.words, item.reason),
        item.bytes,
        item.label or OTHER,
    )
