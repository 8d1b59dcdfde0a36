"""The cover: whose report it is, of what, and how far it can be relied on."""

from api.reports.pdf.context import NAMED, Context

__all__ = ["cover"]


def cover(here: Context) -> dict[str, str | list[str]]:
    """Returns the cover's texts."""
    say, office, issue = here.say, here.office, here.issue
    marks = [say("pdf_draft") if issue is None else say("pdf_issued", revision=str(issue.revision))]
    if issue is not None and issue.supersedes is not None:
        marks.append(say("pdf_supersedes", before=str(issue.revision - 1), id=issue.supersedes))
    if here.report.provisional:
        marks.append(say("pdf_provisional"))
    link = None if issue is None else issue.link or f"/r/{issue.id}"
    return {
        "letterhead": list(office.letterhead),
        "address": list(office.address),
        "title": say("pdf_cover_title"),
        "subject": say("pdf_cover_subject"),
        "period": here.numbers.period(here.report.period),
        "scope": here.scope(NAMED),
        "number": "" if office.number is None else say("pdf_number", number=office.number),
        "marks": marks,
        "check": "" if link is None else say("pdf_check", link=link),
        "check_alt": "" if link is None else say("pdf_check_alt", link=link),
        "foot": f"{office.place}, {here.made_on()}" if office.place else here.made_on(),
    }
