"""What is kept of a payload that was refused: readable, short, and without hardware addresses.

A gateway sends what it refused to the centre, one refusal a message: `encode_refusal`, `decode_refusal`.
"""

import re
from dataclasses import dataclass

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = [
    "SAMPLE_BYTES",
    "Refusal",
    "UnreadableRefusal",
    "decode_refusal",
    "encode_refusal",
    "mask",
    "readable",
    "sample",
]

SAMPLE_BYTES = 256
"""How much of a refused payload is kept: enough to recognise the device and the mistake."""

# Six to eight octets with one separator throughout (MAC-48, EUI-64), Cisco's three groups of four digits, or twelve
# digits alone, but not the last group of a UUID.
_ADDRESS = re.compile(
    r"""(?<![0-9a-f]) (?:
        [0-9a-f]{2} ([:_.-]) [0-9a-f]{2} (?: \1 [0-9a-f]{2} ){4,6}
      | [0-9a-f]{4} \. [0-9a-f]{4} \. [0-9a-f]{4}
      | (?<! [0-9a-f]{4}- ) [0-9a-f]{12}
    ) (?![0-9a-f])""",
    re.IGNORECASE | re.VERBOSE,
)
_HEX = re.compile("[0-9a-f]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A payload, or one record of it, that was refused. `time` is wall time in ms, `bytes` what `sample` made of it."""

    village: str | None
    time: int
    topic: str
    reason: str
    bytes: str


class UnreadableRefusal(ValueError):
    """A message on a `refused` topic that is none; the message is a sentence."""


class _Wire(BaseModel):
    """A refusal as a gateway sends it; `time` in Unix seconds."""

    model_config = ConfigDict(strict=True)

    time: float = Field(ge=0, le=9_223_372_036)
    topic: str = Field(max_length=65_535)
    reason: str = Field(max_length=4_096)
    bytes: str = Field(max_length=4_096)


def encode_refusal(refusal: Refusal) -> bytes:
    """A refusal for the wire; its village is in the topic."""
    wire = {"time": refusal.time / 1000, "topic": refusal.topic, "reason": refusal.reason, "bytes": refusal.bytes}
    return orjson.dumps({key: readable(mask(text)) if isinstance(text, str) else text for key, text in wire.items()})


def decode_refusal(payload: bytes, village: str) -> Refusal:
    """What a gateway of the village refused.

    Raises:
        UnreadableRefusal: the payload is not one.
    """
    try:
        wire = _Wire.model_validate_json(payload)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"])) or "the message"
        raise UnreadableRefusal(f"not a refusal: {where}: {problem['msg']}") from None
    return Refusal(village, round(wire.time * 1000), mask(wire.topic), mask(wire.reason), mask(wire.bytes))


def mask(text: str) -> str:
    """The text with `x` for every digit of a hardware address: a station's address never leaves the village."""
    return _ADDRESS.sub(lambda address: _HEX.sub("x", address[0]), text)


def sample(payload: bytes) -> str:
    """The first 256 bytes as readable text: UTF-8, all else as escapes, hardware addresses masked."""
    # An address that the cut goes through must be seen whole to be masked; masking changes no length. One byte is one
    # character in Latin-1, so the cut falls where it should.
    start = mask(payload[: SAMPLE_BYTES + 32].decode("latin-1"))[:SAMPLE_BYTES].encode("latin-1")
    return readable(start.decode("utf-8", "backslashreplace"))


def readable(text: str) -> str:
    """Text that every database takes and that moves no cursor: control characters and lone surrogates as escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
