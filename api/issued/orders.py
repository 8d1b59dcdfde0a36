"""Orders: a report that is to be issued is a row, until the transaction in which the report comes.

An order is made by whoever has its lease. Who dies leaves it to be made by another when the lease is over; who was
thought dead and comes late writes nothing.
"""

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, RowMapping, func, select

from api.issued.asked import Asked
from api.issued.names import new_name
from api.reports.answer import DEADLINE
from api.words import Sentence
from siaga.database import tables, writing
from siaga.database.upsert import insert
from siaga.model.clock import MINUTE, SECOND

__all__ = [
    "LEASE", "MOST_ATTEMPTS", "Order", "Placed", "complete", "fail", "given_up", "is_due", "place", "take",
    "take_leased", "withdraw",
]  # fmt: skip

LEASE = round(DEADLINE) * SECOND + 30 * SECOND
"""For so long nobody else makes what somebody makes."""
MOST_ATTEMPTS = 8
"""After so many an order of a schedule is left as it is, and seen in the log and in the metrics."""
_PAUSE = MINUTE
_NEVER = 2**62


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that is there. `lease`: this caller makes it; `None`: another does, or will."""

    key: str
    report: str
    lease: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """An order in hand. `report`: the id that its report will have."""

    key: str
    report: str
    asked: Asked
    lease: str
    attempts: int


def place(connection: Connection, asked: Asked, key: str, now: int, *, mine: bool) -> Placed:
    """Order a report, once by this key. `mine`: whoever places it makes it, too. `now`: wall time, ms."""
    table = tables.report_order
    lease = secrets.token_hex(8) if mine else None
    row = {
        "key": key,
        "report": new_name(),
        "asked": asked.row(),
        "ordered_at": now,
        "due": now + LEASE if mine else now,
        "lease": lease,
        "attempts": 1 if mine else 0,
    }
    if mine:  # nobody waits for what was given up
        connection.execute(table.delete().where(table.c.key == key, table.c.due >= _NEVER))
    placed = insert(connection, table).values(row).on_conflict_do_nothing().returning(table.c.report)
    report = connection.execute(placed).scalar()
    if report is not None:
        return Placed(key, str(report), lease)
    there = connection.execute(select(table.c.report).where(table.c.key == key)).scalar_one()
    return Placed(key, str(there), None)


def is_due(connection: Connection, now: int) -> bool:
    """Whether an order waits to be made."""
    table = tables.report_order
    return connection.execute(select(table.c.key).where(table.c.due <= now).limit(1)).first() is not None


def take(engine: Engine, now: int) -> Order | None:
    """Take the order that has been due longest; `None`: there is none."""
    table = tables.report_order
    with writing(engine) as connection:
        # Whoever had them died each time: they are not what the next one should begin with
        worn = (table.c.due <= now) & (table.c.attempts >= MOST_ATTEMPTS)
        problem = Sentence("made_died").packed()
        connection.execute(table.update().where(worn).values(due=_NEVER, lease=None, problem=problem))
        due = select(table).where(table.c.due <= now).order_by(table.c.due, table.c.key).limit(1)
        row = connection.execute(due.with_for_update(skip_locked=True)).mappings().first()
        if row is None:
            return None
        lease, attempts = secrets.token_hex(8), row["attempts"] + 1
        values = {"lease": lease, "due": now + LEASE, "attempts": attempts}
        connection.execute(table.update().where(table.c.key == row["key"]).values(values))
    return _order(row, lease, attempts)


def take_leased(engine: Engine, key: str, lease: str) -> Order | None:
    """Returns the order that was placed with a lease; `None`: it is gone, or another makes it by now."""
    table = tables.report_order
    with engine.connect() as connection:
        row = connection.execute(select(table).where(table.c.key == key, table.c.lease == lease)).mappings().first()
    return None if row is None else _order(row, lease, row["attempts"])


def _order(row: RowMapping, lease: str, attempts: int) -> Order:
    return Order(row["key"], row["report"], Asked.of(row["asked"]), lease, attempts)


def complete(connection: Connection, order: Order) -> bool:
    """End an order in the transaction that writes its report; whether it was still this caller's to make."""
    table = tables.report_order
    mine = (table.c.key == order.key) & (table.c.lease == order.lease)
    return connection.execute(table.delete().where(mine)).rowcount == 1


def withdraw(connection: Connection, key: str, lease: str) -> None:
    """Take an order back, unless it is made or another makes it by now."""
    table = tables.report_order
    connection.execute(table.delete().where(table.c.key == key, table.c.lease == lease))


def fail(engine: Engine, order: Order, problem: Sentence, now: int) -> bool:
    """Write down why an order was not made; whether it will be tried again.

    What somebody waits for is not: they are told. What a schedule ordered is, with growing pauses, a few times.
    """
    table = tables.report_order
    mine = (table.c.key == order.key) & (table.c.lease == order.lease)
    with writing(engine) as connection:
        if order.asked.schedule is None:
            connection.execute(table.delete().where(mine))
            return False
        again = order.attempts < MOST_ATTEMPTS
        due = now + _PAUSE * 2**order.attempts if again else _NEVER
        connection.execute(table.update().where(mine).values(due=due, lease=None, problem=problem.packed()))
    return again


def given_up(connection: Connection) -> int:
    """Returns how many orders are left as they are, as nobody could make them."""
    table = tables.report_order
    query = select(func.count()).select_from(table).where(table.c.due >= _NEVER)
    return int(connection.execute(query).scalar_one())
