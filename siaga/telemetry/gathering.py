"""Tracks as they are gathered from a store's answer, part by part."""

from collections.abc import Iterable
from itertools import islice
from operator import lt

from siaga.model.observation import Track
from siaga.model.signals import Value

__all__ = ["Gathering"]


class Gathering:
    """One track in the making. Parts come in order of time, or nearly: then the track is sorted at the end."""

    __slots__ = ("times", "values")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.values: list[Value] = []

    def extend(self, times: Iterable[int], values: Iterable[Value]) -> None:
        """The next part."""
        self.times.extend(times)
        self.values.extend(values)

    def track(self) -> Track:
        """All of it. Should a time have come twice, the later answer stays."""
        if all(map(lt, self.times, islice(self.times, 1, None))):
            return Track(self.times, self.values)
        return Track.of(dict(zip(self.times, self.values, strict=True)))
