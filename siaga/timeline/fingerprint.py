"""By which configuration a facility is judged: another one asks for all of its history to be judged again."""

from hashlib import blake2b

from siaga.model.indicators import terms
from siaga.model.sites import Device, Facility, Village

__all__ = ["fingerprint"]


def fingerprint(village: Village, facility: Facility) -> str:
    """Returns a digest of all that a facility's state follows from besides the evidence."""
    power = [other for other in village.facilities if other.kind == "power"]
    place: tuple[object, ...] = (village.latitude, village.longitude, village.timezone)
    held_to = terms(facility)
    if village.holidays and held_to is not None and "office" in held_to.schedule:
        place += tuple(sorted(village.holidays))
    devices = sorted(device.id for other in village.facilities for device in other.devices)
    judged = (facility.kind, facility.since, facility.needs, facility.schedule, facility.silence)
    said = repr((place, devices, judged, [_said(device) for device in facility.devices], power))
    return blake2b(said.encode(), digest_size=12).hexdigest()


def _said(device: Device) -> tuple[str, str, int, tuple[tuple[str, str], ...]]:
    return device.id, device.adapter.value, device.every, tuple(sorted(device.map.items()))
