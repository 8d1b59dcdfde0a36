"""`siaga schedule`: check the schedules file."""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

__all__ = ["schedule"]

schedule = typer.Typer(help="Reports and notes that are sent at their times.")


@schedule.command("check")
def check(
    file: Annotated[Path | None, typer.Option("--file", help="The schedules file. [SIAGA_SCHEDULES]")] = None,
    notify: Annotated[Path | None, typer.Option(help="The notify file. [SIAGA_NOTIFY]")] = None,
) -> None:
    """Read the schedules file, tell all its mistakes, and say when each schedule is due next; nothing is sent."""
    from api.schedules.schedule import next_due
    from siaga.model.clock import SystemClock
    from siaga.run.notify_file import the_book
    from siaga.run.schedules import the_plan
    from siaga.run.settings import load_settings

    settings = load_settings({"schedules": file, "notify": notify})
    if settings.schedules is None:
        raise ValueError("schedule: SIAGA_SCHEDULES is not set: name the schedules file, or give it by --file")
    plan, now = the_plan(settings, the_book(settings)), SystemClock().now()
    for one in plan.schedules:
        run = next_due(one, now)
        there = datetime.fromtimestamp(run.due / 1000, ZoneInfo(one.timezone))
        typer.echo(f"{one.name}: {one.send} of {run.period.name} on {there:%Y-%m-%d %H:%M} {one.timezone}")
    typer.echo(f"{settings.schedules}: {len(plan.schedules)} schedules, no mistake")
