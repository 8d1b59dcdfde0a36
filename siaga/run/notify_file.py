"""The notify file that the settings name."""

from dataclasses import replace

import structlog

from api.notifications import Book, load_book, open_channel
from siaga.run.settings import Settings

__all__ = ["the_book"]

log = structlog.get_logger(__name__)


def the_book(settings: Settings) -> Book:
    """Returns whom to tell of what, by the notify file. Without a file nobody is told.

    Messages lead to the `link` of the file, else to `SIAGA_PUBLIC_URL`.

    Raises:
        SitesFileError, ValueError: the file has mistakes, or cannot be read.
    """
    if settings.notify is None:
        return Book(link=settings.public_url)
    book = load_book(settings.notify, open_channel)
    if settings.notify.stat().st_mode & 0o007:
        log.warning("notify_file_open", file=str(settings.notify), advice="it holds secrets: chmod o= it")
    return replace(book, link=book.link or settings.public_url)
