"""The schedules of the settings file in words: what, when, to whom, and what became of the last run. Read only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from api.issued.asked import read_period
from api.queries.schedule_runs import LastRun, last_runs, problems_of_orders
from api.reports.numbers import Numbers
from api.schedules.schedule import Plan, Schedule, Send, next_due
from api.web.report_choice import Region, scope_name
from api.words import Sentence, Words
from siaga.model.scope import EVERYTHING, Scopes

__all__ = ["ScheduleLine", "schedule_lines"]


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """A schedule in words. `last`: of its last run; `problem`: why that could not be made so far."""

    name: str
    what: str
    scope: str
    to: str
    next: str
    last: str | None
    problem: str | None


def schedule_lines(
    connection: Connection, plan: Plan, words: Words, region: Region, seen: Scopes, now: int
) -> Sequence[ScheduleLine]:
    """Returns the schedules that tell of nothing outside of `seen`. `now`: wall time, ms."""
    mine = [one for one in plan.schedules if all(seen.covers(scope) for scope in one.scopes)]
    if not mine:
        return []
    runs, problems = last_runs(connection), problems_of_orders(connection)
    return [_line(one, words, region, runs.get(one.name), problems.get(one.name), now) for one in mine]


def _line(
    schedule: Schedule, words: Words, region: Region, last: LastRun | None, problem: Sentence | None, now: int
) -> ScheduleLine:
    numbers, due = Numbers(words.language), next_due(schedule, now)
    period = numbers.period(due.period)
    is_stuck = problem is not None and last is not None and last.done_at is None
    is_note = schedule.send is Send.NOTE
    what = words("reports_note") if is_note else words(f"reports_every_{schedule.every.value}")
    if not is_note:
        what = f"{what}, {', '.join(form.value.upper() for form in schedule.formats)}"
    return ScheduleLine(
        schedule.name,
        what,
        ", ".join(_scopes(schedule, words, region)),
        ", ".join(schedule.tell) + (f" ({', '.join(sorted(schedule.by))})" if schedule.by else ""),
        f"{numbers.time(due.due, schedule.timezone)} ({schedule.timezone}), {period}",
        None if last is None or is_stuck else _last(schedule, words, numbers, last),
        None if problem is None else problem.said(words),
    )


def _scopes(schedule: Schedule, words: Words, region: Region) -> Iterator[str]:
    for scope in schedule.scopes.texts:
        yield words("reports_all_villages") if scope == EVERYTHING else scope_name(region, words, scope)


def _last(schedule: Schedule, words: Words, numbers: Numbers, last: LastRun) -> str:
    period = numbers.period(read_period(last.period))
    if last.done_at is None:
        return words("reports_run_waits", period=period, time=numbers.time(last.claimed_at, schedule.timezone))
    return words("reports_run_done", period=period, time=numbers.time(last.done_at, schedule.timezone))
