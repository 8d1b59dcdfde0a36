"""The process that issues reports: a job on standard input, the reports into the database.

    python -m api.issued.process < JOB

It makes one order, or all that is due: orders first, then reports to compare, until nothing is left or its time ends.
The exit status is 0, or 1 with the reason, a packed sentence, as the last line on standard error.
"""

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api.issued import checks, orders
from api.issued.edition import NoLongerCurrent, TooLarge
from api.issued.issue import carry_out, revise
from api.reports.forms import CannotSet
from api.reports.office import Office
from api.reports.process import bounded, ended_by, why
from siaga.database import connect
from siaga.model.clock import SECOND

__all__ = ["Job", "Mine", "main", "packed", "work", "work_on"]

log = structlog.get_logger(__name__)

WORKS_FOR = 60 * SECOND
"""After so long no more work is begun: the next process begins with what is due longest."""
_CANNOT = (TooLarge, CannotSet, NoLongerCurrent)

Now = Callable[[], int]
"""Gives wall time, ms."""


@dataclass(frozen=True, slots=True)
class Mine:
    """One order that was placed with a lease."""

    key: str
    lease: str


@dataclass(frozen=True, slots=True)
class Job:
    """What a process is asked: the URL of the database with its password, the office's form, wall time (ms), and which
    order; `None`: all that is due."""

    database: str
    office: Office
    now: int
    mine: Mine | None


def packed(job: Job) -> bytes:
    """Returns a job as a process takes it."""
    return orjson.dumps(
        {
            "database": job.database,
            "office": job.office.model_dump(mode="json"),
            "now": job.now,
            "mine": None if job.mine is None else [job.mine.key, job.mine.lease],
        }
    )


def unpacked(text: bytes) -> Job:
    """Returns what `packed` packed."""
    asked = orjson.loads(text)
    mine = None if asked["mine"] is None else Mine(*map(str, asked["mine"]))
    office = Office.model_validate_json(orjson.dumps(asked["office"]))
    return Job(str(asked["database"]), office, int(asked["now"]), mine)


def work_on(engine: Engine, mine: Mine, office: Office, now: Now) -> None:
    """Issue the report of one order; it is there afterwards, unless the order was another's by then.

    Raises:
        TooLarge, CannotSet, NoLongerCurrent: it cannot be issued; the order is gone.
    """
    order = orders.take_leased(engine, mine.key, mine.lease)
    if order is None:
        return
    try:
        carry_out(engine, order, office, now)
    except _CANNOT as problem:
        orders.fail(engine, order, why(problem), now())
        raise


def work(engine: Engine, office: Office, now: Now) -> int:
    """Do what is due, for as long as a process works; how many reports were issued."""
    until, issued = now() + WORKS_FOR, 0
    while now() < until:
        order = orders.take(engine, now())
        if order is not None:
            issued += _order(engine, order, office, now)
            _tidy()
            continue
        check = checks.take(engine, now())
        if check is None:
            break
        issued += _check(engine, check, office, now)
        _tidy()
    return issued


def _tidy() -> None:
    """Collect what one report left, where nobody else does (`bounded`)."""
    if not gc.isenabled():
        gc.collect()


def _order(engine: Engine, order: orders.Order, office: Office, now: Now) -> bool:
    try:
        return carry_out(engine, order, office, now)
    except (*_CANNOT, MemoryError) as problem:
        again = orders.fail(engine, order, why(problem), now())
        log.warning("report_not_issued", order=order.asked.row(), again=again, problem=repr(problem))
        return False


def _check(engine: Engine, check: checks.Check, office: Office, now: Now) -> bool:
    try:
        revised = revise(engine, check, office, now)
    except (*_CANNOT, MemoryError) as problem:
        checks.postpone(engine, check, now())
        log.warning("report_not_revised", number=check.number, problem=str(problem))
        return False
    if revised is not None:
        log.info("report_revised", report=revised)
    return revised is not None


def main() -> int:
    """Do the job; returns the exit status."""
    bounded()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    job = unpacked(sys.stdin.buffer.read())
    began = time.monotonic()

    def now() -> int:
        return job.now + round((time.monotonic() - began) * 1000)

    engine = connect(job.database)
    try:
        if job.mine is None:
            work(engine, job.office, now)
        else:
            work_on(engine, job.mine, job.office, now)
    except (SQLAlchemyError, *_CANNOT, MemoryError) as problem:
        return ended_by(problem)
    finally:
        engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
