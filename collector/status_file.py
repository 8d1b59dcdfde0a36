"""What a running collector says of itself, in a file of its data directory, for `siaga health`.

A collector has no port to be asked at. Several may share a directory, each on a host, or in a container, of its own.
"""

import socket
import time
from contextlib import suppress
from pathlib import Path

import orjson

__all__ = ["NoCollector", "StatusFile", "read_status_file"]

TOLD_EVERY = 5.0
"""Seconds between two writes, unless the problem changed."""
OLD_AFTER = 30.0
"""Seconds after which it is told by nobody any more: the collector hangs, or was killed."""


class NoCollector(OSError):
    """No collector of this host tells its status. The message is a sentence."""


def _path(directory: Path) -> Path:
    return directory / f"collector-{socket.gethostname()[:64]}.status"


class StatusFile:
    """Written again and again while the collector runs; removed at its end."""

    def __init__(self, directory: Path) -> None:
        self._path = _path(directory)
        self._told: str | None = None
        self._at = float("-inf")

    def tell(self, problem: str | None) -> None:
        """Write the problem, or that there is none. A directory that is full is no reason to stop."""
        now = time.monotonic()
        if problem == self._told and now - self._at < TOLD_EVERY:
            return
        self._told, self._at = problem, now
        beside = self._path.with_suffix(".new")
        try:
            beside.write_bytes(orjson.dumps({"at": time.time(), "problem": problem}))
            beside.replace(self._path)
        except OSError:
            return

    def remove(self) -> None:
        """The collector has ended. What cannot be removed is old soon."""
        with suppress(OSError):
            self._path.unlink()


def read_status_file(directory: Path) -> str | None:
    """Returns the problem of this host's collector; `None` if it has none.

    Raises:
        NoCollector: none runs, or it hangs.
    """
    try:
        told = orjson.loads(_path(directory).read_bytes())
        at, problem = float(told["at"]), told["problem"]
    except FileNotFoundError:
        raise NoCollector("no collector runs here, with this data directory") from None
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise NoCollector("the collector's status cannot be read") from None
    age = time.time() - at
    if age > OLD_AFTER:
        raise NoCollector(f"the collector has said nothing for {age:.0f} s: it hangs, or was killed")
    return None if problem is None else str(problem)
