"""What differs between the villages of the registry and those of a sites file: pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from siaga.model.sites import Device, Village
from siaga.sites.writing import device_tree, facility_tree, village_tree

__all__ = ["Change", "Kind", "Mark", "Value", "changes", "named"]


class Mark(StrEnum):
    """What becomes of an entry."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Kind(StrEnum):
    """What an entry is of."""

    VILLAGE = "village"
    FACILITY = "facility"
    DEVICE = "device"
    REGION = "region"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class Value:
    """A key with its value before and after, as a sites file has them; `None`: it is not there."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """An entry that differs. `village`: its code, "" for what stands beside the villages."""

    mark: Mark
    kind: Kind
    village: str
    id: str
    name: str
    values: Sequence[Value] = ()


_Tree = dict[str, object]


def changes(before: Mapping[str, Village], after: Iterable[Village], removed: Iterable[str]) -> list[Change]:
    """Returns what differs, village by village, those that are taken out last.

    Args:
        before: the villages of the registry by code.
        after: the villages of the file.
        removed: the codes of villages that are taken out.
    """
    found: list[Change] = []
    for village in after:
        found += _of_village(before.get(village.code), village)
    gone = [before[code] for code in removed if code in before]
    return found + [Change(Mark.REMOVED, Kind.VILLAGE, one.code, one.code, one.name) for one in gone]


def named(kind: Kind, before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """Returns the names that differ or are new, of regions by code or of holidays by date."""
    return [
        Change(
            Mark.CHANGED if key in before else Mark.ADDED,
            kind,
            "",
            key,
            name,
            [Value("name", before[key], name)] if key in before else (),
        )
        for key, name in after.items()
        if before.get(key) != name
    ]


def _of_village(before: Village | None, after: Village) -> list[Change]:
    if before is None:
        own = [Change(Mark.ADDED, Kind.VILLAGE, after.code, after.code, after.name)]
    else:
        values = _values(village_tree(before) | _closed(before), village_tree(after) | _closed(after), "facilities")
        own = [Change(Mark.CHANGED, Kind.VILLAGE, after.code, after.code, after.name, values)] if values else []
    old = {one.id: one for one in before.facilities} if before is not None else {}
    for facility in after.facilities:
        known = old.pop(facility.id, None)
        if known is None:
            own.append(Change(Mark.ADDED, Kind.FACILITY, after.code, facility.id, facility.name))
        elif values := _values(facility_tree(known), facility_tree(facility), "devices"):
            own.append(Change(Mark.CHANGED, Kind.FACILITY, after.code, facility.id, facility.name, values))
    own += [Change(Mark.REMOVED, Kind.FACILITY, after.code, one.id, one.name) for one in old.values()]
    return own + _of_devices(before, after)


def _of_devices(before: Village | None, after: Village) -> list[Change]:
    old, found = _devices(before), []
    for name, (facility, device) in _devices(after).items():
        known = old.pop(name, None)
        if known is None:
            found.append(Change(Mark.ADDED, Kind.DEVICE, after.code, name, facility))
            continue
        values = _values({"facility": known[0]} | device_tree(known[1]), {"facility": facility} | device_tree(device))
        if values:
            found.append(Change(Mark.CHANGED, Kind.DEVICE, after.code, name, facility, values))
    return found + [Change(Mark.REMOVED, Kind.DEVICE, after.code, name, where) for name, (where, _) in old.items()]


def _devices(village: Village | None) -> dict[str, tuple[str, Device]]:
    facilities = village.facilities if village is not None else ()
    return {device.id: (facility.id, device) for facility in facilities for device in facility.devices}


def _closed(village: Village) -> _Tree:
    return {"holidays": sorted(village.holidays)} if village.holidays else {}


def _values(before: _Tree, after: _Tree, but: str = "") -> list[Value]:
    return [
        Value(key, _shown(before.get(key)), _shown(after.get(key)))
        for key in dict.fromkeys([*before, *after])
        if key != but and before.get(key) != after.get(key)
    ]


def _shown(value: object) -> str | None:
    """Returns a value as a person reads it."""
    match value:
        case None:
            return None
        case date():
            return value.isoformat()
        case list():
            return ", ".join(str(_shown(one)) for one in value)
        case dict():
            return ", ".join(f"{key}: {one}" for key, one in value.items())
        case _:
            return str(value)
