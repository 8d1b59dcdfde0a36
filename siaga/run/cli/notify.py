"""`siaga notify`: try a channel, check the notify file, and look after the messages that were given up."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from siaga.run.cli.options import DatabaseUrl, DataDir

__all__ = ["notify"]

notify = typer.Typer(help="Messages to people: try a channel, see what was given up.")

NotifyFile = Annotated[Path | None, typer.Option("--file", help="The notify file. [SIAGA_NOTIFY]")]
SHOWN = 100
"""Messages that `siaga notify dead` lists."""


@notify.command("test")
def try_channels(
    to: Annotated[str, typer.Option(help="A person or a group of the notify file.", show_default=False)],
    file: NotifyFile = None,
) -> None:
    """Send one test message by every channel of a person or a group, and say what happened."""
    from api.notifications import open_channel
    from api.notifications.channels import Answer
    from api.notifications.messages import trial
    from siaga.run.notify_file import the_book
    from siaga.run.settings import load_settings

    settings = load_settings({"notify": file})
    if settings.notify is None:
        raise ValueError("notify: SIAGA_NOTIFY is not set: name the notify file, or give it by --file")
    book = the_book(settings)
    recipients = book.recipients([to])
    if not recipients:
        names = ", ".join([*book.people, *book.groups])
        raise ValueError(f"--to: {settings.notify} has no person or group {to!r}: it has {names}")
    said, taken = [], True
    for recipient in recipients:
        outcome = open_channel(book.url(str(recipient)) or "").send(trial(book.language(str(recipient))))
        said.append(f"{recipient} {outcome.sentence}")
        taken = taken and outcome.answer is Answer.TAKEN
    typer.echo(f"{', '.join(said)}.")
    if not taken:
        raise typer.Exit(1)


@notify.command("check")
def check(file: NotifyFile = None) -> None:
    """Read the notify file and tell all its mistakes; nothing is sent."""
    from siaga.run.notify_file import the_book
    from siaga.run.settings import load_settings

    settings = load_settings({"notify": file})
    if settings.notify is None:
        raise ValueError("notify: SIAGA_NOTIFY is not set: name the notify file, or give it by --file")
    book = the_book(settings)
    channels = sum(len(person.channels) for person in book.people.values())
    typer.echo(
        f"{settings.notify}: {len(book.people)} people with {channels} channels, {len(book.groups)} groups, "
        f"{len(book.rules)} rules, no mistake"
    )


@notify.command("dead")
def dead(
    retry: Annotated[bool, typer.Option("--retry", help="Let all of them be tried again.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List the messages that were given up, the newest first."""
    from api.notifications.book import Book
    from api.notifications.queue import Queue
    from siaga.database import connect, migrate
    from siaga.model.clock import SystemClock
    from siaga.run.settings import load_settings

    engine = connect(load_settings({"data_dir": data_dir, "database_url": database_url}).database)
    try:
        migrate(engine)
        queue = Queue(engine, Book())
        for row in queue.dead(SHOWN):
            time = datetime.fromtimestamp(row["created"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            typer.echo(f"{time} {row['recipient']} {row['village'] or ''} {row['attempts']} attempts: {row['problem']}")
        if retry:
            typer.echo(f"{queue.revive(SystemClock().now())} messages will be tried again")
    finally:
        engine.dispose()
