"""Chapter C, Results: by indicator, by region, against earlier periods, below target, outages, causes."""

from collections.abc import Iterator

from api.reports.factors import Factors
from api.reports.figures import Share
from api.reports.levels import Level
from api.reports.numbers import NOTHING
from api.reports.pdf.blocks import Block, column, heading, table, text
from api.reports.pdf.causes import by_cause
from api.reports.pdf.context import Context
from api.reports.pdf.facts import target_of
from api.reports.pdf.tables import by_indicator, left_of, outages_table, share_columns, shares, times
from siaga.model.indicators import INDICATORS
from siaga.timeline.availability import Availability

__all__ = ["results"]

_WORST = 10
_CAUSES = 10


def results(here: Context) -> Iterator[Block]:
    """Yields the chapter."""
    say = here.say
    yield heading(1, say("pdf_results"))
    if not here.report.facilities:
        yield text(say("pdf_nothing_judged"))
        return
    yield heading(2, say("pdf_results_indicator"))
    yield by_indicator(here)
    yield times(here)
    yield heading(2, say("pdf_results_region"))
    yield _by_region(here)
    yield heading(2, say("pdf_results_change"))
    yield _change(here)
    yield heading(2, say("pdf_results_below"))
    yield from _below(here)
    yield heading(2, say("pdf_results_outages"))
    longest = here.facts.longest[:_WORST]
    yield outages_table(here, say("pdf_longest"), longest) if longest else text(say("pdf_no_outages"))
    yield heading(2, say("pdf_results_causes"))
    yield _causes(here)
    if here.issue is not None and here.issue.factors:
        yield heading(2, say("pdf_results_factors"))
        yield _factors(here, here.issue.factors)


def _by_region(here: Context) -> Block:
    say = here.say
    rows = [row for row in here.report.rows if row.level is Level.SUBDISTRICT]
    if len(rows) < 2:
        return text(say("pdf_no_regions"))
    columns = [column(say("pdf_head_region"), 2.3), *share_columns(here)[:-1]]
    cells = [[here.region(row.id), *shares(here, row.figures, None)[:-1]] for row in rows]
    return table(say("pdf_by_region"), columns, cells)


def _change(here: Context) -> Block:
    say, numbers, period = here.say, here.numbers, here.report.period
    rows = [(say.kind(one.kind), one.figures.low, one.before, one.a_year_ago) for one in here.facts.kinds]
    last, year = period.earlier
    earlier = [(last, [row[2] for row in rows]), (year, [row[3] for row in rows])]
    shown = [(which, found) for which, found in earlier if which is not None and any(one is not None for one in found)]
    if not shown:
        return text(say("pdf_no_change"))
    columns = [column(say("pdf_head_indicator"), 2.4), column(numbers.period(period), 1, "right")]
    for which, _ in shown:
        columns += [column(numbers.period(which), 1, "right"), column(say("pdf_head_change"), 1, "right")]
    cells = []
    for place, (name, low, *_) in enumerate(rows):
        line = [name, numbers.percent(low)]
        for _, found in shown:
            before = _low(found[place])
            line += [numbers.percent(before), numbers.change(before, low)]
        cells.append(line)
    return table(say("pdf_change"), columns, cells)


def _below(here: Context) -> Iterator[Block]:
    say, numbers, below = here.say, here.numbers, here.facts.below
    if not below:
        yield text(say("pdf_below_none"))
        return
    yield text(say("pdf_below_text", count=numbers.count(len(below))))
    if len(below) > _WORST:
        rest = numbers.count(len(below) - _WORST)
        yield text(say("pdf_below_shown", shown=numbers.count(_WORST), rest=rest))
    columns = [
        column(say("pdf_head_facility"), 2),
        column(say("pdf_head_village"), 2),
        column(say("pdf_head_target"), 1, "right"),
        column(say("pdf_head_low"), 1, "right"),
        column(say("pdf_head_high"), 1, "right"),
        column(say("pdf_head_failed"), 1.2, "right"),
        column(say("pdf_head_left"), 1.2, "right"),
    ]
    rows = [
        [
            one.facility.name,
            f"{one.village.name} ({one.village.code})",
            numbers.target(target_of(one)),
            numbers.percent(one.figures.low),
            numbers.percent(one.figures.high),
            numbers.duration(one.figures.availability.failed),
            left_of(here, one),
        ]
        for one in below[:_WORST]
    ]
    yield table(say("pdf_below"), columns, rows)


def _factors(here: Context, factors: Factors) -> Block:
    """What people wrote, in the order of the programme's indicators."""
    say = here.say
    columns = [
        column(say("pdf_head_indicator"), 1),
        column(say("pdf_head_hindrance"), 2),
        column(say("pdf_head_follow_up"), 2),
    ]
    ordered = sorted(factors.items(), key=lambda item: INDICATORS[item[0]].number)
    rows = [[say.kind(kind), one.hindrance or NOTHING, one.follow_up or NOTHING] for kind, one in ordered]
    return table(say("pdf_factors"), columns, rows)


def _causes(here: Context) -> Block:
    say, numbers = here.say, here.numbers
    figures = here.facts.everything
    found = by_cause(figures)
    if not found:
        return text(say("pdf_causes_none"))
    columns = [
        column(say("pdf_head_state"), 1),
        column(say("pdf_head_cause"), 2.5),
        column(say("pdf_head_duration"), 1, "right"),
        column(say("pdf_head_share"), 1, "right"),
    ]
    rows = [
        [
            say(f"pdf_head_{state}"),
            say.cause(state, cause) or NOTHING,
            numbers.duration(time),
            numbers.percent(Share(time, figures.availability.required)),
        ]
        for state, cause, time in found[: 2 * _CAUSES]
    ]
    return table(say("pdf_causes"), columns, rows)


def _low(found: Availability | None) -> Share:
    return Share(0, 0) if found is None else Share(found.met, found.counted)
