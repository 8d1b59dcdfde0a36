"""Scopes in queries."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, false, or_, true

from siaga.model.scope import EVERYTHING, is_region

__all__ = ["within_any", "within_scope"]


def within_scope(village: ColumnElement[str], scope: str | None) -> ColumnElement[bool]:
    """Returns the condition that a column of village codes lies in a scope; without one all do."""
    if scope is None or scope == EVERYTHING:
        return true()
    return village.startswith(f"{scope}.", autoescape=True) if is_region(scope) else village == scope


def within_any(village: ColumnElement[str], scopes: Iterable[str]) -> ColumnElement[bool]:
    """Returns the condition that a column of village codes lies in one of some scopes; in none of none."""
    return or_(false(), *(within_scope(village, scope) for scope in scopes))
