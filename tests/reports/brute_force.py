"""The report's figures by counting seconds: a byte says what a second was, and everything is a count of bytes.

It shares no arithmetic with what it tests: local days come from fixed offsets, schedules from the minute of the day,
and runs from regular expressions over the bytes.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property, lru_cache

from siaga.model.sites import Facility, Village
from siaga.timeline.spans import Span, State

EPOCH = date(1970, 1, 1)
DAY = 86_400
OFFSETS = {"Asia/Jakarta": 7 * 3600, "Asia/Makassar": 8 * 3600, "Asia/Jayapura": 9 * 3600}
"""WIB, WITA and WIT: no clock in Indonesia is ever put forward."""
MET, SHUT, SILENT, UNKNOWN = 0, 1, 2, 3
EXCUSED, LATER, REQUIRED = 4, 8, 16
NEVER = 255
CAUSES = {SHUT: "gate_open", SILENT: "online", UNKNOWN: "device_silent"}
"""What each painted state is caused by; none of them says that something may still come."""
FAILED_OPEN = re.compile(b"[" + bytes([REQUIRED + SHUT, REQUIRED + SILENT]) + b"]+")
"""Seconds that are required, failed and not excused, without a break."""
SAME = re.compile(rb"(.)\1*", re.DOTALL)
MINUTES: Mapping[object, Callable[[date, int, Callable[[date], bool]], bool]] = {
    "24h": lambda _day, _minute, _closed: True,
    "office": lambda day, minute, closed: day.weekday() < 5 and not closed(day) and 480 <= minute < 900,
    ("Mon-Sat 18:00-06:00",): lambda day, minute, _closed: (
        (day.weekday() < 6 and minute >= 1080) or ((day - timedelta(days=1)).weekday() < 6 and minute < 360)
    ),
}
"""Schedules, minute by minute of a local day."""


def local_midnight(day: date, timezone: str) -> int:
    """Unix seconds."""
    return (day - EPOCH).days * DAY - OFFSETS[timezone]


@dataclass
class Painted:
    """The life of one facility, from `start` on, a byte a second; `now` cuts it."""

    village: Village
    facility: Facility
    start: int
    seconds: bytes = field(repr=False)
    begins: int
    now: int

    def code(self, low: int, high: int) -> bytes:
        """What is known of `[low, high)`: nothing before it began, nothing after now."""
        low, high = max(low, self.begins), min(high, self.now)
        return self.seconds[low - self.start : high - self.start] if low < high else b""

    @cached_property
    def failures(self) -> list[tuple[int, int]]:
        """Failed, not excused, without a break, until now."""
        whole = self.code(self.start, self.now)
        return [(self.begins + found.start(), self.begins + found.end()) for found in FAILED_OPEN.finditer(whole)]

    @cached_property
    def spans(self) -> list[Span]:
        """The same as spans, until now: the last one runs."""
        found = []
        for match in SAME.finditer(self.code(self.start, self.now)):
            low, high = self.begins + match.start(), self.begins + match.end()
            found.append(_span(match[0][0], low, high))
        return [*found[:-1], _running(found[-1])] if found else []


def _span(code: int, low: int, high: int) -> Span:
    state = code & 3
    if not code & REQUIRED:
        return Span(low * 1000, high * 1000, State.NOT_REQUIRED)
    if state == MET:
        return Span(low * 1000, high * 1000, State.MET)
    named = State.UNKNOWN if state == UNKNOWN else State.FAILED
    excused = bool(code & (EXCUSED | LATER))
    return Span(low * 1000, high * 1000, named, CAUSES[state], excused, bool(code & LATER))


def _running(span: Span) -> Span:
    return Span(span.start, 2**62, span.state, span.cause, span.excused, span.excused_later)


def paint(
    village: Village,
    facility: Facility,
    horizon: tuple[int, int],
    now: int,
    begins: int,
    happenings: Iterable[tuple[int, int, int]],
    excuses: Iterable[tuple[int, int, int]],
) -> Painted:
    """A life out of stretches `(start, length, what)`: later ones over earlier ones."""
    start, end = horizon
    states, excused = bytearray(end - start), bytearray(end - start)
    for layer, stretches in ((states, happenings), (excused, excuses)):
        for at, length, what in stretches:
            low, high = max(0, at - start), min(end - start, at + length - start)
            if low < high:
                layer[low:high] = bytes([what]) * (high - low)
    asked = _asked(facility.schedule or "24h", OFFSETS[village.timezone], village.holidays, horizon)
    together = sum(int.from_bytes(layer, "big") for layer in (states, excused, asked)).to_bytes(end - start, "big")
    # What is met or not required is never excused; of an excuse of both kinds the one in time counts
    meaning = bytes(_plain(code) for code in range(256))
    return Painted(village, facility, start, together.translate(meaning), begins, now)


def _plain(code: int) -> int:
    if not code & REQUIRED:
        return 0
    if code & 3 == MET:
        return REQUIRED
    return code


@lru_cache(maxsize=256)
def _asked(schedule: str | tuple[str, ...], offset: int, holidays: frozenset[date], horizon: tuple[int, int]) -> bytes:
    asks = MINUTES[schedule]
    return b"".join(
        bytes([REQUIRED if asks(EPOCH + timedelta(days=minute // 1440), minute % 1440, holidays.__contains__) else 0])
        * 60
        for minute in range((horizon[0] + offset) // 60, (horizon[1] + offset) // 60)
    )


@dataclass
class Count:
    """Figures counted in seconds."""

    facilities: int = 0
    met: int = 0
    failed: int = 0
    unknown: int = 0
    excused: int = 0
    later: int = 0
    outages: int = 0
    longest: int = 0
    repaired: list[int] = field(default_factory=list)
    days: dict[str, int] = field(default_factory=dict)
    causes: dict[str, dict[str, int]] = field(default_factory=lambda: {"failed": {}, "unknown": {}})
    failed_open: int = 0
    unknown_open: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.facilities + other.facilities,
            self.met + other.met,
            self.failed + other.failed,
            self.unknown + other.unknown,
            self.excused + other.excused,
            self.later + other.later,
            self.outages + other.outages,
            max(self.longest, other.longest),
            self.repaired + other.repaired,
            _added(self.days, other.days),
            {name: _added(self.causes[name], other.causes[name]) for name in self.causes},
            self.failed_open + other.failed_open,
            self.unknown_open + other.unknown_open,
        )


def _added(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in one.keys() | other.keys()}


def count(life: Painted, first: date, last: date, grace: int, target: str, heard_until: int | None) -> Count | None:
    """What the dates from `first` to before `last` come to; `None`: it was not judged in them. `grace` in seconds."""
    timezone = life.village.timezone
    low, high = local_midnight(first, timezone), local_midnight(last, timezone)
    inside = life.code(low, high)
    if not inside:
        return None
    found = _counted(inside)
    found.facilities = 1
    for begun, over in life.failures:
        if over - begun > grace and begun < min(high, life.now) and over > low:
            found.outages += 1
            found.longest = max(found.longest, over - begun)
            if over < life.now:
                found.repaired.append(over - begun)
    found.days = _days(life, first, last, grace, target, heard_until)
    return found


def _counted(seconds: bytes) -> Count:
    found = Count()
    for state in (SHUT, SILENT, UNKNOWN):
        group = "unknown" if state == UNKNOWN else "failed"
        opened = seconds.count(REQUIRED + state)
        soon = seconds.count(REQUIRED + state + EXCUSED)
        later = seconds.count(REQUIRED + state + LATER)
        if opened:
            found.causes[group][CAUSES[state]] = opened
        if state == UNKNOWN:
            found.unknown += opened + soon + later
            found.unknown_open += opened
        else:
            found.failed += opened + soon + later
            found.failed_open += opened
        found.excused += soon + later
        found.later += later
    found.met = seconds.count(REQUIRED)
    return found


def _days(life: Painted, first: date, last: date, grace: int, target: str, heard_until: int | None) -> dict[str, int]:
    found = {"met": 0, "missed": 0, "unjudged": 0, "not_required": 0, "provisional": 0}
    for number in range((last - first).days):
        low = local_midnight(first + timedelta(days=number), life.village.timezone)
        high = low + DAY
        if low >= life.now or high <= life.begins:
            continue
        found[_verdict(life, low, high, grace, target)] += 1
        waits = heard_until is None or heard_until < high
        found["provisional"] += life.now < high or (waits and life.now < high + 90 * DAY)
    return found


def _verdict(life: Painted, low: int, high: int, grace: int, target: str) -> str:
    day = _counted(life.code(low, high))
    required = day.met + day.failed + day.unknown
    if not required:
        return "not_required"
    for begun, over in life.failures:
        if begun < high and over > low and over - begun > grace:
            return "missed"
    future = life.seconds[max(low, life.now) - life.start : high - life.start]
    asked = required - day.excused + sum(future.count(code) for code in range(REQUIRED, 32))
    if day.failed_open > (1 - Fraction(target)) * asked:
        return "missed"
    counts = required - day.excused
    return "met" if counts and 100 * (day.met + day.failed_open) >= 95 * counts else "unjudged"


def total(counts: Sequence[Count]) -> Count:
    """The sum of several."""
    found = Count()
    for one in counts:
        found += one
    return found
