"""The languages, and which of them somebody reads."""

from collections.abc import Collection
from enum import StrEnum

__all__ = ["Language", "chosen_language", "preferred"]

_MOST_TAGS = 20
"""Tags of an `Accept-Language` that are looked at: a browser sends a handful."""


class Language(StrEnum):
    """The languages of the catalogues, the first one by default."""

    ID = "id"
    EN = "en"


def chosen_language(accepted: str | None, *chosen: str | None) -> Language:
    """Returns the first language of `chosen` that there is, else the one that the browser's `Accept-Language`
    (`accepted`) prefers, else Indonesian."""
    return Language(preferred(tuple(Language), accepted, *chosen) or Language.ID)


def preferred(known: Collection[str], accepted: str | None, *chosen: str | None) -> str | None:
    """Returns the first of `chosen` that is known, else the known one that `accepted` prefers; `None`: none is."""
    for text in chosen:
        if text in known:
            return text
    best, best_weight = None, 0.0
    for part in (accepted or "").split(",")[:_MOST_TAGS]:
        tag, _, weight_text = part.strip().partition(";q=")
        name = tag.partition("-")[0].strip().lower()
        try:
            weight = float(weight_text or 1)
        except ValueError:
            continue
        if name in known and weight > best_weight:
            best, best_weight = name, weight
    return best
