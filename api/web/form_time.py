"""A time that somebody entered in a form: without an offset it is by the clock of the village that it is about."""

from datetime import datetime
from zoneinfo import ZoneInfo

from siaga.model.clock import DAY

__all__ = ["NoTime", "form_time"]

_FARTHEST = 36_500 * DAY


class NoTime(ValueError):
    """A text that is no time; the message is the text, cut."""


def form_time(text: str, zone: str) -> int:
    """Returns a time of a form in ms.

    Raises:
        NoTime: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=ZoneInfo(zone))
        time = round(found.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise NoTime(text[:40]) from None
    if not 0 <= time <= _FARTHEST:
        raise NoTime(text[:40])
    return time
