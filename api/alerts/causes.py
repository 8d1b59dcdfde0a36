"""What speaks for the cause of an alert: evidence for whoever goes to repair it, in whole, small JSON.

A span's cause is the contract's; what else was heard stands here: what each device last said, whether there was mains
power, what the gateway's broker session said of it.
"""

from api.alerts.state import VillageState
from siaga.model.observation import Track
from siaga.model.signals import Value
from siaga.model.sites import Facility
from siaga.model.times import rfc3339
from siaga.timeline.facility_state import DEVICE_SILENT, NO_EVIDENCE

__all__ = ["came_instead", "facility_evidence", "link_evidence"]

_DEVICES = 10
"""Devices that are named at most."""


def came_instead(village: VillageState, device: str) -> dict[str, object]:
    """What came of a device that gives no evidence: the other signals that it reported, what its gateway says of it."""
    found: dict[str, object] = {"signals": village.recent.besides(device)[:_DEVICES]}
    for gateway in village.gateways.values():
        said = gateway.instead.get(device)
        if said is not None:
            found |= {"came_instead": said.what, "error": said.error}
    return found


def facility_evidence(village: VillageState, facility: Facility, cause: str | None, now: int) -> dict[str, object]:
    """What its devices last said of the signal that decided, or when they last reported, and of the mains."""
    recent = village.recent
    found: dict[str, object] = {}
    devices = [device.id for device in facility.devices][:_DEVICES]
    if cause == NO_EVIDENCE:
        found["last_evidence"] = {device: rfc3339(recent.gave.get(device)) for device in devices}
    elif cause == DEVICE_SILENT:
        found["last_seen"] = {device: rfc3339(recent.reported.get(device)) for device in devices}
    elif cause is not None:
        tracks = {device: track for device in devices if (track := recent.tracks.get((device, cause))) is not None}
        found["signals"] = {f"{device}/{cause}": _said(track, now) for device, track in tracks.items()}
    return found | _mains(village, now)


def link_evidence(village: VillageState, now: int) -> dict[str, object]:
    """What was last heard of the village's gateways and of its mains, and so what is likely."""
    gateways = {
        name: {"status": gateway.status, "last_alive": rfc3339(gateway.last_alive)}
        for name, gateway in list(village.gateways.items())[:_DEVICES]
    }
    mains = _mains(village, now)
    likely: dict[str, object] = {"likely": "mains_out"} if mains.get("mains") == "out" else {}
    return {"gateways": gateways} | mains | likely


def _mains(village: VillageState, now: int) -> dict[str, object]:
    """Whether there was mains power when it was last said; nothing where nobody says."""
    said = [at for (_, signal), track in village.recent.tracks.items() if signal == "mains" and (at := track.at(now))]
    if not said:
        return {}
    return {"mains": "out" if any(value is False for _, value in said) else "present"}


def _said(track: Track, now: int) -> dict[str, Value | str | None]:
    last = track.at(now)
    return {"value": None, "time": None} if last is None else {"value": last[1], "time": rfc3339(last[0])}
