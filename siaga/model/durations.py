"""Durations as people write them: `30s`, `5m`, `2h`, `90d`. In code they are ms."""

import re

from siaga.model.clock import DAY, HOUR, MINUTE, SECOND

__all__ = ["NotADuration", "format_duration", "parse_duration"]

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
LONGEST = 3_650 * DAY
"""Ten years, ms. Nothing in siaga lasts longer, and sums of durations stay within the limits of a database."""


class NotADuration(ValueError):
    """A text is no duration. The message is the end of a sentence that begins with the key."""


def parse_duration(text: str) -> int:
    """Returns a duration in ms: a whole number and a unit, `s`, `m`, `h` or `d`. `0s` is a duration.

    Raises:
        NotADuration: the text has another form, or is longer than ten years.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise NotADuration("is not a duration such as 30s, 5m or 2h")
    milliseconds = int(match[1]) * _UNITS[match[2]]
    if milliseconds > LONGEST:
        raise NotADuration("is longer than ten years")
    return milliseconds


def format_duration(milliseconds: int) -> str:
    """Returns the shortest text for a duration; the inverse of `parse_duration`. Fractions of a second are cut."""
    seconds = milliseconds // SECOND
    for unit in ("d", "h", "m"):
        size = _UNITS[unit] // SECOND
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
