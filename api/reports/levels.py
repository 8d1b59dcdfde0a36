"""The levels of a report's rows: a facility, a village, a region, or everything."""

from enum import StrEnum

from siaga.model.scope import EVERYTHING, Scope, Scopes

__all__ = ["Level", "district_of", "levels", "subdistrict_of"]


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


def district_of(village: str) -> str:
    """The code of a village's district, `35.10`."""
    return ".".join(village.split(".")[:2])


def subdistrict_of(village: str) -> str:
    """The code of a village's sub-district, `35.10.15`."""
    return ".".join(village.split(".")[:3])


def levels(scopes: Scopes) -> tuple[Level, ...]:
    """The levels that rows can have that are not wider than one of some scopes, the narrowest first."""
    every = tuple(Level)
    widest = max((every.index(_widest(scope)) for scope in scopes), default=-1)
    return every[: widest + 1]


def _widest(scope: Scope) -> Level:
    if scope.text == EVERYTHING:
        return Level.ALL
    parts = scope.text.count(".") + 1  # of a province 1, a district 2, a sub-district 3, a village 4
    return {1: Level.DISTRICT, 2: Level.DISTRICT, 3: Level.SUBDISTRICT, 4: Level.VILLAGE}[parts]
