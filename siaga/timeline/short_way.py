"""The short way of readings that only repeat what their device said last: they are kept, and change nothing.

Most readings of a country are such. What a repetition shows of its device is found once, and kept on its track
(`Series.shows`) until that may have changed.
"""

from collections.abc import Callable, Mapping

from siaga.model.observation import TrackKey
from siaga.model.signals import Value
from siaga.timeline.series import GIVES, LONG, NEVER, REPORTS, UNKNOWN, Series

__all__ = ["ShortWay"]


class ShortWay:
    """The short way into the memory of one village.

    Args:
        tracks: by the signal under which readings are kept.
        first: when each signal was first reported.
        reported: when each device last reported.
        gave: when each device last gave evidence.
        kept_as: returns under which signal a reading is kept, and as what value.
        shows: returns what a repetition on a track shows of its device: `REPORTS` and `GIVES` added, or `LONG`.
    """

    __slots__ = ("_first", "_gave", "_kept_as", "_knows_any", "_reported", "_shows", "_tracks")

    def __init__(
        self,
        tracks: Mapping[TrackKey, Series],
        first: Mapping[TrackKey, int],
        reported: dict[str, int],
        gave: dict[str, int],
        kept_as: Callable[[TrackKey, Value], tuple[TrackKey, Value]],
        shows: Callable[[TrackKey, Series], int],
    ) -> None:
        self._tracks, self._first, self._reported, self._gave = tracks, first, reported, gave
        self._kept_as, self._shows = kept_as, shows
        self._knows_any = False
        """Whether `Series.shows` may be known of any track."""

    def take(self, key: TrackKey, time: int, value: Value, now: int) -> bool:
        """Add a reading, and note it, if it only repeats the newest one of its signal while that holds.

        Returns False if it may be more than that: then nothing is done. Otherwise it did what `Recent.note_report` and
        `Recent.insert` do, and it can change nothing that was judged.
        """
        place, device = key, key[0]
        series = self._tracks.get(key)
        if series is None or series.counts:
            place, value = self._kept_as(key, value)
            series = self._tracks.get(place)
            if series is None:
                return False
        if self._first.get(key, NEVER) > time:
            return False
        shows = series.shows
        if shows == UNKNOWN:
            shows = self._find(place, series)
        if shows == LONG:
            return False
        if shows == REPORTS and self._gave.get(device, -NEVER) + series.holds <= now:  # it may give no evidence
            return False
        if not series.repeat(time, value, now):
            return False
        if shows & GIVES and time > self._gave.get(device, -NEVER):
            self._gave[device] = time
        if shows & REPORTS and time > self._reported.get(device, -NEVER):
            self._reported[device] = time
        return True

    def _find(self, place: TrackKey, series: Series) -> int:
        shows = self._shows(place, series)
        series.know(shows, None if series.wills else self._tracks.get((place[0], "online")))
        self._knows_any = True
        return shows

    def forget(self, device: str) -> None:
        """What a reading of a device shows may have changed."""
        if self._knows_any:
            for (whose, _), series in self._tracks.items():
                if whose == device:
                    series.know(UNKNOWN, None)
