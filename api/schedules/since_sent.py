"""What differs between a revision and the one that its receiver was sent last, by the changes that each one keeps."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from api.notifications.queue import message_key
from api.queries import issued
from api.queries.issued import KeptReport
from api.reports.forms import Form
from siaga.database import tables

__all__ = ["SinceSent", "since_sent"]

_WITH_CAUSES = {Form.PDF, Form.XLSX, Form.JSON}
_WITH_SCORECARDS = {Form.PDF, Form.XLSX}


@dataclass(frozen=True, slots=True)
class SinceSent:
    """`revision`: the one that was sent last. `count`: how many figures of the files differ from it."""

    revision: int
    count: int


def since_sent(connection: Connection, report: KeptReport, recipient: str, forms: Sequence[Form]) -> SinceSent | None:
    """Returns what differs from what a recipient's channel was sent last; `None`: it was sent no revision yet."""
    between = [report]
    while between[-1].supersedes is not None:
        before = issued.public(connection, between[-1].supersedes)
        if before is None:
            return None
        if _was_sent(connection, before, recipient):
            return SinceSent(before.revision, _count(between[::-1], forms))
        between.append(before)
    return None


def _was_sent(connection: Connection, report: KeptReport, recipient: str) -> bool:
    table = tables.notification
    mine = (table.c.key == message_key(f"report {report.id}", recipient)) & (table.c.state == "sent")
    return connection.execute(select(table.c.id).where(mine)).first() is not None


def _count(revisions: Sequence[KeptReport], forms: Sequence[Form]) -> int:
    """How many figures differ after all of these; what none of them lists counts as differing."""
    changed: dict[tuple[object, ...], tuple[object, object]] = {}
    for revision in revisions:
        for change in revision.changes:
            figure = (change["village"], change["facility"], change["figure"])
            before, _ = changed.get(figure, (change["before"], None))
            changed[figure] = before, change["after"]
    differing = [figure for figure, (before, after) in changed.items() if before != after]
    return sum(_is_in(str(name), forms) for *_, name in differing) + max(one.changes_left_out for one in revisions)


def _is_in(figure: str, forms: Sequence[Form]) -> bool:
    """Whether one of the forms shows a figure; the text beside them rests on the columns."""
    if figure.startswith("causes."):
        return not _WITH_CAUSES.isdisjoint(forms)
    return not figure.startswith("scorecard.") or not _WITH_SCORECARDS.isdisjoint(forms)
