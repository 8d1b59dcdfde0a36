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
        """Whether a village, by its code, lies in the scope."""
        return self.text in (EVERYTHING, village) or village.startswith(f"{self.text}.")

    def covers(self, other: "Scope") -> bool:
        """Whether all of another scope lies in this one."""
        return self.text == EVERYTHING or self == other or other.text.startswith(f"{self.text}.")


def parse_scope(text: str) -> Scope:
    """Returns the scope of a text; whether anything lies in it is not asked.

    Raises:
        NotAScope: it has the form of none.
    """
    if _SCOPE.fullmatch(text) is None:
        raise NotAScope(
            "is not a scope: write a village's code such as 35.10.15.2012, a region's such as 35.10.15, 35.10 or 35, "
            "or * for everything"
        )
    return Scope(text)


@dataclass(frozen=True, slots=True)
class Scopes:
    """What may be seen, or is asked for: some scopes, in order, none of which lies in another. None: nothing."""

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
        """Whether there is any scope."""
        return bool(self.each)

    @property
    def everything(self) -> bool:
        """Whether every village lies in them."""
        return self == EVERYWHERE

    @property
    def texts(self) -> list[str]:
        """The scopes as texts, as they are stored and shown."""
        return [scope.text for scope in self.each]

    @staticmethod
    def of(texts: Iterable[str]) -> "Scopes":
        """Returns the scopes of some texts.

        Raises:
            NotAScope: one of them has the form of none.
        """
        return Scopes(tuple(parse_scope(text) for text in texts))

    def holds(self, village: str) -> bool:
        """Whether a village, by its code, lies in one of them."""
        return any(scope.holds(village) for scope in self.each)

    def covers(self, scope: Scope) -> bool:
        """Whether all of a scope lies in one of them."""
        return any(one.covers(scope) for one in self.each)

    def within(self, scope: Scope | None) -> "Scopes":
        """Returns what of a scope lies in these; of `None` all of these.

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
