"""What people do about an alert: each change in one transaction with its event and its entry in the audit trail."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, RowMapping, select

from api.alert_records.events import append_event, take_turn
from api.alert_records.seen import seen_row
from siaga.database import tables, writing
from siaga.model.caller import Caller
from siaga.model.clock import DAY
from siaga.model.times import rfc3339

__all__ = [
    "LONGEST_SNOOZE",
    "Act",
    "Changed",
    "NoSuchAlert",
    "Outcome",
    "acknowledging",
    "act",
    "act_on_many",
    "assigning",
    "commenting",
    "end_snoozes",
    "snoozing",
    "withdrawing",
]

_ID = re.compile("[0-9a-f]{32}")
LONGEST_SNOOZE = 30 * DAY


class NoSuchAlert(LookupError):
    """There is no such alert, or it is not there for the caller."""


class Changed(Exception):
    """The alert has changed since; `revision` is its revision now."""

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


def acknowledging(caller: Caller, now: int) -> Act:
    """Returns the act of saying that it has been seen. The first who does stays; again changes nothing."""

    def first_only(row: RowMapping) -> Mapping[str, object]:
        return {"acknowledged_at": now, "acknowledged_by": caller.name} if row["acknowledged_at"] is None else {}

    return Act("acknowledge", columns=first_only)


def assigning(assignee: str | None) -> Act:
    """Returns the act of saying who takes care of it; `None`: nobody."""
    wanted: dict[str, object] = {"assignee": assignee}
    return Act("assign", wanted, lambda row: {} if row["assignee"] == assignee else wanted)


def withdrawing() -> Act:
    """Returns the act of taking back that somebody has seen it: it is as new."""

    def none_left(row: RowMapping) -> dict[str, object]:
        return {"acknowledged_at": None, "acknowledged_by": None} if row["acknowledged_at"] is not None else {}

    return Act("acknowledge", {"withdrawn": True}, none_left)


def commenting(text: str) -> Act:
    """Returns the act of saying something of it."""
    return Act("comment", comment=text)


def snoozing(until: int | None) -> Act:
    """Returns the act of leaving it alone until a wall time, ms; `None`: not at all."""
    return Act("snooze", {"until": None if until is None else rfc3339(until)}, lambda _: {"snoozed_until": until})


def act(
    engine: Engine, caller: Caller, alert: str, what: Act, now: int, *, allowed: Callable[[int], bool] | None = None
) -> None:
    """Do it, unless it changes nothing.

    Args:
        engine: the database.
        caller: who does it.
        alert: the id of the alert.
        what: what is done.
        now: wall time, ms.
        allowed: whether the alert may be changed at its revision; without it at any.

    Raises:
        NoSuchAlert: there is none that the caller may see.
        Changed: the revision is one that is not allowed.
    """
    with writing(engine) as connection:
        take_turn(connection)  # before the alert's row is touched, as everybody does: so no two wait for each other
        row = _seen(connection, caller, alert)
        if row is None:
            raise NoSuchAlert(alert)
        if allowed is not None and not allowed(row["revision"]):
            raise Changed(row["revision"])
        _carry_out(connection, row, caller.name, what, now)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one alert of many. `status`: what a call for it alone answers. `row`: as it is now, where there
    is one."""

    alert: str
    status: int
    row: RowMapping | None


def act_on_many(
    engine: Engine,
    caller: Caller,
    chosen: Mapping[str, int | None],
    acts: Callable[[RowMapping], Sequence[Act]],
    now: int,
) -> list[Outcome]:
    """Do something about many alerts in one transaction: of each all that `acts` returns for it, or nothing.

    `chosen`: the alerts, each with the revision at which somebody saw it; `None`: whatever it is now. Of one that has
    changed since, nothing is done where somebody else has taken it meanwhile (412): a change by siaga itself, as when
    it is dated anew, keeps nobody from taking it.
    """
    outcomes = []
    with writing(engine) as connection:
        take_turn(connection)
        for alert, revision in chosen.items():
            row = _seen(connection, caller, alert)
            if row is None:
                outcomes.append(Outcome(alert, 404, None))
            elif revision not in (None, row["revision"]) and _taken_by_another(row, caller):
                outcomes.append(Outcome(alert, 412, row))
            else:
                for what in acts(row):
                    row = _carry_out(connection, row, caller.name, what, now)
                outcomes.append(Outcome(alert, 200, row))
    return outcomes


def end_snoozes(engine: Engine, now: int, writes: Callable[[], AbstractContextManager[Connection]]) -> int:
    """End the snoozes of open alerts that have lasted until now, each with its event. Returns how many there were.

    `writes`: begins a transaction.
    """
    table = tables.alert
    over = select(table.c.id).where(table.c.cleared_at.is_(None), table.c.snoozed_until <= now)
    with engine.connect() as connection:
        if connection.execute(over.limit(1)).first() is None:
            return 0
    with writes() as connection:
        take_turn(connection)
        ended = connection.execute(select(table).where(table.c.id.in_(over)).order_by(table.c.id)).mappings().all()
        for row in ended:
            _carry_out(connection, row, "siaga", snoozing(None), now)
    return len(ended)


def _carry_out(connection: Connection, row: RowMapping, actor: str, what: Act, now: int) -> RowMapping:
    """Change an alert's row as an act says, with its event and its entry in the trail. Returns the new row."""
    alert, table = row["id"], tables.alert
    columns = what.columns(row)
    if not columns and what.comment is None:
        return row
    if what.comment is not None:
        comment = {"alert": alert, "author": actor, "time": now, "text": what.comment}
        connection.execute(tables.alert_comment.insert(), comment)
    revision = row["revision"] + 1
    connection.execute(table.update().where(table.c.id == alert).values(**columns, revision=revision))
    entry = {"alert": alert, "action": what.action, "actor": actor, "time": now, "detail": what.detail}
    connection.execute(tables.alert_action.insert(), entry)
    append_event(connection, alert, "updated", now)
    return connection.execute(select(table).where(table.c.id == alert)).mappings().one()


def _taken_by_another(row: RowMapping, caller: Caller) -> bool:
    return any(row[column] not in (None, caller.name) for column in ("acknowledged_by", "assignee"))


def _seen(connection: Connection, caller: Caller, alert: str) -> RowMapping | None:
    """The alert's row; `None`: there is none that the caller may see."""
    if _ID.fullmatch(alert) is None:
        return None
    row = connection.execute(select(tables.alert).where(tables.alert.c.id == alert)).mappings().one_or_none()
    if row is None or seen_row({str(key): value for key, value in row.items()}, caller.scopes) is None:
        return None
    return row
