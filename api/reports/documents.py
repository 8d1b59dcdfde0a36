"""A report as JSON: contract, section 7, `GET /reports/availability`."""

import orjson

from api.queries.seconds import seconds
from api.reports.columns import outage_values, row_values
from api.reports.report import Report, Row
from siaga.model.times import rfc3339

__all__ = ["as_json", "document", "row_document"]

_DAYS = ("met", "missed", "unjudged", "not_required", "provisional")


def as_json(report: Report) -> bytes:
    """Returns the report as UTF-8 JSON."""
    return orjson.dumps(document(report))


def document(report: Report) -> dict[str, object]:
    """Returns the report as the value that its JSON holds."""
    return {
        "from": report.period.start.isoformat(),
        "to": report.period.end.isoformat(),
        "generated_at": rfc3339(report.generated_at),
        "provisional": report.provisional,
        "rows": [row_document(row) for row in report.rows],
        "outages": [outage_values(outage) for outage in report.outages],
    }


def row_document(row: Row) -> dict[str, object]:
    """Returns one row as JSON has it: the columns, with days and causes as objects."""
    values: dict[str, object] = dict(row_values(row))
    days = {name: values.pop(f"days_{name}") for name in _DAYS}
    ends = {name: values.pop(name) for name in ("target", "budget_s", "left_s")}
    causes = {
        "failed": {cause: seconds(time) for cause, time in sorted(row.figures.failed_by.items())},
        "unknown": {cause: seconds(time) for cause, time in sorted(row.figures.unknown_by.items())},
    }
    return {**values, "days": days, "causes": causes, **ends}
