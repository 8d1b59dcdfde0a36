"""The scope of a report, and the levels of its rows: a village, a region, or everything."""

import re
from dataclasses import dataclass
from enum import StrEnum

from siaga.wire.topics import is_village_code

__all__ = ["EVERYTHING", "BadScope", "Level", "Scope", "district_of", "levels", "parse_scope", "subdistrict_of"]

EVERYTHING = "*"
_REGION = re.compile(r"\d{2}(\.\d{2}){0,2}", re.ASCII)


class BadScope(ValueError):
    """What was asked for is no scope; the message is one sentence for people."""


class Level(StrEnum):
    """What a row is about, the narrowest first. One whose name ends in `indicator` is of one kind of facility."""

    FACILITY = "facility"
    VILLAGE_INDICATOR = "village_indicator"
    VILLAGE = "village"
    SUBDISTRICT_INDICATOR = "subdistrict_indicator"
    SUBDISTRICT = "subdistrict"
    DISTRICT_INDICATOR = "district_indicator"
    DISTRICT = "district"
    INDICATOR = "indicator"
    ALL = "all"

    @property
    def of_one_kind(self) -> bool:
        """Whether its rows are of one indicator, and have a `kind`."""
        return self in _OF_ONE_KIND


_OF_ONE_KIND = frozenset(
    {
        Level.FACILITY,
        Level.VILLAGE_INDICATOR,
        Level.SUBDISTRICT_INDICATOR,
        Level.DISTRICT_INDICATOR,
        Level.INDICATOR,
    }
)


@dataclass(frozen=True, slots=True)
class Scope:
    """A village's code, a leading part of codes, or `*`."""

    text: str

    def holds(self, village: str) -> bool:
        """Whether a village, by its code, lies in the scope."""
        return self.text in (EVERYTHING, village) or village.startswith(f"{self.text}.")


def parse_scope(text: str) -> Scope:
    """Returns the scope of a text; whether anything lies in it is not asked.

    Raises:
        BadScope: it has the form of none.
    """
    if text == EVERYTHING or is_village_code(text) or _REGION.fullmatch(text):
        return Scope(text)
    raise BadScope(
        f"{text[:40]!r} is not a scope: write a village's code such as 35.10.15.2012, "
        "a region's such as 35.10.15, 35.10 or 35, or * for everything"
    )


def district_of(village: str) -> str:
    """The code of a village's district, `35.10`."""
    return ".".join(village.split(".")[:2])


def subdistrict_of(village: str) -> str:
    """The code of a village's sub-district, `35.10.15`."""
    return ".".join(village.split(".")[:3])


def levels(scope: Scope) -> tuple[Level, ...]:
    """The levels whose rows are not wider than the scope, the narrowest first."""
    if scope.text == EVERYTHING:
        return tuple(Level)
    parts = scope.text.count(".") + 1  # of a province 1, a district 2, a sub-district 3, a village 4
    widest = {1: Level.DISTRICT, 2: Level.DISTRICT, 3: Level.SUBDISTRICT, 4: Level.VILLAGE}[parts]
    every = tuple(Level)
    return every[: every.index(widest) + 1]
