"""Times as they are shown: milliseconds inside, RFC 3339 or the village's own clock outside."""

from datetime import UTC, datetime
from typing import overload
from zoneinfo import ZoneInfo

__all__ = ["local", "rfc3339"]


@overload
def rfc3339(time: int) -> str: ...


@overload
def rfc3339(time: int | None) -> str | None: ...


def rfc3339(time: int | None) -> str | None:
    """Returns a time (ms) as RFC 3339 in UTC, with `Z`. Fractions of a second only where there are some."""
    if time is None:
        return None
    second, rest = divmod(time, 1000)
    text = datetime.fromtimestamp(second, UTC).isoformat()[:19]  # a third of what strftime takes
    return f"{text}.{rest:03d}Z" if rest else f"{text}Z"


def local(time: int, timezone: str) -> datetime:
    """Returns a time (ms) by the clock of a time zone, without its zone. What is below a second is cut off."""
    return datetime.fromtimestamp(time // 1000, ZoneInfo(timezone)).replace(tzinfo=None)
