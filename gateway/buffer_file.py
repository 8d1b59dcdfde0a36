"""A SQLite file whose changes become durable together: opening, transactions, and what a failing disk means.

`commit` makes all changes since the last commit durable (`synchronous=FULL`). If the disk fails, all of them are rolled
back, and the state in memory is read again from the last commit.

A commit writes whole pages, first to the log and later to the file, however little changed in them. So fewer, larger
commits wear an SD card less.
"""

import sqlite3
from abc import ABC, abstractmethod
from pathlib import Path

__all__ = ["IN_MEMORY", "BufferFile", "BufferUnavailable"]

IN_MEMORY = Path(":memory:")
"""The path of a buffer that is in no file."""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""SQLite's codes for a damaged file, for which retries are useless."""


class BufferUnavailable(Exception):
    """The disk is full, gone or damaged. All changes since the last commit are lost.

    `damaged`: the file itself is damaged, so retries are useless.
    """

    def __init__(self, reason: str, *, damaged: bool = False) -> None:
        super().__init__(reason)
        self.damaged = damaged


class BufferFile(ABC):
    """One file. Used from one thread. A subclass reads and writes within `with self._guarded`, after `_begin`.

    Args:
        path: of the file.
        schema: statements that create what is not there yet.
        must_open: if false, a file that cannot be used is no error yet: `reopen` may succeed later.

    Raises:
        BufferUnavailable: from every method that reads or writes, if the disk fails. All changes since the last commit
            are then rolled back: the caller still has the data, and adds it again.
    """

    def __init__(self, path: Path, schema: str, *, must_open: bool) -> None:
        self.path = path
        self._schema = schema
        self._open = False
        self._stale = False
        self._guarded = _Guard(self)
        self._db = sqlite3.connect(":memory:")
        try:
            self.reopen()
        except BufferUnavailable:
            if must_open:
                raise

    @abstractmethod
    def _load(self) -> None:
        """Read the whole state of the last commit again."""

    def reopen(self) -> None:
        """Open the file again: after a disk error, or if it could not be opened earlier."""
        self._db.close()
        self._open = False
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            # WAL needs one fsync per commit, and only FULL guarantees it.
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA wal_autocheckpoint=400")
            self._db.execute("PRAGMA cache_size=-1000")
            self._db.executescript(self._schema)
            self._load()
            self._stale = False
        except sqlite3.Error as error:
            self._db.close()
            raise _unavailable(f"the buffer {self.path} cannot be used: {error}", error) from None

    def commit(self) -> bool:
        """Make all changes since the last commit durable. Returns whether there were any."""
        with self._guarded:
            if not self._open:
                return False
            self._db.execute("COMMIT")
            self._open = False
            return True

    def _begin(self) -> None:
        if self._stale:
            self._load()
            self._stale = False
        if not self._open:
            self._db.execute("BEGIN IMMEDIATE")
            self._open = True

    def roll_back(self) -> None:
        """Roll back all changes since the last commit."""
        self._open = False
        self._stale = True  # until it is read again, the state in memory may contain changes that were rolled back
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._load()
            self._stale = False
        except sqlite3.Error as error:
            raise _unavailable(f"the buffer {self.path} cannot be read: {error}", error) from None

    def let_go(self) -> None:
        """Close the file without a commit."""
        self._open = False
        self._db.close()

    def close(self) -> None:
        """Commit and close the file."""
        self.commit()
        self._db.close()


class _Guard:
    """Turns SQLite's errors into `BufferUnavailable`, after a roll-back."""

    def __init__(self, file: BufferFile) -> None:
        self._file = file

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        if isinstance(error, sqlite3.Error):
            self._file.roll_back()
            raise _unavailable(f"the buffer {self._file.path} takes nothing: {error}", error) from None


def _unavailable(reason: str, error: sqlite3.Error) -> BufferUnavailable:
    code = getattr(error, "sqlite_errorcode", 0)
    return BufferUnavailable(reason, damaged=code & 0xFF in _DAMAGED)
