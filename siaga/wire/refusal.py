"""Samples of refused payloads: readable, short, without hardware addresses.

A gateway sends its refusals to the centre, one per message: `encode_refusal`, `decode_refusal`.
"""

import re
from dataclasses import dataclass

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = [
    "LABELS",
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
"""Bytes of a sample: enough to recognise the device and the mistake."""
LABELS = (
    "unknown_device", "unknown_village", "unknown_signal", "foreign_topic", "wrong_value", "not_finite", "implausible",
    "wrong_time", "not_json", "not_utf8", "not_an_object", "too_large", "too_deep", "senml", "collectd", "rate",
    "decoder", "network_server", "envelope", "not_gzip", "not_refusal", "store", "internal",
)  # fmt: skip
"""Why something is refused: the reasons in `siaga_refused_total`, and `implausible` for dropped values."""

# Six to eight octets with one separator throughout (MAC-48, EUI-64), Cisco's three groups of four digits, or twelve
# digits without a separator, except the last group of a UUID.
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
    """A refused payload, or one refused record of it. `time`: wall time, ms. `bytes`: the result of `sample`.

    `reason`: a sentence. `label`: the reason in one word, of `LABELS`; empty if it is not known.
    """

    village: str | None
    time: int
    topic: str
    reason: str
    bytes: str
    label: str = ""


class UnreadableRefusal(ValueError):
    """A message on a `refused` topic is not a refusal. The message is a sentence."""


class _Wire(BaseModel):
    """A refusal in wire format. `time`: Unix seconds."""

    model_config = ConfigDict(strict=True)

    time: float = Field(ge=0, le=9_223_372_036)
    topic: str = Field(max_length=65_535)
    reason: str = Field(max_length=4_096)
    bytes: str = Field(max_length=4_096)
    label: str = Field("", max_length=64)
    """Gateways of earlier versions send none."""


def encode_refusal(refusal: Refusal) -> bytes:
    """Returns a refusal in wire format. Its village is in the topic."""
    wire = {"time": refusal.time / 1000, "topic": refusal.topic, "reason": refusal.reason, "bytes": refusal.bytes}
    said = {key: readable(mask(text)) if isinstance(text, str) else text for key, text in wire.items()}
    return orjson.dumps(said | ({"label": refusal.label} if refusal.label else {}))


def decode_refusal(payload: bytes, village: str) -> Refusal:
    """Returns the refusal that a gateway of the village sent.

    Raises:
        UnreadableRefusal: the payload is not a refusal.
    """
    try:
        wire = _Wire.model_validate_json(payload)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, problem["loc"])) or "the message"
        raise UnreadableRefusal(f"not a refusal: {where}: {problem['msg']}") from None
    label = wire.label if wire.label in LABELS else ""
    return Refusal(village, round(wire.time * 1000), mask(wire.topic), mask(wire.reason), mask(wire.bytes), label)


def mask(text: str) -> str:
    """Returns the text with `x` for each digit of a hardware address: a station's address never leaves the village."""
    return _ADDRESS.sub(lambda address: _HEX.sub("x", address[0]), text)


def sample(payload: bytes) -> str:
    """Returns the first 256 bytes as readable text: UTF-8, other bytes as escapes, hardware addresses masked."""
    # To mask an address at the cut, all of it must be seen. Masking keeps the length, and Latin-1 has one character
    # per byte, so the cut is exact.
    start = mask(payload[: SAMPLE_BYTES + 32].decode("latin-1"))[:SAMPLE_BYTES].encode("latin-1")
    return readable(start.decode("utf-8", "backslashreplace"))


def readable(text: str) -> str:
    """Returns the text with control characters and lone surrogates escaped, safe for databases and terminals."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
