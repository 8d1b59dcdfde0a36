"""The file of a backup: a ZIP of parts, and last a manifest with the SHA-256 of each.

Parts:
- `database/TABLE.jsonl`: a row a line (`siaga.database.dump`);
- `telemetry/TABLE.parquet`: the embedded store (`DuckStore.copy`);
- `gateway/gateway.db`: what the gateway has not delivered yet;
- `data/NAME`: small files of the data directory, such as the names of sessions;
- `files/NAME`: the files that people wrote and the settings name, such as the sites file.

The file is written under another name first and appears whole, or not at all. It is as secret as what is in it, so only
its owner may read it.
"""

import contextlib
import errno
import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["BadBackup", "Manifest", "Part", "Reader", "Verified", "Writer", "sync_directory", "verify_backup"]

FORMAT = 1
MANIFEST = "manifest.json"
MAX_MANIFEST = 4 << 20
"""Bytes of a manifest that are read at most."""
CHUNK = 1 << 20
"""Bytes that are copied at once."""
STORED = (".parquet",)
"""Endings of parts that are compressed already."""


class BadBackup(ValueError):
    """A file is no sound backup. The message is a sentence."""


class Part(BaseModel):
    """One part of a backup. `rows`: of a table; `columns`: their names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    bytes: int
    sha256: str
    rows: int | None = None
    columns: tuple[str, ...] | None = None


class Manifest(BaseModel):
    """What a backup holds, and what it does not.

    `made_at`: RFC 3339 in UTC. `schema_revision`: of the database; `None` if it holds none. `left_out`: a sentence for
    each kind of state that is not in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    siaga: str
    made_at: str
    schema_revision: str | None
    parts: tuple[Part, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """A sound backup: its manifest, and the bytes of all parts."""

    manifest: Manifest
    size: int


class Writer:
    """Writes a backup. Use `open`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.parts: list[Part] = []

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path) -> Iterator["Writer"]:
        """Yields a writer. The file appears when all went well, and is durable then; after a failure there is none.

        Raises:
            FileExistsError: there is a file of that name. The message is a sentence.
            OSError: it cannot be written.
        """
        if path.exists():
            raise FileExistsError(f"{path} exists already: a backup never overwrites a file")
        partial = path.with_name(f".{path.name}.partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                    yield cls(archive)
                file.flush()
                os.fsync(file.fileno())
            os.link(partial, path)  # unlike a rename, it fails if another has made the file meanwhile
            sync_directory(path.parent)
        finally:
            partial.unlink(missing_ok=True)

    def add_lines(self, name: str, columns: Iterable[str], lines: Iterable[bytes]) -> None:
        """Add a table, a row a line."""
        digest, size, rows = hashlib.sha256(), 0, 0
        with self._part(name) as target:
            for line in lines:
                target.write(line)
                target.write(b"\n")
                digest.update(line)
                digest.update(b"\n")
                size, rows = size + len(line) + 1, rows + 1
        self.parts.append(Part(name=name, bytes=size, sha256=digest.hexdigest(), rows=rows, columns=tuple(columns)))

    def add_file(self, name: str, path: Path) -> None:
        """Add a file's content."""
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as source, self._part(name) as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self.parts.append(Part(name=name, bytes=size, sha256=digest.hexdigest()))

    def finish(self, siaga: str, made_at: str, schema_revision: str | None, left_out: Iterable[str]) -> Manifest:
        """Write the manifest. Nothing is added afterwards. Returns it."""
        manifest = Manifest(
            format=FORMAT,
            siaga=siaga,
            made_at=made_at,
            schema_revision=schema_revision,
            parts=tuple(self.parts),
            left_out=tuple(left_out),
        )
        self._archive.writestr(MANIFEST, manifest.model_dump_json(indent=1))
        return manifest

    def _part(self, name: str) -> IO[bytes]:
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        return self._archive.open(info, "w", force_zip64=True)


class Reader:
    """Reads a backup. Use `open`."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._path, self._archive = path, archive
        self.manifest = manifest

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path) -> Iterator["Reader"]:
        """Yields a reader of a backup, whose manifest has been read. The parts are checked by `verify`.

        Raises:
            BadBackup: it is no backup, or not a whole one.
            OSError: the file cannot be read.
        """
        with contextlib.ExitStack() as stack:
            with _sound(f"{path} is no backup of siaga, or not a whole one"):
                archive = stack.enter_context(zipfile.ZipFile(path))
                manifest = _manifest(path, archive)
            yield cls(path, archive, manifest)

    def verify(self, tell: Callable[[str], None]) -> int:
        """Read every part and compare it with the manifest. Returns the bytes of all. `tell`: called with each name.

        Raises:
            BadBackup: a part is damaged, absent, or not in the manifest.
        """
        named = {part.name for part in self.manifest.parts}
        surplus = {info.filename for info in self._archive.infolist()} - named - {MANIFEST}
        if surplus:
            raise BadBackup(f"{self._path}: {min(surplus)} is not in its manifest")
        for part in self.manifest.parts:
            tell(part.name)
            digest, size, rows = hashlib.sha256(), 0, 0
            for chunk in self._chunks(part.name):
                digest.update(chunk)
                size, rows = size + len(chunk), rows + chunk.count(b"\n")
                if size > part.bytes:
                    break
            if size != part.bytes or digest.hexdigest() != part.sha256 or part.rows not in (None, rows):
                raise BadBackup(f"{self._path}: {part.name} is damaged: its content is not what the manifest says")
        return sum(part.bytes for part in self.manifest.parts)

    def named(self, folder: str) -> list[Part]:
        """Returns the parts of a folder, such as `database/`."""
        return [part for part in self.manifest.parts if part.name.startswith(folder)]

    def lines(self, name: str) -> Iterator[bytes]:
        """Yields the lines of a part.

        Raises:
            BadBackup: it is absent, or damaged.
        """
        rest = b""
        for chunk in self._chunks(name):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def extract(self, name: str, target: Path) -> None:
        """Write a part into a new file, which only its owner may read.

        Raises:
            BadBackup: it is absent, or damaged.
        """
        with os.fdopen(_create(target), "wb") as file:
            for chunk in self._chunks(name):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())

    def _chunks(self, name: str) -> Iterator[bytes]:
        problem = f"{self._path}: {name} is absent or damaged"
        with contextlib.ExitStack() as stack:
            with _sound(problem):
                source = stack.enter_context(self._archive.open(name))
            while True:
                with _sound(problem):
                    chunk = source.read(CHUNK)
                if not chunk:
                    return
                yield chunk


def verify_backup(path: Path, tell: Callable[[str], None] = lambda _: None) -> Verified:
    """Check that a backup is whole and unchanged, by the SHA-256 of each part.

    Raises:
        BadBackup: it is not.
        OSError: the file cannot be read.
    """
    with Reader.open(path) as reader:
        return Verified(reader.manifest, reader.verify(tell))


@contextlib.contextmanager
def _sound(problem: str) -> Iterator[None]:
    """Raise `BadBackup` for all that a damaged ZIP file may raise."""
    try:
        yield
    except BadBackup:
        raise
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, RuntimeError, ValueError, OverflowError):
        raise BadBackup(problem) from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # a place before the beginning of the file, which the damaged ZIP names
            raise
        raise BadBackup(problem) from None


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    try:
        info = archive.getinfo(MANIFEST)
        if info.file_size > MAX_MANIFEST:
            raise BadBackup(f"{path}: its manifest is larger than any of siaga")
        return Manifest.model_validate_json(archive.read(info))
    except KeyError:
        raise BadBackup(f"{path} is no backup of siaga: it has no manifest") from None
    except ValidationError:
        raise BadBackup(f"{path}: its manifest is not one that this version of siaga can read") from None


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def sync_directory(directory: Path) -> None:
    """Flush a directory to the disk: the names in it outlive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
