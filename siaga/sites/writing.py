"""Writes a village as the keys of a sites file: the inverse of `siaga.sites.file`.

A gateway gets its own village in this form. The names of regions and the holidays stay at the centre: nothing at a
gateway depends on them.
"""

from siaga.model.durations import format_duration
from siaga.model.sites import Device, Facility, Needs, Village

__all__ = ["village_part"]

NEAR_ZERO = 1e-4
"""Degrees below which a coordinate is written as 0: JSON would give it an exponent, which YAML reads as a text."""


def village_part(village: Village) -> dict[str, object]:
    """Returns the sites file of one village, as nested keys. `read_document` reads it back, as YAML or as JSON."""
    return {"villages": [_village(village)]}


def _village(village: Village) -> dict[str, object]:
    keys: dict[str, object] = {
        "code": village.code,
        "name": village.name,
        "lat": _coordinate(village.latitude),
        "lon": _coordinate(village.longitude),
        "timezone": village.timezone,
    }
    if village.remote:
        keys["gateway"] = "remote"
    keys["offline_after"] = format_duration(village.offline_after)
    if village.uplink is not None:
        keys["uplink"] = village.uplink
    keys["facilities"] = [_facility(facility) for facility in village.facilities]
    return keys


def _coordinate(degrees: float) -> float:
    return degrees if abs(degrees) >= NEAR_ZERO else 0.0


def _facility(facility: Facility) -> dict[str, object]:
    keys: dict[str, object] = {"id": facility.id, "kind": facility.kind, "name": facility.name}
    if facility.since is not None:
        keys["since"] = facility.since.isoformat()
    if facility.needs is not Needs.ANY:
        keys["needs"] = facility.needs.value
    for key, duration in (("grace", facility.grace), ("recovery", facility.recovery)):
        if duration is not None:
            keys[key] = format_duration(duration)
    if facility.target is not None:
        keys["target"] = _share(facility.target)
    if facility.schedule is not None:
        keys["schedule"] = facility.schedule if isinstance(facility.schedule, str) else list(facility.schedule)
    if facility.silence is not None:
        keys["silence"] = facility.silence.value
    keys["devices"] = [_device(device) for device in facility.devices]
    return keys


def _share(share: float) -> str:
    """Returns a share as a sites file can say it: as a number, or in per cent if that is the one that is exact."""
    text = f"{share:.9f}".rstrip("0").rstrip(".")
    return text if float(text) == share else f"{share * 100:.9f}".rstrip("0").rstrip(".") + " %"


def _device(device: Device) -> dict[str, object]:
    keys: dict[str, object] = {"id": device.id, "adapter": device.adapter.value}
    if device.address is not None:
        keys["address"] = device.address
    keys["every"] = format_duration(device.every)
    if device.map:
        keys["map"] = dict(device.map)
    if device.invert:
        keys["invert"] = sorted(device.invert)
    return keys
