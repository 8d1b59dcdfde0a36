"""Which issued reports have to be compared with what is known now: those whose time was judged otherwise since.

A mark is a time in `check_at`. While a report is compared that is the end of the lease. So a mark that comes meanwhile
is seen, and who dies leaves the report to be compared again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Select, case, select

from api.attestations.scorecard import DAYS
from api.issued.asked import scopes_of
from api.issued.names import new_name
from api.issued.orders import LEASE
from siaga.database import tables, writing
from siaga.database.rewritten import take_rewritten
from siaga.model.clock import DAY, MINUTE, SECOND
from siaga.model.intervals import Interval
from siaga.model.scope import EVERYTHING

__all__ = ["GATHER", "Check", "absorb", "is_due", "postpone", "settle", "take"]

GATHER = 15 * SECOND
"""For so long after the first change others are gathered: a revision has to be there within a minute of the change."""
_AGAIN = 10 * MINUTE
"""When a revision that could not be made is tried again."""
_CHUNK = 500
_CARDS_FROM = tables.report.c.window_end - (DAYS + 1) * DAY
"""Before the days that bear on the scorecards of a report. A day more, as the last date that is over may have ended
earlier than the period."""


@dataclass(frozen=True, slots=True)
class Check:
    """A report to compare. `lease_until`: what `check_at` holds meanwhile. `successor`: the id that a revision gets."""

    number: int
    lease_until: int
    successor: str


def absorb(engine: Engine, now: int) -> int:
    """Mark the reports whose time was judged otherwise; how many. `now`: wall time, ms."""
    with engine.connect() as connection:
        if connection.execute(select(tables.rewritten.c.village).limit(1)).first() is None:
            return 0
    with writing(engine) as connection:
        stretches = _by_scope(take_rewritten(connection))
        if not stretches:  # another process was quicker
            return 0
        touched = [
            number for number, window, scopes in _current(connection, stretches) if _any(window, scopes, stretches)
        ]
        table, due = tables.report, now + GATHER
        sooner = case((table.c.check_at < due, table.c.check_at), else_=due)
        for start in range(0, len(touched), _CHUNK):
            these = table.c.number.in_(touched[start : start + _CHUNK])
            connection.execute(table.update().where(these).values(check_at=sooner))
    return len(touched)


def _by_scope(stretches: Mapping[tuple[str, str], Interval]) -> dict[str, Interval]:
    """The stretch of each village, and of each scope that holds it."""
    found: dict[str, Interval] = {}
    for (village, _), (start, end) in stretches.items():
        parts = village.split(".")
        for scope in (EVERYTHING, *(".".join(parts[:depth]) for depth in range(1, len(parts) + 1))):
            known = found.get(scope, (start, end))
            found[scope] = min(known[0], start), max(known[1], end)
    return found


def _current(connection: Connection, stretches: Mapping[str, Interval]) -> list[tuple[int, Interval, list[str]]]:
    """The reports that are not superseded and whose time may be touched: number, time, scopes."""
    table = tables.report
    start, end = stretches[EVERYTHING]
    begins = case((table.c.window_start < _CARDS_FROM, table.c.window_start), else_=_CARDS_FROM).label("begins")
    query = select(table.c.number, begins, table.c.cut, table.c.scopes).where(
        table.c.superseded_by.is_(None), begins < end, table.c.cut > start
    )
    return [(row.number, (row.begins, row.cut), scopes_of(row.scopes).texts) for row in connection.execute(query)]


def _any(window: Interval, scopes: list[str], stretches: Mapping[str, Interval]) -> bool:
    found = [stretches[scope] for scope in scopes if scope in stretches]
    return any(start < window[1] and end > window[0] for start, end in found)


def is_due(connection: Connection, now: int) -> bool:
    """Whether a report waits to be compared."""
    return connection.execute(_due(now).limit(1)).first() is not None


def take(engine: Engine, now: int) -> Check | None:
    """Take the report that has been due longest; `None`: there is none."""
    table, until = tables.report, now + LEASE
    with writing(engine) as connection:
        due = _due(now).order_by(table.c.check_at, table.c.number).limit(1).with_for_update(skip_locked=True)
        number: int | None = connection.execute(due).scalar()
        if number is None:
            return None
        connection.execute(table.update().where(table.c.number == number).values(check_at=until))
    return Check(number, until, new_name())


def settle(engine: Engine, check: Check) -> None:
    """Nothing differs: the mark goes, unless there was another meanwhile."""
    _set(engine, check, None)


def postpone(engine: Engine, check: Check, now: int) -> None:
    """It could not be compared, or its revision not be made: later again."""
    _set(engine, check, now + _AGAIN)


def _due(now: int) -> Select[int]:
    table = tables.report
    return select(table.c.number).where(table.c.check_at <= now, table.c.superseded_by.is_(None))


def _set(engine: Engine, check: Check, at: int | None) -> None:
    table = tables.report
    mine = (table.c.number == check.number) & (table.c.check_at == check.lease_until)
    with writing(engine) as connection:
        connection.execute(table.update().where(mine).values(check_at=at))
