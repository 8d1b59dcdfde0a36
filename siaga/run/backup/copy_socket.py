"""The embedded telemetry store belongs to one process. Another asks it for a copy over this socket.

The copy lies in a directory of the owner's. It is removed when the one who asked closes the connection, or dies.
"""

import contextlib
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import structlog
from pydantic import BaseModel, ValidationError

from siaga.telemetry import StoreUnavailable

__all__ = ["CopySocket", "NobodyAnswers", "borrowed_copy"]

log = structlog.get_logger(__name__)

SOCKET = "telemetry.sock"
"""The socket's name in the data directory."""
PREFIX = "telemetry-copy-"
"""How the names of copies begin, in the data directory."""
ALIVE_EVERY = 1.0
"""Seconds after which the owner says again that it is at work."""
DEAD_AFTER = 10.0
"""Seconds without a word after which the owner is given up."""
LONGEST_ANSWER = 10_000
HELD_FOR = 4 * 3600.0
"""Seconds for which a copy is kept for somebody who holds the connection and says nothing."""
AT_ONCE = 4
"""Copies that are kept, made or waited for at the same time. One is made at a time."""


class NobodyAnswers(OSError):
    """No process answers for the embedded store. The message is a sentence."""


class Copied(Protocol):
    """A store that can be copied: `DuckStore`."""

    def copy(self, directory: Path) -> None:
        """Write a copy into an existing directory."""
        ...


class _Answer(BaseModel):
    """Where the copy lies; or why there is none."""

    directory: str | None = None
    problem: str | None = None


class CopySocket:
    """Listens in the data directory, and makes a copy of the store for each who asks."""

    def __init__(self, data_dir: Path, store: Copied) -> None:
        self._data_dir, self._store = data_dir, store
        self._listener: socket.socket | None = None
        self._places, self._turn = threading.BoundedSemaphore(AT_ONCE), threading.Lock()

    def start(self) -> None:
        """Remove copies that a killed process left, and begin to listen. If there can be no socket, this is logged."""
        for left in self._data_dir.glob(f"{PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)
        listener = socket.socket(socket.AF_UNIX)
        try:
            (self._data_dir / SOCKET).unlink(missing_ok=True)
            with _short(self._data_dir) as path:
                listener.bind(path)
            (self._data_dir / SOCKET).chmod(0o600)
            listener.listen(4)
        except OSError as error:
            log.warning("no_backup_of_telemetry", reason=f"the socket {self._data_dir / SOCKET}: {error}")
            listener.close()
            return
        self._listener = listener
        threading.Thread(target=self._serve, args=(listener,), name="telemetry copies", daemon=True).start()

    def stop(self) -> None:
        """Stop listening, and remove the socket. A copy that is being made is given up."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            (self._data_dir / SOCKET).unlink(missing_ok=True)

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), name="telemetry copy", daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(DEAD_AFTER)
            if not self._places.acquire(blocking=False):
                _tell(connection, _Answer(problem=f"{AT_ONCE} backups are being made: try again when one is done"))
                return
            try:
                self._answer(connection)
            finally:
                self._places.release()

    def _answer(self, connection: socket.socket) -> None:
        with tempfile.TemporaryDirectory(prefix=PREFIX, dir=self._data_dir) as directory:
            problem: list[str] = []
            work = threading.Thread(target=self._copy, args=(Path(directory), problem), daemon=True)
            work.start()
            while work.is_alive():
                work.join(ALIVE_EVERY)
                connection.sendall(b"\n")
            _tell(connection, _Answer(problem=problem[0]) if problem else _Answer(directory=directory))
            connection.settimeout(HELD_FOR)
            connection.recv(1)  # returns when the other side has ended

    def _copy(self, directory: Path, problem: list[str]) -> None:
        try:
            with self._turn:
                self._store.copy(directory)
        except Exception as error:  # whatever it was, there is no copy, and the other side has to be told
            log.exception("copy_failed")
            problem.append(str(error) or type(error).__name__)


@contextlib.contextmanager
def borrowed_copy(data_dir: Path) -> Iterator[Path]:
    """Yields the directory of a copy, made by the process that owns the store. It is gone afterwards.

    Raises:
        NobodyAnswers: there is no such process, or it stopped answering.
        StoreUnavailable: it cannot make a copy.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(DEAD_AFTER)
        try:
            with _short(data_dir) as path:
                connection.connect(path)
            answer = _read(connection)
        except OSError as error:
            raise NobodyAnswers(
                f"nobody answers at {data_dir / SOCKET} ({error.strerror or error}): the telemetry file is in use by a "
                "process that makes no copies"
            ) from None
        if answer.directory is None:
            raise StoreUnavailable(answer.problem or "the store's owner made no copy")
        yield Path(answer.directory)


def _tell(connection: socket.socket, answer: _Answer) -> None:
    connection.sendall(answer.model_dump_json().encode() + b"\n")


def _read(connection: socket.socket) -> _Answer:
    """Returns the answer: the first line that is not empty."""
    said = b""
    while not said.endswith(b"\n"):
        part = connection.recv(4096)
        if not part or len(said) > LONGEST_ANSWER:
            raise OSError("it ended without an answer")
        said = (said + part).lstrip(b"\n")
    try:
        return _Answer.model_validate_json(said)
    except ValidationError:
        raise OSError("its answer cannot be read") from None


@contextlib.contextmanager
def _short(directory: Path) -> Iterator[str]:
    """Yields a short path of the socket, as Linux takes 108 bytes at most."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)
