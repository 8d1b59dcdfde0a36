"""`siaga complaints`: what citizens said, erased before its time."""

from typing import Annotated

import typer

from siaga.run.cli.mistakes import Mistake
from siaga.run.cli.options import DatabaseUrl, DataDir

__all__ = ["complaints"]

complaints = typer.Typer(help="Complaints of citizens.")


@complaints.callback()
def _group() -> None:
    """Keep `erase` a command of its own, though it is the only one."""


@complaints.command("erase")
def erase(
    complaint: Annotated[str, typer.Argument(metavar="ID", help="Its number, with or without dashes.")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Delete note, answer and photos of a complaint. Problem, times and state stay for the figures."""
    from siaga.run.complaints import erase_complaint
    from siaga.run.settings import load_settings

    if not erase_complaint(load_settings({"data_dir": data_dir, "database_url": database_url}), complaint):
        raise Mistake(f"complaints erase: there is no complaint {complaint!r}")
