"""`/villages/{code}`: one village: its facilities with their past, its link, its mains, its gateways, what is to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from api.http.problems import not_found
from api.http.services import Services, ServicesHere
from api.queries import facilities as read
from api.queries.alert_events import newest_event
from api.queries.alert_list import open_now
from api.queries.facilities import FacilityNow
from api.queries.history import GatewayNow, first_judged, gateways, whole_spans
from api.queries.spans import FacilityName
from api.queries.villages import VillageNow, village
from api.queries.visits import Visit, visits
from api.web.access import SignedIn
from api.web.alert_view import Looking, alert_row
from api.web.facility_strips import DAYS, Past, Strips, strips_of
from api.web.facility_view import FacilityView, facility_view, link_words
from api.web.followed import unless_known
from api.web.frame import FrameHere
from api.words import Words
from siaga.database.registry import villages_of
from siaga.model.caller import Role
from siaga.model.clock import DAY, SECOND
from siaga.model.indicators import POWER
from siaga.model.scope import Scope, Scopes
from siaga.model.sites import Facility, Village
from siaga.telemetry import StoreUnavailable

__all__ = ["GatewayView", "router"]

router = APIRouter(include_in_schema=False)

_MOST_FACILITIES = 1_000
_MOST_ALERTS = 50
_HEARD_FOR = 90 * SECOND
"""How long a gateway is heard after a heartbeat (contract, section 5)."""


@dataclass(frozen=True, slots=True)
class FacilityCard:
    """A facility on the page of its village."""

    id: str
    view: FacilityView
    strips: Strips | None
    devices: Sequence[str]


@dataclass(frozen=True, slots=True)
class GatewayView:
    """A gateway in words."""

    id: str
    heard: bool
    words: str


@router.api_route("/villages/{code}", methods=["GET", "HEAD"])
def village_page(request: Request, frame: FrameHere, services: ServicesHere, looker: SignedIn, code: str) -> Response:
    """A village: the state of each facility with its cause, strips, link, mains, gateways, alerts, next to do."""
    caller, words, now = looker.caller, looker.words, services.clock.now()
    assert caller is not None  # noqa: S101 - `SignedIn` lets nobody else in
    with services.engine.connect() as connection:
        newest = newest_event(connection)  # before the rest: what happens meanwhile is told once more, not never
        found = village(connection, caller.scopes, code)
        home = villages_of(connection, [code]).get(code) if found is not None else None
        if found is None or home is None:
            raise not_found("village", code)
        here = Scopes((Scope(code),))
        cards = _cards(connection, words, found, home, now)
        alerts = open_now(connection, here, now).alerts
        heard = gateways(connection, code)
        to_do = [(words.kind(one.indicator), _visit(words, one)) for one in visits(connection, here, now)]
    looking = Looking(words, caller.name, now, now)
    page = frame.page(
        request,
        looker,
        "village.html",
        title=found.name,
        newest=newest,
        about=[code, *_subjects(home)],
        village=found,
        uplink=home.uplink,
        region=services.registry.regions().get(code.rpartition(".")[0], code.rpartition(".")[0]),
        link=link_words(
            words,
            online=found.heard,
            since=found.since if found.heard or not found.online else None,
            now=now,
            zone=found.timezone,
        ),
        cards=cards,
        mains=_mains(services, words, home, now),
        gateways=[_gateway(words, one, found.timezone, now) for one in heard],
        alerts=[alert_row(looking, one, with_village=False) for one in alerts[:_MOST_ALERTS]],
        more_alerts=max(0, len(alerts) - _MOST_ALERTS),
        unheard=[(one.id, one.name) for one in home.facilities if one.id in found.never_heard],
        to_do=to_do,
        may_act=looker.may(Role.TECHNICIAN),
    )
    return unless_known(request, page)


def _subjects(home: Village) -> Iterator[str]:
    """Yields the facilities and devices of a village, as an alert names them."""
    for facility in home.facilities:
        yield f"{home.code}/{facility.id}"
        yield from (f"{home.code}/{device.id}" for device in facility.devices)


def _visit(words: Words, visit: Visit) -> str:
    last = visit.last
    return words(f"visit_{visit.reason}", date="" if last is None else words.date(last.expires))


def _cards(connection: Connection, words: Words, found: VillageNow, home: Village, now: int) -> list[FacilityCard]:
    here = Scopes((Scope(home.code),))
    listed = {one.id: one for one in read.facilities(connection, here, ("", ""), _MOST_FACILITIES)}
    first = first_judged(connection, here)
    return [
        _card(connection, words, found, home, facility, listed[facility.id], first, now)
        for facility in home.facilities
        if facility.id in listed
    ]


def _card(
    connection: Connection,
    words: Words,
    found: VillageNow,
    home: Village,
    facility: Facility,
    now_so: FacilityNow,
    first: Mapping[FacilityName, int],
    now: int,
) -> FacilityCard:
    name = FacilityName(home.code, facility.id)
    past = Past(whole_spans(connection, name, (now - (DAYS + 1) * DAY, now), now), first.get(name))
    silent = facility.id in found.never_heard
    view = facility_view(words, now_so, past.spans, now, home.timezone, silent=silent)
    return FacilityCard(facility.id, view, strips_of(words, home, facility, past, now), now_so.devices)


def _mains(services: Services, words: Words, home: Village, now: int) -> Sequence[tuple[str, str]] | None:
    """Returns what each power facility says of the mains, by its name; `None`: the store cannot be read."""
    power = [facility for facility in home.facilities if facility.kind == POWER]
    if not power:
        return ()
    try:
        latest = services.store.latest_of_village(home.code)
    except StoreUnavailable:
        return None
    said = {device: found for (device, signal), found in latest.items() if signal == "mains"}
    return list(_mains_lines(words, power, said, home.timezone, now))


def _mains_lines(
    words: Words, power: Sequence[Facility], said: Mapping[str, tuple[int, object]], zone: str, now: int
) -> Iterator[tuple[str, str]]:
    for facility in power:
        for device in facility.devices:
            time, value = said.get(device.id, (None, None))
            if time is None:
                yield facility.name, words("never_said")
                continue
            # What is older than three intervals holds no longer (contract, section 5)
            known = now - time <= device.validity
            state = words(("mains_on" if value else "mains_out") if known else "state_unknown")
            yield facility.name, words("said_at", what=state, time=words.time(time, now, zone))


def _gateway(words: Words, gateway: GatewayNow, zone: str, now: int) -> GatewayView:
    if gateway.last_alive is None:
        return GatewayView(gateway.id, heard=False, words=words("link_never"))
    heard = now - gateway.last_alive <= _HEARD_FOR
    time = words.time(gateway.last_alive, now, zone)
    return GatewayView(gateway.id, heard, words("gateway_heard" if heard else "gateway_last_heard", time=time))
