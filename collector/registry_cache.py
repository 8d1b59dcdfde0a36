"""The collector's cache of the registry: which villages and devices exist.

It follows the registry (`siaga.database.follower`), and uses the last known state while the database is down.
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
        """Whether the registry was read; before that, no village can be called unknown."""
        return self._follower.kept is not None

    @property
    def problem(self) -> str | None:
        """Why the last read of the registry failed, in one sentence; `None` if it worked."""
        return self._follower.problem

    def devices(self, village: str) -> frozenset[str] | None:
        """Returns the ids of a village's devices; `None` if there is no such village."""
        known = self._follower.kept
        return None if known is None else known.get(village)

    def poll(self) -> None:
        """Read the registry if the last read is not recent."""
        self._follower.poll()

    def refresh(self) -> bool:
        """Read the registry now, unless it was read a moment ago. Returns whether it had changed.

        This runs before a name is refused as unknown, so that an import takes effect with its commit.
        """
        return self._follower.refresh()


def _devices(villages: Iterable[Village]) -> Mapping[str, frozenset[str]]:
    return {
        village.code: frozenset(device.id for facility in village.facilities for device in facility.devices)
        for village in villages
    }
