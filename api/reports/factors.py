"""What people write for a report before it is issued: by indicator, what stood in the way and what is done about it."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["LONGEST_TEXT", "Factor", "Factors"]

LONGEST_TEXT = 2_000
"""Characters of one text: a page of the PDF takes about two of them."""


@dataclass(frozen=True, slots=True)
class Factor:
    """Of one indicator: what stood in the way (*faktor penghambat*), and what follows (*tindak lanjut*)."""

    hindrance: str
    follow_up: str


Factors = Mapping[str, Factor]
"""By the kind of the indicator."""
