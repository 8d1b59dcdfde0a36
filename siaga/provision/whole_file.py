"""Writes a file whole: whoever reads it sees the earlier or the new one, also after a power cut."""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Keeper", "write_whole"]


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who owns a file, and who may read it: its owner alone, or also the owner's group."""

    user: int
    group: int
    mode: int

    @classmethod
    def of(cls, path: Path) -> "Keeper":
        """Returns the keeper for a file with secrets: that of the file that it replaces, else of its directory.

        What belongs to somebody else can only be read by them through its group, if this process is not root.
        """
        try:
            found = path.stat()
            known = True
        except FileNotFoundError:
            found, known = path.parent.stat(), False
        if os.geteuid() == 0:
            return cls(found.st_uid, found.st_gid, found.st_mode & 0o640 if known else 0o600)
        mine = os.geteuid() == found.st_uid
        if mine:
            return cls(os.geteuid(), found.st_gid, found.st_mode & 0o640 if known else 0o600)
        return cls(os.geteuid(), found.st_gid, 0o640)


def write_whole(path: Path, content: bytes, keeper: Keeper) -> None:
    """Write a file beside its place, flush it to the disk, and rename it. Its mode is right from its first byte.

    Raises:
        OSError: it could not be written; the earlier file is as it was.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        try:
            if (keeper.user, keeper.group) != (os.geteuid(), os.fstat(descriptor).st_gid):
                os.fchown(descriptor, keeper.user if os.geteuid() == 0 else -1, keeper.group)
            os.fchmod(descriptor, keeper.mode)
            with open(descriptor, "wb", closefd=False) as file:
                file.write(content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
