"""Durations as people write them: `30s`, `5m`, `2h`, `90d`. Inside siaga they are milliseconds."""

import re

from siaga.model.clock import DAY, HOUR, MINUTE, SECOND

__all__ = ["NotADuration", "format_duration", "parse_duration"]

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
LONGEST = 3_650 * DAY
"""Ten years: nothing here lasts longer, and sums of durations stay far from any limit of a database."""


class NotADuration(ValueError):
    """A text that is no duration; the message is the end of a sentence that began with the key."""


def parse_duration(text: str) -> int:
    """Milliseconds of a whole number and one unit: `s`, `m`, `h` or `d`. `0s` is a duration.

    Raises:
        NotADuration: the text is not of that form, or longer than ten years.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise NotADuration("is not a duration such as 30s, 5m or 2h")
    milliseconds = int(match[1]) * _UNITS[match[2]]
    if milliseconds > LONGEST:
        raise NotADuration("is longer than ten years")
    return milliseconds


def format_duration(milliseconds: int) -> str:
    """The shortest text that `parse_duration` reads as the same; a part of a second is cut off."""
    seconds = milliseconds // SECOND
    for unit in ("d", "h", "m"):
        size = _UNITS[unit] // SECOND
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
