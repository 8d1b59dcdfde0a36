"""`siaga health`: whether a service of this machine or container works, for whoever supervises it."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from siaga.run.cli.options import DataDir, HttpPort

if TYPE_CHECKING:
    from siaga.run.settings import Settings

__all__ = ["health"]

ANSWERS_WITHIN = 4.0
"""Seconds. A supervisor waits five."""


class Service(StrEnum):
    """What can be asked."""

    API = "api"
    COLLECTOR = "collector"
    GATEWAY = "gateway"


def health(
    service: Annotated[Service, typer.Argument(help="Which one; `siaga up` is asked as `api`.", show_default=False)],
    ready: Annotated[bool, typer.Option("--ready", help="Also fail while something that it needs is away.")] = False,
    data_dir: DataDir = None,
    http_port: HttpPort = None,
) -> None:
    """Say whether a service runs. Exit status 1 if it does not, or hangs."""
    from siaga.run.settings import load_settings

    settings = load_settings({"data_dir": data_dir, "http_port": http_port})
    alive, sentence = {Service.API: _api, Service.COLLECTOR: _collector, Service.GATEWAY: _gateway}[service](settings)
    if not alive:
        typer.echo(f"no   {sentence}")
        raise typer.Exit(1)
    if sentence:
        typer.echo(f"{'no' if ready else 'note':<4} {sentence}")
        raise typer.Exit(1 if ready else 0)
    typer.echo("ok")


def _api(settings: "Settings") -> tuple[bool, str]:
    """Returns whether it runs, and what is not ready."""
    import urllib3

    host = "127.0.0.1" if settings.http_host in ("0.0.0.0", "::", "") else settings.http_host  # noqa: S104
    http = urllib3.PoolManager(retries=False, timeout=ANSWERS_WITHIN)
    try:
        alive = http.request("GET", f"http://{_bracketed(host)}:{settings.http_port}/healthz")
        answer = http.request("GET", f"http://{_bracketed(host)}:{settings.http_port}/readyz")
    except urllib3.exceptions.HTTPError:
        return False, f"nothing answers at port {settings.http_port}"
    if alive.status != 200:
        return False, f"/healthz answers {alive.status}"
    return True, "" if answer.status == 200 else answer.data.decode(errors="replace").strip()[:2_000]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _collector(settings: "Settings") -> tuple[bool, str]:
    from collector.status_file import NoCollector, read_status_file

    try:
        return True, read_status_file(settings.data_dir) or ""
    except NoCollector as problem:
        return False, str(problem)


def _gateway(settings: "Settings") -> tuple[bool, str]:
    from gateway.status_socket import NoGateway, read_status

    try:
        report = read_status(settings.data_dir)
    except NoGateway as problem:
        return False, str(problem)
    return True, "; ".join(
        each for each in (report.village_problem, report.centre_problem, report.disk_problem) if each
    )
