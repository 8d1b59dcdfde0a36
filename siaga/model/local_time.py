"""A village's local time and calendar, in ms of Unix time.

A local day has 23 or 25 hours when clocks are put forward or back (in other countries; not in Indonesia). A skipped
local time means the moment of the change. A local time that occurs twice means the first.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["NO_VILLAGES_ZONE", "local_date", "local_moment"]

NO_VILLAGES_ZONE = "Asia/Jakarta"
"""The time zone of what is of no village: the capital's."""
MINUTES_OF_A_DAY = 24 * 60


@lru_cache(maxsize=16_384)
def local_moment(day: date, minute: int, timezone: str) -> int:
    """Returns the moment of a local time, ms. `minute`: minutes after midnight of `day`; 1440 is the next midnight.

    Raises:
        ZoneInfoNotFoundError: there is no such time zone.
    """
    zone = ZoneInfo(timezone)
    days, minute = divmod(minute, MINUTES_OF_A_DAY)
    wall = datetime.combine(day + timedelta(days=days), time(minute // 60, minute % 60), zone)
    moment = round(wall.timestamp())
    if datetime.fromtimestamp(moment, tz=zone).replace(tzinfo=None) != wall.replace(tzinfo=None):
        moment = _change(round(wall.replace(fold=1).timestamp()), moment, zone)
    return moment * 1000


def _change(before: int, after: int, zone: ZoneInfo) -> int:
    """Returns the second in `(before, after]` at which the zone's clocks are put forward."""
    offset = datetime.fromtimestamp(before, tz=zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, tz=zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def local_date(moment: int, timezone: str) -> date:
    """Returns the local date at a moment (ms)."""
    return datetime.fromtimestamp(moment // 1000, tz=UTC).astimezone(ZoneInfo(timezone)).date()
