"""The command line. What a command needs is loaded when it runs, so that `siaga --help` answers at once.

Exit status: 0 done, 1 it could not be done, 2 what was asked for cannot be right (usage, settings, a file's mistakes).
A mistake is a sentence on standard error, never a traceback.
"""

import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from siaga.run.cli.gateway import gateways
from siaga.run.cli.notify import notify
from siaga.run.cli.report import register as register_report
from siaga.run.cli.verify import register as register_verify
from siaga.run.logs import set_up_logs

__all__ = ["app", "main", "serve"]

app = typer.Typer(
    name="siaga",
    help="Watches over village facilities around the clock.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
tokens = typer.Typer(help="API tokens.")
app.add_typer(tokens, name="token")
app.add_typer(gateways, name="gateway")
register_verify(app)
register_report(app)
app.add_typer(notify, name="notify")

DataDir = Annotated[Path | None, typer.Option(help="Where siaga keeps its data. [SIAGA_DATA_DIR; ./data]")]
Sites = Annotated[Path | None, typer.Option(help="The sites file. [SIAGA_SITES]")]
MqttUrl = Annotated[str | None, typer.Option(help="The centre's broker. [SIAGA_MQTT_URL; embedded]")]
MqttPort = Annotated[int | None, typer.Option(help="Port of the embedded broker. [SIAGA_MQTT_PORT; 1883]")]
VillageMqttUrl = Annotated[str | None, typer.Option(help="The village's broker. [SIAGA_VILLAGE_MQTT_URL]")]
VillageCode = Annotated[str | None, typer.Option(help="The village's code. [SIAGA_VILLAGE]")]
StoreUrl = Annotated[str | None, typer.Option(help="The telemetry store. [SIAGA_STORE_URL; embedded]")]
DatabaseUrl = Annotated[str | None, typer.Option(help="The SQL database. [SIAGA_DATABASE_URL; embedded]")]
HttpHost = Annotated[str | None, typer.Option(help="Address to serve HTTP on. [SIAGA_HTTP_HOST; 127.0.0.1]")]
HttpPort = Annotated[int | None, typer.Option(help="Port to serve HTTP on. [SIAGA_HTTP_PORT; 8000]")]

_BAD_INPUT = 2


class Mistake(Exception):
    """What was asked for cannot be right; the message is for people."""


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="With 12 simulated villages and 30 days of history.")] = False,
    history: Annotated[
        str | None, typer.Option(help="With --demo: how long its history is; 30d if not given.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    sites: Sites = None,
    mqtt_url: MqttUrl = None,
    mqtt_port: MqttPort = None,
    store_url: StoreUrl = None,
    database_url: DatabaseUrl = None,
    http_host: HttpHost = None,
    http_port: HttpPort = None,
) -> None:
    """Run the whole system in one process."""
    from siaga.run.settings import load_settings  # noqa: PLC0415
    from siaga.run.system import run  # noqa: PLC0415

    if demo and sites is not None:
        raise Mistake("--sites: --demo brings villages of its own: leave one of them out")
    if history is not None and not demo:
        raise Mistake("--history is the length of --demo's history: add --demo, or leave it out")
    shown = _milliseconds("--history", history or "30d") if demo else None
    flags = {
        "data_dir": data_dir,
        "sites": sites,
        "mqtt_url": mqtt_url,
        "mqtt_port": mqtt_port,
        "store_url": store_url,
        "database_url": database_url,
        "http_host": http_host,
        "http_port": http_port,
    }
    serve(lambda stop: run(load_settings(flags), stop, demo=shown))


@app.command()
def collector(
    data_dir: DataDir = None,
    mqtt_url: MqttUrl = None,
    store_url: StoreUrl = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Run a collector: batches from the broker into the store."""
    from siaga.run.services import run_collector  # noqa: PLC0415
    from siaga.run.settings import load_settings  # noqa: PLC0415

    flags = {"data_dir": data_dir, "mqtt_url": mqtt_url, "store_url": store_url, "database_url": database_url}
    serve(lambda stop: run_collector(load_settings(flags), stop))


@app.command()
def api(
    data_dir: DataDir = None,
    sites: Sites = None,
    mqtt_url: MqttUrl = None,
    store_url: StoreUrl = None,
    database_url: DatabaseUrl = None,
    http_host: HttpHost = None,
    http_port: HttpPort = None,
) -> None:
    """Run the alert engine with the HTTP API and the pages."""
    from siaga.run.services import run_api  # noqa: PLC0415
    from siaga.run.settings import load_settings  # noqa: PLC0415

    flags = {
        "data_dir": data_dir,
        "sites": sites,
        "mqtt_url": mqtt_url,
        "store_url": store_url,
        "database_url": database_url,
        "http_host": http_host,
        "http_port": http_port,
    }
    serve(lambda stop: run_api(load_settings(flags), stop))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The sites file, in YAML.", show_default=False)],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Read a sites file into the registry. With a mistake in it, nothing is imported."""
    from siaga.run.services import import_sites  # noqa: PLC0415
    from siaga.run.settings import load_settings  # noqa: PLC0415

    report = import_sites(load_settings({"data_dir": data_dir, "database_url": database_url}), file)
    typer.echo(f"{file}: {report.added} villages added, {report.changed} changed, {report.unchanged} as they were")


@tokens.command("create")
def token_create(
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
    from siaga.model.caller import Role  # noqa: PLC0415
    from siaga.run.services import create_token  # noqa: PLC0415
    from siaga.run.settings import load_settings  # noqa: PLC0415

    if role not in list(Role):
        raise Mistake(f"--role: {role!r} is not a role: write viewer, technician or admin")
    settings = load_settings({"data_dir": data_dir, "database_url": database_url})
    typer.echo(create_token(settings, Role(role), name or role, scope or ()))


@tokens.command("list")
def token_list(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """List the tokens that were made: number, role, name, scopes, when they were last used. None can be read back."""
    from siaga.run.services import issued_tokens  # noqa: PLC0415
    from siaga.run.settings import load_settings  # noqa: PLC0415

    for token in issued_tokens(load_settings({"data_dir": data_dir, "database_url": database_url})):
        state = "revoked" if token.revoked_at is not None else f"last used {_day(token.last_used)}"
        scopes = ", ".join(token.scopes.texts)
        typer.echo(f"{token.id}  {token.role:<10}  {token.name}  sees {scopes}  made {_day(token.created_at)}, {state}")


def _day(time: int | None) -> str:
    return "never" if time is None else f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d}"


@tokens.command("revoke")
def token_revoke(
    number: Annotated[
        int, typer.Argument(min=1, max=2**63 - 1, help="Its number, from `siaga token list`.", show_default=False)
    ],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take a token's validity away, from the next call on."""
    from siaga.run.services import revoke_token  # noqa: PLC0415
    from siaga.run.settings import load_settings  # noqa: PLC0415

    if not revoke_token(load_settings({"data_dir": data_dir, "database_url": database_url}), number):
        raise Mistake(f"NUMBER: {number} is not the number of a valid token: see `siaga token list`")
    typer.echo(f"token {number} is revoked")


@app.command()
def rebuild(data_dir: DataDir = None, store_url: StoreUrl = None, database_url: DatabaseUrl = None) -> None:
    """Throw the judged history away and judge it again from the stored telemetry."""
    from siaga.run.services import rebuild as rebuild_history  # noqa: PLC0415
    from siaga.run.settings import load_settings  # noqa: PLC0415

    flags = {"data_dir": data_dir, "store_url": store_url, "database_url": database_url}
    serve(lambda stop: rebuild_history(load_settings(flags), stop))


@app.command()
def simulate(
    sites: Annotated[Path | None, typer.Option(help="The sites file whose devices are simulated.")] = None,
    scenario: Annotated[str | None, typer.Option(help="A scenario: a name of the library, or a file.")] = None,
    mqtt_url: Annotated[str, typer.Option(help="The broker that the devices speak to.")] = "mqtt://127.0.0.1:1883",
    faults: Annotated[Path | None, typer.Option(help="A timetable of faults, in YAML.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Where the ground truth is written, as JSON lines.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same devices. [1, or the scenario's]")
    ] = None,
    lasts: Annotated[str | None, typer.Option("--for", help="How long, such as 10m; without it until Ctrl-C.")] = None,
    every: Annotated[str | None, typer.Option(help="Report more often than the sites file says.")] = None,
    history: Annotated[
        str | None, typer.Option(help="First send so much past, such as 30d, as the villages' gateways would.")
    ] = None,
    gateway_id: Annotated[str, typer.Option("--gateway", help="The gateway's id in that past.")] = "gw",
) -> None:
    """Simulated devices against any broker, with their ground truth."""
    from firmware_sim.command import Plan, run  # noqa: PLC0415

    plan = Plan(
        sites=sites,
        scenario=scenario,
        url=mqtt_url,
        faults=faults,
        truth=truth,
        seed=seed,
        lasts=_milliseconds("--for", lasts),
        every=_milliseconds("--every", every),
        history=_milliseconds("--history", history),
        gateway=gateway_id,
    )
    serve(lambda stop: run(plan, stop))


def _milliseconds(option: str, text: str | None) -> int | None:
    from firmware_sim.sites import duration  # noqa: PLC0415

    try:
        return None if text is None else duration(text)
    except ValueError as problem:
        raise Mistake(f"{option}: {problem}") from None


def serve(work: Callable[[threading.Event], None]) -> None:
    """Run until the work is done or a signal comes. The first signal ends it cleanly, a second one at once."""
    stop = threading.Event()

    def end(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    set_up_logs()
    work(stop)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context, show: Annotated[bool, typer.Option("--version", help="Show the version.")] = False
) -> None:
    if show:
        typer.echo(f"siaga {version('siaga')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> NoReturn:
    """The command `siaga`."""
    try:
        status = app(standalone_mode=False)
    except typer.TyperException as problem:
        status = _say(problem.format_message(), _BAD_INPUT)
    except typer.Abort:
        status = 130
    except Exception as problem:  # noqa: BLE001 - the last one to see it: a sentence, or raised again
        status = _say(*_sentence(problem))
    sys.exit(status if isinstance(status, int) else 0)


def _say(sentence: str, status: int) -> int:
    for line in sentence.splitlines():
        typer.echo(f"siaga: {line}", err=True)
    return status


# Known by name: importing them here would load every room before the first word is said.
_CANNOT = {"PortTaken", "UnknownSchema", "StoreUnavailable", "BufferUnavailable"}
"""Our own exceptions that say in a sentence why something cannot be done now."""


def _sentence(problem: Exception) -> tuple[str, int]:
    """What to tell people of a failure, and the exit status. Raises it again where only a programmer can help."""
    names = {base.__name__ for base in type(problem).__mro__}
    if "DBAPIError" in names:
        reason = str(getattr(problem, "orig", problem)).splitlines()[0]
        return f"the database does not answer: {reason}: check SIAGA_DATABASE_URL", 1
    if isinstance(problem, Mistake | ValueError):
        return str(problem), _BAD_INPUT
    if isinstance(problem, OSError) and problem.filename is not None and problem.strerror is not None:
        return f"{problem.filename}: {problem.strerror.lower()}", 1
    if isinstance(problem, OSError) or names & _CANNOT:
        return str(problem), 1
    raise problem
