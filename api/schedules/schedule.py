"""Schedules, and which of their runs are due: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from api.reports.forms import Form
from api.reports.period import Period, Unit, holding
from api.words import Language
from siaga.model.clock import HOUR, MINUTE
from siaga.model.local_time import NO_VILLAGES_ZONE, local_date, local_moment
from siaga.model.scope import EVERYWHERE, Scopes

__all__ = ["MADE_UP_FOR", "Due", "Plan", "Runs", "Schedule", "Send", "next_due", "runs_due"]

MADE_UP_FOR: Mapping[Unit, int] = {Unit.DAY: 7, Unit.WEEK: 4, Unit.MONTH: 3, Unit.QUARTER: 2}
"""How many runs that were missed are made up for, the latest ones; those before them are counted."""
NOTE_LASTS = 12 * HOUR
"""A morning note that is later than this is not sent: the next morning has its own."""
_LOOK_BACK = 400
"""Runs before the latest that are looked for."""


class Send(StrEnum):
    """What a schedule sends."""

    REPORT = "report"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is sent to whom, and when. A note is of each day, and about that day.

    `at`: ms after local midnight in `timezone`; `on`: so many days after the period, from 0. `tell` and `by`: as in a
    rule of the notify file.
    """

    name: str
    tell: tuple[str, ...]
    send: Send = Send.REPORT
    every: Unit = Unit.DAY
    at: int = 7 * HOUR
    on: int = 0
    timezone: str = NO_VILLAGES_ZONE
    scopes: Scopes = EVERYWHERE
    language: Language = Language.ID
    formats: tuple[Form, ...] = (Form.PDF,)
    by: frozenset[str] = frozenset()

    def due(self, period: Period) -> int:
        """When the run of a period is due, wall time in ms."""
        day = period.start if self.send is Send.NOTE else period.end + timedelta(days=self.on)
        return local_moment(day, self.at // MINUTE, self.timezone)

    def latest(self, now: int) -> Period:
        """The period of the last run that can be due."""
        today = local_date(now, self.timezone)
        return holding(Unit.DAY if self.send is Send.NOTE else self.every, today)


@dataclass(frozen=True, slots=True)
class Plan:
    """The schedules of a file."""

    schedules: Sequence[Schedule] = field(default_factory=tuple)

    def find(self, name: str | None) -> Schedule | None:
        """Returns the schedule of a name; `None`: the file has it no longer."""
        return next((one for one in self.schedules if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Due:
    """A run that is due since a time, ms."""

    period: Period
    due: int


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs to be made, the earliest first, and those that are left out, as they were missed for too long."""

    made: Sequence[Due]
    left_out: Sequence[Due]


def next_due(schedule: Schedule, now: int) -> Due:
    """Returns the next run after `now`, wall time in ms."""
    unit = Unit.DAY if schedule.send is Send.NOTE else schedule.every
    latest = schedule.latest(now)
    period = latest.before or latest
    while schedule.due(period) <= now:
        period = holding(unit, period.end)
    return Due(period, schedule.due(period))


def runs_due(schedule: Schedule, since: int, now: int) -> Runs:
    """Returns the runs that are due at `now` and were not at `since`, when the schedule was first seen; ms.

    Whether they were made before is not asked.
    """
    found: list[Due] = []
    period: Period | None = schedule.latest(now)
    for _ in range(_LOOK_BACK):
        if period is None:
            break
        due = schedule.due(period)
        if due <= since:
            break
        if due <= now:
            found.append(Due(period, due))
        period = period.before
    if schedule.send is Send.NOTE:
        kept = [one for one in found[:1] if now - one.due < NOTE_LASTS]
        return Runs(kept, [])
    most = MADE_UP_FOR[schedule.every]
    return Runs(found[:most][::-1], found[most:][::-1])
