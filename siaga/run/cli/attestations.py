"""`siaga attestations`: what they show of people, erased."""

from typing import Annotated

import typer

from siaga.run.cli.mistakes import Mistake
from siaga.run.cli.options import DatabaseUrl, DataDir

__all__ = ["attestations"]

attestations = typer.Typer(help="Attestations.")


@attestations.callback()
def _group() -> None:
    """Keep `erase` a command of its own, though it is the only one."""


@attestations.command("erase")
def erase(
    attestation: Annotated[str, typer.Argument(metavar="ID", help="As the API says it.", show_default=False)],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Delete note and photos of an attestation. Its date, its verdict and who made it stay for the figures."""
    from siaga.run.attestations import erase_attestation
    from siaga.run.settings import load_settings

    if not erase_attestation(load_settings({"data_dir": data_dir, "database_url": database_url}), attestation):
        raise Mistake(f"attestations erase: there is no attestation {attestation!r}")
