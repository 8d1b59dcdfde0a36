"""The command line: which commands there are. Each is a file beside this one.

What a command needs is loaded when it runs, so that `siaga --help` answers at once. A mistake is a sentence on standard
error, never a traceback.
"""

import sys
from typing import Annotated, NoReturn

import typer

from siaga.run.cli.api import api
from siaga.run.cli.attestations import attestations
from siaga.run.cli.backup import backup, restore
from siaga.run.cli.broker import broker
from siaga.run.cli.collector import collector
from siaga.run.cli.complaints import complaints
from siaga.run.cli.doctor import doctor
from siaga.run.cli.gateway import gateways
from siaga.run.cli.health import health
from siaga.run.cli.import_sites import import_sites
from siaga.run.cli.mistakes import BAD_INPUT, say, sentence
from siaga.run.cli.notify import notify
from siaga.run.cli.person import people
from siaga.run.cli.rebuild import rebuild
from siaga.run.cli.report import report
from siaga.run.cli.schedule import schedule
from siaga.run.cli.simulate import simulate
from siaga.run.cli.tokens import tokens
from siaga.run.cli.up import up
from siaga.run.cli.verify import verify
from siaga.run.garbage import look_seldom

__all__ = ["app", "main"]

app = typer.Typer(
    name="siaga",
    help="Watches over village facilities around the clock.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(verify)
app.command()(report)
app.command()(up)
app.command()(collector)
app.command()(api)
app.command()(health)
app.command("import")(import_sites)
app.command()(rebuild)
app.command()(backup)
app.command()(restore)
app.command()(doctor)
app.command()(simulate)
app.add_typer(tokens, name="token")
app.add_typer(gateways, name="gateway")
app.add_typer(broker, name="broker")
app.add_typer(notify, name="notify")
app.add_typer(schedule, name="schedule")
app.add_typer(people, name="person")
app.add_typer(complaints, name="complaints")
app.add_typer(attestations, name="attestations")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context, show: Annotated[bool, typer.Option("--version", help="Show the version.")] = False
) -> None:
    if show:
        from importlib.metadata import version

        typer.echo(f"siaga {version('siaga')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> NoReturn:
    """The command `siaga`."""
    look_seldom()
    try:
        status = app(standalone_mode=False)
    except typer.TyperException as problem:
        status = say(problem.format_message(), BAD_INPUT)
    except typer.Abort:
        status = 130
    except Exception as problem:  # noqa: BLE001 - the last one to see it: a sentence, or raised again
        status = say(*sentence(problem))
    sys.exit(status if isinstance(status, int) else 0)
