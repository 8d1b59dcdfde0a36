"""`/setup/gateways`: each village's gateway, what needs attention first."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.http.services import ServicesHere
from api.queries.gateways import GatewayNow, gateways
from api.web.access import SignedInAdmin
from api.web.frame import FrameHere
from api.web.looker import Looker
from api.web.setup.limits import admin_of
from api.web.setup.scope_field import asked_scope

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_HERE = "/setup/gateways"
_SHOWN = 100
"""Gateways on a page."""
_MOST = 100_000
"""Gateways that an address can skip: more than a country has villages."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A gateway as the page shows it: each is a sentence. `facts`: names and values."""

    village: str
    name: str
    gateway: str | None
    state: str
    """The name of a mark: met, failed or unknown."""
    said: str
    facts: list[tuple[str, str]]


@router.api_route(_HERE, methods=["GET", "HEAD"])
def list_gateways(
    request: Request,
    services: ServicesHere,
    looker: SignedInAdmin,
    frame: FrameHere,
    village: Annotated[str, Query(max_length=40)] = "",
    skip: Annotated[int, Query(ge=0, le=_MOST)] = 0,
) -> Response:
    """The gateways of the villages that the admin may see."""
    scope, problem = asked_scope(looker, village)
    scopes = admin_of(looker).scopes.within(scope)
    with services.engine.connect() as connection:
        found = gateways(connection, scopes, skip, _SHOWN + 1)
    query = urlencode({"village": village, "skip": skip + _SHOWN})
    return frame.page(
        request,
        looker,
        "setup/gateways.html",
        status=422 if problem else 200,
        title=looker.words("setup_gateways"),
        village=village,
        problem=problem,
        rows=[_row(looker, one, services.clock.now()) for one in found[:_SHOWN]],
        more=f"{_HERE}?{query}" if len(found) > _SHOWN else None,
    )


def _row(looker: Looker, gateway: GatewayNow, now: int) -> _Row:
    state, said = _said(looker, gateway, now)
    return _Row(gateway.village, gateway.name, gateway.gateway, state, said, _facts(looker, gateway, now))


def _said(looker: Looker, gateway: GatewayNow, now: int) -> tuple[str, str]:
    """Returns a mark, and what needs attention in a sentence."""
    words = looker.words
    since = None if gateway.since is None else words.time(gateway.since, now, gateway.timezone)
    if gateway.gateway is None:
        return "unknown", words("gateway_never")
    if not gateway.online:
        return "failed", words("gateway_not_heard", time=since) if since else words("gateway_not_heard_now")
    if gateway.status == "offline":
        return "failed", words("gateway_session_gone")
    if gateway.has_buffer_alert:
        return "failed", words("gateway_buffer_full")
    if gateway.skewed:
        return "unknown", words.count("gateway_clocks", gateway.skewed)
    return "met", words("gateway_is_heard", time=since) if since else words("gateway_heard_now")


def _facts(looker: Looker, gateway: GatewayNow, now: int) -> list[tuple[str, str]]:
    words = looker.words
    facts: list[tuple[str, str]] = []
    if gateway.last_arrival is not None:
        facts.append((words("gateway_last"), words.time(gateway.last_arrival, now, gateway.timezone)))
    if gateway.last_alive is not None:
        facts.append((words("gateway_beat"), words.time(gateway.last_alive, now, gateway.timezone)))
    if gateway.buffer is not None:
        facts.append((words("gateway_buffer_fill"), words("gateway_buffer_at", share=words.percent(gateway.buffer))))
    elif gateway.gateway is not None:
        facts.append((words("gateway_buffer_fill"), words("gateway_buffer_room")))
    return facts
