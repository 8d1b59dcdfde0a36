"""What became of the runs of schedules, for a page."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from api.words import Sentence, unpacked
from siaga.database import tables

__all__ = ["LastRun", "last_runs", "problems_of_orders"]

_SINCE = "since"
"""The period of the row that says when a schedule was first seen (`siaga.database.tables.reports`)."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The last run of a schedule: its period, and wall times in ms; `done_at` is `None` until its messages exist."""

    period: str
    claimed_at: int
    done_at: int | None


def last_runs(connection: Connection) -> Mapping[str, LastRun]:
    """Returns the last run of each schedule that had one, by the schedule's name."""
    table = tables.report_run
    query = select(table.c.schedule, table.c.period, table.c.claimed_at, table.c.done_at)
    rows = connection.execute(query.where(table.c.period != _SINCE).order_by(table.c.due))
    return {schedule: LastRun(period, claimed, done) for schedule, period, claimed, done in rows}


def problems_of_orders(connection: Connection) -> Mapping[str, Sentence]:
    """Returns why the report of a schedule could not be made so far, by the schedule's name."""
    table = tables.report_order
    query = select(table.c.asked, table.c.problem).where(table.c.problem.is_not(None)).order_by(table.c.ordered_at)
    return {
        str(asked["schedule"]): unpacked(problem) or Sentence("made_failed", {"reason": problem})
        for asked, problem in connection.execute(query)
        if asked.get("schedule")
    }
