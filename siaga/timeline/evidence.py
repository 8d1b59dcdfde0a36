"""Evidence: the observations of one village that a judgement needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from siaga.model.observation import Track, TrackKey

__all__ = ["Evidence"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The observations of one village that a judgement needs.

    `tracks`: by device and signal, the observations in the judged window, and earlier ones that may still be valid
    (`reach`). A track `alive` under an id that is no device belongs to a gateway.
    `first`: when each signal was first reported (ms), which may be long before its track begins. For a missing key, the
    track's first observation counts.
    """

    tracks: Mapping[TrackKey, Track]
    first: Mapping[TrackKey, int] = field(default_factory=dict)

    def first_report(self, device: str, signal: str) -> int | None:
        """Returns when the device first reported the signal, ms; `None` if never."""
        key = (device, signal)
        known, track = self.first.get(key), self.tracks.get(key)
        if track is None or not track.times:
            return known
        return track.times[0] if known is None else min(known, track.times[0])
