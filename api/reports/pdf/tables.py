"""Tables that stand in several chapters: the shares and times of indicators, and outages."""

from collections.abc import Sequence
from fractions import Fraction

from api.reports.facility import JudgedFacility, Outage
from api.reports.figures import Figures
from api.reports.numbers import NOTHING
from api.reports.pdf.blocks import Block, Column, column, long_table, table
from api.reports.pdf.context import Context
from api.reports.pdf.facts import goal, target_of
from siaga.model.indicators import INDICATORS
from siaga.timeline.availability import Availability

__all__ = ["SHARES", "TIMES", "by_indicator", "left_of", "outages_table", "share_columns", "shares", "times"]

SHARES = ("facilities", "target", "low", "high", "measured", "coverage")
"""Columns of `shares`, beside the verdict."""
_SHORT = 90
"""Characters of a name in the summary, which is one page."""
TIMES = ("required", "met", "failed", "unknown", "excused", "later")
"""Columns of `times`."""


def by_indicator(here: Context) -> Block:
    """The shares of each indicator, and of all together."""
    say = here.say
    columns = [column(say("pdf_head_no")), column(say("pdf_head_indicator"), 2.3), *share_columns(here)]
    rows = [
        [
            str(INDICATORS[one.kind].number),
            say.kind(one.kind),
            *shares(here, one.figures, one.target),
        ]
        for one in here.facts.kinds
    ]
    rows.append(["", say("pdf_total"), *shares(here, here.facts.everything, None)])
    return table(say("pdf_by_indicator"), columns, rows, [len(rows) - 1])


def share_columns(here: Context) -> list[Column]:
    """Returns the columns of `shares`."""
    say = here.say
    return [*(column(say(f"pdf_head_{name}"), 1, "right") for name in SHARES), column(say("pdf_head_verdict"), 1)]


def shares(here: Context, figures: Figures, target: Fraction | None) -> list[str]:
    """Returns the shares of some figures, as cells."""
    numbers = here.numbers
    shares = (figures.low, figures.high, figures.measured, figures.coverage)
    verdict = here.say(f"pdf_verdict_{goal(figures, target)}")
    return [numbers.count(figures.facilities), numbers.target(target), *map(numbers.percent, shares), verdict]


def times(here: Context) -> Block:
    """The times of each indicator, and of all together."""
    say = here.say
    columns = [column(say("pdf_head_indicator"), 1.5), *(column(say(f"pdf_head_{name}"), 1, "right") for name in TIMES)]
    every = [(say.kind(one.kind), one.figures.availability) for one in here.facts.kinds]
    rows = [
        [name, *map(here.numbers.duration, _times_of(time))]
        for name, time in (*every, (say("pdf_total"), here.facts.everything.availability))
    ]
    return table(say("pdf_times"), columns, rows, [len(rows) - 1])


def outages_table(here: Context, caption: str, outages: Sequence[Outage], *, acknowledged: bool = True) -> Block:
    """Returns outages as a table; `acknowledged`: with who acknowledged them, else as short as the summary asks."""
    say = here.say
    columns = [
        column(say("pdf_head_facility"), 2.6),
        column(say("pdf_head_start"), 1.3),
        column(say("pdf_head_end"), 1.3),
        column(say("pdf_head_duration"), 1, "right"),
        column(say("pdf_head_cause"), 1.7),
    ]
    if acknowledged:
        columns.append(column(say("pdf_head_acknowledged"), 1.5))
    return long_table(caption, columns, [_outage(here, outage, acknowledged) for outage in outages])


def _outage(here: Context, outage: Outage, acknowledged: bool) -> list[str]:
    code = outage.facility.partition("/")[0]
    village, timezone = here.villages[code], here.report.timezones[code]
    numbers, alert = here.numbers, outage.alert
    names = [here.names[outage.facility], village.name]
    if not acknowledged:
        names = [_shortened(name) for name in names]
    cells = [
        f"{names[0]}, {names[1]} ({code})",
        numbers.time(outage.start, timezone),
        here.say("pdf_goes_on") if outage.end is None else numbers.time(outage.end, timezone),
        numbers.duration(outage.lasts),
        here.say.cause("failed", outage.cause) or NOTHING,
    ]
    if not acknowledged:
        return cells
    if alert is None or alert.acknowledged_at is None:
        return [*cells, NOTHING]
    who = alert.acknowledged_by or NOTHING
    return [*cells, here.say("pdf_acknowledged", name=who, time=numbers.time(alert.acknowledged_at, timezone))]


def _shortened(name: str) -> str:
    return name if len(name) <= _SHORT else f"{name[: _SHORT - 1]}…"


def left_of(here: Context, one: JudgedFacility) -> str:
    """Returns what is left of a facility's budget, as text."""
    return here.numbers.duration(one.figures.budget(target_of(one)).left * 1000)


def _times_of(time: Availability) -> tuple[int, ...]:
    return time.required, time.met, time.failed, time.unknown, time.excused, time.excused_later
