"""`siaga backup` and `siaga restore`: all state in one file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from siaga.run.cli.mistakes import Mistake
from siaga.run.cli.options import DatabaseUrl, DataDir, StoreUrl

__all__ = ["backup", "restore"]

VERIFY = "verify"

Words = Annotated[
    list[str],
    typer.Argument(metavar="[verify] FILE", help="The file to make; after the word verify, the file to check."),
]


def backup(
    words: Words, data_dir: DataDir = None, store_url: StoreUrl = None, database_url: DatabaseUrl = None
) -> None:
    """Write all state into one new file, while siaga runs; or check such a file (verify FILE)."""
    if words == [VERIFY] or len(words) > 2 or (len(words) == 2 and words[0] != VERIFY):
        raise Mistake("backup: write `siaga backup FILE`, or `siaga backup verify FILE`")
    if words[0] == VERIFY:
        _verify(Path(words[1]))
        return
    from siaga.model.clock import SystemClock
    from siaga.run.backup import make_backup
    from siaga.run.settings import load_settings

    path = Path(words[0])
    settings = load_settings({"data_dir": data_dir, "store_url": store_url, "database_url": database_url})
    with _told() as tell:
        made = make_backup(settings, path, SystemClock(), tell)
    typer.echo(f"{path}: {made.size:,} bytes, {len(made.manifest.parts)} parts, as of {made.manifest.made_at}")
    for left in made.manifest.left_out:
        typer.echo(f"not in it: {left}")


def restore(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `siaga backup` has made.")],
    data_dir: DataDir = None,
    store_url: StoreUrl = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Restore a backup into an empty data directory and database."""
    from siaga.run.backup import restore_backup
    from siaga.run.settings import load_settings

    settings = load_settings({"data_dir": data_dir, "store_url": store_url, "database_url": database_url})
    with _told() as tell:
        done = restore_backup(settings, path, tell)
    typer.echo(f"{path}: restored, as of {done.manifest.made_at}: {done.rows:,} rows")
    if done.observations is not None:
        typer.echo(f"telemetry: {done.observations:,} observations")
    for file in done.files:
        typer.echo(f"restored beside it: {file}")
    for left in done.manifest.left_out:
        typer.echo(f"was not in it: {left}")


def _verify(path: Path) -> None:
    from siaga.run.backup import verify_backup

    with _told() as tell:
        found = verify_backup(path, tell)
    manifest = found.manifest
    typer.echo(f"{path}: sound: {len(manifest.parts)} parts, {found.size:,} bytes unpacked, as of {manifest.made_at}")
    for left in manifest.left_out:
        typer.echo(f"not in it: {left}")


class _told:  # noqa: N801 - reads as a word: with _told() as tell
    """Shows on a terminal what is being worked on, and for how long."""

    def __enter__(self) -> "_told":
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._bar.start()
        self._task = self._bar.add_task("", total=None)
        return self

    def __call__(self, what: str) -> None:
        self._bar.update(self._task, description=what)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
