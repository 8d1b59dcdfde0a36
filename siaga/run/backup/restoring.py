"""Restores a backup into an empty place. Everything is checked first, and appears at the end."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select, update
from sqlalchemy.engine import make_url

from siaga.database import connect, writing
from siaga.database.dealing import Heard
from siaga.database.dump import Dump, TableDump, has_tables, load
from siaga.database.tables import engine_state
from siaga.run.backup.archive import BadBackup, Manifest, Reader, sync_directory
from siaga.run.backup.files import GATEWAY
from siaga.run.settings import Settings
from siaga.telemetry.duck import DuckStore

__all__ = ["Restored", "restore_backup"]

SQLITE = "siaga.db"
TELEMETRY = "telemetry.duckdb"
FILES = "files"
"""Where the files that people wrote are put, in the data directory."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored. `files`: where the files that people wrote lie now; `observations`: of the embedded store."""

    manifest: Manifest
    rows: int
    observations: int | None
    files: list[Path]


def restore_backup(settings: Settings, path: Path, tell: Callable[[str], None] = lambda _: None) -> Restored:
    """Restore all that a backup holds, into the data directory and the database of the settings.

    Raises:
        BadBackup: the file is damaged, the place is not empty, or the settings do not fit what is in the backup.
        UnknownSchema: a newer siaga made it.
        OSError, StoreUnavailable, DBAPIError: it cannot be read, or the place not be written.
    """
    with Reader.open(path) as reader:
        telemetry = bool(reader.named("telemetry/"))
        _must_be_empty(settings, telemetry=telemetry)
        reader.verify(tell)
        settings.make_data_dir()
        scratch = Path(tempfile.mkdtemp(prefix=".restoring-", dir=settings.data_dir))
        try:
            return _restore(settings, reader, scratch, tell)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _restore(settings: Settings, reader: Reader, scratch: Path, tell: Callable[[str], None]) -> Restored:
    observations = _load_telemetry(reader, scratch, tell)
    for part in [*reader.named("gateway/"), *reader.named("data/"), *reader.named("files/")]:
        tell(part.name)
        target = scratch / _place(part.name)
        target.parent.mkdir(exist_ok=True)
        reader.extract(part.name, target)
    for made in scratch.iterdir():  # before the database is loaded: it cannot be taken back
        if (settings.data_dir / made.name).exists():
            raise BadBackup(_holds(settings, made.name))
    embedded = settings.database_url is None
    engine = connect(f"sqlite:///{scratch / SQLITE}" if embedded else settings.database)
    try:
        rows = _load_database(engine, reader, tell)
        if embedded and rows is not None:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        engine.dispose()
    moved = []
    for each in sorted(scratch.iterdir()):
        each.replace(settings.data_dir / each.name)
        moved.append(settings.data_dir / each.name)
    sync_directory(settings.data_dir)
    files = settings.data_dir / FILES
    return Restored(reader.manifest, rows or 0, observations, sorted(files.iterdir()) if files in moved else [])


def _place(name: str) -> Path:
    """Returns where a part lies in the data directory. A backup cannot name a place elsewhere."""
    folder, _, rest = name.partition("/")
    if not rest or Path(rest).name != rest or rest.startswith("."):
        raise BadBackup(f"the backup names a file {name!r}, which is none of siaga's")
    return Path(FILES, rest) if folder == "files" else Path(rest)


def _must_be_empty(settings: Settings, *, telemetry: bool) -> None:
    directory = settings.data_dir
    held = [name for name in (SQLITE, TELEMETRY, GATEWAY) if (directory / name).exists()]
    if held:
        raise BadBackup(_holds(settings, held[0]))
    if telemetry and settings.store_url is not None:
        raise BadBackup(
            "the backup holds the telemetry of an embedded store, and SIAGA_STORE_URL names another one: restore "
            "without SIAGA_STORE_URL"
        )
    if settings.database_url is not None:
        url = make_url(settings.database)
        if url.get_backend_name() != "sqlite" or Path(url.database or "").exists():
            engine = connect(settings.database)
            try:
                if has_tables(engine):
                    raise BadBackup("the database holds tables already: a backup is restored into an empty one")
            finally:
                engine.dispose()


def _holds(settings: Settings, name: str) -> str:
    return f"data directory {settings.data_dir} holds a {name} already: a backup is restored into an empty directory"


def _load_telemetry(reader: Reader, scratch: Path, tell: Callable[[str], None]) -> int | None:
    parts = reader.named("telemetry/")
    if not parts:
        return None
    copy = scratch / "copy"
    copy.mkdir()
    for part in parts:
        tell(part.name)
        reader.extract(part.name, copy / _place(part.name))
    store = DuckStore.open(f"duckdb:///{scratch / TELEMETRY}")
    try:
        return store.load(copy)
    finally:
        store.close()
        shutil.rmtree(copy)


def _load_database(engine: Engine, reader: Reader, tell: Callable[[str], None]) -> int | None:
    """Load the database. Returns the number of rows; `None` if the backup holds none."""
    revision = reader.manifest.schema_revision
    if revision is None:
        return None
    counts = load(engine, Dump(revision, _tables(reader, tell)))
    _distrust_sessions(engine)
    return sum(counts.values())


def _tables(reader: Reader, tell: Callable[[str], None]) -> Iterator[TableDump]:
    for part in reader.named("database/"):
        tell(part.name)
        name = part.name.removeprefix("database/").removesuffix(".jsonl")
        yield TableDump(name, part.columns or (), reader.lines(part.name))


def _distrust_sessions(engine: Engine) -> None:
    """Note that what the broker acknowledged since the backup may be lost: engines read it from the store."""
    with writing(engine) as connection:
        for key, value in connection.execute(select(engine_state.c.key, engine_state.c.value)).all():
            if key.startswith("heard/"):
                heard = Heard.model_validate(value)
                doubted = json.loads(heard.model_copy(update={"settled": False}).model_dump_json())
                connection.execute(update(engine_state).where(engine_state.c.key == key).values(value=doubted))
