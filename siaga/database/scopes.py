"""Scopes in queries."""

from sqlalchemy import ColumnElement, true

from siaga.model.scope import EVERYTHING, is_region

__all__ = ["within_scope"]


def within_scope(village: ColumnElement[str], scope: str | None) -> ColumnElement[bool]:
    """Returns the condition that a column of village codes lies in a scope; without one all do."""
    if scope is None or scope == EVERYTHING:
        return true()
    return village.startswith(f"{scope}.", autoescape=True) if is_region(scope) else village == scope
