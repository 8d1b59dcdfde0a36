"""Writes a sites file: what `siaga.sites.file` reads back as the same villages, regions and holidays."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date

import yaml

from siaga.model.durations import format_duration
from siaga.model.sites import Device, Facility, Needs, Village
from siaga.sites.file import OFFLINE_AFTER

__all__ = [
    "NO_NAME",
    "device_tree",
    "facility_tree",
    "fingerprint",
    "share_text",
    "village_part",
    "village_tree",
    "write_document",
    "write_tree",
]

NO_NAME = "Hari libur"
"""The name of a holiday whose name is not known."""
NEAR_ZERO = 1e-4
"""Degrees below which JSON would give a coordinate an exponent, which YAML reads as a text; it is written as 0."""
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # the fast one, if PyYAML was built with it


def write_document(
    villages: Sequence[Village], regions: Mapping[str, str] | None = None, holidays: Mapping[date, str] | None = None
) -> str:
    """Returns the text of a sites file with these villages and the names of regions.

    Args:
        villages: all with the same holidays, because a file has one list of them.
        holidays: names by date, also of dates that are not written.
    """
    closed = villages[0].holidays if villages else frozenset()
    if any(village.holidays != closed for village in villages):
        raise ValueError("villages with different holidays do not fit into one sites file")
    names = holidays or {}
    tree: dict[str, object] = {"villages": [village_tree(village) for village in villages]}
    if regions:
        tree["regions"] = [{"code": code, "name": name} for code, name in sorted(regions.items())]
    if closed:
        tree["holidays"] = [{"date": day, "name": names.get(day, NO_NAME)} for day in sorted(closed)]
    return write_tree(tree)


def write_tree(tree: Mapping[str, object]) -> str:
    """Returns keys and values as YAML."""
    text: str = yaml.dump(
        tree, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, default_flow_style=None, width=10_000
    )
    return text


def fingerprint(village: Village) -> str:
    """Returns a text that differs where two entries of a village differ, by its file or its holidays."""
    return hashlib.sha256(write_document([village]).encode()).hexdigest()[:32]


def village_part(village: Village) -> dict[str, object]:
    """Returns the sites file of one village as keys and values that JSON can have, too.

    A gateway gets its own village in this form. The names of regions and the holidays stay at the centre: nothing at a
    gateway depends on them.
    """
    tree = village_tree(village)
    for key in ("lat", "lon"):
        degrees = tree[key]
        tree[key] = degrees if isinstance(degrees, float | int) and abs(degrees) >= NEAR_ZERO else 0.0
    tree["facilities"] = [
        facility_tree(one) | ({} if one.since is None else {"since": one.since.isoformat()})
        for one in village.facilities
    ]
    return {"villages": [tree]}


def village_tree(village: Village) -> dict[str, object]:
    """Returns the entry of a village as keys and values, with its facilities."""
    found: dict[str, object] = {
        "code": village.code,
        "name": village.name,
        "lat": village.latitude,
        "lon": village.longitude,
        "timezone": village.timezone,
    }
    if village.remote:
        found["gateway"] = "remote"
    if village.offline_after != OFFLINE_AFTER:
        found["offline_after"] = format_duration(village.offline_after)
    if village.uplink is not None:
        found["uplink"] = village.uplink
    found["facilities"] = [facility_tree(facility) for facility in village.facilities]
    return found


def facility_tree(facility: Facility) -> dict[str, object]:
    """Returns the entry of a facility as keys and values, with its devices."""
    found: dict[str, object] = {"id": facility.id, "kind": facility.kind, "name": facility.name}
    if facility.since is not None:
        found["since"] = facility.since
    if facility.needs is not Needs.ANY:
        found["needs"] = facility.needs.value
    if facility.grace is not None:
        found["grace"] = format_duration(facility.grace)
    if facility.recovery is not None:
        found["recovery"] = format_duration(facility.recovery)
    if facility.target is not None:
        found["target"] = share_text(facility.target)
    if facility.schedule is not None:
        found["schedule"] = facility.schedule if isinstance(facility.schedule, str) else list(facility.schedule)
    if facility.silence is not None:
        found["silence"] = facility.silence.value
    found["devices"] = [device_tree(device) for device in facility.devices]
    return found


def device_tree(device: Device) -> dict[str, object]:
    """Returns the entry of a device as keys and values."""
    found: dict[str, object] = {"id": device.id, "adapter": device.adapter.value}
    if device.address is not None:
        found["address"] = device.address
    found["every"] = format_duration(device.every)
    if device.map:
        found["map"] = dict(device.map)
    if device.invert:
        found["invert"] = sorted(device.invert)
    return found


def share_text(share: float) -> str:
    """Returns a share as a text that is read back as the same number: `0.99`, or `99.9 %` where only that is exact."""
    plain = f"{share:.9f}".rstrip("0").rstrip(".")
    if float(plain) == share:
        return plain
    return f"{share * 100:.9f}".rstrip("0").rstrip(".") + " %"
