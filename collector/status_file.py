"""What a running collector says of itself, in a file of its data directory, for `siaga health`.

A collector has no port to be asked at. Several may share a directory: on hosts, or in containers, of their own, and on
one host as members, each with the name of its session.
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
FORGOTTEN_AFTER = 600.0
"""Seconds after which one that was killed is forgotten, if others run here."""


class NoCollector(OSError):
    """No collector of this host tells its status. The message is a sentence."""


def _files(directory: Path) -> dict[str, Path]:
    """The files of this host's collectors, by member. No host has an `@` in its name."""
    prefix = f"{_prefix()}@"
    return {path.stem.removeprefix(prefix): path for path in sorted(directory.glob(f"{prefix}*.status"))}


def _prefix() -> str:
    return f"collector-{socket.gethostname()[:64]}"


class StatusFile:
    """Written again and again while the collector runs; removed at its end. `member`: which of this host's it is."""

    def __init__(self, directory: Path, member: str) -> None:
        self._path = directory / f"{_prefix()}@{member}.status"
        for left in _files(directory).values():
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > FORGOTTEN_AFTER:
                    left.unlink()
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
    """Returns the problems of this host's collectors; `None` if they have none. Of several each is named.

    Raises:
        NoCollector: none runs, or all hang.
    """
    told = {member: _read(path) for member, path in _files(directory).items()}
    now = time.time()
    ages = {member: now - at for member, (at, _) in told.items()}
    if not ages:
        raise NoCollector("no collector runs here, with this data directory")
    if min(ages.values()) > OLD_AFTER:
        raise NoCollector(f"the collector {_silent(min(ages.values()))}")
    known = {member: problem for member, (_, problem) in told.items() if ages[member] <= FORGOTTEN_AFTER}
    problems = {
        member: _silent(ages[member]) if ages[member] > OLD_AFTER else problem for member, problem in known.items()
    }
    found = {member: problem for member, problem in problems.items() if problem is not None}
    if len(known) == 1:
        return next(iter(found.values()), None)
    return "; ".join(f"collector {member}: {problem}" for member, problem in found.items()) or None


def _silent(age: float) -> str:
    return f"has said nothing for {age:.0f} s: it hangs, or was killed"


def _read(path: Path) -> tuple[float, str | None]:
    """When a collector told its problem, Unix time, and the problem."""
    try:
        told = orjson.loads(path.read_bytes())
        at, problem = float(told["at"]), told["problem"]
    except FileNotFoundError:  # it has just ended
        return float("-inf"), None
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise NoCollector("the collector's status cannot be read") from None
    return at, None if problem is None else str(problem)
