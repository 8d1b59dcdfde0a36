"""Empty telemetry stores on DuckDB. To open a file takes longer than most tests, so a process opens few and empties
them."""

import tempfile
from contextlib import ExitStack
from typing import cast

from siaga.telemetry import StoreUnavailable, TelemetryStore, open_store
from siaga.timeline.span_algebra import FOREVER

__all__ = ["close_stores", "empty_store"]

_free: list[TelemetryStore] = []
_opened = ExitStack()


def empty_store() -> TelemetryStore:
    """Returns a store with nothing in it. Its `close` empties it for the next test."""
    return cast("TelemetryStore", _Lent())


def close_stores() -> None:
    """Close and delete the files of this process."""
    _free.clear()
    _opened.close()


class _Lent:
    """The real store, from its first use until it is closed."""

    def __init__(self) -> None:
        self._store: TelemetryStore | None = None
        self._closed = False

    def __getattr__(self, name: str) -> object:
        if self._closed:
            raise StoreUnavailable("the telemetry file has been closed")
        if self._store is None:
            self._store = _free.pop() if _free else _open()
        return getattr(self._store, name)

    def close(self) -> None:
        self._closed = True
        store, self._store = self._store, None
        if store is not None:
            store.drop_before(FOREVER)
            _free.append(store)


def _open() -> TelemetryStore:
    directory = _opened.enter_context(tempfile.TemporaryDirectory(prefix="siaga-stores-"))
    store = open_store(f"duckdb:///{directory}/telemetry.duckdb")
    _opened.callback(store.close)
    return store
