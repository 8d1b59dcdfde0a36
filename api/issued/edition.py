"""A report with its files, and writing it down: whole, in one transaction, or not at all."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from api.issued.asked import Asked, factors_row
from api.issued.compare import MOST_CHANGES
from api.issued.summary import summary_of
from api.queries.report import load
from api.reports.changed import Change
from api.reports.forms import Form, made
from api.reports.office import Office
from api.reports.pdf import as_pdf
from api.reports.pdf.content import Issue
from api.reports.report import Report, build
from api.words import Explained, Sentence
from siaga.database import tables
from siaga.model.clock import SECOND

__all__ = ["MOST_BYTES", "SETTLED_AFTER", "Edition", "NoLongerCurrent", "TooLarge", "files_of", "told", "write"]

MOST_BYTES = 64 << 20
"""Bytes of one file. A district's month has a tenth of it; a province's JSON comes near it."""
SETTLED_AFTER = 35 * SECOND
"""After so long a report is compared once with what was on its way when it was made: longer than `LIVE_CHANGES` of
`api.alerts.facility`."""


class TooLarge(Explained):
    """A file is larger than is kept."""


class NoLongerCurrent(Explained):
    """What is to be revised has been revised by somebody else."""

    def __init__(self, report: str) -> None:
        super().__init__(Sentence("made_superseded", {"report": report}))


@dataclass(frozen=True, slots=True)
class Edition:
    """A report to be kept. `key`: by which it is issued once. `cut`: what lies after it is not counted, ms.

    `changes`: against the revision that it supersedes.
    """

    id: str
    key: str
    asked: Asked
    revision: int
    report: Report
    files: Mapping[Form, bytes]
    changes: Sequence[Change] = ()


def told(connection: Connection, asked: Asked, office: Office, cut: int, now: int) -> Report:
    """Returns the report of what is known now of the time up to `cut`; both wall time, ms."""
    rule = office.answered_within
    source = load(connection, asked.period, asked.scopes, cut, compared=True, beside=True, answered_within=rule)
    return build(source, asked.period, asked.scopes, asked.language, cut, generated_at=now)


def files_of(
    report: Report, asked: Asked, office: Office, id_: str, revision: int, changes: Sequence[Change] = ()
) -> dict[Form, bytes]:
    """Returns the report in all forms. `changes`: against the revision that it supersedes.

    Raises:
        TooLarge: one of them is larger than is kept.
        CannotSet: the PDF cannot be made.
    """
    link = None if office.link is None else f"{office.link}/r/{id_}"
    files = {form: made(report, form, office) for form in (Form.JSON, Form.CSV, Form.XLSX)}
    files[Form.PDF] = as_pdf(report, office, Issue(id_, revision, link, asked.factors, asked.supersedes, changes))
    for form, content in files.items():
        if len(content) > MOST_BYTES:
            sizes = {"size": str(len(content) >> 20), "most": str(MOST_BYTES >> 20)}
            raise TooLarge(Sentence("made_too_large", {"form": form.value, **sizes}))
    return files


def write(connection: Connection, edition: Edition, check_at: int | None = None) -> None:
    """Keep an edition, and mark the one that it supersedes. `check_at`: when at the latest it is compared, ms.

    Raises:
        NoLongerCurrent: another has superseded that one.
    """
    asked, report = edition.asked, edition.report
    if asked.supersedes is not None:
        table = tables.report
        current = (table.c.id == asked.supersedes) & table.c.superseded_by.is_(None)
        marked = table.update().where(current).values(superseded_by=edition.id, check_at=None)
        if connection.execute(marked).rowcount != 1:
            raise NoLongerCurrent(asked.supersedes)
    windows = [asked.period.window(zone) for zone in set(report.timezones.values())] or [asked.period.window("UTC")]
    settled = report.generated_at + SETTLED_AFTER
    row = {
        "id": edition.id,
        "key": edition.key,
        "period": asked.period.name,
        "scopes": asked.scopes.texts,
        "language": asked.language.value,
        "cut": report.cut,
        "window_start": min(start for start, _ in windows),
        "window_end": min(max(end for _, end in windows), report.cut),
        "revision": edition.revision,
        "provisional": report.provisional,
        "issued_at": report.generated_at,
        "issued_by": asked.by,
        "factors": factors_row(asked.factors),
        "summary": summary_of(report),
        "changes": [change.row() for change in edition.changes[:MOST_CHANGES]],
        "changes_left_out": max(0, len(edition.changes) - MOST_CHANGES),
        "supersedes": asked.supersedes,
        "schedule": asked.schedule,
        "check_at": settled if check_at is None else min(check_at, settled),
    }
    key = connection.execute(tables.report.insert(), row).inserted_primary_key
    assert key is not None  # noqa: S101 - one row was inserted
    connection.execute(
        tables.report_scope.insert(), [{"report": key[0], "scope": scope} for scope in asked.scopes.texts]
    )
    for form, content in edition.files.items():
        file = {
            "report": key[0],
            "format": form.value,
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "content": content,
        }
        connection.execute(tables.report_file.insert(), file)
