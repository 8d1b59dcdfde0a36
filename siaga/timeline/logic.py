"""Three-valued logic after Kleene: true, false, and `None` for not known."""

from collections.abc import Callable, Iterable, Mapping

__all__ = ["RULES", "Ternary", "all_of", "any_of", "first_of"]

Ternary = bool | None
"""True, false, or `None`: not known."""


def all_of(values: Iterable[Ternary]) -> Ternary:
    """Kleene's AND: false as soon as one is false, whatever is not known; of nothing it is true."""
    result: Ternary = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def any_of(values: Iterable[Ternary]) -> Ternary:
    """Kleene's OR: true as soon as one is true, whatever is not known; of nothing it is false."""
    result: Ternary = False
    for value in values:
        if value is True:
            return True
        if value is None:
            result = None
    return result


def first_of(values: Iterable[Ternary]) -> Ternary:
    """The first that is known: each next one is asked only where those before it are not known."""
    return next((value for value in values if value is not None), None)


RULES: Mapping[str, Callable[[Iterable[Ternary]], Ternary]] = {
    "all_of": all_of,
    "any_of": any_of,
    "first_of": first_of,
}
"""By the names that the indicators use."""
