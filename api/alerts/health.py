"""What gateways say of themselves: how full their buffers are, whose clocks they do not trust, who says nothing of use.

The message is retained, so an engine that starts hears it again; nothing of it is kept in the database.
"""

from collections.abc import Mapping

from pydantic import BaseModel, Field, ValidationError

from api.alerts.device import ClockSaid, WatchedDevice
from api.alerts.gateway import BUFFER_FULL, Buffer, CameInstead, WatchedGateway

__all__ = ["Health", "UnreadableHealth", "read_health", "take_health"]

_LONGEST = 256_000
"""Bytes of a message: a thousand devices whose clocks are wrong, and 64 of which it is told at length what came."""
_CENTURIES = 1e11
"""Seconds: no clock is further off."""
_LONGEST_TEXT = 1_000
"""Characters that are kept of what came instead; a gateway sends 240."""


class UnreadableHealth(ValueError):
    """A message that does not say how a gateway is."""


class _Clock(BaseModel):
    offset: float = Field(ge=-_CENTURIES, le=_CENTURIES, allow_inf_nan=False, description="s, device less gateway")
    since: float = Field(ge=0, le=_CENTURIES, allow_inf_nan=False)


class _Heard(BaseModel):
    what: str
    error: str | None = None

    def told(self) -> CameInstead:
        return CameInstead(self.what[:_LONGEST_TEXT], None if self.error is None else self.error[:_LONGEST_TEXT])


class Health(BaseModel):
    """What a gateway says of itself and its devices."""

    heard: dict[str, _Heard] = Field(default_factory=dict, description="devices that say nothing of use: what came")
    clocks: dict[str, _Clock] = Field(default_factory=dict)
    trusted: list[str] | None = Field(default=None, description="whose clocks are right; null: all others")
    buffer: float = Field(ge=0, le=1, allow_inf_nan=False)
    thinned: int = Field(default=0, ge=0)


def read_health(payload: bytes) -> Health:
    """Returns what a gateway says.

    Raises:
        UnreadableHealth: it says nothing that can be understood.
    """
    if len(payload) > _LONGEST:
        raise UnreadableHealth(f"a health message of {len(payload)} bytes")
    try:
        return Health.model_validate_json(payload)
    except ValidationError as error:
        raise UnreadableHealth(str(error)) from None


def take_health(
    gateways: Mapping[str, WatchedGateway], gateway: str, devices: Mapping[str, WatchedDevice], said: Health, now: int
) -> list[WatchedDevice]:
    """Take over what a gateway says at wall time `now`. Returns the devices of which that says something new."""
    known = gateways[gateway]
    was, is_full = known.buffer, said.buffer > BUFFER_FULL
    goes_on = was.fill is not None and (was.fill > BUFFER_FULL) == is_full
    told = known.say_health(
        Buffer(said.buffer, was.since if goes_on else now, said.thinned),
        {
            device: ClockSaid(round(clock.offset * 1000), round(clock.since * 1000))
            for device, clock in said.clocks.items()
            if device in devices
        },
        frozenset(devices if said.trusted is None else said.trusted),
        {device: heard.told() for device, heard in said.heard.items() if device in devices},
    )
    return [device for name, device in devices.items() if _tell(gateways, device, now) or name in told]


def _tell(gateways: Mapping[str, WatchedGateway], device: WatchedDevice, now: int) -> bool:
    """What the gateways together say of a device's clock. Returns True if that is new."""
    name = device.device.id
    skewed = [gateway.skewed[name] for gateway in gateways.values() if name in gateway.skewed]
    said = min(skewed, key=lambda clock: clock.since, default=None)
    return device.tell_clock(said, now, is_trusted=any(name in gateway.trusted for gateway in gateways.values()))
