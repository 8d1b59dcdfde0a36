"""The name of an issued report: nobody guesses it, and a person can type it from paper."""

import secrets

__all__ = ["LENGTH", "new_name", "read_name", "shown_name"]

_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"
"""Without those that are mistaken for others on paper: 0 and o, 1, i and l, u and v."""
LENGTH = 16
"""Letters: 78 random bits."""


def new_name() -> str:
    """Returns a random name."""
    return "".join(secrets.choice(_LETTERS) for _ in range(LENGTH))


def read_name(text: str) -> str | None:
    """Returns the name that somebody typed, in any case, with spaces or hyphens between; `None`: it can be none."""
    found = text.lower().replace("-", "").replace(" ", "")
    return found if len(found) == LENGTH and set(found) <= set(_LETTERS) else None


def shown_name(name: str) -> str:
    """Returns the name in groups of four, as it is read out and typed."""
    return "-".join(name[start : start + 4] for start in range(0, len(name), 4))
