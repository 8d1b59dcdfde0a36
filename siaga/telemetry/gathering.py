"""Builds tracks from a store's answer, part by part."""

from collections.abc import Iterable
from itertools import islice
from operator import lt

from siaga.model.observation import Track
from siaga.model.signals import Value

__all__ = ["Gathering"]


class Gathering:
    """One track that is being built. If its parts are not in order of time, it is sorted at the end."""

    __slots__ = ("times", "values")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.values: list[Value] = []

    def extend(self, times: Iterable[int], values: Iterable[Value]) -> None:
        """Add the next part."""
        self.times.extend(times)
        self.values.extend(values)

    def track(self) -> Track:
        """Returns the whole track. Of two values at one time, the one added later stays."""
        if all(map(lt, self.times, islice(self.times, 1, None))):
            return Track(self.times, self.values)
        return Track.of(dict(zip(self.times, self.values, strict=True)))
