"""What people do about an alert: each change in one transaction with its event and its entry in the audit trail."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from api.alerts.events import append_event, take_turn
from api.http.problems import Refused, not_found
from api.http.services import Services
from siaga.database import tables, writing
from siaga.model.caller import Caller

__all__ = ["Act", "act", "alert_row", "etag"]

_ID = re.compile("[0-9a-f]{32}")


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
        columns = what.columns(row)
        if not columns and what.comment is None:
            return row
        if what.comment is not None:
            comment = {"alert": alert, "author": caller.name, "time": now, "text": what.comment}
            connection.execute(tables.alert_comment.insert(), comment)
        table = tables.alert
        revision = row["revision"] + 1
        connection.execute(table.update().where(table.c.id == alert).values(**columns, revision=revision))
        entry = {"alert": alert, "action": what.action, "actor": caller.name, "time": now, "detail": what.detail}
        connection.execute(tables.alert_action.insert(), entry)
        append_event(connection, alert, "updated", now)
        row = alert_row(connection, alert)
    services.signal.ring()
    return row


def alert_row(connection: Connection, alert: str) -> RowMapping:
    """The alert's row.

    Raises:
        Refused: 404, there is none.
    """
    query = select(tables.alert).where(tables.alert.c.id == alert)
    row = connection.execute(query).mappings().one_or_none() if _ID.fullmatch(alert) else None
    if row is None:
        raise not_found("alert", alert)
    return row


def etag(revision: int) -> str:
    """The entity tag of a revision."""
    return f'"{revision}"'


def _matches(if_match: str, revision: int) -> bool:
    """By RFC 9110, section 13.1.1: `*`, or one of the tags listed; a weak tag never matches."""
    return if_match.strip() == "*" or etag(revision) in [tag.strip() for tag in if_match.split(",")]
