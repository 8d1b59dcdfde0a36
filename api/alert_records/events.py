"""Writing an alert's event, in the same transaction as the change that it tells of, with the notice for those who are
to be told: the outbox that `api.notifications` works off.

A stream reads the events above the last id it sent, so ids have to become visible in order. SQLite has one writer at
a time; in PostgreSQL, where the engine and the HTTP API write at once, a number drawn first could be committed last.
There the writers of events take turns, by an advisory lock that the end of the transaction gives back.
"""

from sqlalchemy import Connection, bindparam, select, text

from api.alert_records.documents import alert_document
from api.alert_records.excuses import with_plan
from siaga.database import tables

__all__ = ["append_event", "take_turn"]

_LOCK = 0x5349_4147_4145
"""The advisory lock's number in PostgreSQL: `SIAGAE` in ASCII."""
_TAKE_TURN = text("SELECT pg_advisory_xact_lock(:lock), set_config('idle_in_transaction_session_timeout', '5s', true)")
"""A process that is stopped in the middle of such a transaction holds up the others for five seconds at most."""
# Statements are made once: that takes as long as to execute them
_ALERT = select(tables.alert).where(tables.alert.c.id == bindparam("alert"))
_EVENT = tables.alert_event.insert().returning(tables.alert_event.c.id)
_NOTICE = tables.notice.insert()


def take_turn(connection: Connection) -> None:
    """Wait for other writers of events; to be called in a transaction before its first event."""
    if connection.dialect.name == "postgresql":
        connection.execute(_TAKE_TURN, {"lock": _LOCK})


def append_event(connection: Connection, alert: str, kind: str, at: int) -> dict[str, object]:
    """Write that the alert was `raised`, `updated` or `cleared` at wall time `at`. Returns the alert as it is now."""
    take_turn(connection)
    row = connection.execute(_ALERT, {"alert": alert}).mappings().one()
    [shown] = with_plan(connection, [{str(key): value for key, value in row.items()}], at)
    document = alert_document(shown)
    event = {"alert": alert, "type": kind, "time": at, "document": document}
    number = connection.execute(_EVENT, event).scalar_one()
    notice = {"event": number, "alert": alert, "village": row["village"], "type": kind, "time": at}
    connection.execute(_NOTICE, notice)
    return document
