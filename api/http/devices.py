"""`/devices`: what a device last said."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.http.moments import Moment, moment
from api.http.problems import not_found, problems
from api.http.seen import Seen
from api.http.services import ServicesHere
from api.queries import devices as read
from siaga.model.signals import SIGNALS
from siaga.model.sites import Adapter

__all__ = ["router"]

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
    with services.engine.connect() as connection:
        known = read.device(connection, seen, village, device)
    if known is None:
        raise not_found("device", f"{village}/{device}")
    latest = read.latest(services.store, known)
    return DeviceDocument(
        id=known.device.id,
        facility=f"{village}/{known.facility.id}",
        adapter=known.device.adapter,
        last_seen=None if latest.last_seen is None else moment(latest.last_seen),
        signals={
            name: SignalDocument(value=latest.signals[name][1], time=moment(latest.signals[name][0]))
            for name in SIGNALS
            if name in latest.signals
        },
    )
