"""All villages at a look: the state of each, by sub-district, on the map, as a table. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from math import cos, radians
from urllib.parse import urlencode

from api.queries.villages import VillageNow
from api.words import Words
from siaga.model.scope import EVERYTHING, Scope
from siaga.timeline.spans import State

__all__ = [
    "Chip",
    "Frame",
    "OverviewFilter",
    "Region",
    "Tile",
    "VillageState",
    "chips",
    "map_frame",
    "regions_of",
    "state_of",
    "tile",
]


class VillageState(StrEnum):
    """How a village stands, the worst first: a facility fails, it is cut off, something is not known, all is met."""

    FAILED = "failed"
    OFFLINE = "offline"
    UNKNOWN = "unknown"
    MET = "met"
    NOT_REQUIRED = "not_required"


def state_of(village: VillageNow) -> VillageState:
    """Returns how a village stands."""
    if village.facilities.get(State.FAILED):
        return VillageState.FAILED
    if not village.heard:
        return VillageState.OFFLINE
    if village.facilities.get(State.UNKNOWN):
        return VillageState.UNKNOWN
    return VillageState.MET if village.facilities.get(State.MET) else VillageState.NOT_REQUIRED


@dataclass(frozen=True, slots=True)
class OverviewFilter:
    """What an address asks for. `None` and "": everything."""

    text: str = ""
    state: VillageState | None = None
    village: str | None = None
    table: bool = False

    def fits(self, village: VillageNow) -> bool:
        """Whether a village is to be shown."""
        return (
            (self.state is None or state_of(village) is self.state)
            and Scope(self.village or EVERYTHING).holds(village.code)
            and all(word in f"{village.name} {village.code}".casefold() for word in self.text.casefold().split())
        )

    def address(self, path: str = "/villages", **changes: object) -> str:
        """Returns the address of this filter with some of it changed."""
        made = replace(self, **changes)  # type: ignore[arg-type]  # names are of this class
        pairs = {
            "text": made.text,
            "state": made.state or "",
            "village": made.village or "",
            "view": "table" if made.table else "",
        }
        query = urlencode({name: value for name, value in pairs.items() if value})
        return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True)
class Tile:
    """A village. `said`: its name, its state, and how many facilities fail, in words. `x`, `y`: on the map.

    `is_taken`: somebody takes care of all its open alerts.
    """

    code: str
    name: str
    state: VillageState
    said: str
    failed: int
    unknown: int
    met: int
    open_alerts: int
    online: bool
    x: float = 0
    y: float = 0
    is_taken: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """A sub-district with its villages."""

    code: str
    name: str
    tiles: Sequence[Tile]
    counts: Sequence[tuple[VillageState, int]]


@dataclass(frozen=True, slots=True)
class Chip:
    """A counter that is a link. `key`: the state that it counts."""

    key: VillageState
    text: str
    count: int
    address: str
    on: bool


def tile(words: Words, village: VillageNow, frame: "Frame | None" = None) -> Tile:
    """Returns a village as it is shown."""
    state = state_of(village)
    failed = village.facilities.get(State.FAILED, 0)
    what = words(f"stand_{state}")
    if failed:
        what = words.count("facilities_fail", failed)
    said = f"{village.name}: {what}"
    if not village.online and state is VillageState.FAILED:
        said = f"{said}, {words('stand_offline')}"
    is_taken = 0 < village.open_alerts <= village.taken_alerts
    if is_taken:
        said = f"{said}, {words('stand_taken')}"
    x, y = (0.0, 0.0) if frame is None else frame.place(village.longitude, village.latitude)
    return Tile(
        village.code,
        village.name,
        state,
        said,
        failed,
        village.facilities.get(State.UNKNOWN, 0),
        village.facilities.get(State.MET, 0),
        village.open_alerts,
        village.online,
        x,
        y,
        is_taken,
    )


def regions_of(tiles: Sequence[Tile], names: Mapping[str, str]) -> list[Region]:
    """Returns the villages by sub-district. `tiles`: in order of their codes."""
    found = []
    for code, group in groupby(tiles, key=lambda one: one.code.rpartition(".")[0]):
        mine = list(group)
        counts = Counter(one.state for one in mine)
        found.append(
            Region(
                code, names.get(code, code), mine, [(state, counts[state]) for state in VillageState if counts[state]]
            )
        )
    return found


def chips(words: Words, wanted: OverviewFilter, all_: Iterable[VillageNow], path: str) -> list[Chip]:
    """Returns how many villages are in which state, each a link to those; the one that is on shows all again."""
    others = replace(wanted, state=None)
    counts = Counter(state_of(one) for one in all_ if others.fits(one))
    return [
        Chip(state, words(f"stand_{state}"), counts[state], wanted.address(path, state=None if on else state), on)
        for state in VillageState
        for on in [wanted.state is state]
        if counts[state] or on
    ]


_SIDE = 1_000.0
_MARGIN = 30.0
_SMALLEST = 0.02
"""Degrees: a single village has a map, too."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What part of the world the map shows, and how large it is. One degree of longitude is as wide as it is there."""

    west: float
    north: float
    scale: float
    squeeze: float
    width: float
    height: float

    def place(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Returns where a place lies on the map."""
        x = _MARGIN + (longitude - self.west) * self.squeeze * self.scale
        return round(x, 1), round(_MARGIN + (self.north - latitude) * self.scale, 1)


def map_frame(places: Sequence[tuple[float, float]]) -> Frame:
    """Returns the frame that holds all places (longitude, latitude), which is at most 1,000 units wide or high."""
    if not places:
        places = [(0.0, 0.0)]
    west, east = min(x for x, _ in places), max(x for x, _ in places)
    south, north = min(y for _, y in places), max(y for _, y in places)
    squeeze = cos(radians((south + north) / 2))
    across, down = max(_SMALLEST, (east - west) * squeeze), max(_SMALLEST, north - south)
    scale = (_SIDE - 2 * _MARGIN) / max(across, down)
    return Frame(west, north, scale, squeeze, across * scale + 2 * _MARGIN, down * scale + 2 * _MARGIN)
