"""Reads JSON from others, within limits."""

import json

import orjson

__all__ = ["UnreadableJson", "read_json"]

FREELY = 1 << 20
"""A text of up to this many bytes is parsed without counting: it takes at most some 30 MB of memory."""
MAX_CONTAINERS = 500_010
"""Objects and arrays of a larger text at most: SenML's limit of records (120 MB). 16 MB of `{},{},…` would need 350."""
MAX_ITEMS = 2_000_000
"""Commas of a larger text at most, for the same reason."""


class UnreadableJson(ValueError):
    """A payload is not JSON. The message is the end of a sentence that begins with the payload."""


def read_json(payload: bytes) -> tuple[object, bool]:
    """Returns the parsed text, and whether all its numbers are known to be finite.

    `NaN`, `Infinity` and numbers too large for a double are not JSON, but devices send them. They are parsed, so that
    the other values are not lost. Whoever uses such a value refuses it.

    Raises:
        UnreadableJson: it is not UTF-8, not JSON, nested too deeply, or has too many values.
    """
    if len(payload) > FREELY and (
        payload.count(b"{") + payload.count(b"[") > MAX_CONTAINERS or payload.count(b",") > MAX_ITEMS
    ):
        raise UnreadableJson("holds too many values")
    try:
        return orjson.loads(payload), True
    except orjson.JSONDecodeError as error:
        problem = str(error)
    if "infinity" in problem or b"NaN" in payload or b"Infinity" in payload:
        try:
            return json.loads(payload.decode()), False
        except (ValueError, RecursionError):
            pass
    raise UnreadableJson(f"is not JSON: {problem}")
