"""A directory for what is made meanwhile. A process that is killed leaves it, and the next one removes it."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["scratch"]


@contextlib.contextmanager
def scratch(parent: Path, prefix: str) -> Iterator[Path]:
    """Yields a new directory in `parent` that is gone afterwards. What killed processes left of this prefix goes first.

    Who is alive holds a lock of its directory, which ends with its process. The parent is locked while one is made, so
    nobody takes a new one for left behind.

    Raises:
        OSError: it cannot be made.
    """
    with contextlib.ExitStack() as held:
        with _locked(parent, wait=True):
            for left in parent.glob(f"{prefix}*"):
                with _locked(left, wait=False) as nobody_has_it:
                    if nobody_has_it:
                        shutil.rmtree(left, ignore_errors=True)
            made = Path(held.enter_context(tempfile.TemporaryDirectory(prefix=prefix, dir=parent)))
            held.enter_context(_locked(made, wait=True))
        yield made


@contextlib.contextmanager
def _locked(directory: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of a directory; yields whether it is held. Without `wait` it is not, if somebody has it."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        if wait:
            raise
        yield False  # it has just gone
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
