"""Villages as messages and rules need them, kept until the registry changes."""

from siaga.database.follower import RegistryVersion
from siaga.database.registry import Registry
from siaga.model.sites import Village

__all__ = ["Villages"]


class Villages:
    """Villages by code, each read when it is first needed. For one thread.

    Every method may raise SQLAlchemy's `DBAPIError`.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._version = RegistryVersion(registry)
        self._known: dict[str, Village | None] = {}

    def refresh(self) -> None:
        """Forget what an import has changed since the last call."""
        self._version.read_if_new(self._known.clear)

    def get(self, code: str) -> Village | None:
        """Returns a village; `None`: siaga was never told of it, or is no longer."""
        if code not in self._known:
            self._known[code] = self._registry.village(code)
        return self._known[code]
