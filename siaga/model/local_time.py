"""A village's own clock and calendar, in milliseconds of Unix time.

Where clocks are put forward or back (no zone of Indonesia does, other countries' do) a local day has 23 or 25 hours.
A wall time that is skipped means the moment of the change; one that comes twice means its first time.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["local_date", "local_moment"]

MINUTES_OF_A_DAY = 24 * 60


@lru_cache(maxsize=16_384)
def local_moment(day: date, minute: int, timezone: str) -> int:
    """When it is `minute` minutes past local midnight of `day` by the wall clock; 1440 is the next midnight.

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
    """The second, after one and not after the other, from which the zone's clocks have been put forward."""
    offset = datetime.fromtimestamp(before, tz=zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, tz=zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def local_date(moment: int, timezone: str) -> date:
    """The local calendar date at a moment."""
    return datetime.fromtimestamp(moment // 1000, tz=UTC).astimezone(ZoneInfo(timezone)).date()
