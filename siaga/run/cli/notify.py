"""`siaga notify`: try a channel, check the notify file, and look after the messages that were given up."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

if TYPE_CHECKING:
    from api.notifications import Book
    from siaga.run.settings import Settings

__all__ = ["notify", "the_book"]

log = structlog.get_logger(__name__)

notify = typer.Typer(help="Messages to people: try a channel, see what was given up.")

NotifyFile = Annotated[Path | None, typer.Option("--file", help="The notify file. [SIAGA_NOTIFY]")]
DataDir = Annotated[Path | None, typer.Option(help="Where siaga keeps its data. [SIAGA_DATA_DIR; ./data]")]
DatabaseUrl = Annotated[str | None, typer.Option(help="The SQL database. [SIAGA_DATABASE_URL; embedded]")]

SHOWN = 100
"""Messages that `siaga notify dead` lists."""


def the_book(settings: "Settings") -> "Book":
    """Whom to tell of what, by the notify file; without one nobody is told.

    Raises:
        SitesFileError, ValueError: the file has mistakes, or cannot be read.
    """
    from api.notifications import Book, load_book, open_channel  # noqa: PLC0415 - loaded where it is used

    if settings.notify is None:
        return Book()
    book = load_book(settings.notify, open_channel)
    if settings.notify.stat().st_mode & 0o007:
        log.warning("notify_file_open", file=str(settings.notify), advice="it holds secrets: chmod o= it")
    return book


@notify.command("test")
def try_channels(
    to: Annotated[str, typer.Option(help="A person or a group of the notify file.", show_default=False)],
    file: NotifyFile = None,
) -> None:
    """Send one test message by every channel of a person or a group, and say what happened."""
    from api.notifications import open_channel  # noqa: PLC0415
    from api.notifications.channels import Answer  # noqa: PLC0415
    from api.notifications.messages import trial  # noqa: PLC0415
    from siaga.run.settings import load_settings  # noqa: PLC0415

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
    from siaga.run.settings import load_settings  # noqa: PLC0415

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
    from api.notifications.queue import Queue  # noqa: PLC0415
    from siaga.database import connect, migrate  # noqa: PLC0415
    from siaga.model.clock import SystemClock  # noqa: PLC0415
    from siaga.run.settings import load_settings  # noqa: PLC0415

    engine = connect(load_settings({"data_dir": data_dir, "database_url": database_url}).database)
    try:
        migrate(engine)
        queue = Queue(engine, 0)
        for row in queue.dead(SHOWN):
            time = datetime.fromtimestamp(row["created"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            typer.echo(f"{time} {row['recipient']} {row['village'] or ''} {row['attempts']} attempts: {row['problem']}")
        if retry:
            typer.echo(f"{queue.revive(SystemClock().now())} messages will be tried again")
    finally:
        engine.dispose()
