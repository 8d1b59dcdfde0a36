"""Which villages and devices there are: the registry as the collector remembers it.

It follows the registry (`siaga.database.follower`) and goes on with what it knows while the database is away.
"""

from collections.abc import Iterable, Mapping

from siaga.database.follower import RegistryFollower, RegistrySource
from siaga.model.clock import Clock
from siaga.model.sites import Village

__all__ = ["RegistryCache"]


class RegistryCache:
    """The devices of every village, by village code. Safe to use from several threads."""

    def __init__(self, source: RegistrySource, clock: Clock) -> None:
        self._follower = RegistryFollower(source, _devices, clock)

    @property
    def loaded(self) -> bool:
        """Whether the registry was read at least once; before that nothing can be called unknown."""
        return self._follower.kept is not None

    @property
    def problem(self) -> str | None:
        """Why the registry could not be read the last time, in one sentence; `None` when it could."""
        return self._follower.problem

    def devices(self, village: str) -> frozenset[str] | None:
        """Returns the ids of a village's devices; `None`: no such village."""
        known = self._follower.kept
        return None if known is None else known.get(village)

    def poll(self) -> None:
        """Look at the registry if it was not looked at lately."""
        self._follower.poll()

    def refresh(self) -> bool:
        """Look at the registry now, unless it was looked at a moment ago. Returns whether it had changed since.

        A name that is not known is looked up so before it is called unknown: an import counts from its commit on.
        """
        return self._follower.refresh()


def _devices(villages: Iterable[Village]) -> Mapping[str, frozenset[str]]:
    return {
        village.code: frozenset(device.id for facility in village.facilities for device in facility.devices)
        for village in villages
    }
