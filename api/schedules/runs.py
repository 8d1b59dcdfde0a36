"""Runs of schedules: each made once, however often whoever makes it dies.

Three steps, each a transaction that says by its rows what comes next:

1. `claim`: the run, and the order of its report; of a note also its messages.
2. The report comes, in the transaction in which its order goes (`api.issued.issue`).
3. `tell`: the messages about the report, and that it is told. A revision of it is told by the same step.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy import Connection, Engine, RowMapping, select

from api.issued import orders
from api.issued.asked import Asked
from api.issued.metrics import IssuedMetrics
from api.notifications.book import Book
from api.notifications.queue import put_message
from api.schedules.note import note_for
from api.schedules.schedule import Due, Plan, Schedule, Send, runs_due
from siaga.database import tables, take_turns, writing
from siaga.database.scopes import within
from siaga.database.upsert import insert
from siaga.model.clock import MINUTE

__all__ = ["REVISED_AFTER", "Scheduler"]

log = structlog.get_logger(__name__)

REVISED_AFTER = 15 * MINUTE
"""How long a message about a revision waits for others: who gets one for each late batch reads none."""
_SINCE = "since"
"""The period of the row that says when a schedule was first seen."""


class Scheduler:
    """Makes the runs of a plan. Its verbs may raise SQLAlchemy's `DBAPIError`: then nothing has happened."""

    def __init__(self, engine: Engine, plan: Plan, book: Book, metrics: IssuedMetrics | None = None) -> None:
        self._engine, self._plan, self._file = engine, plan, book
        self._book = book.current()
        self._metrics = metrics or IssuedMetrics()

    def step(self, now: int) -> None:
        """Do what is due at wall time `now`, ms."""
        self.claim(now)
        self.tell(now)

    def claim(self, now: int) -> int:
        """Claim the runs that are due, and order their reports; how many."""
        self._book, claimed = self._file.current(), 0
        for schedule in self._plan.schedules:
            with self._engine.connect() as connection:
                known = _known(connection, schedule)
            since = known.get(_SINCE)
            if since is None:
                self._first_seen(schedule, now)
                continue
            runs = runs_due(schedule, since, now)
            for run in runs.left_out:
                if run.period.name not in known:
                    self._leave_out(schedule, run, now)
            for run in runs.made:
                if run.period.name not in known:
                    claimed += self._claim(schedule, run, now)
        return claimed

    def _first_seen(self, schedule: Schedule, now: int) -> None:
        """What was due before a schedule was there is not made up for."""
        with writing(self._engine) as connection:
            _insert_run(connection, schedule, _SINCE, now, now)

    def _leave_out(self, schedule: Schedule, run: Due, now: int) -> None:
        with writing(self._engine) as connection:
            is_new = _insert_run(connection, schedule, run.period.name, run.due, now, done=True)
        if is_new:
            self._metrics.missed.inc()
            log.warning("run_left_out", schedule=schedule.name, period=run.period.name)

    def _claim(self, schedule: Schedule, run: Due, now: int) -> bool:
        with writing(self._engine) as connection:
            take_turns(connection, "schedule")
            if now < _over(connection, schedule, run):
                return False  # not yet everywhere: its villages are further west
            is_note = schedule.send is Send.NOTE
            if not _insert_run(connection, schedule, run.period.name, run.due, now, done=is_note):
                return False
            if is_note:
                self._write_note(connection, schedule, run, now)
            else:
                asked = Asked(run.period, schedule.scopes, schedule.language, "siaga", schedule=schedule.name)
                orders.place(connection, asked, _key(schedule.name, run.period.name), now, mine=False)
        log.info("run_claimed", schedule=schedule.name, period=run.period.name)
        return True

    def _write_note(self, connection: Connection, schedule: Schedule, run: Due, now: int) -> None:
        recipients = self._book.recipients(schedule.tell, schedule.by)
        languages = {self._book.language(str(recipient)) for recipient in recipients}
        notes = {language: note_for(connection, schedule, language, now, self._book.link) for language in languages}
        for recipient in recipients:
            note = notes[self._book.language(str(recipient))]
            subject = {"title": note.title, "body": note.body}
            put_message(connection, self._book, f"note {_key(schedule.name, run.period.name)}", recipient, subject, now)

    def tell(self, now: int) -> int:
        """Write the messages about reports of schedules that are not told of yet; how many reports."""
        self._book, table = self._file.current(), tables.report
        untold = select(table).where(table.c.schedule.is_not(None), table.c.told_at.is_(None)).order_by(table.c.number)
        with self._engine.connect() as connection:
            if connection.execute(untold.limit(1)).first() is None:
                return 0
        with writing(self._engine) as connection:
            take_turns(connection, "schedule")
            rows = connection.execute(untold).mappings().all()
            for row in rows:
                self._tell(connection, row, now)
        return len(rows)

    def _tell(self, connection: Connection, report: RowMapping, now: int) -> None:
        schedule = self._plan.find(report["schedule"])
        if schedule is None:
            log.warning("report_told_to_nobody", report=report["id"], schedule=report["schedule"])
        elif report["superseded_by"] is None:  # else the revision is told of
            due = now if report["revision"] == 1 else now + REVISED_AFTER
            subject = {"report": report["id"], "formats": [form.value for form in schedule.formats]}
            for recipient in self._book.recipients(schedule.tell, schedule.by):
                put_message(connection, self._book, f"report {report['id']}", recipient, subject, now, due)
        table, run = tables.report, tables.report_run
        connection.execute(table.update().where(table.c.number == report["number"]).values(told_at=now))
        this = (run.c.schedule == report["schedule"]) & (run.c.period == report["period"]) & run.c.done_at.is_(None)
        connection.execute(run.update().where(this).values(done_at=now))


def _key(schedule: str, period: str) -> str:
    return f"schedule {schedule} {period}"


def _known(connection: Connection, schedule: Schedule) -> dict[str, int]:
    """The runs that were claimed, by their periods, with when each was due; and since when the schedule is known."""
    table = tables.report_run
    query = select(table.c.period, table.c.due).where(table.c.schedule == schedule.name)
    return {period: due for period, due in connection.execute(query)}  # noqa: C416 - rows are no tuples


def _insert_run(
    connection: Connection, schedule: Schedule, period: str, due: int, now: int, *, done: bool = False
) -> bool:
    """Insert a run; whether it is new."""
    table = tables.report_run
    row = {"schedule": schedule.name, "period": period, "due": due, "claimed_at": now, "done_at": now if done else None}
    placed = insert(connection, table).values(row).on_conflict_do_nothing().returning(table.c.period)
    return connection.execute(placed).first() is not None


def _over(connection: Connection, schedule: Schedule, run: Due) -> int:
    """When the period is over by the clocks of all villages; of a note, when it is due."""
    if schedule.send is Send.NOTE:
        return run.due
    table = tables.village
    query = select(table.c.timezone).where(within(table.c.code, schedule.scopes)).distinct()
    zones: Sequence[str] = connection.execute(query).scalars().all()
    return max((run.period.window(zone)[1] for zone in zones), default=run.due)
