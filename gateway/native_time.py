"""Reads the times in native messages as milliseconds of Unix time."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from gateway.values import NOTHING, Refused

__all__ = ["read_time"]

# ISO 8601 with any fraction and offset. The form with dots and a space is Tasmota's before version 6.
_STAMP = re.compile(
    r"(\d{4})[-.](\d{2})[-.](\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?\s*(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)
_MILLISECONDS_FROM = 100_000_000_000
"""A number from here on is milliseconds: as seconds it would be the year 5138."""
_LATEST = 10**14
"""The largest time that is accepted, ms: the year 5138."""


def read_time(raw: object, zone: ZoneInfo) -> int | None:
    """Returns the time in a native message, ms; `None` if it is absent or from a clock that is not set (0 or less).

    A time without an offset is the village's local time. Where a local time occurs twice, because clocks are put back,
    the first one is meant.

    Raises:
        Refused: the value is not a time.
    """
    if isinstance(raw, str):
        raw = raw.strip()
        if raw.lower() in NOTHING:
            return None
        if _NUMBER.fullmatch(raw):
            raw = float(raw)
    if raw is None:
        return None
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _counted(raw)
    stamp = _STAMP.fullmatch(raw) if isinstance(raw, str) else None
    if stamp is None:
        raise _no_time(raw)
    year, month, day, hour, minute, second = (int(stamp[group]) for group in range(1, 7))
    milliseconds = int((stamp[7] or "0").ljust(3, "0")[:3])
    try:
        wall = datetime(year, month, day, hour, minute, second, tzinfo=_zone(stamp[8], zone)).astimezone(UTC)
    except (ValueError, OverflowError):  # the 31st of February; the year 1, east of Greenwich
        raise _no_time(raw) from None
    return (wall - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) + milliseconds


def _counted(number: float) -> int | None:
    """Returns a number of seconds or milliseconds since 1970 as ms; `None` for a clock that is not set."""
    if not math.isfinite(number):
        raise Refused("not_finite", f"the time {number} is not a finite number")
    if number > _LATEST:
        raise _no_time(number)
    if number <= 0:
        return None
    return round(number) if number >= _MILLISECONDS_FROM else round(number * 1000)


def _no_time(raw: object) -> Refused:
    return Refused("wrong_time", f"{str(raw)[:40]!r} is no time; it counts from its receipt")


def _zone(offset: str | None, village: ZoneInfo) -> timezone | ZoneInfo:
    if offset is None:
        return village
    if offset in "Zz":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
