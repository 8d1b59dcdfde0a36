"""Which villages and devices there are: the registry as the collector remembers it.

The registry lives in the SQL database. The collector reads it when its version changes, and keeps on with what it
knows while the database is away.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from siaga.model.clock import SECOND, Clock
from siaga.model.sites import Village

__all__ = ["KnownVillages", "RegistrySource"]

log = structlog.get_logger(__name__)

POLL = 2 * SECOND
"""How often the registry's version is looked at."""
MIN_GAP = 50
"""Milliseconds between two looks at the version, however many unknown names come in."""
BACK_OFF = 5 * SECOND
"""How long a database that did not answer is left alone: a connection attempt may take seconds."""


class RegistrySource(Protocol):
    """What the collector needs of `siaga.database.registry.Registry`. Both may raise SQLAlchemy's errors."""

    def version(self) -> int:
        """A number that grows with every import that changed something."""
        ...

    def villages(self) -> Iterable[Village]:
        """All villages with their facilities and devices."""
        ...


class KnownVillages:
    """The devices of every village, by village code. Safe to use from several threads."""

    def __init__(self, source: RegistrySource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._devices: Mapping[str, frozenset[str]] | None = None
        self._version: int | None = None
        self._lock = threading.Lock()
        self._next_poll = 0
        self._next_look = 0
        self._problem: str | None = None

    @property
    def loaded(self) -> bool:
        """Whether the registry was read at least once; before that nothing can be called unknown."""
        return self._devices is not None

    @property
    def problem(self) -> str | None:
        """Why the registry could not be read the last time, in one sentence; `None` when it could."""
        return self._problem

    def devices(self, village: str) -> frozenset[str] | None:
        """The ids of a village's devices; `None`: no such village."""
        return None if self._devices is None else self._devices.get(village)

    def poll(self) -> None:
        """Look at the registry if it was not looked at lately."""
        if self._clock.monotonic() >= self._next_poll:
            self.refresh()

    def refresh(self) -> bool:
        """Look at the registry now, but not at once after it was looked at; whether it had changed since.

        So a name that is not known is looked for before it is called unknown: an import counts from its commit on.
        """
        with self._lock:
            if self._clock.monotonic() < self._next_look:
                return False
            try:
                changed = self._read()
            except SQLAlchemyError as error:
                if self._problem is None:
                    log.warning("the registry cannot be read, going on with what is known", error=type(error).__name__)
                self._problem = f"the database cannot be read ({type(error).__name__}): check SIAGA_DATABASE_URL"
                self._next_poll = self._next_look = self._clock.monotonic() + BACK_OFF
                return False
            self._problem = None
            self._next_poll = self._clock.monotonic() + POLL
            self._next_look = self._clock.monotonic() + MIN_GAP
            return changed

    def _read(self) -> bool:
        version = self._source.version()
        if version == self._version:
            return False
        self._devices = {
            village.code: frozenset(device.id for facility in village.facilities for device in facility.devices)
            for village in self._source.villages()
        }
        self._version = version
        return True
