"""Makes a backup, while siaga runs or not.

The order matters: first the database, then what the gateway still has to deliver, then the telemetry. So a reading that
has left one is already in the next. The telemetry holds at least what the database knows of. The engine of a restored
siaga reads the rest from it, as after any absence.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sqlalchemy.engine import make_url

from siaga.database import connect
from siaga.database.dump import dumped
from siaga.model.clock import Clock
from siaga.model.times import rfc3339
from siaga.run.backup.archive import Manifest, Writer
from siaga.run.backup.copy_socket import borrowed_copy
from siaga.run.backup.files import DATA_FILES, GATEWAY, settings_files
from siaga.run.backup.scratch import scratch
from siaga.run.settings import Settings
from siaga.telemetry import StoreUnavailable, open_store
from siaga.telemetry.duck import DuckStore

__all__ = ["Made", "NothingToBackUp", "make_backup"]

BUSY = 10.0
"""Seconds to wait for a lock of the gateway's buffer."""


class NothingToBackUp(ValueError):
    """There is no state of siaga here. The message is a sentence."""


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made: its manifest, and the file's size in bytes."""

    manifest: Manifest
    size: int


def make_backup(settings: Settings, path: Path, clock: Clock, tell: Callable[[str], None] = lambda _: None) -> Made:
    """Write all state into one new file. `tell`: called with what is written next.

    Raises:
        NothingToBackUp: there is no database and no buffer of a gateway.
        FileExistsError: there is a file of that name.
        StoreUnavailable, NobodyAnswers: the embedded store cannot be copied.
        BadDump: the database is of an older version.
        DBAPIError: the database does not answer.
    """
    if not _has_database(settings) and not (settings.data_dir / GATEWAY).exists():
        raise NothingToBackUp(
            f"data directory {settings.data_dir}: there is no database and no gateway's buffer: check SIAGA_DATA_DIR"
        )
    left_out: list[str] = []
    with Writer.open(path) as writer, scratch(path.parent, ".siaga-backup-") as beside:
        made_at = rfc3339(clock.now())
        revision = _add_database(settings, writer, tell, left_out)
        _add_gateway(settings, writer, beside, tell)
        _add_telemetry(settings, writer, tell, left_out)
        _add_files(settings, writer, tell, left_out)
        manifest = writer.finish(version("siaga"), made_at, revision, left_out)
    return Made(manifest, path.stat().st_size)


def _has_database(settings: Settings) -> bool:
    url = make_url(settings.database)
    return url.get_backend_name() != "sqlite" or (url.database is not None and Path(url.database).exists())


def _add_database(settings: Settings, writer: Writer, tell: Callable[[str], None], left_out: list[str]) -> str | None:
    if not _has_database(settings):
        left_out.append("a database: there is none here")
        return None
    engine = connect(settings.database)
    try:
        with dumped(engine) as dump:
            for table in dump.tables:
                tell(f"database/{table.name}")
                writer.add_lines(f"database/{table.name}.jsonl", table.columns, table.lines)
            return dump.revision
    finally:
        engine.dispose()


def _add_gateway(settings: Settings, writer: Writer, beside: Path, tell: Callable[[str], None]) -> None:
    """Add what the gateway of this data directory has not delivered yet."""
    buffer = settings.data_dir / GATEWAY
    if not buffer.exists():
        return
    tell("gateway")
    copy = beside / GATEWAY
    with (
        contextlib.closing(sqlite3.connect(f"file:{buffer}?mode=ro", uri=True, timeout=BUSY)) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        try:
            source.backup(target)
        except sqlite3.Error as error:
            raise OSError(f"the gateway's buffer {buffer} cannot be read: {error}") from None
    writer.add_file(f"gateway/{GATEWAY}", copy)


def _add_telemetry(settings: Settings, writer: Writer, tell: Callable[[str], None], left_out: list[str]) -> None:
    if not settings.store.startswith("duckdb:"):
        left_out.append("telemetry: it is in an outside store, which has backups of its own")
        return
    tell("telemetry")
    if not Path(settings.store.removeprefix("duckdb:///")).exists():
        left_out.append("telemetry: there is none here")
        return
    with _copy_of(settings) as directory:
        for each in sorted(directory.iterdir()):
            writer.add_file(f"telemetry/{each.name}", each)


@contextlib.contextmanager
def _copy_of(settings: Settings) -> Iterator[Path]:
    """Yields a copy of the embedded store: of our own if nobody uses it, else from who does."""
    try:
        store = open_store(settings.store)
    except StoreUnavailable:
        store = None
    if store is None:
        with borrowed_copy(settings.data_dir) as directory:
            yield directory
        return
    try:
        if not isinstance(store, DuckStore):
            raise TypeError("only the embedded store is copied")
        with scratch(settings.data_dir, ".telemetry-") as own:
            store.copy(own)
            yield own
    finally:
        store.close()


def _add_files(settings: Settings, writer: Writer, tell: Callable[[str], None], left_out: list[str]) -> None:
    for pattern in DATA_FILES:
        for path in sorted(settings.data_dir.glob(pattern)):
            tell(path.name)
            writer.add_file(f"data/{path.name}", path)
    for path in settings_files(settings):
        if path.is_file():
            tell(path.name)
            writer.add_file(f"files/{path.name}", path)
        else:
            left_out.append(f"{path}: the settings name it, and it is not there")
    left_out.append("settings: SIAGA_… variables and siaga.toml, which may hold passwords of other servers")
    left_out.append("messages that the embedded broker holds for a client that is away")
