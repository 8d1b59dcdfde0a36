"""`siaga report`: the uptime report of a period, into a file."""

from pathlib import Path
from typing import Annotated

import typer

from siaga.run.cli.options import DatabaseUrl, DataDir

__all__ = ["report"]


def report(
    output: Annotated[
        Path, typer.Option(help="The file; its ending says the form: .pdf, .xlsx, .csv, .json.", show_default=False)
    ],
    period: Annotated[
        str | None,
        typer.Option(help="2026-11-05, 2026-W45, 2026-11, 2026-Q4, 2026-H2 or 2026.", show_default=False),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Instead of a period: the first date.", show_default=False)
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="With --from: the date after the last.", show_default=False)
    ] = None,
    scope: Annotated[str, typer.Option(help="A village's code, a region's such as 35.10.15, or *.")] = "*",
    language: Annotated[
        str | None, typer.Option(help="Of names, headings and mistakes: id or en; id if not given.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write the uptime report of a period."""
    from siaga.run.reports import Asked, write_report
    from siaga.run.settings import load_settings

    settings = load_settings({"data_dir": data_dir, "database_url": database_url})
    written = write_report(settings, Asked(period, start, end, scope, language, output))
    typer.echo(f"{output}: {written.size:,} bytes")
    if written.notice is not None:
        typer.echo(f"siaga: {written.notice}", err=True)
