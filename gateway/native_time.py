"""Times in native messages: what firmware writes, as milliseconds of Unix time."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

__all__ = ["read_time"]

# ISO 8601 with any fraction and offset; with dots and a blank it is Tasmota before version 6
_STAMP = re.compile(
    r"(\d{4})[-.](\d{2})[-.](\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?\s*(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)
_MILLISECONDS_FROM = 100_000_000_000
"""A number from here on counts milliseconds: as seconds it would be the year 5138."""


def read_time(raw: object, zone: ZoneInfo) -> int | None:
    """A time of a native message in ms; without an offset it is the village's local time. `None`: it says no time.

    A wall time that comes twice, where clocks are put back, means its first time.
    """
    if isinstance(raw, bool) or raw is None:
        return None
    if isinstance(raw, int | float):
        if not math.isfinite(raw) or abs(raw) > 10**14 or raw <= 0:
            return None
        return round(raw) if raw >= _MILLISECONDS_FROM else round(raw * 1000)
    stamp = _STAMP.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if stamp is None:
        return None
    year, month, day, hour, minute, second = (int(stamp[group]) for group in range(1, 7))
    milliseconds = int((stamp[7] or "0").ljust(3, "0")[:3])
    try:
        wall = datetime(year, month, day, hour, minute, second, tzinfo=_zone(stamp[8], zone)).astimezone(UTC)
    except (ValueError, OverflowError):  # the 31st of February; the year 1, east of Greenwich
        return None
    return (wall - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) + milliseconds


def _zone(offset: str | None, village: ZoneInfo) -> timezone | ZoneInfo:
    if offset is None:
        return village
    if offset in "Zz":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
