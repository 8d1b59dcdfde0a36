"""Whether anybody would be told: channels that nothing has ever gone through, and messages that were given up."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from siaga.database import tables
from siaga.run.doctor.finding import Finding, Said, ok, warning, wrong
from siaga.run.notify_file import the_book
from siaga.run.settings import Settings

__all__ = ["channels"]

NAMED = 5
"""Channels that are named; of the rest the number is said."""


def channels(settings: Settings, connection: Connection) -> Iterator[Finding]:
    """Look at the channels of the notify file, and at what was sent by them."""
    if settings.notify is None:
        yield warning("channels", Said.CHANNELS_NONE)
        return
    notification = tables.notification
    dead = connection.execute(
        select(func.count()).select_from(notification).where(notification.c.state == "dead")
    ).scalar_one()
    if dead:
        yield wrong("channels_given_up", Said.CHANNELS_GIVEN_UP, n=dead)
    try:
        book = the_book(settings)
    except ValueError:
        return  # told with the files
    proved = set(
        connection.execute(select(notification.c.recipient).where(notification.c.state == "sent").distinct()).scalars()
    )
    recipients = [str(each) for each in book.recipients(list(book.people))]
    unproved = [each for each in recipients if each not in proved]
    if unproved:
        more = f", … +{len(unproved) - NAMED}" if len(unproved) > NAMED else ""
        who = unproved[0].partition("/")[0]
        yield warning("channels", Said.CHANNELS_UNPROVED, names=", ".join(unproved[:NAMED]) + more, who=who)
    else:
        yield ok("channels", Said.CHANNELS_OK, n=len(recipients))
    if not _admins(connection) & (set(book.people) | _with_push(connection)):
        yield warning("admins", Said.ADMINS_UNTOLD)


def _admins(connection: Connection) -> set[str]:
    person = tables.person
    query = select(person.c.name).where(person.c.role == "admin", person.c.removed_at.is_(None))
    return set(connection.execute(query).scalars())


def _with_push(connection: Connection) -> set[str]:
    return set(connection.execute(select(tables.push_subscription.c.person)).scalars())
