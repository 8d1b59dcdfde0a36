"""Reading JSON that others wrote, within limits."""

import json

import orjson

__all__ = ["UnreadableJson", "read_json"]

FREELY = 1 << 20
"""A text up to this many bytes is read without counting: it cannot become more than some 30 MB of objects."""
MAX_CONTAINERS = 500_010
"""Objects and arrays of a larger text: as many as SenML records are read, 120 MB; 16 MB of `{},{},…` would fill 350."""
MAX_ITEMS = 2_000_000
"""Commas of a larger text, for the same reason."""


class UnreadableJson(ValueError):
    """A payload that is not JSON; the message is a sentence."""


def read_json(payload: bytes) -> tuple[object, bool]:
    """What the text says, and whether all its numbers are known to be finite.

    `NaN`, `Infinity` and numbers too large for a double are no JSON, but devices send them: they are read, so that
    what stands beside them is not lost, and whoever uses the value refuses it.

    Raises:
        UnreadableJson: it is not UTF-8, not JSON, nested too deeply, or holds too many values for its size.
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
