"""The summary: what a report comes to, on one page."""

from collections.abc import Iterator

from api.reports.figures import Figures, Share
from api.reports.pdf.blocks import Block, heading, listing, text
from api.reports.pdf.context import NAMED, Context
from api.reports.pdf.facts import Goal
from api.reports.pdf.tables import by_indicator, outages_table

__all__ = ["summary"]


def summary(here: Context) -> Iterator[Block]:
    """Yields the three shares, the indicators and the longest outages."""
    say, found = here.say, here.facts
    yield heading(1, say("pdf_summary"), page=True)
    yield text(f"{here.scope(NAMED)}, {here.numbers.period(here.report.period)}")
    if not here.report.facilities:
        yield text(say("pdf_nothing_judged"))
        return
    yield {"kind": "figures", "items": _three(here, found.everything)}
    yield listing([*_known_of(here, found.everything)])
    yield by_indicator(here)
    if not found.longest:
        yield text(say("pdf_no_outages"))
    else:
        yield outages_table(here, say("pdf_longest_three"), found.longest[:3], acknowledged=False)


def _three(here: Context, figures: Figures) -> list[dict[str, str]]:
    say, numbers, time = here.say, here.numbers, figures.availability
    unknown = Share(time.unknown, time.required)
    met, required = numbers.duration(time.met), numbers.duration(time.required)
    return [
        {
            "name": say("pdf_low"),
            "value": numbers.percent(figures.low),
            "note": say("pdf_low_note", met=met, counted=numbers.duration(time.counted)),
        },
        {
            "name": say("pdf_measured"),
            "value": numbers.percent(figures.measured),
            "note": say("pdf_measured_note", met=met, required=required),
        },
        {
            "name": say("pdf_not_known"),
            "value": numbers.percent(unknown),
            "note": say("pdf_not_known_note", unknown=numbers.duration(time.unknown), required=required),
        },
    ]


def _known_of(here: Context, figures: Figures) -> Iterator[str]:
    say, numbers, goals, time = here.say, here.numbers, here.facts.goals, figures.availability
    yield say("pdf_high_note", high=numbers.percent(figures.high))
    yield say("pdf_excuses", excused=numbers.duration(time.excused), later=numbers.duration(time.excused_later))
    yield say(
        "pdf_goals",
        count=numbers.count(figures.facilities),
        achieved=numbers.count(goals[Goal.ACHIEVED]),
        missed=numbers.count(goals[Goal.MISSED]),
        open=numbers.count(goals[Goal.OPEN] + goals[Goal.NONE]),
    )
