"""`/villages`, `/map`, `/wall`: all villages that the looker sees: as a grid, a table, a map, and for a screen."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response

from api.http.services import Services, ServicesHere
from api.queries.villages import VillageNow, villages
from api.web.access import SignedIn
from api.web.frame import HEADERS, Frame, FrameHere
from api.web.looker import Looker
from api.web.outline import Outline
from api.web.overview_view import (
    OverviewFilter,
    VillageState,
    chips,
    map_frame,
    regions_of,
    state_of,
    tile,
)
from siaga.model.local_time import NO_VILLAGES_ZONE
from siaga.model.scope import NotAScope, parse_scope
from siaga.timeline.spans import State

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

MOST = 10_000
"""Villages of one page."""
_LONGEST_TEXT = 100
_WORST = 40
"""Villages that the screen names: more do not fit on one."""


def _filter(
    text: Annotated[str, Query(max_length=_LONGEST_TEXT)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    village: Annotated[str, Query(max_length=20)] = "",
    view: Annotated[str, Query(max_length=10)] = "",
) -> OverviewFilter:
    try:
        scope = parse_scope(village).text if village else None
    except NotAScope:
        scope = None
    chosen = VillageState(state) if state in tuple(VillageState) else None
    return OverviewFilter(text.strip(), chosen, scope, view == "table")


WantedHere = Annotated[OverviewFilter, Depends(_filter)]
IfNoneMatch = Annotated[str | None, Header(max_length=200)]


@router.api_route("/villages", methods=["GET", "HEAD"])
def overview(
    request: Request,
    frame: FrameHere,
    services: ServicesHere,
    looker: SignedIn,
    wanted: WantedHere,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """All villages by sub-district, in shapes, colours and words; with `?view=table` as a table."""
    found = _all(services, looker)
    shown = [tile(looker.words, one) for one in found if wanted.fits(one)]
    names = services.registry.regions()
    values = {
        "regions": regions_of(shown, names),
        "chips": chips(looker.words, wanted, found, "/villages"),
        "wanted": wanted,
        "shown": len(shown),
        "total": len(found),
    }
    return _answer(request, frame, services, looker, _Told("villages.html", "nav_villages", values, if_none_match))


@router.api_route("/map", methods=["GET", "HEAD"])
def map_page(
    request: Request,
    frame: FrameHere,
    services: ServicesHere,
    looker: SignedIn,
    wanted: WantedHere,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """All villages by their place."""
    found = _all(services, looker)
    outline: Outline = request.app.state.outline
    here = map_frame([*((one.longitude, one.latitude) for one in found), *outline.corners])
    tiles = [tile(looker.words, one, here) for one in found if wanted.fits(one)]
    values = {
        "tiles": tiles,
        "area": here,
        "outline": outline.path(here),
        "chips": chips(looker.words, wanted, found, "/map"),
        "wanted": wanted,
        "shown": len(tiles),
        "total": len(found),
    }
    return _answer(request, frame, services, looker, _Told("map.html", "nav_map", values, if_none_match))


@router.api_route("/wall", methods=["GET", "HEAD"])
def wall(
    request: Request, frame: FrameHere, services: ServicesHere, looker: SignedIn, if_none_match: IfNoneMatch = None
) -> Response:
    """The same for a screen on the wall: the counts, the map, and the villages where something is wrong."""
    found = _all(services, looker)
    outline: Outline = request.app.state.outline
    here = map_frame([*((one.longitude, one.latitude) for one in found), *outline.corners])
    order = list(VillageState)
    wrong = [one for one in found if order.index(state_of(one)) < order.index(VillageState.MET)]
    wrong.sort(key=lambda one: (order.index(state_of(one)), -one.facilities.get(State.FAILED, 0), one.name))
    values = {
        "tiles": [tile(looker.words, one, here) for one in found],
        "area": here,
        "outline": outline.path(here),
        "chips": chips(looker.words, OverviewFilter(), found, "/villages"),
        "wrong": [tile(looker.words, one) for one in wrong[:_WORST]],
        "more": max(0, len(wrong) - _WORST),
        "total": len(found),
    }
    return _answer(request, frame, services, looker, _Told("wall.html", "wall_title", values, if_none_match))


def _all(services: Services, looker: Looker) -> Sequence[VillageNow]:
    caller = looker.caller
    assert caller is not None  # noqa: S101 - `SignedIn` lets nobody else in
    with services.engine.connect() as connection:
        return villages(connection, caller.scopes, "", MOST)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a page is made of. `key`: of its title. `known`: the version that the browser has."""

    template: str
    key: str
    values: Mapping[str, object]
    known: str | None


def _answer(request: Request, frame: Frame, services: Services, looker: Looker, told: _Told) -> Response:
    """Returns the page, or that it has not changed: then only the time of the look goes over the line."""
    words, now = looker.words, services.clock.now()
    who = "" if looker.caller is None else looker.caller.name
    seen = repr((told.values, looker.language, looker.theme, who))
    version = hashlib.sha256(seen.encode()).hexdigest()[:16]
    tag = f'W/"{version}"'
    updated = words("updated", time=words.time(now, now, NO_VILLAGES_ZONE))
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "X-Siaga-Updated": updated}
    if told.known is not None and tag in [found.strip() for found in told.known.split(",")]:
        return Response(status_code=304, headers=HEADERS | headers)
    return frame.page(
        request,
        looker,
        told.template,
        headers=headers,
        title=words(told.key),
        version=version,
        updated=updated,
        view=told.values,
    )
