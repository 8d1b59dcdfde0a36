"""Evidence: what was observed of one village, as far as a judgement needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from siaga.model.observation import Track, TrackKey

__all__ = ["Evidence"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was observed of one village, as far as a judgement needs it.

    `tracks` holds, for every device and signal, the observations of the judged window and those before it that may
    still hold (`reach`). A track of signal `alive` under an id that is no device is a gateway's. `first` says when each
    signal was first reported, ever: it may be long before the tracks begin. Where it lacks a key, the track's first
    observation is taken.
    """

    tracks: Mapping[TrackKey, Track]
    first: Mapping[TrackKey, int] = field(default_factory=dict)

    def first_report(self, device: str, signal: str) -> int | None:
        """When the device first reported the signal; `None`: never yet."""
        key = (device, signal)
        known, track = self.first.get(key), self.tracks.get(key)
        if track is None or not track.times:
            return known
        return track.times[0] if known is None else min(known, track.times[0])
