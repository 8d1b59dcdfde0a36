"""What people do about an alert: each change in one transaction with its event and its entry in the audit trail."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, RowMapping, select

from api.alerts.events import append_event, take_turn
from api.alerts.seen import seen_row
from siaga.database import tables, writing
from siaga.model.caller import Caller

__all__ = ["Act", "Changed", "NoSuchAlert", "act"]


_ID = re.compile("[0-9a-f]{32}")


class NoSuchAlert(LookupError):
    """There is no such alert, or it is not there for the caller."""


class Changed(Exception):
    """The alert has changed since; `revision` is that of now."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"its revision is {revision}")
        self.revision = revision


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that a person does about an alert.

    `detail` goes into the audit trail. `columns` answers which columns of the alert it sets, from the alert as it is;
    none: nothing changes, as when an alert is acknowledged again. `comment` is kept beside the alert.
    """

    action: str
    detail: Mapping[str, object] | None = None
    columns: Callable[[RowMapping], Mapping[str, object]] = lambda _: {}
    comment: str | None = None


def act(
    engine: Engine, caller: Caller, alert: str, what: Act, now: int, *, allowed: Callable[[int], bool] | None = None
) -> bool:
    """Do it. Returns whether anything changed.

    Args:
        engine: the database.
        caller: who does it.
        alert: the id of the alert.
        what: the action.
        now: wall time, ms.
        allowed: whether the alert may be changed at its revision; without it at any.

    Raises:
        NoSuchAlert: there is none that the caller may see.
        Changed: somebody else was first.
    """
    with writing(engine) as connection:
        take_turn(connection)  # before the alert's row is touched, as everybody does: so no two wait for each other
        row = _row(connection, caller, alert)
        if allowed is not None and not allowed(row["revision"]):
            raise Changed(row["revision"])
        columns = what.columns(row)
        if not columns and what.comment is None:
            return False
        if what.comment is not None:
            comment = {"alert": alert, "author": caller.name, "time": now, "text": what.comment}
            connection.execute(tables.alert_comment.insert(), comment)
        table = tables.alert
        revision = row["revision"] + 1
        connection.execute(table.update().where(table.c.id == alert).values(**columns, revision=revision))
        entry = {"alert": alert, "action": what.action, "actor": caller.name, "time": now, "detail": what.detail}
        connection.execute(tables.alert_action.insert(), entry)
        append_event(connection, alert, "updated", now)
    return True


def _row(connection: Connection, caller: Caller, alert: str) -> RowMapping:
    query = select(tables.alert).where(tables.alert.c.id == alert)
    row = connection.execute(query).mappings().one_or_none() if _ID.fullmatch(alert) else None
    if row is None or seen_row({str(key): value for key, value in row.items()}, caller.scopes) is None:
        raise NoSuchAlert(alert)
    return row
