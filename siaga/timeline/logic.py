"""Kleene's three-valued logic: true, false, and `None` for unknown."""

from collections.abc import Callable, Iterable, Mapping

__all__ = ["RULES", "Ternary", "all_of", "any_of", "first_of"]

Ternary = bool | None
"""True, false, or `None` for unknown."""


def all_of(values: Iterable[Ternary]) -> Ternary:
    """Returns Kleene's AND: false if any is false, else unknown if any is unknown. True for no values."""
    result: Ternary = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def any_of(values: Iterable[Ternary]) -> Ternary:
    """Returns Kleene's OR: true if any is true, else unknown if any is unknown. False for no values."""
    result: Ternary = False
    for value in values:
        if value is True:
            return True
        if value is None:
            result = None
    return result


def first_of(values: Iterable[Ternary]) -> Ternary:
    """Returns the first value that is not unknown; unknown if there is none."""
    return next((value for value in values if value is not None), None)


RULES: Mapping[str, Callable[[Iterable[Ternary]], Ternary]] = {
    "all_of": all_of,
    "any_of": any_of,
    "first_of": first_of,
}
"""The rules by the names that indicators use."""
