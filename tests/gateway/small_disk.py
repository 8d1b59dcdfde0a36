"""A file system of a few hundred kilobytes for one process, which a test can fill and empty again.

It is a tmpfs in a mount namespace of the process, which needs no rights where Linux permits user namespaces. Where it
does not (some containers), the process's files are limited to one byte instead, which gives a disk error as well.
"""

import errno
import resource
import subprocess
from pathlib import Path

__all__ = ["SmallDisk"]

_MOUNT = 'mount -t tmpfs -o size=600k siaga "$0" && exec "$@"'


class SmallDisk:
    """A directory. `command` is put before the command of the process that sees the directory as a disk of its own."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        mounted = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _MOUNT, str(directory)]
        try:
            self.real = subprocess.run([*mounted, "true"], capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            self.real = False
        self.command = mounted if self.real else []

    def fill_up(self, pid: int) -> None:
        """Fill the disk: the process can write nothing more."""
        if not self.real:
            self._limit(pid, 1)
            return
        with (self._inside(pid) / "filler").open("ab", buffering=0) as filler:
            for size in (4096, 1):
                try:
                    while True:
                        filler.write(b"x" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC  # noqa: PT017 - any other is none that was wanted

    def make_room(self, pid: int) -> None:
        """Free the disk: the process can write again."""
        if self.real:
            (self._inside(pid) / "filler").unlink()
        else:
            self._limit(pid, resource.RLIM_INFINITY)

    def _inside(self, pid: int) -> Path:
        return Path(f"/proc/{pid}/root{self._directory}")

    @staticmethod
    def _limit(pid: int, size: int) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
