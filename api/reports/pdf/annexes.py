"""The annexes that are lists: outages, and the method."""

from collections.abc import Iterator

from api.reports.method import method
from api.reports.pdf.blocks import Block, heading, listing, text
from api.reports.pdf.context import Context
from api.reports.pdf.tables import outages_table

__all__ = ["MOST_OUTAGES", "annex_method", "annex_outages"]

MOST_OUTAGES = 300
"""Outages in the annex, the longest; what is left out is counted. A district's month has tens of thousands, and a
table's cell takes ten kilobytes of memory while it is set."""


def annex_outages(here: Context) -> Iterator[Block]:
    """Yields the longest outages, and how many are left out."""
    say, numbers = here.say, here.numbers
    every = here.report.outages
    yield heading(1, say("pdf_appendix_outages"), page=True)
    if not every:
        yield text(say("pdf_no_outages" if here.report.facilities else "pdf_nothing_judged"))
        return
    shown = sorted(here.facts.longest[:MOST_OUTAGES], key=lambda one: (one.start, one.facility))
    counts = {
        "shown": numbers.count(len(shown)),
        "all": numbers.count(len(every)),
        "left": numbers.count(len(every) - len(shown)),
    }
    yield text(say("pdf_outages_all" if len(shown) == len(every) else "pdf_outages_text", **counts))
    yield outages_table(here, say("column_outages"), shown)


def annex_method(here: Context) -> Iterator[Block]:
    """Yields how everything is counted."""
    yield heading(1, here.say("pdf_appendix_method"), page=True)
    yield listing([*method(here.say), here.say("pdf_cut_text")], numbered=True)
