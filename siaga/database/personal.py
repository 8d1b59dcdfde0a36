"""What the database holds of a person by name (UU PDP): each row in which the name stands, without secrets."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, or_, select

from siaga.database.tables import metadata

__all__ = ["NAMED_IN", "mentions"]

NAMED_IN: Mapping[str, tuple[str, ...]] = {
    "person": ("name",),
    "welcome": ("person",),
    "session": ("person",),
    "push_subscription": ("person",),
    "token": ("name",),
    "alert": ("acknowledged_by", "assignee"),
    "alert_action": ("actor",),
    "alert_comment": ("author",),
    "annotation": ("created_by", "deleted_by"),
    "maintenance": ("created_by", "deleted_by"),
    "attestation": ("made_by", "confirmed_by", "withdrawn_by"),
    "complaint": ("seen_by", "ended_by"),
    "complaint_quiet": ("set_by",),
    "report": ("issued_by",),
    "notification": ("recipient",),
}
"""By table, the columns in which a person's name stands. A recipient is the name, `/` and a channel."""
SECRET = frozenset({"hash", "password_hash", "endpoint", "p256dh", "auth"})
LONG = frozenset({"summary", "factors", "changes", "evidence", "subject"})
"""Columns that say nothing of the person, and much else."""
MOMENT = 100_000_000_000
"""An integer of a large column from here on is a time in ms."""


def mentions(connection: Connection, name: str) -> dict[str, list[dict[str, object]]]:
    """Returns the rows with a person's name, by table; tables without any are left out. Times are RFC 3339."""
    found = {}
    for table_name, columns in NAMED_IN.items():
        table = metadata.tables[table_name]
        shown = [column for column in table.columns if _is_shown(column)]
        named = [table.c[each] for each in columns]
        is_named = or_(
            *(each == name for each in named), *(each.startswith(f"{name}/", autoescape=True) for each in named)
        )
        rows = connection.execute(select(*shown).where(is_named)).mappings().all()
        if rows:
            found[table_name] = [{column.name: _text(column, row[column.name]) for column in shown} for row in rows]
    return found


def _is_shown(column: Column[object]) -> bool:
    return column.name not in SECRET | LONG and not isinstance(column.type, LargeBinary)


def _text(column: Column[object], value: object) -> object:
    if isinstance(value, int) and isinstance(column.type, BigInteger) and value >= MOMENT:
        return datetime.fromtimestamp(value / 1000, UTC).isoformat().replace("+00:00", "Z")
    return value
