"""Times of answers: milliseconds inside, RFC 3339 or the village's own clock outside."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

__all__ = ["local", "rfc3339"]


def rfc3339(time: int) -> str:
    """A time in milliseconds as RFC 3339 in UTC, with `Z`; fractions of a second only where there are some."""
    text = datetime.fromtimestamp(time // 1000, UTC).isoformat()[:19]  # a third of what strftime takes
    return f"{text}.{time % 1000:03d}Z" if time % 1000 else f"{text}Z"


def local(time: int, timezone: str) -> datetime:
    """A time in milliseconds by the clock of a time zone, without its zone; what is below a second is cut off."""
    return datetime.fromtimestamp(time // 1000, ZoneInfo(timezone)).replace(tzinfo=None)
