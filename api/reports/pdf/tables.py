"""Tables that stand in several chapters: the shares and times of indicators, and outages."""

from collections.abc import Sequence
from fractions import Fraction

from api.reports.facility import JudgedFacility, Outage
from api.reports.figures import Figures
from api.reports.pdf.blocks import Block, Column, column, table
from api.reports.pdf.context import Context
from api.reports.pdf.facts import goal, target_of
from api.reports.pdf.numbers import NOTHING
from siaga.model.indicators import INDICATORS
from siaga.timeline.availability import Availability

__all__ = ["by_indicator", "left_of", "outages_table", "share_columns", "shares", "times"]


def by_indicator(here: Context) -> Block:
    """The shares of each indicator, and of all together."""
    say = here.say
    columns = [column(say("head_no")), column(say("head_indicator"), 2.3), *share_columns(here)]
    rows = [
        [
            str(INDICATORS[one.kind].number),
            say.words.kind(one.kind),
            *shares(here, one.figures, one.target),
        ]
        for one in here.facts.kinds
    ]
    rows.append(["", say("total"), *shares(here, here.facts.everything, None)])
    return table(say("by_indicator"), columns, rows, [len(rows) - 1])


def share_columns(here: Context) -> list[Column]:
    """Returns the columns of `shares`."""
    say = here.say
    keys = ("head_facilities", "head_target", "head_low", "head_high", "head_measured", "head_coverage")
    return [*(column(say(key), 1, "right") for key in keys), column(say("head_verdict"), 1)]


def shares(here: Context, figures: Figures, target: Fraction | None) -> list[str]:
    """Returns the shares of some figures, as cells."""
    numbers = here.numbers
    shares = (figures.low, figures.high, figures.measured, figures.coverage)
    verdict = here.say(f"verdict_{goal(figures, target)}")
    return [numbers.count(figures.facilities), numbers.target(target), *map(numbers.percent, shares), verdict]


def times(here: Context) -> Block:
    """The times of each indicator, and of all together."""
    say = here.say
    keys = ("head_required", "head_met", "head_failed", "head_unknown", "head_excused", "head_later")
    columns = [column(say("head_indicator"), 1.5), *(column(say(key), 1, "right") for key in keys)]
    every = [(say.words.kind(one.kind), one.figures.availability) for one in here.facts.kinds]
    rows = [
        [name, *map(here.numbers.duration, _times_of(time))]
        for name, time in (*every, (say("total"), here.facts.everything.availability))
    ]
    return table(say("times"), columns, rows, [len(rows) - 1])


def outages_table(here: Context, caption: str, outages: Sequence[Outage], *, acknowledged: bool = True) -> Block:
    """Returns outages as a table; `acknowledged`: with who acknowledged them."""
    say = here.say
    columns = [
        column(say("head_facility"), 2.6),
        column(say("head_start"), 1.3),
        column(say("head_end"), 1.3),
        column(say("head_duration"), 1, "right"),
        column(say("head_cause"), 1.7),
    ]
    if acknowledged:
        columns.append(column(say("head_acknowledged"), 1.5))
    return table(caption, columns, [_outage(here, outage, acknowledged) for outage in outages])


def _outage(here: Context, outage: Outage, acknowledged: bool) -> list[str]:
    code = outage.facility.partition("/")[0]
    village, timezone = here.villages[code], here.report.timezones[code]
    numbers, alert = here.numbers, outage.alert
    cells = [
        f"{here.names[outage.facility]}, {village.name} ({code})",
        numbers.time(outage.start, timezone),
        here.say("goes_on") if outage.end is None else numbers.time(outage.end, timezone),
        numbers.duration(outage.lasts),
        here.say.cause("failed", outage.cause) or NOTHING,
    ]
    if not acknowledged:
        return cells
    if alert is None or alert.acknowledged_at is None:
        return [*cells, NOTHING]
    who = alert.acknowledged_by or NOTHING
    return [*cells, here.say("acknowledged", name=who, time=numbers.time(alert.acknowledged_at, timezone))]


def left_of(here: Context, one: JudgedFacility) -> str:
    """Returns what is left of a facility's budget, as text."""
    return here.numbers.duration(one.figures.budget(target_of(one)).left * 1000)


def _times_of(time: Availability) -> tuple[int, ...]:
    return time.required, time.met, time.failed, time.unknown, time.excused, time.excused_later
