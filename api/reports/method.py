"""How the figures come about, in the sentences that every form shows."""

from collections.abc import Sequence

from api.words import Words

__all__ = ["METHOD", "method"]

METHOD = (
    "seconds",
    "required",
    "since",
    "excused",
    "availability",
    "measured",
    "coverage",
    "outage",
    "repair",
    "budget",
    "sums",
    "cut",
    "provisional",
    "compared",
)
"""What each sentence is about, in order."""


def method(words: Words) -> Sequence[str]:
    """Returns the sentences in one language."""
    return [words(f"method_{name}") for name in METHOD]
