"""`/devices`: what a device last said."""

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import select

from api.http.moments import Moment, moment
from api.http.problems import not_found, problems
from api.http.seen import Seen
from api.http.services import Services, ServicesHere
from siaga.database import tables
from siaga.model.scope import Scopes
from siaga.model.signals import SIGNALS
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.wire.topics import is_slug, is_village_code

__all__ = ["known_device", "router"]

router = APIRouter(tags=["devices"])


class SignalDocument(BaseModel):
    """The last value of a signal, and its event time."""

    value: bool | int | float
    time: Moment


class DeviceDocument(BaseModel):
    """A device and the last value of each signal that it ever reported."""

    id: str
    facility: str = Field(examples=["35.10.15.2012/gerbang"])
    adapter: Adapter
    last_seen: Moment | None = Field(description="event time of its last reading; null: never heard")
    signals: dict[str, SignalDocument]


@router.get("/devices/{village}/{device}", summary="A device's latest values", responses=problems(401, 404, 503))
def get_device(services: ServicesHere, seen: Seen, village: str, device: str) -> DeviceDocument:
    """A device. Its latest values stay readable after its last will, with their times."""
    facility, found = known_device(services, seen, village, device)
    latest = services.store.latest(village, device, known=_first_reports(services, village, device))
    # `online` is said of a device, and repeated by its gateway: it is no sign of life while the device says more
    own = [time for name, (time, _) in latest.items() if name != "online"] or [time for time, _ in latest.values()]
    return DeviceDocument(
        id=found.id,
        facility=f"{village}/{facility.id}",
        adapter=found.adapter,
        last_seen=moment(max(own)) if own else None,
        signals={
            name: SignalDocument(value=latest[name][1], time=moment(latest[name][0]))
            for name in SIGNALS
            if name in latest
        },
    )


def _first_reports(services: Services, village: str, device: str) -> dict[tuple[str, str], int]:
    table = tables.first_report
    query = select(table.c.signal, table.c.time).where(table.c.village == village, table.c.device == device)
    with services.engine.connect() as connection:
        return {(device, signal): time for signal, time in connection.execute(query)}


def known_device(services: Services, seen: Scopes, village: str, device: str) -> tuple[Facility, Device]:
    """A device that siaga was told of, and its facility.

    Raises:
        Refused: 404, there is none.
    """
    found = _village(services, seen, village) if is_slug(device) else None
    here = found.device(device) if found is not None else None
    if here is None:
        raise not_found("device", f"{village}/{device}")
    return here


def _village(services: Services, seen: Scopes, code: str) -> Village | None:
    return services.registry.village(code) if is_village_code(code) and seen.holds(code) else None
