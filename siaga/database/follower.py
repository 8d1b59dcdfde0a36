"""Following the registry: whoever keeps something of it in memory looks at its version and reads again when it grew.

The version is asked for before the reading, so a change in between shows at the next look.
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
"""How often the registry's version is looked at."""
MIN_GAP = 50
"""Milliseconds between two looks at the version, however many are asked for."""
BACK_OFF = 5 * SECOND
"""How long a database that did not answer is left alone: a connection attempt may take seconds."""

Kept = TypeVar("Kept")


class RegistrySource(Protocol):
    """What is followed of `siaga.database.registry.Registry`. Both may raise SQLAlchemy's errors."""

    def version(self) -> int:
        """A number that grows with every import that changed something."""
        ...

    def villages(self) -> Iterable[Village]:
        """All villages with their facilities and devices."""
        ...


class RegistryVersion:
    """The version that was seen last. For one thread."""

    def __init__(self, source: RegistrySource) -> None:
        self._source = source
        self._seen: int | None = None

    def read_if_new(self, read: Callable[[], None]) -> bool:
        """Call `read` if the version is another one than at the last reading that succeeded. Returns whether it was.

        Raises:
            SQLAlchemyError: the database cannot be read; the next call tries again.
        """
        version = self._source.version()
        if version == self._seen:
            return False
        read()
        self._seen = version
        return True


class RegistryFollower(Generic[Kept]):
    """Keeps what `keep` makes of the villages, as new as the registry. Safe to use from several threads.

    While the database is away it keeps what it has, and `problem` says so.
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
        """What was made of the villages; `None`: they were not read yet."""
        return self._kept

    @property
    def problem(self) -> str | None:
        """Why the registry could not be read the last time, in one sentence; `None` when it could."""
        return self._problem

    def poll(self) -> bool:
        """Look at the registry if it was not looked at lately. Returns whether it had changed since."""
        return self._clock.monotonic() >= self._next_poll and self.refresh()

    def refresh(self) -> bool:
        """Look at the registry now, unless it was looked at a moment ago. Returns whether it had changed since."""
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
