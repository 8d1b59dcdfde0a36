"""`siaga person`: accounts of people, and the links by which they sign in for the first time."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from siaga.run.cli.mistakes import Mistake
from siaga.run.cli.options import DatabaseUrl, DataDir

if TYPE_CHECKING:
    from siaga.run.people import Known

__all__ = ["people"]

people = typer.Typer(help="Accounts of people.")

Name = Annotated[str, typer.Argument(help="A slug; the same as in the notify file.", show_default=False)]


@people.command("add")
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="viewer, technician or admin", show_default=False)],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="A village's code or a region such as 35.10.15; repeat it for several. Without it, all."),
    ] = None,
    shown: Annotated[str, typer.Option("--name", help='As others read it, such as "Ratih S.".')] = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make an account and print its sign-in link, which sets the password once, within 72 hours."""
    from siaga.model.caller import Role
    from siaga.run.people import add_person, scopes_of
    from siaga.run.settings import load_settings

    if role not in list(Role):
        raise Mistake(f"--role: {role!r} is not a role: write viewer, technician or admin")
    settings = load_settings({"data_dir": data_dir, "database_url": database_url})
    typer.echo(add_person(settings, name, Role(role), scopes_of(scope or ()), shown))


@people.command("list")
def listed(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """List all people: name, role, scopes, and by what the notify file reaches them."""
    from siaga.run.people import known_people
    from siaga.run.settings import load_settings

    for known in known_people(load_settings({"data_dir": data_dir, "database_url": database_url})):
        typer.echo(_line(known))


def _line(known: "Known") -> str:
    account, told = known.account, f"told by {', '.join(known.channels)}" if known.channels else "told of nothing"
    if account is None:
        return f"{known.name}  no account, {told}"
    if account.removed_at is not None:
        return f"{known.name}  removed {_day(account.removed_at)}, {told}"
    state = "" if account.has_password else ", has no password yet"
    shown = "" if account.display_name == known.name else f"  {account.display_name}"
    scopes = " ".join(account.scopes.texts)
    return f"{known.name}  {account.role:<10}  {scopes}{shown}  made {_day(account.created_at)}{state}, {told}"


@people.command("show")
def show(name: Name, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Print all that siaga holds of somebody, as JSON: account, sessions, and what was done by this name."""
    import json

    from siaga.run.people import show_person
    from siaga.run.settings import load_settings

    found = show_person(load_settings({"data_dir": data_dir, "database_url": database_url}), name)
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False, default=str))


@people.command("link")
def link(name: Name, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Print a new sign-in link, which sets a new password once, within 72 hours. Earlier links hold no longer."""
    from siaga.run.people import new_link
    from siaga.run.settings import load_settings

    typer.echo(new_link(load_settings({"data_dir": data_dir, "database_url": database_url}), name))


@people.command("remove")
def remove(name: Name, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Take an account away: its sessions end at once. What it did keeps its name."""
    from siaga.run.people import remove_person
    from siaga.run.settings import load_settings

    remove_person(load_settings({"data_dir": data_dir, "database_url": database_url}), name)
    typer.echo(f"{name} is removed")


def _day(time: int) -> str:
    return f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d}"
