"""The figures of a row and of an outage by name, in the contract's order: one place for all forms.

Every form takes its numbers from here, so that a cell of CSV or XLSX is the number that JSON has.
"""

from collections.abc import Mapping
from enum import Enum
from fractions import Fraction

from api.queries.seconds import exact, parts, seconds
from api.reports.facility import Outage
from api.reports.figures import Share
from api.reports.report import Row
from siaga.model.times import rfc3339

__all__ = ["OUTAGE_COLUMNS", "ROW_COLUMNS", "Column", "Number", "outage_facts", "outage_values", "row_values", "shares"]

Number = int | float | None


class Column(Enum):
    """What kind of value a column has."""

    TEXT = "text"
    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"
    TIME = "time"


ROW_COLUMNS: Mapping[str, Column] = {
    "level": Column.TEXT,
    "id": Column.TEXT,
    "name": Column.TEXT,
    "kind": Column.TEXT,
    "facilities": Column.COUNT,
    "required_s": Column.SECONDS,
    "met_s": Column.SECONDS,
    "failed_s": Column.SECONDS,
    "unknown_s": Column.SECONDS,
    "excused_s": Column.SECONDS,
    "excused_later_s": Column.SECONDS,
    "availability_low": Column.SHARE,
    "availability_high": Column.SHARE,
    "coverage": Column.SHARE,
    "measured": Column.SHARE,
    "outages": Column.COUNT,
    "longest_outage_s": Column.SECONDS,
    "mttr_s": Column.SECONDS,
    "mtbf_s": Column.SECONDS,
    "days_met": Column.COUNT,
    "days_missed": Column.COUNT,
    "days_unjudged": Column.COUNT,
    "days_not_required": Column.COUNT,
    "days_provisional": Column.COUNT,
    "target": Column.SHARE,
    "budget_s": Column.SECONDS,
    "left_s": Column.SECONDS,
}
"""The columns of a row, in order."""

OUTAGE_COLUMNS: Mapping[str, Column] = {
    "facility": Column.TEXT,
    "start": Column.TIME,
    "end": Column.TIME,
    "duration_s": Column.SECONDS,
    "cause": Column.TEXT,
    "alert": Column.TEXT,
    "acknowledged_by": Column.TEXT,
    "acknowledged_at": Column.TIME,
}
"""The columns of an outage, in order."""


def row_values(row: Row) -> dict[str, str | Number]:
    """The values of a row by the names of `ROW_COLUMNS`, in their order. Shares are not rounded."""
    figures, budget = row.figures, row.budget
    found = figures.availability
    required, met, failed, unknown = parts(found.met, found.failed, found.unknown)
    return {
        "level": row.level.value,
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "facilities": figures.facilities,
        "required_s": required,
        "met_s": met,
        "failed_s": failed,
        "unknown_s": unknown,
        "excused_s": seconds(found.excused),
        "excused_later_s": seconds(found.excused_later),
        "availability_low": figures.low.ratio,
        "availability_high": figures.high.ratio,
        "coverage": figures.coverage.ratio,
        "measured": figures.measured.ratio,
        "outages": figures.outages,
        "longest_outage_s": seconds(figures.longest_outage) if figures.outages else None,
        "mttr_s": _seconds(figures.mttr),
        "mtbf_s": _seconds(figures.mtbf),
        "days_met": figures.days.met,
        "days_missed": figures.days.missed,
        "days_unjudged": figures.days.unjudged,
        "days_not_required": figures.days.not_required,
        "days_provisional": figures.days.provisional,
        "target": None if row.target is None else float(row.target),
        "budget_s": None if budget is None else exact(budget.whole),
        "left_s": None if budget is None else exact(budget.left),
    }


def shares(row: Row) -> dict[str, Share]:
    """The shares of a row by their columns, for who cuts them."""
    figures = row.figures
    return {
        "availability_low": figures.low,
        "availability_high": figures.high,
        "coverage": figures.coverage,
        "measured": figures.measured,
    }


def outage_facts(outage: Outage) -> tuple[str | Number, ...]:
    """The values of an outage in the order of `OUTAGE_COLUMNS`; times in milliseconds."""
    alert = outage.alert
    length = seconds(outage.lasts)
    if alert is None:
        return outage.facility, outage.start, outage.end, length, outage.cause, None, None, None
    by, at = alert.acknowledged_by, alert.acknowledged_at
    return outage.facility, outage.start, outage.end, length, outage.cause, alert.id, by, at


def outage_values(outage: Outage) -> dict[str, str | Number]:
    """The values of an outage by the names of `OUTAGE_COLUMNS`, in their order; times in UTC."""
    values = dict(zip(OUTAGE_COLUMNS, outage_facts(outage), strict=True))
    values["start"] = rfc3339(outage.start)
    values["end"] = rfc3339(outage.end)
    values["acknowledged_at"] = None if outage.alert is None else rfc3339(outage.alert.acknowledged_at)
    return values


def _seconds(milliseconds: Fraction | None) -> Number:
    return None if milliseconds is None else exact(milliseconds / 1000)
