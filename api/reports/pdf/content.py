"""What stands in the document, in the order of an official report: from a `Report` to blocks, all text ready."""

from typing import TypedDict

from api.reports.office import Office
from api.reports.pdf.annexes import annex_method, annex_outages
from api.reports.pdf.blocks import Block
from api.reports.pdf.chapters import activities, closing, conclusion, introduction
from api.reports.pdf.context import Context, Issue
from api.reports.pdf.cover import cover
from api.reports.pdf.results import results
from api.reports.pdf.revision import annex_revision
from api.reports.pdf.side_annexes import side_annexes
from api.reports.pdf.strip import Look, legend, scale
from api.reports.pdf.summary import summary
from api.reports.pdf.villages import annex_villages, labels
from api.reports.report import Report

__all__ = ["LAYOUT", "Document", "Issue", "compose"]

_VILLAGES_IN_CONTENTS = 40
LAYOUT = ("contents", "table", "figure", "logo_alt")
"""Words that the layout says."""


class Document(TypedDict):
    """All that typst gets, beside pictures."""

    language: str
    title: str
    cover: dict[str, str | list[str]]
    words: dict[str, str]
    legend: str
    scale: str
    depth: int
    summary: list[Block]
    body: list[Block]


def compose(report: Report, office: Office, issue: Issue | None = None) -> Document:
    """Returns the document of a report."""
    here = Context(report, office, issue)
    say = here.say
    return {
        "language": report.language.value,
        "title": f"{say('pdf_cover_subject')} {here.numbers.period(report.period)}",
        "cover": cover(here),
        "words": {key: say(f"pdf_{key}") for key in LAYOUT} | {"page": say("pdf_page", page="{page}", pages="{pages}")},
        "legend": legend({look: say(f"pdf_look_{look}") for look in Look}),
        "scale": scale(len(report.period.dates), labels(here)),
        "depth": 3 if len(report.villages) <= _VILLAGES_IN_CONTENTS else 2,
        "summary": list(summary(here)),
        "body": [
            *introduction(here),
            *activities(here),
            *results(here),
            *conclusion(here),
            *closing(here),
            *annex_villages(here),
            *annex_outages(here),
            *annex_method(here),
            *side_annexes(here),
            *annex_revision(here),
        ],
    }
