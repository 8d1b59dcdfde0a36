"""Follows the registry: keeps a copy in memory, polls the registry's version, and reads again when it changed.

The version is read before the villages, so a change in between is seen at the next poll.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from siaga.model.clock import SECOND, Clock
from siaga.model.sites import Village

__all__ = ["RegistryFollower", "RegistrySource", "RegistryVersion"]

log = structlog.get_logger(__name__)

POLL = 2 * SECOND
"""The interval of polls of the version, ms."""
MIN_GAP = 50
"""The shortest time between two reads of the version, ms, however many are requested."""
BACK_OFF = 5 * SECOND
"""Pause after the database did not answer, ms: a connection attempt may take seconds."""

Kept = TypeVar("Kept")


class RegistrySource(Protocol):
    """The part of `siaga.database.registry.Registry` that is needed here. Both may raise SQLAlchemy's errors."""

    def version(self) -> int:
        """Returns a number that grows with every import that changed something."""
        ...

    def villages(self) -> Iterable[Village]:
        """Returns all villages with their facilities and devices."""
        ...


class RegistryVersion:
    """The version that was read last. For one thread."""

    def __init__(self, source: RegistrySource) -> None:
        self._source = source
        self._seen: int | None = None

    def read_if_new(self, read: Callable[[], None]) -> bool:
        """Call `read` if the version has changed since the last successful call. Returns whether it had.

        Raises:
            SQLAlchemyError: the database cannot be read. The next call retries.
        """
        version = self._source.version()
        if version == self._seen:
            return False
        read()
        self._seen = version
        return True


class RegistryFollower(Generic[Kept]):
    """Keeps the result of `keep` for the registry's current villages. Thread-safe.

    While the database is down, it keeps the last result, and `problem` says so.
    """

    def __init__(self, source: RegistrySource, keep: Callable[[Iterable[Village]], Kept], clock: Clock) -> None:
        self._source, self._keep, self._clock = source, keep, clock
        self._version = RegistryVersion(source)
        self._kept: Kept | None = None
        self._lock = threading.Lock()
        self._next_poll = self._next_look = 0
        self._problem: str | None = None

    @property
    def kept(self) -> Kept | None:
        """The result of `keep`; `None` if the villages were not read yet."""
        return self._kept

    @property
    def problem(self) -> str | None:
        """Why the last read failed, in one sentence; `None` if it worked."""
        return self._problem

    def poll(self) -> bool:
        """Check the registry if a poll is due. Returns whether it had changed."""
        return self._clock.monotonic() >= self._next_poll and self.refresh()

    def refresh(self) -> bool:
        """Check the registry now, unless it was checked a moment ago. Returns whether it had changed."""
        with self._lock:
            if self._clock.monotonic() < self._next_look:
                return False
            try:
                changed = self._version.read_if_new(self._read)
            except SQLAlchemyError as error:
                if self._problem is None:
                    log.warning("registry_not_read", error=type(error).__name__)
                self._problem = f"the database cannot be read ({type(error).__name__}): check SIAGA_DATABASE_URL"
                self._next_poll = self._next_look = self._clock.monotonic() + BACK_OFF
                return False
            self._problem = None
            self._next_poll = self._clock.monotonic() + POLL
            self._next_look = self._clock.monotonic() + MIN_GAP
            return changed

    def _read(self) -> None:
        self._kept = self._keep(self._source.villages())
