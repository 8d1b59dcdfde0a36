"""What the queue of notifications sends for schedules: a report with its files, or the note of a morning."""

from sqlalchemy import Connection, Engine, select

from api.notifications.messages import Attachment, Message
from api.notifications.queue import Claim
from api.notifications.sender import plain_message
from api.queries import issued
from api.reports.forms import Form
from api.schedules.report_message import report_message
from api.schedules.since_sent import since_sent
from siaga.database import tables

__all__ = ["LARGEST_FILES", "message_about"]

LARGEST_FILES = 5 << 20
"""Bytes of all files of one message: many mail servers take little more, and a slow link has 25 s for it. Others are
led to by the link."""
_WITHOUT_FILES_FROM = 3
"""The attempt from which on a message goes without its files: they may be why the provider does not take it."""


def message_about(engine: Engine, claim: Claim, language: str, link: str | None) -> Message | None:
    """Returns the message about the subject of a claim, in a language of its reader.

    `None`: it is about a revision, and no figure differs from what its recipient was sent last.

    Raises:
        ValueError: there is no such report.
    """
    subject = claim.subject or {}
    if "report" not in subject:
        return plain_message(claim, language, link)
    with engine.connect() as connection:
        found = issued.public(connection, str(subject["report"]))
        if found is None:
            raise ValueError(f"there is no report {subject['report']}")
        summary = connection.execute(
            select(tables.report.c.summary).where(tables.report.c.number == found.number)
        ).scalar_one()
        forms = subject.get("formats")
        wanted = [Form(str(form)) for form in forms] if isinstance(forms, list) else []
        since = since_sent(connection, found, claim.recipient, wanted)
        if since is not None and since.count == 0:
            return None
        files = _files(connection, found, wanted) if claim.attempts < _WITHOUT_FILES_FROM else ()
        places = issued.places(connection, found.scopes)
        return report_message(found, summary, places, language, link, files, since)


def _files(connection: Connection, report: issued.KeptReport, forms: list[Form]) -> tuple[Attachment, ...]:
    sizes = {file.format: file.bytes for file in report.files}
    if sum(sizes.get(form.value, 0) for form in forms) > LARGEST_FILES:
        return ()
    found = []
    for form in forms:
        kept = issued.content(connection, report.number, form.value)
        if kept is not None:
            found.append(Attachment(report.file_name(form), form.media_type.partition(";")[0], kept[0]))
    return tuple(found)
