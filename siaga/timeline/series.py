"""One track in memory: a signal of a device that grows as readings come."""

from array import array
from bisect import bisect_right

from siaga.model.indicators import Above, Below
from siaga.model.indicators import Evidence as Wanted
from siaga.model.observation import Track
from siaga.model.signals import Value

__all__ = ["GIVES", "LONG", "NEVER", "REPORTS", "UNKNOWN", "Series"]

NEVER = 2**62
"""Later than any time, ms."""
_EVER = -NEVER
"""Before any time, ms."""
UNKNOWN, LONG, REPORTS, GIVES = -2, -1, 1, 2
"""What a reading shows that only repeats the one before: `Series.shows`."""


class Series(Track):
    """One track that grows, and what decides whether two of its values say the same.

    `holds`: how long a value is valid, ms. `interval`: how long an event counts, ms. `limits`: those of the indicator.
    `wills`: the track is `online`, and each `false` says something new. `counts`: only that a value came counts.
    `newest_will`: no `false` of it is newer. `steady_from`: each observation after the one at this time repeats the one
    before it; `NEVER`: none is known. `shows`: what a repetition shows of its device, `REPORTS` and `GIVES` (evidence)
    added; `LONG`: it may show more; `UNKNOWN`. `online`: if `shows` is known, the track with the device's last wills.
    """

    times: "array[int]"
    values: list[Value]

    __slots__ = (
        "counts",
        "holds",
        "interval",
        "limits",
        "newest_will",
        "online",
        "shows",
        "steady_from",
        "wills",
    )

    def __init__(
        self,
        holds: int,
        interval: int | None = None,
        limits: tuple[Wanted, ...] = (),
        *,
        wills: bool = False,
        counts: bool = False,
    ) -> None:
        super().__init__(array("q"), [])  # a quarter of what a list of numbers takes
        self.holds = holds
        self.interval = interval
        self.limits = limits
        self.wills = wills
        self.counts = counts
        self.newest_will = _EVER
        self.steady_from = NEVER
        self.shows = UNKNOWN
        self.online: Series | None = None

    def changed(self) -> None:
        """Its observations were changed otherwise than by a newer one."""
        self.steady_from = NEVER
        if self.wills:
            said = zip(self.times, self.values, strict=True)
            self.newest_will = max((time for time, value in said if not value), default=_EVER)

    def know(self, shows: int, online: "Series | None") -> None:
        """Note what a repetition shows of its device, and the track with its last wills."""
        self.shows, self.online = shows, online

    def repeat(self, time: int, value: Value, now: int) -> bool:
        """Add an observation if it only repeats the newest one, while that holds at `now`.

        Returns False if it may be more than that: then nothing is done. `shows` has to be known.
        """
        times = self.times
        if not times:
            return False
        before = times[-1]
        if before + self.holds <= now or time > now:
            return False
        if time <= before:
            return time == before and self.counts
        said = self.values[-1]
        if value != said and (not self.limits or self.means(value) != self.means(said)):
            return False
        if (not value) if self.wills else (self.online is not None and self.online.will_between(before, time)):
            return False
        times.append(time)
        self.values.append(value)
        return True

    def means(self, value: Value) -> object:
        """Returns what a value says: of a number, on which side of the indicator's limits it lies."""
        if not self.limits:
            return value
        return tuple(value > limit.limit for limit in self.limits if isinstance(limit, Above | Below)), tuple(
            value == limit.limit for limit in self.limits if isinstance(limit, Below)
        )

    def changes_after(self, moment: int, online: "Series | None" = None) -> int:
        """Returns the first instant after `moment` at which this track may say something else, if nothing more comes.

        `online`: the track with the last wills of its device.
        """
        times = self.times
        if self.steady_from <= moment and self.interval is None and times:
            until = times[-1] + self.holds
            return until if until > moment else NEVER
        index = after = bisect_right(times, moment)
        while 0 < index < len(times) and self._repeats(index, online):
            index += 1
        if index == len(times) and after:
            self.steady_from = times[after - 1]
        if index < len(times):
            return min(times[index], self._lapses(index, moment))
        return self._lapses(index, moment)

    def _repeats(self, index: int, online: "Series | None") -> bool:
        """Whether an observation repeats the one before, while that still held."""
        before, time = self.times[index - 1], self.times[index]
        if self.interval is not None or time > before + self.holds:
            return False
        if self.wills and not self.values[index]:
            return False
        if online is not None and online.will_between(before, time):
            return False
        return self.counts or self.means(self.values[index]) == self.means(self.values[index - 1])

    def will_between(self, before: int, time: int) -> bool:
        """Of `online`: whether a last will came after `before`, so that what is said at `time` is new."""
        if self.newest_will <= before:
            return False
        return not all(self.values[bisect_right(self.times, before) : bisect_right(self.times, time)])

    def _lapses(self, index: int, moment: int) -> int:
        """Returns when the last of the first `index` observations ceases to hold; `NEVER`: it ceased long ago."""
        first = NEVER
        if index and self.times[index - 1] + self.holds > moment:
            first = self.times[index - 1] + self.holds
        if self.interval is not None:
            while index and self.times[index - 1] + self.interval > moment:
                index -= 1
                if self.values[index]:
                    return min(first, self.times[index] + self.interval)
        return first
