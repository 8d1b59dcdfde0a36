"""A report as CSV (RFC 4180): UTF-8, CRLF, decimal points, a line a row."""

import csv
import io

from api.reports.columns import ROW_COLUMNS, Column, row_values
from api.reports.report import Report

__all__ = ["as_csv", "harmless"]

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""What makes a spreadsheet take a text for a formula, as its first character; full-width forms among them."""


def as_csv(report: Report) -> bytes:
    """Returns the report as CSV. What is `null` in JSON is empty here."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)  # the excel dialect: commas, CRLF, quotes where they are needed
    writer.writerow(ROW_COLUMNS)
    texts = {name for name, column in ROW_COLUMNS.items() if column is Column.TEXT}
    for row in report.rows:
        writer.writerow(
            harmless(value) if name in texts and isinstance(value, str) else _number(value)
            for name, value in row_values(row).items()
        )
    return out.getvalue().encode()


def harmless(text: str) -> str:
    """The text as a spreadsheet shows it, and does not calculate it: with a `'` before what begins like a formula."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA) else text


def _number(value: str | float | None) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
