"""Planned maintenance: windows of a facility, a village or an uplink, once or again and again, and whom they excuse.

A recurrence is an RRULE (RFC 5545, section 3.3.10) of days, weeks or months, and goes by the clock on the village's
wall: a window that begins at eight begins at eight all year. Rules are kept to what ends by itself: the first window
is one of the rule's own, and no rule looks for days that hardly ever come.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr  # type: ignore[import-untyped] # it has none; what it answers is converted below

from siaga.model.clock import DAY
from siaga.model.intervals import Interval
from siaga.model.sites import Village
from siaga.timeline.spans import PlannedWork

__all__ = [
    "AHEAD",
    "BadRule",
    "MaintenanceWindow",
    "Planned",
    "check_rule",
    "planned",
    "stretches",
]

Planned = tuple[str | None, PlannedWork]
"""A facility (`None`: all of the village) and the maintenance that excuses it."""

AHEAD = 8 * DAY
"""How far ahead windows are known; the engine asks again each day."""
_PARTS: Mapping[str, re.Pattern[str]] = {
    "FREQ": re.compile("DAILY|WEEKLY|MONTHLY"),
    "INTERVAL": re.compile("[1-9][0-9]?"),
    "COUNT": re.compile("[1-9][0-9]{0,3}"),
    "UNTIL": re.compile(r"[0-9]{8}(T[0-9]{6}Z)?", re.ASCII),
    "BYDAY": re.compile("(-?[1-5])?(MO|TU|WE|TH|FR|SA|SU)(,(-?[1-5])?(MO|TU|WE|TH|FR|SA|SU)){0,9}"),
    "BYMONTHDAY": re.compile("(-?([1-9]|[12][0-9]|3[01]))(,-?([1-9]|[12][0-9]|3[01])){0,30}"),
    "WKST": re.compile("MO|TU|WE|TH|FR|SA|SU"),
}


class BadRule(ValueError):
    """A recurrence that siaga does not understand; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """One declaration: of a facility of a village, of a village, or of all villages of an uplink.

    `start` and `end` (ms) are those of its only, or of its first, window; `declared` (wall time, ms) is when people
    said so.
    """

    id: str
    village: str | None
    facility: str | None
    uplink: str | None
    start: int
    end: int
    rrule: str | None = None
    declared: int = -(2**62)

    def concerns(self, village: Village) -> bool:
        """Whether it excuses anything of a village."""
        if self.uplink is not None:
            return village.uplink == self.uplink
        return village.code == self.village


def planned(windows: Iterable[MaintenanceWindow], village: Village, upto: int) -> list[Planned]:
    """What the windows excuse of a village, up to a time, in order."""
    found = [
        (window.facility, PlannedWork(start, end, window.declared))
        for window in windows
        if window.concerns(village)
        for start, end in stretches(window, village.timezone, upto)
    ]
    return sorted(found, key=lambda one: (one[1], one[0] or ""))


def stretches(window: MaintenanceWindow, timezone: str, upto: int) -> Sequence[Interval]:
    """The windows of a declaration that begin before a time; of one that does not recur its only one."""
    if window.rrule is None:
        return [(window.start, window.end)]
    length = window.end - window.start
    # A day's answer serves the whole day
    begins = _begins(window.rrule, window.start, timezone, upto - upto % DAY + DAY)
    return [(start, start + length) for start in begins if start < upto]


def check_rule(rule: str, start: int, timezone: str) -> str:
    """The rule as it is kept, if it can be understood and the first window is one of its own.

    Raises:
        BadRule: it cannot, or it is not.
    """
    text = rule.strip().upper().removeprefix("RRULE:")
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        pattern = _PARTS.get(name)
        if pattern is None or pattern.fullmatch(value) is None or name in parts:
            raise BadRule(
                f"{part[:60]!r} is not a part that siaga understands: FREQ=DAILY, WEEKLY or MONTHLY with INTERVAL, "
                "BYDAY, BYMONTHDAY, and COUNT or UNTIL"
            )
        parts[name] = value
    if "FREQ" not in parts:
        raise BadRule(f"{text[:60]!r} has no FREQ")
    if "COUNT" in parts and "UNTIL" in parts:
        raise BadRule("COUNT and UNTIL exclude each other")
    if parts["FREQ"] != "MONTHLY" and ("BYMONTHDAY" in parts or re.search("[0-9]", parts.get("BYDAY", ""))):
        raise BadRule("days of the month belong to FREQ=MONTHLY")
    if "BYMONTHDAY" in parts and "BYDAY" in parts:
        raise BadRule("BYMONTHDAY and BYDAY together ask for days that hardly ever come")
    try:
        begins = _begins(text, start, timezone, start + 1)
    except (ValueError, OverflowError) as error:
        raise BadRule(f"{text[:60]!r} cannot be understood: {error}") from None
    if not begins and "UNTIL" in parts:
        raise BadRule(f"{text[:60]!r}: the first window is not one of the rule's own days, or begins after its UNTIL")
    if not begins:
        raise BadRule(f"{text[:60]!r}: the first window is not one of the rule's own days")
    return text


@lru_cache(maxsize=4096)
def _begins(rule: str, start: int, timezone: str, upto: int) -> tuple[int, ...]:
    """When the windows of a rule begin, from its first (exactly `start`) to before `upto`, ms."""
    zone = ZoneInfo(timezone)
    first = datetime.fromtimestamp(start // 1000, tz=zone).replace(tzinfo=None)
    last = datetime.fromtimestamp(upto // 1000 + 1, tz=zone).replace(tzinfo=None)
    found: list[int] = []
    for wall in rrulestr(_with_local_end(rule, zone), dtstart=first):
        if wall > last or (not found and wall != first):
            break
        found.append(start if wall == first else _moment(wall, zone) + start % 1000)
    return tuple(moment for moment in found if moment < upto)


def _with_local_end(rule: str, zone: ZoneInfo) -> str:
    """The rule with `UNTIL` by the clock on the wall, which the first window's start is given in, too."""
    match = re.search("UNTIL=([0-9]{8})(T[0-9]{6}Z)?", rule)
    if match is None:
        return rule
    if match[2] is None:
        end = datetime.combine(date.fromisoformat(match[1]), time.max)
    else:
        end = datetime.strptime(match[1] + match[2], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(zone)
    return rule.replace(match[0], f"UNTIL={end:%Y%m%dT%H%M%S}")


def _moment(wall: datetime, zone: ZoneInfo) -> int:
    """A time on the wall, in ms; one that a clock change skips is as long after it as it says."""
    return round(wall.replace(tzinfo=zone).timestamp()) * 1000
