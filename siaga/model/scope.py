"""Scopes: a village's code, a region (a leading part of a code), or `*` for everything (contract, section 1)."""

import re

__all__ = ["EVERYTHING", "SCOPE_PATTERN", "NotAScope", "check_scope", "in_scope", "is_region"]

EVERYTHING = "*"
SCOPE_PATTERN = r"^(\*|[0-9]{2}(\.[0-9]{2}){0,2}|[0-9]{2}(\.[0-9]{2}){2}\.[0-9]{4})$"
"""As a regular expression that JSON Schema understands."""
_SCOPE = re.compile(SCOPE_PATTERN, re.ASCII)
_REGION = re.compile(r"[0-9]{2}(\.[0-9]{2}){0,2}", re.ASCII)


class NotAScope(ValueError):
    """A text that is no scope; the message is the end of a sentence."""


def check_scope(text: str) -> str:
    """Returns the scope as it was given.

    Raises:
        NotAScope: it is none.
    """
    if _SCOPE.fullmatch(text) is None:
        raise NotAScope("is not a scope: the code of a village, a region such as 35.10.15, or *")
    return text


def is_region(scope: str) -> bool:
    """Whether a scope is a province, a district or a sub-district."""
    return _REGION.fullmatch(scope) is not None


def in_scope(village: str, scope: str) -> bool:
    """Whether a village, by its code, lies in a scope."""
    return scope in (EVERYTHING, village) or village.startswith(f"{scope}.")
