"""Empty telemetry stores on DuckDB. To open a file takes longer than most tests, so a process opens few and empties
them."""

import atexit
import tempfile
from typing import cast

from siaga.telemetry import StoreUnavailable, TelemetryStore, open_store
from siaga.timeline.span_algebra import FOREVER

__all__ = ["empty_store"]

_free: list[TelemetryStore] = []


def empty_store() -> TelemetryStore:
    """Returns a store with nothing in it. Its `close` empties it for the next test."""
    return cast("TelemetryStore", _Lent())


class _Lent:
    """The real store, from its first use until it is closed."""

    def __init__(self) -> None:
        self._store: TelemetryStore | None = None
        self._closed = False

    def __getattr__(self, name: str) -> object:
        if self._closed:
            raise StoreUnavailable("the telemetry file has been closed")
        if self._store is None:
            self._store = _free.pop() if _free else _opened()
        return getattr(self._store, name)

    def close(self) -> None:
        self._closed = True
        store, self._store = self._store, None
        if store is not None:
            store.drop_before(FOREVER)
            _free.append(store)


def _opened() -> TelemetryStore:
    directory = tempfile.TemporaryDirectory(prefix="siaga-stores-")
    store = open_store(f"duckdb:///{directory.name}/telemetry.duckdb")
    atexit.register(directory.cleanup)
    atexit.register(store.close)
    return store
