"""The cover: whose report it is, of what, and how far it can be relied on."""

from api.reports.pdf.context import Context

__all__ = ["cover"]


def cover(here: Context) -> dict[str, str | list[str]]:
    """Returns the cover's texts."""
    say, office, issue = here.say, here.office, here.issue
    marks = [say("draft") if issue is None else say("issued", revision=issue.revision)]
    if here.report.provisional:
        marks.append(say("provisional"))
    link = None if issue is None else issue.link or f"/r/{issue.id}"
    return {
        "letterhead": list(office.letterhead),
        "address": list(office.address),
        "title": say("cover_title"),
        "subject": say("cover_subject"),
        "period": here.numbers.period(here.report.period),
        "scope": here.scope(),
        "number": "" if office.number is None else say("number", number=office.number),
        "marks": marks,
        "check": "" if link is None else say("check", link=link),
        "check_alt": "" if link is None else say("check_alt", link=link),
        "foot": f"{office.place}, {here.made_on()}" if office.place else here.made_on(),
    }
