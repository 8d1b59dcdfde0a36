"""Scopes: a village's code, a region (a prefix of codes), or `*` for everything (contract, section 1)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["EVERYTHING", "EVERYWHERE", "NOWHERE", "SCOPE_PATTERN", "NotAScope", "Scope", "Scopes", "parse_scope"]

EVERYTHING = "*"
SCOPE_PATTERN = r"^(\*|[0-9]{2}(\.[0-9]{2}){0,2}|[0-9]{2}(\.[0-9]{2}){2}\.[0-9]{4})$"
"""As a regular expression that JSON Schema understands."""
_SCOPE = re.compile(SCOPE_PATTERN, re.ASCII)


class NotAScope(ValueError):
    """A text that is no scope; the message is the end of a sentence that begins with the text."""


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """A village's code, a prefix of codes, or `*`."""

    text: str

    def holds(self, village: str) -> bool:
        """Returns whether a village, by its code, is in the scope."""
        return self.text in (EVERYTHING, village) or village.startswith(f"{self.text}.")

    def covers(self, other: "Scope") -> bool:
        """Returns whether this scope contains all of another one."""
        return self.text == EVERYTHING or self == other or other.text.startswith(f"{self.text}.")


def parse_scope(text: str) -> Scope:
    """Returns the scope of a text. It is not checked whether the scope contains a village.

    Raises:
        NotAScope: the text is not in the form of a scope.
    """
    if _SCOPE.fullmatch(text) is None:
        raise NotAScope(
            "is not a scope: write a village's code such as 35.10.15.2012, a region's such as 35.10.15, 35.10 or 35, "
            "or * for everything"
        )
    return Scope(text)


@dataclass(frozen=True, slots=True)
class Scopes:
    """The scopes that a caller may see or asks for, in order. None contains another. Without any: nothing."""

    each: tuple[Scope, ...]

    def __post_init__(self) -> None:
        """Leave out what another scope covers."""
        found = sorted(set(self.each))
        kept = (one for one in found if not any(other != one and other.covers(one) for other in found))
        object.__setattr__(self, "each", tuple(kept))

    def __iter__(self) -> Iterator[Scope]:
        """Iterate over the scopes."""
        return iter(self.each)

    def __bool__(self) -> bool:
        """Returns whether there is any scope."""
        return bool(self.each)

    @property
    def everything(self) -> bool:
        """Returns whether every village is in them."""
        return self == EVERYWHERE

    @property
    def texts(self) -> list[str]:
        """The scopes as texts, as they are stored and shown."""
        return [scope.text for scope in self.each]

    @staticmethod
    def of(texts: Iterable[str]) -> "Scopes":
        """Returns the scopes of some texts.

        Raises:
            NotAScope: a text is not in the form of a scope.
        """
        return Scopes(tuple(parse_scope(text) for text in texts))

    def holds(self, village: str) -> bool:
        """Returns whether a village, by its code, is in one of them."""
        return any(scope.holds(village) for scope in self.each)

    def covers(self, scope: Scope) -> bool:
        """Returns whether one of them contains all of a scope."""
        return any(one.covers(scope) for one in self.each)

    def within(self, scope: Scope | None) -> "Scopes":
        """Returns the part of a scope that these contain; for `None` all of these.

        Codes form a tree: of two scopes one covers the other, or they share nothing.
        """
        if scope is None:
            return self
        if self.covers(scope):
            return Scopes((scope,))
        return Scopes(tuple(one for one in self.each if scope.covers(one)))


EVERYWHERE = Scopes((Scope(EVERYTHING),))
"""The scopes of a caller who is not limited."""
NOWHERE = Scopes(())
