"""The annex of a revision: what differs from the one before, figure by figure, and why."""

from collections.abc import Iterator

from api.reports.changed import called, shown, why_of
from api.reports.pdf.blocks import Block, column, heading, long_table, text
from api.reports.pdf.context import Context

__all__ = ["MOST_CHANGES", "annex_revision"]

MOST_CHANGES = 400
"""Changes in the annex; what is left out is counted."""


def annex_revision(here: Context) -> Iterator[Block]:
    """Yields the annex of a report that supersedes another one."""
    say, issue = here.say, here.issue
    if issue is None or issue.supersedes is None:
        return
    number, changes = here.numbers.count, issue.changes
    yield heading(1, say("annex_revision"), page=True)
    revisions = {"revision": str(issue.revision), "before": str(issue.revision - 1), "id": issue.supersedes}
    yield text(say("annex_revision_text", **revisions))
    if not changes:
        yield text(say("annex_revision_same"))
        return
    if len(changes) > MOST_CHANGES:
        left = number(len(changes) - MOST_CHANGES)
        yield text(say("annex_revision_left_out", shown=number(MOST_CHANGES), all=number(len(changes)), left=left))
    columns = [
        column(say("reports_facility"), 2.4),
        column(say("reports_what"), 2.2),
        column(say("reports_was"), 1, "right"),
        column(say("reports_is"), 1, "right"),
        column(say("reports_why"), 1.8),
    ]
    rows = [
        [
            _subject(here, one.subject),
            called(one.figure, say),
            shown(one.figure, one.before, say, here.numbers),
            shown(one.figure, one.after, say, here.numbers),
            why_of(one.why, say),
        ]
        for one in changes[:MOST_CHANGES]
    ]
    yield long_table(say("annex_sheet_revision"), columns, rows)


def _subject(here: Context, subject: str) -> str:
    """A facility or a village with its name, while the report has it."""
    if "/" not in subject:
        return here.village(subject)
    name = here.names.get(subject)
    return subject if name is None else f"{name} ({subject})"
