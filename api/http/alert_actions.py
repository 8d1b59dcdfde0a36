"""What people do about an alert: each change in one transaction with its event and its entry in the audit trail."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from api.alerts.documents import rfc3339
from api.alerts.events import append_event, take_turn
from api.http.problems import Refused, not_found
from api.http.services import Services
from siaga.database import tables, writing
from siaga.model.caller import Caller
from siaga.model.clock import DAY

__all__ = [
    "LONGEST_SNOOZE",
    "Act",
    "Outcome",
    "acknowledging",
    "act",
    "act_on_many",
    "alert_row",
    "assigning",
    "commenting",
    "etag",
    "find_alert",
    "snoozing",
]

_ID = re.compile("[0-9a-f]{32}")
LONGEST_SNOOZE = 30 * DAY


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


def commenting(text: str) -> Act:
    """Returns the act of saying something of it."""
    return Act("comment", comment=text)


def snoozing(until: int | None) -> Act:
    """Returns the act of leaving it alone until a wall time, ms; `None`: not at all."""
    return Act("snooze", {"until": None if until is None else rfc3339(until)}, lambda _: {"snoozed_until": until})


def act(services: Services, caller: Caller, alert: str, what: Act, if_match: str | None) -> RowMapping:
    """Do it, unless the alert is no longer at a revision that `If-Match` names. Answers the alert's row.

    Raises:
        Refused: 404, there is no such alert; 412, somebody else was first.
    """
    now = services.clock.now()
    with writing(services.engine) as connection:
        take_turn(connection)  # before the alert's row is touched, as everybody does: so no two wait for each other
        row = alert_row(connection, alert)
        if if_match is not None and not _matches(if_match, row["revision"]):
            tag = etag(row["revision"])
            raise Refused(412, f"If-Match: {if_match[:60]!r} is not the alert's revision now, {tag}", {"ETag": tag})
        row = _carry_out(connection, row, caller, what, now)
    services.signal.ring()
    return row


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one alert of many. `status`: what a call for it alone answers. `row`: as it is now, where there
    is one."""

    alert: str
    status: int
    row: RowMapping | None


def act_on_many(
    services: Services, caller: Caller, chosen: Mapping[str, int | None], acts: Callable[[RowMapping], Sequence[Act]]
) -> list[Outcome]:
    """Do something about many alerts in one transaction: of each all that `acts` returns for it, or nothing.

    `chosen`: the alerts, each with the revision at which somebody saw it; `None`: whatever it is now. Of one that has
    changed since, nothing is done where somebody else has taken it meanwhile (412): a change by siaga itself, as when
    it is dated anew, keeps nobody from taking it.
    """
    now = services.clock.now()
    outcomes = []
    with writing(services.engine) as connection:
        take_turn(connection)
        for alert, revision in chosen.items():
            row = find_alert(connection, alert)
            if row is None:
                outcomes.append(Outcome(alert, 404, None))
            elif revision not in (None, row["revision"]) and _taken_by_another(row, caller):
                outcomes.append(Outcome(alert, 412, row))
            else:
                for what in acts(row):
                    row = _carry_out(connection, row, caller, what, now)
                outcomes.append(Outcome(alert, 200, row))
    services.signal.ring()
    return outcomes


def _carry_out(connection: Connection, row: RowMapping, caller: Caller, what: Act, now: int) -> RowMapping:
    """Change an alert's row as an act says, with its event and its entry in the trail. Returns the new row."""
    alert, table = row["id"], tables.alert
    columns = what.columns(row)
    if not columns and what.comment is None:
        return row
    if what.comment is not None:
        comment = {"alert": alert, "author": caller.name, "time": now, "text": what.comment}
        connection.execute(tables.alert_comment.insert(), comment)
    revision = row["revision"] + 1
    connection.execute(table.update().where(table.c.id == alert).values(**columns, revision=revision))
    entry = {"alert": alert, "action": what.action, "actor": caller.name, "time": now, "detail": what.detail}
    connection.execute(tables.alert_action.insert(), entry)
    append_event(connection, alert, "updated", now)
    return alert_row(connection, alert)


def _taken_by_another(row: RowMapping, caller: Caller) -> bool:
    return any(row[column] not in (None, caller.name) for column in ("acknowledged_by", "assignee"))


def find_alert(connection: Connection, alert: str) -> RowMapping | None:
    """Returns the alert's row; `None`: there is none."""
    query = select(tables.alert).where(tables.alert.c.id == alert)
    return connection.execute(query).mappings().one_or_none() if _ID.fullmatch(alert) else None


def alert_row(connection: Connection, alert: str) -> RowMapping:
    """The alert's row.

    Raises:
        Refused: 404, there is none.
    """
    row = find_alert(connection, alert)
    if row is None:
        raise not_found("alert", alert)
    return row


def etag(revision: int) -> str:
    """The entity tag of a revision."""
    return f'"{revision}"'


def _matches(if_match: str, revision: int) -> bool:
    """By RFC 9110, section 13.1.1: `*`, or one of the tags listed; a weak tag never matches."""
    return if_match.strip() == "*" or etag(revision) in [tag.strip() for tag in if_match.split(",")]
