"""Scopes in queries."""

from sqlalchemy import ColumnElement, false, or_, true

from siaga.model.scope import Scope, Scopes

__all__ = ["within", "within_text"]

_FIRST, _LAST = "00.00.00.0000", "99.99.99.9999"


def within(village: ColumnElement[str], scopes: Scopes) -> ColumnElement[bool]:
    """Returns the condition that a column of village codes lies in one of some scopes.

    Each region is one range of whole codes. An index serves it whatever the collation, because all codes have their
    dots at the same places; `LIKE` would need an index of its own in PostgreSQL, and none serves it in SQLite.
    """
    if scopes.everything:
        return true()
    return or_(false(), *(_of(village, scope) for scope in scopes))


def within_text(village: str, scopes: Scopes) -> tuple[str, dict[str, object]]:
    """Returns the same condition as text about a column of this name, and the values that it binds."""
    if scopes.everything:
        return "TRUE", {}
    parts, values = list[str](), dict[str, object]()
    for number, scope in enumerate(scopes):
        first, last = _bounds(scope)
        parts.append(f"{village} BETWEEN :scope_{number}_first AND :scope_{number}_last")
        values |= {f"scope_{number}_first": first, f"scope_{number}_last": last}
    return f"({' OR '.join(parts) or 'FALSE'})", values


def _of(village: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    first, last = _bounds(scope)
    return village == first if first == last else village.between(first, last)


def _bounds(scope: Scope) -> tuple[str, str]:
    """The first and the last code that a scope, not everything, can hold."""
    known = len(scope.text)
    return scope.text + _FIRST[known:], scope.text + _LAST[known:]
