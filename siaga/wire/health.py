"""What a gateway says of itself: how full its buffer is, whose clocks it does not trust, who says nothing of use.

The message is retained, so the broker sends it again to whoever subscribes.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from siaga.wire.refusal import readable

__all__ = ["CameInstead", "Health", "UnreadableHealth", "read_health"]

_LONGEST = 256_000
"""Bytes of a message: a thousand devices whose clocks are wrong, and 64 of which it is told at length what came."""
_CENTURIES = 1e11
"""Seconds: no clock is further off."""
_LONGEST_TEXT = 1_000
"""Characters that are kept of what came instead; a gateway sends 240."""
_LONGEST_VERSION = 40
"""Characters that are kept of a gateway's version."""
_MOST = 2**53
"""More than any counter says. What is larger than 64 bits fits into no document of the database."""


class UnreadableHealth(ValueError):
    """A message that does not say how a gateway is."""


_Text = Annotated[str, AfterValidator(lambda text: readable(text[:_LONGEST_TEXT]))]


_Version = Annotated[str, AfterValidator(lambda text: readable(text[:_LONGEST_VERSION]))]


class CameInstead(BaseModel):
    """What came from a device instead of something of use, and the error that its gateway or a decoder met."""

    what: _Text
    error: _Text | None = None


class _Clock(BaseModel):
    offset: float = Field(ge=-_CENTURIES, le=_CENTURIES, allow_inf_nan=False, description="s, device less gateway")
    since: float = Field(ge=0, le=_CENTURIES, allow_inf_nan=False)


class Health(BaseModel):
    """What a gateway says of itself and its devices."""

    heard: dict[str, CameInstead] = Field(default_factory=dict, description="of what says nothing of use: what came")
    clocks: dict[str, _Clock] = Field(default_factory=dict)
    trusted: list[str] | None = Field(default=None, description="whose clocks are right; null: all others")
    buffer: float = Field(ge=0, le=1, allow_inf_nan=False)
    thinned: int = Field(default=0, ge=0, le=_MOST)
    version: _Version | None = None


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
