"""The annexes as sheets of the workbook: a sheet a table, whole, every cell with its type."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from fractions import Fraction

from xlsxwriter.format import Format  # type: ignore[import-untyped]
from xlsxwriter.workbook import Workbook  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from api.reports.annex_columns import Type
from api.reports.annexes import Annex, At, Cell, annexes
from api.reports.cells import CellSheet
from api.reports.figures import Share
from api.reports.report import Report
from api.reports.restitution import Restitution
from api.words import WORDS, Words
from siaga.model.times import local

__all__ = ["MOST_ROWS", "annex_sheets", "time_span"]

MOST_ROWS = 1_000_000
"""Rows in a sheet, which has 1,048,576 at most."""
_DAY = 86_400_000
_WIDTHS = {
    Type.TEXT: 22,
    Type.COUNT: 11,
    Type.TIME_SPAN: 13,
    Type.SHARE: 11,
    Type.RATE: 10,
    Type.TIME: 18,
    Type.DATE: 12,
}

Prepare = Callable[[Worksheet], None]


def annex_sheets(
    book: Workbook, heading: Format, prepare: Prepare, report: Report, contract: Restitution | None
) -> None:
    """Write the sheets. `prepare`: sets up a sheet for print as all others are."""
    words = WORDS[report.language]
    formats = {
        Type.TEXT: book.add_format({"num_format": "@"}),
        Type.COUNT: book.add_format({"num_format": "#,##0"}),
        Type.TIME_SPAN: book.add_format({"num_format": time_span(words)}),
        Type.SHARE: book.add_format({"num_format": "0.00%"}),
        Type.RATE: book.add_format({"num_format": "0.00"}),
        Type.TIME: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        Type.DATE: book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    for annex in annexes(report, contract):
        _sheet(
            book.add_worksheet(words(f"annex_sheet_{annex.name}"), CellSheet), heading, prepare, annex, words, formats
        )


def time_span(words: Words) -> str:
    """Returns how time spans are shown. Excel shows a negative time as #####: one below zero is a number of days."""
    return f'[h]:mm:ss;-0.00" {words("sheet_days_unit")}"'


def _sheet(
    sheet: Worksheet,
    heading: Format,
    prepare: Prepare,
    annex: Annex,
    words: Words,
    formats: Mapping[Type, Format],
) -> None:
    prepare(sheet)
    for place, (name, type_) in enumerate(annex.columns.items()):
        sheet.set_column(place, place, _WIDTHS[type_], formats[type_])
        sheet.write_string(0, place, words(f"annex_column_{name}"), heading)
    for line, row in enumerate(annex.rows[:MOST_ROWS], 1):
        for place, (cell, type_) in enumerate(zip(row, annex.columns.values(), strict=True)):
            _write(sheet, line, place, cell, type_, formats[type_])


def _write(sheet: Worksheet, line: int, place: int, cell: Cell, type_: Type, form: Format) -> None:
    """One cell; nothing where there is no value."""
    match cell:
        case None:
            return
        case str():
            sheet.write_string(line, place, cell, form)
        case At():
            sheet.write_datetime(line, place, local(cell.time, cell.timezone), form)
        case date():
            sheet.write_datetime(line, place, datetime.combine(cell, time()), form)
        case Share():
            share = cell.cut(4)
            if share is not None:
                sheet.write_number(line, place, share, form)
        case int() | Fraction():
            sheet.write_number(line, place, float(cell) / _DAY if type_ is Type.TIME_SPAN else float(cell), form)
