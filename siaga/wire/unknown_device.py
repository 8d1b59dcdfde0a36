"""Devices that a gateway hears and does not know, for people who register them.

A gateway sends each on its `refused` topic, beside the samples of what it refused: `encode_unknown`, `decode_unknown`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from siaga.model.sites import Adapter
from siaga.wire.refusal import SAMPLE_BYTES, mask, readable

__all__ = ["LONGEST_ADDRESS", "MAX_VALUES", "UnknownDevice", "decode_unknown", "encode_unknown"]

LONGEST_ADDRESS = 200
"""Characters of an address at most."""
MAX_VALUES = 40
"""Native keys of a device at most."""
LONGEST_KEY, LONGEST_VALUE, LONGEST_TOPIC = 80, 40, 300
"""Characters that are kept of a native key, a value and a topic."""
_LABEL = "unregistered"
"""Tells the message from a refusal, whose label is one of `siaga.wire.refusal.LABELS`."""
_CENTURY = 4_102_444_800
"""2100-01-01, Unix seconds."""


@dataclass(frozen=True, slots=True)
class UnknownDevice:
    """A device of a native family that is not in the sites file.

    `village`: one that its gateway serves. `address`: what a sites file has to say. `first`, `last`: when it was heard,
    ms. `count`: how many messages came. `every`: the interval at which it reports, ms. `topic`, `bytes`: its newest
    message, as a sample. `values`: native keys, as a map names them, with their newest values.
    `gives`: by kind of facility, the signals that need no map; those under `""` in every kind.
    """

    village: str
    gateway: str
    adapter: Adapter
    address: str
    first: int
    last: int
    count: int
    every: int
    topic: str
    bytes: str
    values: Mapping[str, str]
    gives: Mapping[str, Sequence[str]]


def _cut(longest: int) -> AfterValidator:
    return AfterValidator(lambda text: readable(mask(text))[:longest])


_Time = Annotated[float, Field(ge=0, le=_CENTURY, allow_inf_nan=False)]
_Key = Annotated[str, _cut(LONGEST_KEY)]
_Value = Annotated[str, _cut(LONGEST_VALUE)]
_Name = Annotated[str, Field(max_length=64, pattern="^[a-z0-9_]*$")]


class _Wire(BaseModel):
    """The message. Times are Unix seconds, `every` is seconds."""

    model_config = ConfigDict(strict=True)

    label: Literal["unregistered"]
    adapter: str = Field(max_length=32)
    address: str = Field(min_length=1, max_length=LONGEST_ADDRESS)
    first: _Time
    last: _Time
    count: int = Field(ge=1, le=2**53)
    every: float = Field(ge=1, le=31_536_000)
    topic: Annotated[str, _cut(LONGEST_TOPIC)]
    bytes: Annotated[str, _cut(SAMPLE_BYTES * 4)]  # an escaped byte has four characters
    values: dict[_Key, _Value] = Field(max_length=MAX_VALUES)
    gives: dict[_Name, Annotated[list[_Name], Field(max_length=MAX_VALUES)]] = Field(max_length=MAX_VALUES)


def encode_unknown(device: UnknownDevice) -> bytes:
    """Returns a device in wire format. Village and gateway are in the topic."""
    wire = {
        "label": _LABEL,
        "adapter": device.adapter.value,
        "address": device.address,
        "first": device.first / 1000,
        "last": device.last / 1000,
        "count": device.count,
        "every": device.every / 1000,
        "topic": readable(mask(device.topic))[:LONGEST_TOPIC],
        "bytes": readable(mask(device.bytes)),
        "values": {
            readable(mask(key))[:LONGEST_KEY]: readable(mask(value))[:LONGEST_VALUE]
            for key, value in device.values.items()
        },
        "gives": {kind: list(signals) for kind, signals in device.gives.items()},
    }
    return orjson.dumps(wire)


def decode_unknown(payload: bytes, village: str, gateway: str) -> UnknownDevice | None:
    """Returns the device that a gateway of the village reports; `None` if the message is something else."""
    try:
        wire = _Wire.model_validate_json(payload)
        adapter = Adapter(wire.adapter)
    except ValueError:  # pydantic's error is one, too
        return None
    if not wire.address.isprintable():
        return None
    first, last = round(wire.first * 1000), round(wire.last * 1000)
    return UnknownDevice(
        village,
        gateway,
        adapter,
        wire.address,
        min(first, last),
        last,
        wire.count,
        round(wire.every * 1000),
        wire.topic,
        wire.bytes,
        wire.values,
        wire.gives,
    )
