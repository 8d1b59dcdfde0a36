"""`siaga import`: a sites file into the registry."""

from pathlib import Path
from typing import Annotated

import typer

from siaga.run.cli.options import DatabaseUrl, DataDir

__all__ = ["import_sites"]


def import_sites(
    file: Annotated[Path, typer.Argument(help="The sites file, in YAML.", show_default=False)],
    only: Annotated[
        bool, typer.Option("--only", help="Take out the villages that the file does not have; without it they stay.")
    ] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Read a sites file into the registry. With a mistake in it, nothing is imported."""
    from siaga.run.services import import_sites as import_into
    from siaga.run.settings import load_settings

    report = import_into(load_settings({"data_dir": data_dir, "database_url": database_url}), file, only=only)
    removed = f", {report.removed} taken out" if report.removed else ""
    typer.echo(
        f"{file}: {report.added} villages added, {report.changed} changed, {report.unchanged} as they were{removed}"
    )
