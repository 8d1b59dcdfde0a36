"""`siaga token`: make, list and revoke API tokens."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from siaga.run.cli.mistakes import Mistake
from siaga.run.cli.options import DatabaseUrl, DataDir

__all__ = ["tokens"]


tokens = typer.Typer(help="API tokens.")


@tokens.command("create")
def create(
    role: Annotated[str, typer.Option(help="viewer, technician or admin", show_default=False)],
    name: Annotated[str, typer.Option(help="Who will use it; shown where it acts.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it sees: a village's code, a region's such as 35.10.15; may be repeated. [everything]"),
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print a new API token. It is shown this once."""
    from siaga.model.caller import Role
    from siaga.run.services import create_token
    from siaga.run.settings import load_settings

    if role not in list(Role):
        raise Mistake(f"--role: {role!r} is not a role: write viewer, technician or admin")
    settings = load_settings({"data_dir": data_dir, "database_url": database_url})
    typer.echo(create_token(settings, Role(role), name or role, scope or ()))


@tokens.command("list")
def list_(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """List the tokens that were made: number, role, name, scopes, when they were last used. None can be read back."""
    from siaga.run.services import issued_tokens
    from siaga.run.settings import load_settings

    for token in issued_tokens(load_settings({"data_dir": data_dir, "database_url": database_url})):
        state = "revoked" if token.revoked_at is not None else f"last used {_day(token.last_used)}"
        scopes = ", ".join(token.scopes.texts)
        typer.echo(f"{token.id}  {token.role:<10}  {token.name}  sees {scopes}  made {_day(token.created_at)}, {state}")


def _day(time: int | None) -> str:
    return "never" if time is None else f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d}"


@tokens.command("revoke")
def revoke(
    number: Annotated[
        int, typer.Argument(min=1, max=2**63 - 1, help="Its number, from `siaga token list`.", show_default=False)
    ],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take a token's validity away, from the next call on."""
    from siaga.run.services import revoke_token
    from siaga.run.settings import load_settings

    if not revoke_token(load_settings({"data_dir": data_dir, "database_url": database_url}), number):
        raise Mistake(f"NUMBER: {number} is not the number of a valid token: see `siaga token list`")
    typer.echo(f"token {number} is revoked")
