"""A report as XLSX: a sheet a level, one of outages, one of changes, one of the method.

Every cell has a type: durations are durations, shares percentages, times times by the village's own clock. A text stays
a text whatever it begins with: no cell is a formula or a link. Rows are written one after the other and kept nowhere.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction

import xlsxwriter  # type: ignore[import-untyped]  # it has no types; what is given to it is checked here
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from api.reports.annex_sheets import annex_sheets, time_span
from api.reports.cells import CellSheet
from api.reports.columns import OUTAGE_COLUMNS, ROW_COLUMNS, Column, outage_facts, row_values, shares
from api.reports.facility import Outage
from api.reports.figures import Share
from api.reports.levels import Level
from api.reports.method import method
from api.reports.numbers import Numbers
from api.reports.report import Report, Row
from api.reports.restitution import Restitution
from api.words import WORDS
from siaga.model.times import local
from siaga.timeline.availability import Availability

__all__ = ["CHANGES", "FACTS", "MOST_OUTAGES", "SHEETS", "as_xlsx"]

MOST_OUTAGES = 1_000_000
"""Outages in a sheet, which has 1,048,576 rows at most; what is left out is counted in the sheet of the method."""
SHEETS = ("outages", "change", "method")
"""Sheets beside those of the levels and of the annexes."""
CHANGES = {"low_before": Column.SHARE, "low_change": Column.SHARE, "failed_change": Column.SECONDS}
"""Columns of each earlier period."""
FACTS = ("period", "scope", "generated_at", "provisional", "outages_shown", "outages_left_out")
"""What the sheet of the method says of the report."""
_DAY = 86_400
_COVERAGE = 0.95
"""Below it the contract judges no day as met."""
_DECIMALS = 4
"""Shares are cut to so many: as per cent, two."""
_WIDTHS = {Column.TEXT: 24, Column.COUNT: 11, Column.SECONDS: 13, Column.SHARE: 13, Column.TIME: 18}


def as_xlsx(report: Report, contract: Restitution | None = None) -> bytes:
    """Returns the report as a workbook; the same report gives the same bytes. `contract`: what downtime pays back."""
    return _Workbook(report, contract).made()


class _Workbook:
    """One workbook while it is written."""

    def __init__(self, report: Report, contract: Restitution | None) -> None:
        self._report, self._contract = report, contract
        self._words, self._numbers = WORDS[report.language], Numbers(report.language)
        self._out = io.BytesIO()
        self._book = xlsxwriter.Workbook(
            self._out,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        made = datetime.fromtimestamp(report.generated_at // 1000, UTC).replace(tzinfo=None)
        title = f"{self._words('sheet_title')} {self._numbers.period(report.period)}"
        self._book.set_properties({"title": title, "author": "siaga", "created": made})
        duration = time_span(self._words)
        self._formats = {
            Column.TEXT: self._book.add_format({"num_format": "@"}),
            Column.COUNT: self._book.add_format({"num_format": "#,##0"}),
            Column.SECONDS: self._book.add_format({"num_format": duration}),
            Column.SHARE: self._book.add_format({"num_format": "0.00%"}),
            Column.TIME: self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        self._change = self._book.add_format({"num_format": "+0.00%;-0.00%;0.00%"})
        self._heading = self._book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#E7E6E6"}
        )
        self._wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        # Both differ in print without colours, too: by weight and slant
        self._overspent = self._book.add_format({"bg_color": "#F4B6B0", "font_color": "#7F0000", "bold": True})
        self._little_known = self._book.add_format({"bg_color": "#FFEFB8", "font_color": "#5C4400", "italic": True})

    def made(self) -> bytes:
        """Write all sheets."""
        by_level: Mapping[Level, Sequence[Row]] = {
            level: [row for row in self._report.rows if row.level is level] for level in self._report.levels
        }
        for level, rows in by_level.items():
            self._rows(level, rows)
        self._outages(self._report.outages[:MOST_OUTAGES])
        if any(row.before is not None or row.a_year_ago is not None for row in self._report.rows):
            self._changes()
        annex_sheets(self._book, self._heading, _for_print, self._report, self._contract)
        self._method()
        self._book.close()
        return self._out.getvalue()

    def _sheet(self, name: str, headings: Mapping[str, Column], texts: Sequence[str], frozen: int) -> Worksheet:
        sheet = self._book.add_worksheet(self._words(f"sheet_{name}"), CellSheet)
        _for_print(sheet, frozen)
        for place, (heading, column) in enumerate(zip(texts, headings.values(), strict=True)):
            sheet.set_column(place, place, _WIDTHS[column], self._formats[column])
            sheet.write_string(0, place, heading, self._heading)
        return sheet

    def _rows(self, level: Level, rows: Sequence[Row]) -> None:
        headings = [self._words(f"column_{name}") for name in ROW_COLUMNS]
        sheet = self._sheet(level.value, ROW_COLUMNS, headings, 3)
        places = list(ROW_COLUMNS)
        if rows:
            left, coverage = places.index("left_s"), places.index("coverage")
            below = {"type": "cell", "criteria": "<"}
            sheet.conditional_format(1, left, len(rows), left, below | {"value": 0, "format": self._overspent})
            # An empty cell is less than any share: it is not coloured
            blank = {"type": "blanks", "stop_if_true": True, "format": None}
            for place in (left, coverage):
                sheet.conditional_format(1, place, len(rows), place, blank)
            sheet.conditional_format(
                1, coverage, len(rows), coverage, below | {"value": _COVERAGE, "format": self._little_known}
            )
        for line, row in enumerate(rows, 1):
            cut = shares(row)
            for place, (name, value) in enumerate(row_values(row).items()):
                column = ROW_COLUMNS[name]
                if column is Column.SHARE:
                    value = cut[name].cut(_DECIMALS) if name in cut else _cut(row.target)  # noqa: PLW2901
                self._write(sheet, line, place, column, value)

    def _outages(self, outages: Sequence[Outage]) -> None:
        headings = [self._words(f"column_{name}") for name in OUTAGE_COLUMNS]
        sheet = self._sheet("outages", OUTAGE_COLUMNS, headings, 1)
        cause = list(OUTAGE_COLUMNS).index("cause")
        kinds = [(place, column, self._formats[column]) for place, column in enumerate(OUTAGE_COLUMNS.values())]
        for line, outage in enumerate(outages, 1):
            timezone = self._report.timezones[outage.facility.partition("/")[0]]
            for (place, column, form), value in zip(kinds, outage_facts(outage), strict=True):
                if column is Column.TIME:
                    if isinstance(value, int):
                        sheet.write_datetime(line, place, local(value, timezone), form)
                elif place == cause:
                    self._write(sheet, line, place, column, self._words.cause("failed", outage.cause))
                else:
                    self._write(sheet, line, place, column, value)

    def _changes(self) -> None:
        rows = self._report.rows
        before, year = self._report.period.earlier
        every = (before, [row.before for row in rows]), (year, [row.a_year_ago for row in rows])
        earlier = [
            (self._numbers.period(period), found)
            for period, found in every
            if period is not None and any(one is not None for one in found)
        ]
        columns: dict[str, Column] = dict.fromkeys(("level", "id", "name", "kind"), Column.TEXT)
        texts = [self._words(f"column_{name}") for name in columns]
        columns |= {"since": Column.TIME, "low_now": Column.SHARE}
        texts += [self._words("sheet_since"), self._words("sheet_low_now")]
        for number, (name, _) in enumerate(earlier):
            for key, column in CHANGES.items():
                columns[f"{key}_{number}"] = column
                texts.append(self._words(f"sheet_{key}", period=name))
        sheet = self._sheet("change", columns, texts, 3)
        for line, row in enumerate(self._report.rows, 1):
            for place, text in enumerate((row.level.value, row.id, row.name, row.kind)):
                self._write(sheet, line, place, Column.TEXT, text)
            self._write_since(sheet, line, 4, row)
            self._write(sheet, line, 5, Column.SHARE, row.figures.low.cut(_DECIMALS))
            for number, (_, found) in enumerate(earlier):
                self._write_change(sheet, line, 6 + 3 * number, row, found[line - 1])

    def _write_since(self, sheet: Worksheet, line: int, place: int, row: Row) -> None:
        """From when it is judged, by the clock of its village; of a region by that of its first one."""
        village = row.id.partition("/")[0]
        timezones = self._report.timezones
        prefix = "" if village == "*" else village
        timezone = timezones.get(village) or next(zone for code, zone in timezones.items() if code.startswith(prefix))
        sheet.write_datetime(line, place, local(row.since, timezone), self._formats[Column.TIME])

    def _write_change(self, sheet: Worksheet, line: int, place: int, row: Row, before: Availability | None) -> None:
        if before is None:
            return
        then = Share(before.met, before.counted).cut(_DECIMALS)
        now = row.figures.low.cut(_DECIMALS)
        self._write(sheet, line, place, Column.SHARE, then)
        if then is not None and now is not None:
            sheet.write_number(line, place + 1, round(now - then, _DECIMALS), self._change)
        change = (row.figures.availability.failed - before.failed) / 1000
        self._write(sheet, line, place + 2, Column.SECONDS, change)

    def _method(self) -> None:
        words = self._words
        sheet = self._book.add_worksheet(words("sheet_method"), CellSheet)
        sheet.set_column(0, 0, 32)
        sheet.set_column(1, 1, 90, self._wrapped)
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.write_string(0, 0, words("sheet_title"), self._heading)
        for line, (key, value) in enumerate(zip(FACTS, self._facts(), strict=True), 1):
            sheet.write_string(line, 0, words(f"sheet_{key}"))
            if isinstance(value, str):
                sheet.write_string(line, 1, value, self._wrapped)
            else:
                sheet.write_number(line, 1, value, self._formats[Column.COUNT])
        for line, sentence in enumerate(method(words), 9):
            sheet.write_string(line, 1, sentence, self._wrapped)

    def _facts(self) -> Iterator[str | int]:
        report = self._report
        shown = min(len(report.outages), MOST_OUTAGES)
        yield self._numbers.whole_period(report.period)
        yield self._words("pdf_everything") if report.scopes.everything else ", ".join(report.scopes.texts)
        yield f"{datetime.fromtimestamp(report.generated_at // 1000, UTC):%Y-%m-%d %H:%M:%S}"
        yield self._words("sheet_yes" if report.provisional else "sheet_no")
        yield shown
        yield len(report.outages) - shown

    def _write(self, sheet: Worksheet, line: int, place: int, column: Column, value: str | float | None) -> None:
        """One cell; nothing where there is no value."""
        if value is None:
            return
        if isinstance(value, str):
            sheet.write_string(line, place, value, self._formats[Column.TEXT])
        elif column is Column.SECONDS:
            sheet.write_number(line, place, value / _DAY, self._formats[column])
        else:
            sheet.write_number(line, place, value, self._formats[column])


def _for_print(sheet: Worksheet, frozen: int = 1) -> None:
    """Freeze the headings and the first columns; A4, all columns on one page, headings on every page."""
    sheet.freeze_panes(1, frozen)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&A&R&P / &N")


def _cut(target: Fraction | None) -> float | None:
    return None if target is None else Share(target.numerator, target.denominator).cut(_DECIMALS)
