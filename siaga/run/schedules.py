"""The schedules file of the settings."""

from api.notifications import Book
from api.schedules.schedule import Plan
from api.schedules.schedule_file import load_schedules
from siaga.run.settings import Settings

__all__ = ["the_plan"]


def the_plan(settings: Settings, book: Book) -> Plan:
    """Returns what is sent when, to people of the notify file; nothing where no schedules file is named.

    Raises:
        ValueError: the file has mistakes, or cannot be read; a sentence for each.
    """
    return Plan() if settings.schedules is None else load_schedules(settings.schedules, book)
