"""What gateways say of themselves: how full their buffers are, whose clocks they do not trust, who says nothing of use.

The message is retained, so an engine that starts hears it again; nothing of it is kept in the database.
"""

from pydantic import BaseModel, Field, ValidationError

from api.alerts.decisions import BUFFER_FULL, Buffer, CameInstead, ClockSaid
from api.alerts.watch import WatchedDevice, WatchedVillage

__all__ = ["UnreadableHealth", "take_health"]

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


class _Health(BaseModel):
    heard: dict[str, _Heard] = Field(default_factory=dict, description="devices that say nothing of use: what came")
    clocks: dict[str, _Clock] = Field(default_factory=dict)
    trusted: list[str] | None = Field(default=None, description="whose clocks are right; null: all others")
    buffer: float = Field(ge=0, le=1, allow_inf_nan=False)
    thinned: int = Field(default=0, ge=0)


def take_health(village: WatchedVillage, gateway: str, payload: bytes, now: int) -> list[WatchedDevice]:
    """Take over what a gateway says at wall time `now`; the devices of which that says something new.

    Raises:
        UnreadableHealth: it says nothing that can be understood; nothing changes.
    """
    if len(payload) > _LONGEST:
        raise UnreadableHealth(f"a health message of {len(payload)} bytes")
    try:
        said = _Health.model_validate_json(payload)
    except ValidationError as error:
        raise UnreadableHealth(str(error)) from None
    known = village.gateway(gateway)
    was, is_full = known.buffer, said.buffer > BUFFER_FULL
    goes_on = was.fill is not None and (was.fill > BUFFER_FULL) == is_full
    known.buffer = Buffer(said.buffer, was.since if goes_on else now, said.thinned)
    known.skewed = {
        device: ClockSaid(round(clock.offset * 1000), round(clock.since * 1000))
        for device, clock in said.clocks.items()
        if device in village.devices
    }
    known.trusted = frozenset(village.devices if said.trusted is None else said.trusted)
    before, known.instead = (
        known.instead,
        {device: heard.told() for device, heard in said.heard.items() if device in village.devices},
    )
    told = {device for device in {*before, *known.instead} if before.get(device) != known.instead.get(device)}
    return [device for name, device in village.devices.items() if _tell(village, device, now) or name in told]


def _tell(village: WatchedVillage, device: WatchedDevice, now: int) -> bool:
    """What the gateways together say of a device's clock; whether that is new."""
    name, before = device.device.id, device.clock
    said = [gateway.skewed[name] for gateway in village.gateways.values() if name in gateway.skewed]
    if said:
        device.clock = min(said, key=lambda clock: clock.since)
    elif any(name in gateway.trusted for gateway in village.gateways.values()):
        device.clock = ClockSaid(None, now) if before is None or before.offset is not None else before
    return device.clock != before
