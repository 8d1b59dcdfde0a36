"""The evidence of one device for its facility's indicator over a window, and when the device is silent.

A device has a *voice* for each signal of the indicator that it has reported: the signal, and its state over time. A
signal takes part from its first report. Until then its stand-in does, if it has one.
"""

from collections.abc import Sequence

from siaga.model.indicators import Above, Below, EventWithin, Flag, Sensed
from siaga.model.indicators import Evidence as Wanted
from siaga.model.intervals import Interval, clip, merge
from siaga.model.observation import Track
from siaga.model.signals import SIGNALS, Value
from siaga.model.sites import Device
from siaga.timeline.evidence import Evidence
from siaga.timeline.signal_state import Run, Step, event_runs, heard, last_wills, runs, steps

__all__ = ["Voice", "speaking", "voices"]

Voice = tuple[str, list[Step]]
"""A signal, and the steps of its state. The first step is at the window's start."""

NEVER = 2**62
"""A moment after every other."""
_NOTHING = Track((), ())
_OWN = tuple(name for name in SIGNALS if name != "online")
"""Signals that count as a device's own readings. `online` does not: the gateway repeats it."""


def voices(sensed: Sensed, device: Device, evidence: Evidence, window: Interval) -> list[Voice]:
    """Returns the device's voices over the window, in the indicator's order. A signal never reported has none."""
    found: list[Voice] = []
    wills = last_wills(evidence.tracks.get((device.id, "online")), window[0] - device.validity + 1, window[1])
    for wanted in sensed.evidence:
        first = _first(evidence, device, wanted.signal)
        if isinstance(wanted, Flag) and wanted.stand_in is not None:
            stands = _first(evidence, device, wanted.stand_in)
            if wanted.always_asked:
                found.append((wanted.signal, steps((), (-NEVER, min(first, stands)), window)))
            if stands < first:
                said = _runs(Flag(wanted.stand_in), device, evidence, window, wills)
                found.append((wanted.stand_in, steps(said, (stands, first), window)))
        if first < NEVER:
            said = _runs(wanted, device, evidence, window, wills)
            found.append((wanted.signal, steps(said, (first, NEVER), window)))
    return found


def speaking(device: Device, evidence: Evidence, window: Interval) -> list[Interval]:
    """Returns when, within the window, the device is not silent (contract, section 5, rule 3).

    It is not silent while it is heard (any reading of its own within three intervals), unless all of these are older
    than its last will. A reading at the instant of the will counts, as it does for validity.
    """
    start, end = window
    oldest = start - device.validity + 1
    times: list[int] = []
    for track in _own_tracks(device, evidence):
        times += track.between(oldest, end).times
    times.sort()
    wills = last_wills(evidence.tracks.get((device.id, "online")), oldest, end)
    found = runs(times, [True] * len(times), device.validity, wills)
    return clip(merge((low, high) for low, high, _ in found), start, end)


def _own_tracks(device: Device, evidence: Evidence) -> list[Track]:
    """Returns the tracks of the device's own readings."""
    return [evidence.tracks[device.id, name] for name in _OWN if (device.id, name) in evidence.tracks]


def _first(evidence: Evidence, device: Device, signal: str) -> int:
    first = evidence.first_report(device.id, signal)
    return NEVER if first is None else first


def _runs(wanted: Wanted, device: Device, evidence: Evidence, window: Interval, wills: Sequence[int]) -> list[Run]:
    """Returns when one piece of evidence is met or not met. Between the runs it is unknown."""
    start, end = window
    track = evidence.tracks.get((device.id, wanted.signal), _NOTHING)
    if isinstance(wanted, EventWithin):
        part = track.between(start - wanted.interval + 1, end)
        events = [time for time, value in zip(part.times, part.values, strict=True) if value]
        own = _own_tracks(device, evidence)
        return event_runs(events, wanted.interval, heard(own, device.validity, start, end))
    part = track.between(start - device.validity + 1, end)
    return runs(part.times, _met(wanted, part.values), device.validity, wills)


def _met(wanted: Flag | Above | Below, values: Sequence[Value]) -> Sequence[Value]:
    match wanted:
        case Flag():
            return values
        case Above(limit=limit):
            return [value > limit for value in values]
        case Below(limit=limit):
            return [value < limit for value in values]
