"""Scopes: a village's code, a region (a prefix of codes), or `*` for everything (contract, section 1)."""

import re

__all__ = ["EVERYTHING", "SCOPE_PATTERN", "NotAScope", "check_scope", "in_scope", "is_region"]

EVERYTHING = "*"
SCOPE_PATTERN = r"^(\*|[0-9]{2}(\.[0-9]{2}){0,2}|[0-9]{2}(\.[0-9]{2}){2}\.[0-9]{4})$"
"""A scope as a regular expression for JSON Schema."""
_SCOPE = re.compile(SCOPE_PATTERN, re.ASCII)
_REGION = re.compile(r"[0-9]{2}(\.[0-9]{2}){0,2}", re.ASCII)


class NotAScope(ValueError):
    """A text is no scope. The message is the end of a sentence that begins with the key."""


def check_scope(text: str) -> str:
    """Returns the text, if it is a scope.

    Raises:
        NotAScope: it is no scope.
    """
    if _SCOPE.fullmatch(text) is None:
        raise NotAScope("is not a scope: the code of a village, a region such as 35.10.15, or *")
    return text


def is_region(scope: str) -> bool:
    """Returns whether a scope is a province, a district or a sub-district."""
    return _REGION.fullmatch(scope) is not None


def in_scope(village: str, scope: str) -> bool:
    """Returns whether a village, by its code, is in a scope."""
    return scope in (EVERYTHING, village) or village.startswith(f"{scope}.")
